"""`sitewarden profiles test` and `profiles scan`: what they are asked, and how they say what they found."""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from edge.config import address_of
from edge.settings import ModbusSettings
from edge.trial.scanning import UnitSeen, longest_s, scanned
from edge.trial.target import EXAMPLES, target_of
from edge.trial.text import report_lines, scan_lines
from edge.trial.trying import tried
from sitewarden.cli import FOUND
from sitewarden.errors import UsageError
from sitewarden.profiles import ModbusProfile, find_profile, load_profiles
from sitewarden.profiles.conformance import report
from sitewarden.profiles.hints import usual_spans

SECONDS = 3.0
UNITS = "1-32"
_LAST_UNIT = 247
_SPAN = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


def register_test(actions: Any) -> None:
    """Add `sitewarden profiles test`."""
    test = actions.add_parser("test", help="read a device by a profile and say whether it fits; only reads")
    test.add_argument("profile", help="the file of a profile, or the name of a shipped one")
    test.add_argument("--connect", required=True, metavar="URL", help=EXAMPLES.replace("%", "%%"))
    test.add_argument("--seconds", type=float, default=SECONDS, help="read so long (default: %(default)g)")
    test.add_argument("--json", action="store_true", help="the whole report as JSON")
    test.set_defaults(run=_test)


def register_scan(actions: Any) -> None:
    """Add `sitewarden profiles scan`."""
    scan = actions.add_parser("scan", help="say which units answer on a line, and to what; only reads")
    scan.add_argument("line", metavar="URL", help=EXAMPLES.replace("%", "%%"))
    scan.add_argument("--units", default=UNITS, help="such as 1-32 or 1,2,7 (default: %(default)s)")
    scan.add_argument("--within", type=float, metavar="S", help="stop after so many seconds")
    scan.add_argument("--json", action="store_true", help="what was found as JSON")
    scan.set_defaults(run=_scan)


def _test(args: argparse.Namespace) -> int:
    profile, target = find_profile(args.profile), target_of(args.connect)
    if not isinstance(profile, ModbusProfile):
        raise UsageError(f"`{profile.profile}` speaks by itself; what is polled over Modbus can be tried")
    with _Progress() as tell:
        trial = asyncio.run(tried(profile, target, args.seconds, tell))
    found = report(profile, trial, usual_spans(load_profiles()))
    if args.json:
        print(_json(found))
    else:
        for line in report_lines(found):
            print(line)
    return 0 if found.is_sound else FOUND


def _scan(args: argparse.Namespace) -> int:
    settings, units = target_of(args.line).modbus, units_of(args.units)
    longest = longest_s(settings, units)
    print(
        f"{len(units)} units at {address_of(settings)}, at most {min(longest, args.within or longest):.0f} s",
        file=sys.stderr,
    )
    with _Progress() as tell:
        found, asked = asyncio.run(_scanned(settings, units, args.within, tell))
    unasked = units[asked:]
    if args.json:
        print(_json({"address": address_of(settings), "units": found, "not_asked": unasked}))
    else:
        for line in scan_lines(found, units, unasked):
            print(line)
    return 0 if found else FOUND


async def _scanned(
    settings: ModbusSettings, units: Sequence[int], within_s: float | None, tell: Callable[[str], None]
) -> tuple[list[UnitSeen], int]:
    """What was found, and how many units were asked before the time was over."""
    found: list[UnitSeen] = []
    asked = 0
    try:
        async with asyncio.timeout(within_s):
            async for unit, seen in scanned(settings, units):
                asked += 1
                if seen is not None:
                    found.append(seen)
                tell(f"unit {unit} {'answers' if seen else 'is silent'}, {len(units) - asked} to go")
    except TimeoutError:
        tell("the time is over")
    return found, asked


def units_of(text: str) -> list[int]:
    """`1-32` or `1,2,7-9` as unit numbers, each once; raises `UsageError`."""
    units: dict[int, None] = {}
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= _LAST_UNIT:
            raise UsageError(f"--units {text}: `{part}` is none; write 1-32 or 1,2,7, from 1 to {_LAST_UNIT}")
        units.update(dict.fromkeys(range(first, last + 1)))
    return list(units)


class _Progress:
    """How far it is, on one line of a terminal; nothing where nobody looks at one."""

    def __enter__(self) -> Callable[[str], None]:
        self._shown_at = 0.0
        return self._tell if sys.stderr.isatty() else _say_nothing

    def __exit__(self, *_: object) -> None:
        if self._shown_at:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _tell(self, text: str) -> None:
        self._shown_at = time.monotonic()
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _say_nothing(_: str) -> None:
    """Nobody looks."""


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
