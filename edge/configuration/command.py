"""`sitewarden edge config`: which versions of the cloud a gateway has, and back to the one before."""

import argparse
import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.configuration.history import Asked, History
from edge.configuration.starting import history_of
from sitewarden import bundle
from sitewarden.errors import SiteWardenError, UsageError


def register(actions: Any, config: Path) -> None:
    """Add the action; `config` is where the gateway's own file usually lies."""
    parser = actions.add_parser("config", help="versions of the cloud: list, show, roll back")
    what = parser.add_subparsers(dest="what", required=True)
    listing = what.add_parser("list", help="say which versions held, and which were turned down and why")
    show = what.add_parser("show", help="print the texts of a version")
    show.add_argument("version", type=int, nargs="?", help="its number (default: the one in force)")
    back = what.add_parser("rollback", help="go back to the version that held before")
    for one, run in ((listing, _list), (show, _show), (back, _roll_back)):
        one.add_argument("--config", type=Path, default=config, help="gateway.yaml (default: %(default)s)")
        one.set_defaults(run=run)


class UnkeptError(SiteWardenError):
    """The disk does not take what is asked."""


def _list(args: argparse.Namespace) -> int:
    for line in described(_history(args.config)):
        print(line)
    return 0


def _show(args: argparse.Namespace) -> int:
    history = _history(args.config)
    state = history.state
    known = [*state.held, *([state.on_probation] if state.on_probation else [])]
    found = [one for one in known if args.version in (None, one.number)]
    if not found:
        raise UsageError("there is no such version here; `sitewarden edge config list` has them all")
    folder = history.file_of(found[-1]).parent
    for file in sorted(folder.rglob("*"), key=lambda file: (file.name != bundle.MAIN, file)):
        if file.is_file():
            print(f"# {found[-1].number}: {file.relative_to(folder)}")
            print(file.read_text(encoding="utf-8"))
    return 0


def _roll_back(args: argparse.Namespace) -> int:
    history = _history(args.config)
    if history.in_force is None and history.state.on_probation is None:
        raise UsageError("no version of the cloud is in force: the gateway's own file is")
    try:
        history.ask(Asked(by=getpass.getuser()))
    except OSError as exc:
        raise UnkeptError(f"{history.folder}: {exc.strerror}; ask as the agent's account") from exc
    print("The running agent goes back within seconds, one that does not run at its start.")
    print("The cloud hears of it, and sends that version no more.")
    return 0


def described(history: History) -> Iterator[str]:
    """The versions for people, the newest first."""
    state = history.state
    if state.on_probation is not None:
        yield f"{state.on_probation.number} on probation"
    for i, version in enumerate(reversed(state.held)):
        yield f"{version.number} {'held before' if i else 'in force'}"
    if not state.held:
        yield "0 in force: the gateway's own file"
    for verdict in reversed(state.verdicts):
        why = verdict.why.en if verdict.why is not None else ""
        errors = [f"{e.file}:{e.line}: {e.field}: {e.message}. {e.mend}" for e in verdict.errors]
        yield f"{verdict.version} {verdict.state.replace('_', ' ')}: {'; '.join((why, *errors))}"


def _history(config: Path) -> History:
    history = history_of(config)
    if history is None:
        raise UsageError(
            "the gateway's own file says what it does (`configuration: {owner: cloud}` is not set)"
        )
    return history
