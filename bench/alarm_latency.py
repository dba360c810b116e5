"""How long from the first register write beyond a limit to siren, committed hazard and event on the page.

The real programs run: ten simulated cranes on ten buses, polled every 100 ms by one gateway, each jumping to
and fro across 100 % of its rated load. Beginnings and ends are counted as `firmware_sim.demo.measure` says.

The baseline is a bare loop, measured afterwards against the same simulator and broker: it reads the same
registers at the same interval, compares one number with a constant, notes the time ("siren") and publishes
with QoS 1 to one subscriber. It has no quality, no rules, no disk, no database and no page, so it bounds from
below what any gateway can do with this interval.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.bare_loop import BareLoop
from bench.report import NotMeasured, Result, percentile
from firmware_sim.demo import unattended
from firmware_sim.demo.broker import find_mosquitto
from firmware_sim.demo.jumping_site import LIMIT_PERCENT, RATED_T, SITE, jumping_site, write_rules
from firmware_sim.demo.listeners import ApiClient, PageListener, now_ms
from firmware_sim.demo.running import HOST, RunningSite

CRANES = 10
INTERVAL_MS = 100
EPISODES, EPISODES_QUICK = 600, 300
PATIENCE_S = 300.0
WARM_UP_S = 5.0
"""The programs have just started beside each other; what that costs is not what is measured here."""


def run(quick: bool) -> Sequence[Result]:
    """Measure; raises `NotMeasured` where there is no Mosquitto."""
    if find_mosquitto() is None:
        raise NotMeasured("Mosquitto is not installed; the figures are of a real broker")
    wanted = EPISODES_QUICK if quick else EPISODES
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        write_rules(folder)
        configuration = jumping_site(CRANES, interval_ms=INTERVAL_MS, stay_s=(0.5, 1.0))
        with RunningSite(folder, configuration, broker_kind="mosquitto", observer=True) as site:
            ours = _ours(site, wanted)
            bare = _bare(site, wanted)
    return _results(ours, bare)


def _ours(site: RunningSite, wanted: int) -> dict[str, list[int]]:
    """Latencies in ms of at least `wanted` episodes, by where they ended."""
    api = ApiClient(HOST, site.web_port)
    api.sign_in_to_demo()
    with PageListener(api, SITE) as page:
        time.sleep(WARM_UP_S)
        since_ms, before = now_ms(), len(page.raised)
        _until(lambda: len(page.raised) - before > wanted + 4 * CRANES, site, page)
        site.stop_program("gateway")
        return unattended.timings(site, page, print, since_ms=since_ms)


def _bare(site: RunningSite, wanted: int) -> dict[str, list[int]]:
    ports = json.loads((site.files.folder / "ports.json").read_text(encoding="utf-8"))
    loop = BareLoop(
        bus_ports=[ports[f"bus-{n}"] for n in range(CRANES)],
        broker_port=site.broker_port,
        gateway=(
            site.files.configuration.gateway_user,
            site.passwords[site.files.configuration.gateway_user],
        ),
        observer_password=site.passwords["observer"],
        limit_raw=round(RATED_T * LIMIT_PERCENT / 100 * 1000),
        interval_s=INTERVAL_MS / 1000,
    )
    return loop.measure(wanted, site.files.ledger)


def _until(is_so: Callable[[], bool], site: RunningSite, page: PageListener) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        site.check()
        if time.monotonic() > ends:
            came = f"{len(page.raised)} episodes came within {PATIENCE_S:.0f} s"
            raise NotMeasured(f"{came}; the live stream: {page.failure or 'still open'}")
        time.sleep(0.2)


def _results(ours: dict[str, list[int]], bare: dict[str, list[int]]) -> list[Result]:
    count = len(ours["siren"])
    rows = [Result(name="episodes", value=count, unit="", goal=EPISODES_QUICK, at_least=True)]
    goals = {"siren": INTERVAL_MS + 50, "hazard": INTERVAL_MS + 250, "sse": INTERVAL_MS + 400}
    for end, goal in goals.items():
        base = bare["siren" if end == "siren" else "delivered"]
        for percent in (50, 99, 100):
            name = f"{end} {'max' if percent == 100 else f'p{percent}'}"
            rows.append(
                Result(
                    name=name,
                    value=percentile(ours[end], percent),
                    unit="ms",
                    goal=goal if percent == 99 else None,
                    baseline=percentile(base, percent),
                )
            )
    return rows
