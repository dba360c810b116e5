"""`sitewarden sim`: play a scenario's devices, write the past that its pits remember."""

import argparse
import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec

from firmware_sim.control import ask
from firmware_sim.faults import KINDS
from firmware_sim.history import write_history
from firmware_sim.ledger import Ledger
from firmware_sim.replay.command import register_devices
from firmware_sim.run import run
from firmware_sim.scenario import Transport, read_scenario
from firmware_sim.single import described, single_device, transport_of
from sitewarden.errors import SiteWardenError
from sitewarden.profiles import find_profile

CONTROL_HELP = "let `sim fault` switch faults through this socket"


def register(subparsers: Any) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("sim", help="play the devices of a site over Modbus")
    actions = parser.add_subparsers(dest="action", required=True)
    play = actions.add_parser("run", help="play a scenario until stopped")
    play.add_argument("scenario", type=Path)
    play.add_argument("--ledger", type=Path, help="note every crossing of a watched limit here (JSON lines)")
    play.add_argument(
        "--ports-file", type=Path, help="write the port or the serial line of each bus here (JSON)"
    )
    play.add_argument("--control", type=Path, metavar="SOCKET", help=CONTROL_HELP)
    play.set_defaults(run=_run)
    register_devices(actions)
    _register_profile(actions)
    _register_fault(actions)
    _register_film(actions)
    past = actions.add_parser("history", help="write what a pit's logger remembers (CSV)")
    past.add_argument("scenario", type=Path)
    past.add_argument("--device", required=True)
    past.add_argument("--out", type=Path, required=True)
    past.add_argument("--until", type=_instant, help="the last instant, RFC 3339 with offset (default: now)")
    past.set_defaults(run=_history)


def _register_fault(actions: Any) -> None:
    fault = actions.add_parser("fault", help="list a running site's faults, or switch one on or off")
    fault.add_argument("socket", type=Path, help="as given to `sim run --control`")
    fault.add_argument("target", nargs="?", help="a device, or a bus")
    fault.add_argument("kind", nargs="?", help="such as frozen, silence or disconnect")
    fault.add_argument("keys", nargs="*", type=_key, metavar="key=value", help="of this kind of fault")
    fault.add_argument("--points", type=_names, metavar="A,B", help="only these points of the device")
    fault.add_argument(
        "--for", type=float, dest="for_s", metavar="S", help="seconds (default: until switched off)"
    )
    fault.add_argument("--every", type=float, dest="every_s", metavar="S", help="again after so many seconds")
    fault.add_argument("--probability", type=float, metavar="P", help="of each answer, or each time")
    fault.add_argument("--off", action="store_true", help="switch it off, one of the scenario too")
    fault.set_defaults(run=_fault)


def _key(text: str) -> tuple[str, Any]:
    """A key and its value: a number where it is one, else a word."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise argparse.ArgumentTypeError(f"`{text}` is no key=value; write delay_ms=800, for example")
    try:
        number = json.loads(value)
    except ValueError:
        return key, value
    return key, number if isinstance(number, int | float) else value


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _fault(args: argparse.Namespace) -> int:
    if args.target is None:
        request: dict[str, Any] = {"do": "list"}
    elif args.kind is None:
        raise SiteWardenError(f"say what goes wrong with {args.target}: one of {', '.join(KINDS)}")
    else:
        named = {key: getattr(args, key) for key in ("points", "for_s", "every_s", "probability")}
        keys = {**dict(args.keys), **{key: value for key, value in named.items() if value is not None}}
        request = {"do": "off" if args.off else "on", "target": args.target, "kind": args.kind, "keys": keys}
    for line in ask(args.socket, request):
        print(line)
    return 0


def _register_film(actions: Any) -> None:
    film = actions.add_parser("film", help="make a film in H.264 of what a camera shows, for `source: film:`")
    film.add_argument("source", help="as `source:` of a camera: `scene:FILE`, a folder of pictures, a video")
    film.add_argument("out", type=Path, help="such as yard.h264")
    film.add_argument("--seconds", type=float, default=60.0, help="default: %(default)g")
    film.add_argument("--fps", type=float, default=25.0, help="default: %(default)g")
    film.add_argument("--width", type=int, default=1280, help="default: %(default)s")
    film.add_argument("--height", type=int, default=720, help="default: %(default)s")
    film.set_defaults(run=_film)


def _film(args: argparse.Namespace) -> int:
    # Nobody else need load what makes pictures.
    from firmware_sim.camera.filming import film_of  # noqa: PLC0415
    from firmware_sim.camera.model import Camera  # noqa: PLC0415

    told = {key: getattr(args, key) for key in ("source", "fps", "width", "height")} | {"camera": "film"}
    try:
        camera = msgspec.convert(told, Camera)
    except msgspec.ValidationError as exc:
        raise SiteWardenError(str(exc)) from exc
    film_of(camera, Path(), args.seconds, args.out)
    return 0


def _register_profile(actions: Any) -> None:
    single = actions.add_parser("profile", help="play one device of any profile, without a scenario")
    single.add_argument("profile", help="the name of a shipped profile, or the file of one's own")
    single.add_argument("--port", type=int, default=5020, help="0 lets the system choose (default: 5020)")
    single.add_argument("--host", default="127.0.0.1")
    single.add_argument("--unit", type=int, default=1)
    single.add_argument("--transport", choices=get_args(Transport), help="left out: as the profile speaks")
    single.add_argument("--link", help="with rtu: a name for the pseudo-terminal")
    single.add_argument("--baudrate", type=int, help="with RTU frames: how fast the line is (default: 9600)")
    single.add_argument("--seed", type=int, default=1)
    single.add_argument("--ports-file", type=Path, help="write the port or the serial line here (JSON)")
    single.add_argument("--control", type=Path, metavar="SOCKET", help=CONTROL_HELP)
    single.set_defaults(run=_profile)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no instant; write 2026-11-20T10:00:00+08:00") from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"`{text}` has no offset; write it with Z or +08:00")
    return instant.astimezone(UTC)


def _run(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    site = read_scenario(args.scenario)
    with Ledger(args.ledger) as ledger:
        asyncio.run(_until_stopped(run(site, ledger, args.ports_file, args.control)))
    return 0


def _profile(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    profile = find_profile(args.profile)
    site = single_device(
        profile,
        unit=args.unit,
        transport=args.transport or transport_of(profile),
        host=args.host,
        port=args.port,
        link=args.link,
        baudrate=args.baudrate,
        seed=args.seed,
    )
    print("\n".join(described(profile)))
    with Ledger(None) as ledger:
        asyncio.run(_until_stopped(run(site, ledger, args.ports_file, args.control)))
    return 0


async def _until_stopped(playing: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(playing, name="scenario")
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _history(args: argparse.Namespace) -> int:
    site = read_scenario(args.scenario)
    with args.out.open("w", encoding="utf-8", newline="") as out:
        rows = write_history(site, args.device, args.until or datetime.now(UTC), out)
    print(f"{args.out}: {rows} rows")
    return 0
