"""Lifts go their whole way, from a simulated crane to the pages' interface, over a gateway that is killed."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.demo.jumping_site import RADIUS_M, SITE, jumping_site, write_rules
from firmware_sim.demo.listeners import ApiClient
from firmware_sim.demo.running import HOST, RunningSite

LIFTED_T = 3.2
STAY_S = (1.2, 1.6)
LEAST = 2


@pytest.fixture
def site(mosquitto: str, tmp_path: Path) -> Iterator[RunningSite]:
    assert mosquitto
    write_rules(tmp_path)
    made = jumping_site(1, interval_ms=100, stay_s=STAY_S)
    chart = "load_chart: tc5610-like\n"
    quick = "        parameters: {cycle_settle_s: 0.5}\n"
    configuration = dataclasses.replace(
        made,
        scenario=made.scenario.replace("below: 1.0", "below: 0.0"),
        gateway=made.gateway.replace(chart, chart + quick),
    )
    with RunningSite(tmp_path, configuration, broker_kind="mosquitto") as running:
        yield running


@pytest.mark.timeout(400)
def test_every_lift_is_on_record_once_though_the_gateway_is_killed(site: RunningSite) -> None:
    api = ApiClient(HOST, site.web_port)
    api.sign_in_to_demo()

    def lifts() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get(f"/sites/{SITE}/work-cycles?device=crane-0&limit=500")["items"]
        return found

    _until(lambda: len(lifts()) >= LEAST, "the first lifts are on record")
    before = lifts()
    site.kill_and_restart("gateway")
    _until(lambda: len(lifts()) >= len(before) + LEAST, "lifts after the kill are on record")

    found = lifts()[::-1]
    assert all(lift in found for lift in before)
    for lift in found:
        assert (lift["peak_load"], lift["broken_off"]) == (LIFTED_T, False)
        assert lift["peak_load_ratio"] == pytest.approx(108.8, abs=0.2)
        assert lift["picked"] == lift["set_down"] == {"radius": RADIUS_M, "slew": 0.0, "height": 10.0}
        assert lift["started_at"] < lift["ended_at"]
    assert all(one["ended_at"] < following["started_at"] for one, following in pairwise(found))


def _until(condition: Callable[[], bool], what: str, within_s: float = 45.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.2)
