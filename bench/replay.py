"""How fast a recorded day of a crane goes through the real programs, and whether 600 times the speed is held.

A day at 2 Hz is 172,800 instants. It is read from a Parquet file, encoded into registers, polled over Modbus
TCP in step with the clock block, decoded, derived, judged, kept in the outbox, sent over Mosquitto and
committed to PostgreSQL: simulator, gateway, broker and cloud are the programs that anybody starts. Time
counts from the first instant until the cloud has committed the last reading.

The baseline is a bare follower, measured before against the same simulator: it walks the same instants over a
blocking socket, reads the same registers and does nothing with them, so it bounds from below what following a
clock block can cost. It walks a part of the day, and its time is scaled to the same number of instants.
"""

import json
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import NotMeasured, Result
from firmware_sim.demo.broker import find_mosquitto
from firmware_sim.demo.listeners import ApiClient
from firmware_sim.demo.processes import Program, sitewarden
from firmware_sim.demo.running import HOST, prepare_folder
from firmware_sim.player import Player
from firmware_sim.replay.place import place_of
from firmware_sim.replay.run import Playback
from firmware_sim.replay.site import ReplayingSite
from firmware_sim.replay.source import UNENDING
from firmware_sim.scenario import Cast, read_scenario
from sitewarden import clockblock
from sitewarden.history import DevicePast, Header, History, Track, write_history
from sitewarden.messages import PointBirth
from sitewarden.rules.packs import load_pack

DAY_H, QUICK_H = 24.0, 1.0
DAY_GOAL_S = 300.0
BARE_INSTANTS = 10_000
STEP_MS, PATTERN_MIN = 500, 20
T0 = 1_763_568_000_000
SITE, DEVICE = "day", "crane-1"
HELD_SPEED, HELD_S, WARM_UP_S = 600.0, 20.0, 5.0
PATIENCE_S = 1800.0
SCENARIO = Path(__file__).parents[1] / "firmware_sim" / "demo" / "scenario.yaml"


def run(quick: bool) -> Sequence[Result]:
    """Measure; raises `NotMeasured` where there is no Mosquitto."""
    if find_mosquitto() is None:
        raise NotMeasured("Mosquitto is not installed; the figures are of a real broker")
    hours = QUICK_H if quick else DAY_H
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        file = folder / "history.parquet"
        instants = write_day(file, hours)
        bare_s = _bare(folder, file, instants)
        as_fast = _as_fast_as_possible(folder, file)
        held = _held(folder, file)
    share = hours / DAY_H
    return [
        Result(
            name=f"{hours:g} h of a crane, {instants} instants",
            value=as_fast["seconds"],
            unit="s",
            goal=DAY_GOAL_S * share,
            baseline=bare_s,
        ),
        Result(name="recorded over real time", value=hours * 3600 / as_fast["seconds"], unit="×"),
        Result(
            name="readings committed a second", value=as_fast["readings"] / as_fast["seconds"], unit="1/s"
        ),
        Result(
            name="600 times the speed, off by", value=abs(held / HELD_SPEED - 1) * 100, unit="%", goal=1.0
        ),
    ]


