"""`sitewarden demo`: a living construction site in the browser, with nothing to configure."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_sim.demo.running import RunningSite

DEFAULT_PORT = 8080
FOUND, USAGE, INTERRUPTED = 1, 2, 130
Say = Callable[[str], None]


def register(subparsers: Any) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("demo", help="show a living construction site (all devices simulated)")
    parser.add_argument("--seconds", type=float, help="stop by itself so long after the pages answer")
    parser.add_argument("--json", action="store_true", help="measure, and print one JSON object at the end")
    parser.add_argument("--port", type=int, help=f"of the web pages (default: {DEFAULT_PORT}, or a free one)")
    parser.add_argument("--data-dir", type=Path, help="keep the site here (default: a temporary folder)")
    parser.add_argument("--keep", action="store_true", help="do not remove the temporary folder")
    parser.add_argument("--wipe", action="store_true", help="begin anew in --data-dir")
    parser.add_argument("--broker", choices=["mosquitto", "amqtt"], help="rather than the first one found")
    parser.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> int:
    if args.json and args.seconds is None:
        print("sitewarden demo: --json needs --seconds", file=sys.stderr)
        return USAGE
    say = _speaker(to_stderr=args.json)
    ending = _Ending()
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, ending.ask)
    with _folder(args, say) as folder:
        return _show(args, folder, say, ending)


class _Ending:
    """Whether somebody has asked for the end: by Ctrl-C, a signal or a closed terminal.

    The exception alone is not enough: Python drops one that is raised while it tidies an object up, and the
    demo would run on for good.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """As a signal's handler."""
        self.is_asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Ask once more, where the first time was lost."""
        if self.is_asked:
            raise KeyboardInterrupt


def _speaker(*, to_stderr: bool) -> Say:
    began = time.monotonic()

    def say(line: str) -> None:
        out = sys.stderr if to_stderr else sys.stdout
        print(f"[{time.monotonic() - began:5.1f} s] {line}", file=out, flush=True)

    return say


@contextmanager
def _folder(args: argparse.Namespace, say: Say) -> Iterator[Path]:
    from firmware_sim.demo.running import prepare_folder  # noqa: PLC0415  # other commands need not load it

    if args.data_dir is not None:
        folder = args.data_dir.resolve()
        prepare_folder(folder, wipe=args.wipe)
        yield folder
        return
    folder = Path(tempfile.mkdtemp(prefix="sitewarden-demo-")).resolve()
    prepare_folder(folder, wipe=False)
    try:
        yield folder
    finally:
        if args.keep:
            say(f"数据保留在 · kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _show(args: argparse.Namespace, folder: Path, say: Say, ending: _Ending) -> int:
    from firmware_sim.demo.running import RunningSite  # noqa: PLC0415  # as above
    from firmware_sim.demo.site import demo_site  # noqa: PLC0415  # as above

    say(f"演示数据，全部设备为模拟 · demo data, every device is simulated. {folder}")
    port = _web_port(args.port, say)
    site = RunningSite(
        folder, demo_site(), web_port=port, broker_kind=args.broker, observer=args.json, say=say
    )
    try:
        with site:
            say(f"就绪 · ready: {site.url}    (Ctrl-C 结束 · to stop)")
            if args.json:
                return _measure(site, args.seconds, say)
            # Whoever opens the page first looks at the site; the registry is there when he gets to it.
            site.fill_registry()
            _wait((ending.check, site.check), args.seconds)
            say("停止中 · stopping")
    except KeyboardInterrupt:
        say("停止中 · stopping")
        site.stop()
        say("已停止 · stopped")
        return INTERRUPTED if args.json else 0
    say("已停止 · stopped")
    return 0


def _web_port(asked: int | None, say: Say) -> int:
    from firmware_sim.demo.running import free_port, is_free  # noqa: PLC0415  # as above

    wanted = DEFAULT_PORT if asked is None else asked
    if wanted and is_free(wanted):
        return wanted
    port = free_port()
    if wanted:
        say(f"端口 {wanted} 被占用，改用 {port} · port {wanted} is taken, using {port}")
    return port


def _measure(site: "RunningSite", seconds: float, say: Say) -> int:
    import msgspec  # noqa: PLC0415  # as above

    from firmware_sim.demo import unattended  # noqa: PLC0415  # as above

    report = unattended.run(site, seconds, say)
    site.stop()
    print(msgspec.json.encode(report).decode(), flush=True)
    return FOUND if report.lost or report.doubled else 0


def _wait(checks: Iterable[Callable[[], None]], seconds: float | None) -> None:
    """Until the time is over, or for ever; raises where a program ends, or somebody has asked for the end."""
    ends = None if seconds is None else time.monotonic() + seconds
    while ends is None or time.monotonic() < ends:
        for check in checks:
            check()
        time.sleep(0.2)
