"""A gateway whose clock was set tells of it the whole way: what an agent says, the cloud stores and shows."""

from pathlib import Path

import msgspec
import pytest
import yaml

from cloud.backtest.asked import Asked
from cloud.backtest.store import alarms_of, devices_of
from cloud.registry.known import load_site
from edge.birth import birth_of
from edge.config import load_gateway
from edge.itself import clock_readings
from edge.judge import Judge
from sitewarden.messages import Alarm, series_of
from tests.cloud.site import BOOT, TestSite, birth, now_ms, readings
from tests.cloud.web.serving import Web
from tests.edge.conftest import GATEWAY


def clock_set(site: TestSite, folder: Path, by_ms: int) -> Alarm:
    """The gateway is born, reads on, and its clock is set; what it says of that."""
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump({**GATEWAY, "site": "demo"}, allow_unicode=True), encoding="utf-8")
    gateway, at_ms = load_gateway(file), now_ms()
    assert gateway.itself is not None
    born = birth()
    site.deliver(msgspec.structs.replace(born, devices=[*(born.devices or []), birth_of(gateway.itself)]))
    said = clock_readings("gw-1", at_ms, by_ms)
    judge = Judge(gateway.judged, lambda: "synced")
    (alarm,) = judge.take(gateway.itself, said).alarms
    site.deliver(readings(series=series_of(said, at_ms), at=at_ms))
    told = msgspec.structs.replace(alarm, boot=BOOT, seq=1)
    site.deliver(told)
    return told


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_clock_that_was_set_is_an_alarm_on_the_page_and_no_hazard(
    site: TestSite, web: Web, tmp_path: Path, by_s: float
) -> None:
    told = clock_set(site, tmp_path, round(by_s * 1000))
    (alarm,) = web.get("/sites/demo/alarms").json()["items"]
    assert (alarm["device"], alarm["point"], alarm["kind"]) == (
        "gw-1",
        "gw-1/clock_step",
        "gateway.clock_step",
    )
    assert (alarm["level"], alarm["peak"], alarm["unit"], alarm["hazard"]) == (1, by_s, "s", None)
    assert alarm["label"]["zh"] == told.label.zh
    devices = web.get("/sites/demo").json()["devices"]
    assert {d["id"]: d["label"]["zh"] for d in devices if d["profile"] == "gateway"} == {"gw-1": "网关 gw-1"}
    assert site.rows("SELECT count(*) FROM hazard") == [(0,)]
    assert site.rows("SELECT count(*) FROM dead_letter") == [(0,)]


def test_it_is_no_part_of_a_history_that_is_judged_or_replayed(site: TestSite, tmp_path: Path) -> None:
    told = clock_set(site, tmp_path, 3_600_000)
    demo = load_site(site.connection, "demo")
    assert demo is not None
    asked = Asked(site=demo, mode="live", device=None, since_ms=0, until_ms=told.at + 1000)
    assert [row["device"] for row in devices_of(site.connection, asked)] == ["crane-1"]
    assert alarms_of(site.connection, asked) == []
