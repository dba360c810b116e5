"""`sitewarden rules`: list the shipped packs, say one in words, check one of your own."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from sitewarden import cli, documents
from sitewarden.errors import UsageError
from sitewarden.rules import describe
from sitewarden.rules.model import Rule
from sitewarden.rules.packs import RulePack, built_in_packs, load_pack, mistakes, schema

CLOUDS = (Path("cloud.yaml"), Path("/etc/sitewarden/cloud.yaml"))
"""Where a cloud's settings are looked for."""
FOUND = 2
"""What a file with mistakes gives: the same as any wrong configuration."""


def register(subparsers: Any) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("rules", help="rule packs: list, show, check, schema")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the shipped packs").set_defaults(run=_list)
    show = actions.add_parser(
        "show",
        help="a pack in words, or the limits in force on a site (of a gateway: `sitewarden edge rules`)",
    )
    show.add_argument("name", metavar="PACK|SITE", help="a shipped pack by its name, a file, or a site")
    show.add_argument(
        "--config",
        type=Path,
        help=f"cloud.yaml whose database knows the site; default {CLOUDS[0]} here, or {CLOUDS[1]}",
    )
    show.add_argument("--json", action="store_true", help="the same as JSON")
    show.set_defaults(run=_show)
    check = actions.add_parser("check", help="check a pack of your own; says every mistake")
    check.add_argument("file", type=Path)
    check.set_defaults(run=_check)
    actions.add_parser("schema", help="print the JSON Schema for your editor").set_defaults(run=_schema)


def _list(_: argparse.Namespace) -> int:
    for name in built_in_packs():
        pack = load_pack(name, Path())
        print(f"{name:20} {len(pack.rules):3} rules  {describe.both(pack.title)}")
    return 0


def _show(args: argparse.Namespace) -> int:
    if args.config is None and (args.name.endswith(".yaml") or args.name in built_in_packs()):
        return _show_pack(args)
    config = args.config or next(filter(Path.is_file, CLOUDS), None)
    if config is None:
        raise UsageError(
            f"`{args.name}` is no shipped pack ({', '.join(built_in_packs())}); of a site say which cloud"
            " knows it, with --config cloud.yaml"
        )
    # The cloud's own command knows its database, and says what to install where it is absent.
    as_json = ["--json"] if args.json else []
    return cli.main(["cloud", "rules", str(config), "--site", args.name, *as_json])


def _show_pack(args: argparse.Namespace) -> int:
    pack = load_pack(args.name, Path())
    if args.json:
        print(msgspec.json.encode(pack).decode())
        return 0
    for line in (*_asked(pack), *(line for rule in pack.rules for line in in_words(rule))):
        print(line)
    return 0


def _asked(pack: RulePack) -> Iterator[str]:
    yield f"{pack.pack}: {describe.both(pack.title)}"
    yield f"source: {pack.source}"
    for name, asked in pack.parameters.items():
        unit = f", {asked.unit}" if asked.unit else ""
        choices = f", one of {', '.join(map(describe.word, asked.choices))}" if asked.choices else ""
        note = f". {asked.note}" if asked.note else ""
        yield f"asks for `{name}`: {describe.both(asked.label)}{unit}{choices}{note}"


def in_words(rule: Rule) -> Iterator[str]:
    """A rule as its pack writes it, the headline first and the rest indented."""
    level = f"level {rule.level} {describe.LEVELS[rule.level]}"
    yield f"{rule.rule}: {rule.watch} {describe.as_written(rule)}, {level}, {describe.both(rule.label)}"
    if rule.applies_if is not None:
        yield f"    {describe.where_it_applies(rule.applies_if)}"
    yield from (f"    only while {describe.arming_as_written(arming)}" for arming in rule.arm)
    yield f"    basis: {rule.basis.clause}; source: {rule.basis.source}; confidence: {rule.basis.confidence}"
    yield f"    {describe.hazard(rule.hazard)}"


def _check(args: argparse.Namespace) -> int:
    document = documents.read(args.file, RulePack)
    found = list(mistakes(document))
    for error in found:
        print(f"sitewarden: {error}", file=sys.stderr)
    if found:
        return FOUND
    print(f"{args.file}: `{document.value.pack}` is sound, {len(document.value.rules)} rules")
    return 0


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0
