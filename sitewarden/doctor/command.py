"""`sitewarden doctor`: what is wrong on this machine, why it matters, and what mends it."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from sitewarden import documents, plugins
from sitewarden.doctor.model import Result, Status
from sitewarden.errors import ConfigurationError, UsageError

OK, FOUND, UNREACHABLE = 0, 1, 3
FORM = 1
"""Of the JSON; a key is added without a new number, and none is taken away."""
USUAL = Path("/etc/sitewarden")
GROUP = "sitewarden.doctor"

Examine = Callable[[Path], Iterator[Result]]
"""What a program brings: every check that it can make of a file of its own."""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and how every check came out."""

    program: str
    file: str
    results: Sequence[Result]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    form: int = FORM
    exit: int
    examined: Sequence[Examined]


def register(subparsers: Any) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("doctor", help="say what is wrong on this machine, and what mends it")
    parser.add_argument(
        "config", type=Path, nargs="?", help=f"gateway.yaml or cloud.yaml (default: those in {USUAL})"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    files = [args.config] if args.config else usual_files(USUAL)
    examined = [_examined(file, *_examiner_of(file), is_told=not args.json) for file in files]
    status = exit_status([result for one in examined for result in one.results])
    if args.json:
        report = Report(exit=status, examined=examined)
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    return status


def usual_files(folder: Path) -> list[Path]:
    """The configuration files of programs in the usual place; raises `UsageError` where there is none."""
    files = [file for name in ("gateway.yaml", "cloud.yaml") if (file := folder / name).exists()]
    if not files:
        raise UsageError(f"there is no gateway.yaml or cloud.yaml in {folder}: name the file")
    return files


def exit_status(results: Sequence[Result]) -> int:
    """3 where something that must be there does not answer, 1 where anything else is wrong, else 0."""
    statuses = {result.status for result in results}
    if "unreachable" in statuses:
        return UNREACHABLE
    return FOUND if "finding" in statuses else OK


def _examiner_of(file: Path) -> tuple[str, Examine]:
    """The program whose file it is, and its examination; raises `ConfigurationError`, `UsageError`."""
    keys = documents.load(file, dict[str, Any])
    entries = {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
    known = {entry.value: entry for key, entry in entries.items() if key in keys}
    if len(known) != 1:
        wanted = ", ".join(f"`{key}:`" for key in sorted(entries))
        mend = f"At the top of one stands one of {wanted}."
        raise ConfigurationError(file, 0, "", "is no program's configuration", mend)
    (entry,) = known.values()
    try:
        return plugins.program_of(entry), entry.load()
    except ImportError as exc:
        raise UsageError(plugins.missing(entry, exc)) from exc


def _examined(file: Path, program: str, examine: Examine, *, is_told: bool) -> Examined:
    """Each result is told as it comes: some take seconds."""
    results: list[Result] = []
    if is_told:
        print(f"{file} ({program})")
    for result in examine(file.resolve()):
        results.append(result)
        if is_told:
            print(*lines_of(result), sep="\n", flush=True)
    if is_told:
        print(summary_of(Counter(result.status for result in results)))
    return Examined(program=program, file=str(file), results=results)


_MARKS: Mapping[Status, str] = {
    "ok": "ok",
    "note": "note",
    "unknown": "unknown",
    "finding": "FINDING",
    "unreachable": "NO ANSWER",
}


def lines_of(result: Result) -> Iterator[str]:
    """For people: one line where all is well, else also why it matters and what mends it."""
    subject = f"{result.subject}: " if result.subject else ""
    yield f"{_MARKS[result.status]:<10}{result.check:<24}{subject}{result.what}"
    if result.status in {"finding", "unreachable"}:
        yield f"{'':<10}why:  {result.why}"
    if result.mend:
        yield f"{'':<10}mend: {result.mend}"


def summary_of(counted: Mapping[str, int]) -> str:
    """How many of each."""
    wrong = counted.get("finding", 0) + counted.get("unreachable", 0)
    well = counted.get("ok", 0) + counted.get("note", 0)
    return f"{wrong} wrong, {counted.get('unknown', 0)} not known, {well} well"
