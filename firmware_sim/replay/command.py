"""`sitewarden replay`: a recorded history in the browser. `sitewarden sim replay`: only its devices."""

import argparse
import asyncio
import contextlib
import logging
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_sim.replay.site import ReplayingSite

DEFAULT_PORT = 8090
SPEED = "60"
PACK = ".swpack"


def register(subparsers: Any) -> None:
    """Add `sitewarden replay`."""
    parser = subparsers.add_parser("replay", help="play a recorded history back, as it was, in the browser")
    _add_what(parser)
    parser.add_argument(
        "--config", type=Path, help="gateway.yaml of the time: devices, charts, limits, rules"
    )
    parser.add_argument("--rules", action="append", default=[], help="a rule pack in place of those in force")
    parser.add_argument("--port", type=int, help=f"of the web pages (default: {DEFAULT_PORT}, or a free one)")
    parser.add_argument("--seconds", type=float, help="stop by itself so long after the pages answer")
    parser.add_argument("--keep", action="store_true", help="do not remove the temporary folder")
    parser.add_argument("--broker", choices=["mosquitto", "amqtt"], help="rather than the first one found")
    parser.set_defaults(run=_replay)


def register_devices(actions: Any) -> None:
    """Add `sitewarden sim replay`."""
    parser = actions.add_parser("replay", help="serve a recorded history as registers, until stopped")
    _add_what(parser)
    parser.add_argument(
        "--config", type=Path, help="gateway.yaml of the time: which devices, buses and units"
    )
    parser.add_argument("--header", type=Path, help="a header (JSON) in place of the file's own")
    parser.add_argument("--profiles", type=Path, action="append", default=[], help="a folder of profiles")
    parser.add_argument(
        "--control", type=Path, help="listen here (a Unix socket) for pause, step, seek, speed"
    )
    parser.add_argument("--ports-file", type=Path, help="write the port of each bus here (JSON)")
    parser.set_defaults(run=_serve)
    record = actions.add_parser("record", help="write what a gateway would record of a scenario (a history)")
    record.add_argument("scenario", type=Path)
    record.add_argument("--out", type=Path, required=True, help=".parquet, or CSV")
    record.add_argument("--minutes", type=float, default=30.0, help="so long (default: %(default)g)")
    record.add_argument("--every-ms", type=int, default=500, help="a reading every so often (default: 500)")
    record.add_argument("--start", type=_instant, help="RFC 3339 with offset (default: so long ago)")
    record.set_defaults(run=_record)


def _record(args: argparse.Namespace) -> int:
    from firmware_sim.replay.recording import record  # noqa: PLC0415  # as below
    from firmware_sim.scenario import read_scenario  # noqa: PLC0415  # as below
    from sitewarden.history import write_history  # noqa: PLC0415  # as below

    site, duration_ms = read_scenario(args.scenario), round(args.minutes * 60_000)
    start_ms = time.time_ns() // 1_000_000 - duration_ms if args.start is None else args.start
    name = site.scenario.scenario
    found = record(site, name=name, start_ms=start_ms, duration_ms=duration_ms, every_ms=args.every_ms)
    write_history(args.out, found)
    print(f"{args.out}: {sum(len(track.times) for track in found.tracks.values())} readings")
    return 0


def _add_what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a history (.parquet or CSV), or a case pack (.swpack)")
    # A default in words is understood only when it is used: a gateway has nothing that it needs.
    parser.add_argument(
        "--speed", type=_speed, default=SPEED, help="0.1 to 600, or max (default: %(default)s)"
    )
    parser.add_argument("--from", dest="since", type=_instant, help="first instant, RFC 3339 with offset")
    parser.add_argument("--to", dest="until", type=_instant, help="end, not included")
    parser.add_argument("--loop", action="store_true", help="begin anew at the end")
    parser.add_argument("--pause", action="store_true", help="begin standing still")


def _speed(text: str) -> float:
    from firmware_sim.replay.source import speeds  # noqa: PLC0415  # other commands need not load it

    try:
        return speeds(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"`{text}`: write 0.1 to 600, or max") from exc


