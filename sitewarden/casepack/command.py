"""`sitewarden pack`: judge a case pack again, offline."""

import argparse
from pathlib import Path
from typing import Any

from sitewarden.errors import SiteWardenError


def register(subparsers: Any) -> None:
    """Add `pack`."""
    parser = subparsers.add_parser("pack", help="case packs: a piece of history with its rules and alarms")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("run", _run, "judge it again; 0 where exactly the expected alarms are raised, else 1"),
        ("show", _show, "what is in it"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a .swpack")
        action.set_defaults(run=run)


def _run(args: argparse.Namespace) -> int:
    _need_numpy()
    from sitewarden.casepack import open_pack, run_pack  # noqa: PLC0415  only this command needs numpy

    status = 0
    for file in args.files:
        outcome = run_pack(open_pack(file))
        if outcome.differences:
            status = 1
            print(f"{file}: 与预期不符 not as expected")
            print("\n".join(f"  {line}" for line in outcome.differences))
        else:
            print(f"{file}: 与预期一致 as expected, {len(outcome.alarms)} alarms")
    return status


def _show(args: argparse.Namespace) -> int:
    _need_numpy()
    from sitewarden.backtest.text import Clock  # noqa: PLC0415
    from sitewarden.casepack import open_pack  # noqa: PLC0415
    from sitewarden.rules import describe  # noqa: PLC0415

    for file in args.files:
        pack = open_pack(file)
        header = pack.history.header
        clock = Clock(header.time_zone)
        print(f"{file}: {pack.manifest.title.zh} {pack.manifest.title.en} {pack.manifest.hazard}".rstrip())
        print(f"  {clock.full(header.since_ms)} – {clock.full(header.until_ms)} {header.time_zone}")
        for device in header.devices:
            print(f"  设备 device: {device.device}, {device.profile}")
            given = describe.all_given(device.parameters, device.point_parameters)
            print("".join(f"    {line}\n" for line in given), end="")
        for change in header.changes:
            where = "/".join(filter(None, (change.device, change.point)))
            why = f"{change.author}: {change.reason}"
            print(f"  限值变更 changed: {change.rule} {where} {change.limit:g}, {why}")
        readings = sum(track.times.size for track in pack.history.tracks.values())
        print(f"  读数 readings: {readings:,}; 规则 rules: {', '.join(rules.pack for rules in header.rules)}")
        print(f"  预期报警 expected alarms: {len(pack.expected)}")
        print("\n".join(f"    {clock.episode(episode)}" for episode in pack.expected))
    return 0


def _need_numpy() -> None:
    """A gateway has neither."""
    try:
        import numpy  # noqa: F401, ICN001, PLC0415
        import pyarrow  # noqa: F401, ICN001, PLC0415
    except ImportError as exc:
        raise SiteWardenError(f"{exc}; what it needs comes with: pip install 'sitewarden[cloud]'") from exc
