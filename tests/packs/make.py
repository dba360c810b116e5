"""The packs beside this file, made anew: `python -m tests.packs.make [FOLDER]`.

The simulator's physics and registers, the gateway's own configuration, derivation and binding, and the rule
engine's step, reading by reading: nothing of it judges a pack later, so a pack is an independent witness.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from edge.config import Device, load_gateway
from edge.derivation import derivations_for
from firmware_sim.player import Player
from firmware_sim.scenario import Site, read_scenario
from sitewarden import __version__
from sitewarden.backtest.episodes import Episode, in_order
from sitewarden.casepack import Manifest, write_pack
from sitewarden.history import DevicePast, Header, History, Track
from sitewarden.points import point_kind, quantise
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.packs import load_pack
from sitewarden.rules.running import Rules
from sitewarden.text import Text

FOLDER = Path(__file__).parent
T0 = 1_795_000_000_000
"""An instant of November 2026."""

GATEWAY = """
site: demo
gateway: gw-1
data_dir: none
broker: {{host: 127.0.0.1}}
outputs: []
rules: [{rules}]
buses:
  - bus: bus
    modbus: {{transport: tcp, host: 127.0.0.1}}
    devices:
      - {device}
"""


class Case(NamedTuple):
    """One pack."""

    name: str
    title: Text
    rules: str
    device: str
    """As a `gateway.yaml` has it."""
    physics: str
    """As a scenario has it."""
    seed: int
    length_s: int
    every_ms: int
    silent_s: range
    """When the device does not answer."""


CASES = [
    Case(
        "crane-overload",
        Text("塔机超载：限制器被旁路", "A tower crane overloaded, its limiter bypassed"),
        "tower-crane",
        "{device: crane-1, profile: reference-tower-crane, unit: 1, load_chart: tc5610-like}",
        """
        load_chart: tc5610-like
        physics:
          kind: crane
          jib_m: 56
          mast_m: 40
          start: {radius_m: 24, slew_deg: 70, hook_height_m: 16}
          overloads: [{at_s: 100, peak_percent: 114, hold_s: 20, limiter: bypassed}]
        """,
        20261126,
        300,
        500,
        range(118, 124),
    ),
    Case(
        "pit-collapse",
        Text("基坑：一道支撑失效", "A foundation pit whose strut gives way"),
        "pit-displacement",
        "{device: pit-1, profile: reference-pit-displacement, unit: 1,"
        " parameters: {control_cumulative_mm: 20, control_rate_mm_per_day: 2},"
        " point_parameters: {h1: {control_cumulative_mm: 24}},"
        " unused: [h3, h4, h5, h6], zero: {h1: 100.0, h2: 100.0}}",
        """
        physics:
          kind: pit
          points: {h1: {along: 0.3}, h2: {along: 0.6}}
          stages: [{days_before: 5, mm: 11.0, over_h: 48}]
          live: [{at_s: 60, mm: 17.0, over_s: 120, middle: 0.45, width: 0.2}]
        """,
        20261127,
        600,
        1000,
        range(0),
    ),
]


def make(case: Case, file: Path) -> None:
    """Play the case and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        site, device = _site(case, Path(folder)), _device(case, Path(folder))
    history = _history(case, device, list(_readings(case, site, device)))
    write_pack(
        file,
        Manifest(title=case.title, software=__version__),
        history,
        in_order(_expected(device, history)),
    )


def _site(case: Case, folder: Path) -> Site:
    file = folder / "scenario.yaml"
    profile = case.device.partition("profile: ")[2].partition(",")[0]
    name = case.device.partition("device: ")[2].partition(",")[0]
    file.write_text(
        f"scenario: {case.name}\nseed: {case.seed}\nbuses:\n  - bus: bus\n    devices:\n"
        f"      - device: {name}\n        profile: {profile}\n        unit: 1{case.physics}",
        encoding="utf-8",
    )
    return read_scenario(file)


def _device(case: Case, folder: Path) -> Device:
    file = folder / "gateway.yaml"
    file.write_text(GATEWAY.format(rules=case.rules, device=case.device), encoding="utf-8")
    return next(load_gateway(file, with_secrets=False).devices)


