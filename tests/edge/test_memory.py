"""What an agent remembers over a restart, and that it grows with nothing."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from edge.clock import Clock
from edge.config import Device
from edge.judge import RulesMemory
from edge.lane import Lane, open_lane
from edge.memory import Memory
from edge.recorder import Recorder
from sitewarden.quality import Quality
from tests.edge.test_judge import T0, Site


@pytest.fixture
async def lanes() -> AsyncIterator[tuple[Lane, Lane]]:
    alarms, readings = (open_lane(name, None, boot="boot-1") for name in ("alarms", "readings"))
    yield alarms, readings
    alarms.close()
    readings.close()


async def test_an_alarm_that_comes_and_goes_leaves_nothing_behind(
    crane: Device, lanes: tuple[Lane, Lane]
) -> None:
    site, memory = Site(crane), Memory(*lanes)
    recorder = Recorder(lanes[1], Clock())
    kept = set()
    for _ in range(5):
        site.crane(3.3, polls=60)
        assert site.judge.episodes()
        memory.save(site.judge, recorder, T0)
        site.crane(0.5, polls=60)
        assert not site.judge.episodes()
        memory.save(site.judge, recorder, T0)
        kept.add(len(memory._saved))
    assert len(kept) == 1


async def test_what_a_newer_version_remembered_keeps_no_older_one_from_starting(
    lanes: tuple[Lane, Lane],
) -> None:
    body = msgspec.json.encode(RulesMemory(inputs={"c/a": [("c/a", T0, 1.0, Quality.GOOD)]}))
    assert msgspec.json.decode(body, type=RulesMemory).inputs["c/a"][0][3] is Quality.GOOD
    unknown = body.replace(b"1.0,0]", b"1.0,99]")
    assert unknown != body
    lanes[0].memory["rules"] = unknown  # type: ignore[index]
    assert Memory(*lanes).rules() is None