def write_day(file: Path, hours: float) -> int:
    """So many hours of a crane, made of minutes of simulated work again and again; how many instants."""
    scenario = read_scenario(SCENARIO)
    cast = scenario.cast[DEVICE]
    player = Player(scenario.scenario, cast)
    said: dict[str, list[float]] = {key: [] for key in cast.profile.points}
    for _ in range(PATTERN_MIN * 60_000 // STEP_MS):
        for _ in range(STEP_MS // scenario.scenario.step_ms):
            player.step()
        for key, value in player.image().said.items():
            said[key].append(np.nan if value is None else value)
    instants = round(hours * 3_600_000 / STEP_MS)
    times = T0 + STEP_MS * np.arange(instants, dtype=np.int64)
    quality = np.zeros(instants, np.uint8)
    tracks = {
        f"{DEVICE}/{key}": Track(times, np.resize(np.array(values), instants), quality)
        for key, values in said.items()
    }
    write_history(file, History(_header(cast, int(times[-1]) + 1), tracks))
    return instants


def _header(cast: Cast, until_ms: int) -> Header:
    profile = cast.profile
    past = DevicePast(
        device=DEVICE,
        profile=profile.profile,
        version=profile.version,
        unit=1,
        intervals_ms=dict.fromkeys(profile.groups, STEP_MS),
        points=[PointBirth(p=f"{DEVICE}/{key}", kind=point.kind) for key, point in profile.points.items()],
        chart=cast.chart,
    )
    rules = [load_pack(name, Path()) for name in ("tower-crane", "weather")]
    return Header(site=SITE, gateway="gw-1", since_ms=T0, until_ms=until_ms, devices=[past], rules=rules)


def _site(folder: Path, file: Path, playback: Playback) -> ReplayingSite:
    prepare_folder(folder, wipe=False)
    return ReplayingSite(folder, place_of(file, None, []), playback, broker_kind="mosquitto")


def _as_fast_as_possible(folder: Path, file: Path) -> dict[str, float]:
    with _site(folder / "max", file, Playback(file=file, speed=UNENDING, is_paused=True)) as site:
        api = ApiClient(HOST, site.web_port)
        api.sign_in_to_demo()
        began = time.monotonic()
        ask(site.control, do="resume")
        _until(lambda: ask(site.control, do="look")["state"] == "ended", site)
        readings, ended = _settled(api)
    return {"seconds": ended - began, "readings": readings}


def _settled(api: ApiClient) -> tuple[int, float]:
    """How many readings the cloud has when no more come, and when the last one came."""
    known, since = -1, time.monotonic()
    while time.monotonic() - since < 3.0:
        found = int(api.get(f"/sites/{SITE}/statistics")["readings"])
        if found != known:
            known, since = found, time.monotonic()
        time.sleep(0.05)
    return known, since


def _held(folder: Path, file: Path) -> float:
    """What 600 times the speed comes to, between two looks at the replay."""
    playback = Playback(file=file, speed=HELD_SPEED, is_paused=True)
    with _site(folder / "held", file, playback) as site:
        time.sleep(WARM_UP_S)
        ask(site.control, do="resume")
        time.sleep(1.0)
        first, began = ask(site.control, do="look"), time.monotonic()
        left_s = (first["last_ms"] - first["at_ms"]) / 1000 / HELD_SPEED
        time.sleep(min(HELD_S, left_s - 1.0))
        last, ended = ask(site.control, do="look"), time.monotonic()
    return float((last["at_ms"] - first["at_ms"]) / 1000 / (ended - began))


def _until(is_so: Callable[[], bool], site: ReplayingSite) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        site.check()
        if time.monotonic() > ends:
            raise NotMeasured(f"not done within {PATIENCE_S:.0f} s")
        time.sleep(0.1)


def ask(control: Path, **request: Any) -> dict[str, Any]:
    """One line to the control socket of a replay, and how it stands then."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(control))
        line.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(line.makefile().readline())["standing"]
    return answer


def _bare(folder: Path, file: Path, instants: int) -> float:
    """Seconds that a bare follower would take for so many instants."""
    ports_file = folder / "bare-ports.json"
    options = ("--speed", "max", "--ports-file", ports_file)
    program = Program("simulator", sitewarden("sim", "replay", file, *options), folder / "bare.log")
    try:
        ends = time.monotonic() + PATIENCE_S
        while not ports_file.exists():
            program.check()
            if time.monotonic() > ends:
                raise NotMeasured("the simulator did not get ready")
            time.sleep(0.05)
        (port,) = json.loads(ports_file.read_text(encoding="utf-8")).values()
        walked = min(BARE_INSTANTS, instants)
        return _Bare(port).walk(walked) * instants / walked
    finally:
        program.stop(5.0)


class _Bare:
    """Walks a replay over a blocking socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")

    def walk(self, instants: int) -> float:
        """Seconds for so many instants."""
        began = time.monotonic()
        for serial in range(1, instants + 1):
            words = self._read(clockblock.UNIT, clockblock.NEXT[serial % 2], clockblock.WINDOW)
            for due in clockblock.decode(words).due:
                self._read(due.unit, 0, 7)
        took_s = time.monotonic() - began
        self._socket.close()
        return took_s

    def _read(self, unit: int, first: int, count: int) -> tuple[int, ...]:
        self._socket.sendall(struct.pack(">HHHBBHH", 0, 0, 6, unit, 3, first, count))
        head = self._stream.read(9)
        body = self._stream.read(head[8])
        return struct.unpack(f">{count}H", body)