def _instant(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no instant; write 2026-11-20T10:00:00+08:00") from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"`{text}` has no offset; write it with Z or +08:00")
    return round(instant.astimezone(UTC).timestamp() * 1000)


@contextlib.contextmanager
def _history(file: Path) -> Iterator[Path]:
    """The history itself; that in a case pack is checked and unpacked for as long as it is played."""
    if file.suffix != PACK:
        yield file.resolve()
        return
    from sitewarden.casepack import open_pack  # noqa: PLC0415  # as above
    from sitewarden.history import write_history  # noqa: PLC0415  # as above

    with tempfile.TemporaryDirectory(prefix="sitewarden-pack-") as folder:
        unpacked = Path(folder).resolve() / f"{file.stem}.parquet"
        write_history(unpacked, open_pack(file).history)
        yield unpacked


def _playback(args: argparse.Namespace, file: Path) -> Any:
    from firmware_sim.replay.run import Playback  # noqa: PLC0415  # as above

    return Playback(
        file=file,
        since_ms=args.since,
        until_ms=args.until,
        speed=args.speed,
        is_looping=args.loop,
        is_paused=args.pause,
    )


def _serve(args: argparse.Namespace) -> int:
    from firmware_sim.replay.run import Settings, header_for, run  # noqa: PLC0415  # as above

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with _history(args.file) as file:
        header, profiles = header_for(file, args.header, args.config)
        settings = Settings(
            playback=_playback(args, file),
            header=header,
            profiles=(*profiles, *args.profiles),
            control=args.control,
            ports_file=args.ports_file,
        )
        asyncio.run(_until_stopped(run(settings)))
    return 0


async def _until_stopped(playing: Any) -> None:
    task = asyncio.ensure_future(playing)
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _replay(args: argparse.Namespace) -> int:
    with _history(args.file) as file:
        return _play(args, file)


def _play(args: argparse.Namespace, file: Path) -> int:
    from firmware_sim.replay.place import out_of_service, place_of  # noqa: PLC0415  # as above
    from firmware_sim.replay.run import Settings, read_timeline  # noqa: PLC0415  # as above
    from firmware_sim.replay.site import ReplayingSite  # noqa: PLC0415  # as above

    say, playback = _speaker(), _playback(args, file)
    place = place_of(file, args.config, args.rules)
    # Read once here, so that a bad file is named before anything starts.
    cast, timeline = read_timeline(Settings(playback=playback, header=place.header, profiles=place.profiles))
    say(f"历史回放 · replaying {args.file.name}: {len(cast.devices)} devices, {len(timeline)} instants")
    withheld = ", ".join(out_of_service(place.header)) or "无 none known"
    say(f"停用报警的测点 · out of service, no alarm is raised: {withheld}")
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, _interrupt)
    with _folder(args.keep, say) as folder:
        site = ReplayingSite(
            folder, place, playback, web_port=_port(args.port), broker_kind=args.broker, say=say
        )
        _show(site, args.seconds, say)
    return 0


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _show(site: "ReplayingSite", seconds: float | None, say: Any) -> None:
    try:
        with site:
            say(f"就绪 · ready: {site.url}    (Ctrl-C 结束 · to stop)")
            ends = None if seconds is None else time.monotonic() + seconds
            while ends is None or time.monotonic() < ends:
                site.check()
                time.sleep(0.2)
    except KeyboardInterrupt:
        site.stop()
    say("已停止 · stopped")


def _speaker() -> Any:
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {line}", flush=True)

    return say


@contextlib.contextmanager
def _folder(keep: bool, say: Any) -> Iterator[Path]:
    from firmware_sim.demo.running import prepare_folder  # noqa: PLC0415  # as above

    folder = Path(tempfile.mkdtemp(prefix="sitewarden-replay-")).resolve()
    prepare_folder(folder, wipe=False)
    try:
        yield folder
    finally:
        if keep:
            say(f"数据保留在 · kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _port(asked: int | None) -> int:
    from firmware_sim.demo.running import free_port, is_free  # noqa: PLC0415  # as above

    wanted = DEFAULT_PORT if asked is None else asked
    return wanted if wanted and is_free(wanted) else free_port()
