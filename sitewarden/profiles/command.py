"""`sitewarden profiles`: list, show, check and describe device profiles; a gateway's driver brings more."""

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec

from sitewarden import plugins
from sitewarden.profiles import AnyProfile, find_profile, load_profiles, read_profile
from sitewarden.profiles.describe import described
from sitewarden.profiles.paper import on_paper


def register(subparsers: Any) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("profiles", help="device profiles: list, show, check, try on a device")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the shipped profiles").set_defaults(run=_list)
    show = actions.add_parser("show", help="a profile in full: how it is read, and every point's place")
    show.add_argument("profile", help="the name of a shipped profile, or the file of one's own")
    show.set_defaults(run=_show)
    check = actions.add_parser("check", help="check a profile of your own")
    check.add_argument("file", type=Path)
    check.set_defaults(run=_check)
    actions.add_parser("schema", help="print the JSON Schema for your editor").set_defaults(run=_schema)
    plugins.add(actions, "sitewarden.profiles")


def schema() -> dict[str, Any]:
    """The JSON Schema of a profile file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(AnyProfile)}


def _list(_: argparse.Namespace) -> int:
    for name, profile in load_profiles().items():
        products = ", ".join(f"{p.brand} {p.model}" for p in profile.products)
        print(
            f"{name:32} {profile.device_kind:8} {len(profile.points):3} points  "
            f"verified: {profile.verified:9}  {products}"
        )
    return 0


def _show(args: argparse.Namespace) -> int:
    for line in described(find_profile(args.profile)):
        print(line)
    return 0


def _check(args: argparse.Namespace) -> int:
    profile = read_profile(args.file)
    print(f"{args.file}: `{profile.profile}` is sound, {len(profile.points)} points")
    for check in on_paper(profile):
        if check.level != "ok":
            print(f"{check.level}: {check.says.en}")
    return 0


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0