def _readings(case: Case, site: Site, device: Device) -> Iterator[Reading]:
    """What the gateway would have read and derived, rounded as it sends it."""
    player = Player(site.scenario, site.cast[device.name])
    derivations = derivations_for(device)
    kinds = {point.p: point.kind for point in device.points}
    for at_ms in range(0, case.length_s * 1000, case.every_ms):
        said = player.image().said
        silent = at_ms // 1000 in case.silent_s
        # Rounded before anything is derived from them, as the gateway does.
        raw = [
            Reading(f"{device.name}/{key}", T0 + at_ms, None, Quality.TIMEOUT)
            if silent
            else _rounded(Reading(f"{device.name}/{key}", T0 + at_ms, said[key]), kinds)
            for key in device.profile.points
        ]
        yield from raw
        yield from (_rounded(reading, kinds) for reading in derivations.take(raw))
        for _ in range(case.every_ms // site.scenario.step_ms):
            player.step()


def _rounded(reading: Reading, kinds: Mapping[str, str]) -> Reading:
    if reading.value is None:
        return reading
    return reading._replace(value=quantise(reading.value, point_kind(kinds[reading.point]).resolution))


def _history(case: Case, device: Device, readings: Sequence[Reading]) -> History:
    by_point: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_point[reading.point].append(reading)
    header = Header(
        site="demo",
        gateway="gw-1",
        name=Text("示范工地", "Demo site"),
        time_zone="Asia/Shanghai",
        since_ms=T0,
        until_ms=T0 + case.length_s * 1000,
        devices=[
            DevicePast(
                device=device.name,
                profile=device.profile.profile,
                label=device.label,
                unit=device.unit,
                intervals_ms=dict.fromkeys(device.profile.groups, case.every_ms),
                points=list(device.points),
                chart=device.chart,
                parameters=dict(device.parameters),
                point_parameters={key: dict(own) for key, own in device.point_parameters.items()},
                zero=dict(device.zero),
            )
        ],
        rules=[load_pack(case.rules, Path())],
        software=__version__,
    )
    return History(header, {point: _track(found) for point, found in by_point.items()})


def _track(readings: Sequence[Reading]) -> Track:
    return Track(
        np.array([r.at_ms for r in readings], np.int64),
        np.array([np.nan if r.value is None else r.value for r in readings]),
        np.array([r.quality for r in readings], np.uint8),
    )


def _expected(device: Device, history: History) -> list[Episode]:
    """The alarms of the engine's step."""
    rules = Rules(device.rules, T0)
    kinds = {point.p: point.kind for point in device.points}
    standing: dict[tuple[str, str], int] = {}
    found: list[Episode] = []
    for at_ms in sorted({int(t) for track in history.tracks.values() for t in track.times}):
        instant = [reading for point, track in history.tracks.items() for reading in _at(point, track, at_ms)]
        for bound, turn in (*rules.tick(at_ms), *rules.take(instant)):
            rule, key = bound.rule, (bound.point, bound.rule.rule)
            told = Episode(
                point=bound.point,
                kind=kinds[bound.point],
                rule=rule.rule,
                rule_version=bound.version,
                family=rule.family,
                level=rule.level,
                label=rule.label,
                limit=bound.limit,
                raised_at=turn.raised_at_ms,
                cleared_at=turn.at_ms if turn.change == "cleared" else None,
                peak=turn.peak,
            )
            if turn.change == "raised":
                standing[key] = len(found)
                found.append(told)
            else:
                found[standing.pop(key)] = told
    for key, place in standing.items():
        found[place] = msgspec.structs.replace(found[place], peak=rules.watches[key].state.peak)
    return found


def _at(point: str, track: Track, at_ms: int) -> Iterator[Reading]:
    place = int(np.searchsorted(track.times, at_ms))
    if place < track.times.size and track.times[place] == at_ms:
        value = float(track.values[place])
        yield Reading(point, at_ms, None if value != value else value, Quality(track.quality[place]))  # noqa: PLR0124


if __name__ == "__main__":
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for case in CASES:
        make(case, into / f"{case.name}.swpack")
