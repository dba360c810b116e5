"""Somebody in a dangerous zone: from a positioning system's message to the alarm."""

from typing import Any

import pytest

from edge.agent import Agent
from edge.config import load_gateway
from edge.drivers.decoding import decoder_of
from edge.listening import Believed, Dated, Speaker
from sitewarden.errors import ConfigurationError
from sitewarden.readings import Reading
from tests.edge.conftest import PACK, WriteGateway
from tests.edge.speaking import TAGS
from tests.edge.test_ears_json import tags

ZONES = {"shaft": {"always": True}, "under_hook": {"while_alarmed": ["crane-1"]}}


@pytest.fixture
def positioned(gateway_dict: dict[str, Any], tmp_path: Any) -> dict[str, Any]:
    (tmp_path / "at-once.yaml").write_text(PACK, encoding="utf-8")
    gateway_dict["rules"] = ["at-once.yaml", "people", "pit-displacement"]
    ear = {"bus": "people", "mqtt_json": {"host": "127.0.0.1"}, "devices": [{**TAGS, "zones": ZONES}]}
    gateway_dict["buses"].append(ear)
    return gateway_dict


class Site:
    """An agent that is handed what its buses and ears would hand it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.devices = {device.name: device for device in agent._gateway.devices}
        self.at_ms = agent.clock.now_ms()

    def lift(self, load_t: float) -> None:
        self.at_ms += 1000
        values = {"load": load_t, "radius": 25.0, "falls": 4.0}
        readings = [Reading(f"crane-1/{key}", self.at_ms, value) for key, value in values.items()]
        self.agent.take(self.devices["crane-1"], readings)

    def seen(self, *zones: str) -> list[tuple[str, str]]:
        """Who is where now; the rules whose alarms stand."""
        self.at_ms += 1000
        device: Any = self.devices["people-1"]
        told = decoder_of(device.profile)(tags(*zones))
        readings = Speaker(device, 0.0).readings(told.values, Dated(self.at_ms, Believed.NOW), 0.0)
        self.agent.take(device, readings)
        return [(e.alarm.rule, e.alarm.point) for e in self.agent._judge.episodes()]


async def test_a_person_under_the_hook_is_endangered_only_while_the_crane_is_alarmed(
    positioned: dict[str, Any], write_gateway: WriteGateway
) -> None:
    agent = Agent(load_gateway(write_gateway(positioned)))
    try:
        site = Site(agent)
        assert site.seen("under-hook") == []
        site.lift(3.0)
        overload = ("load-100", "crane-1/load_ratio")
        assert site.seen("yard") == [overload]
        endangered = ("person-endangered", "people-1/under_hook.endangered")
        assert site.seen("under-hook", "pit") == [overload, endangered]
        level = next(e.alarm.level for e in agent._judge.episodes() if e.alarm.rule == "person-endangered")
        assert level == 3
        site.lift(1.0)
        for _ in range(8):
            site.seen("under-hook")
        assert site.seen("under-hook") == []
    finally:
        agent.close()


async def test_a_zone_may_be_forbidden_always(
    positioned: dict[str, Any], write_gateway: WriteGateway
) -> None:
    agent = Agent(load_gateway(write_gateway(positioned)))
    try:
        assert Site(agent).seen("shaft") == [("person-endangered", "people-1/shaft.endangered")]
    finally:
        agent.close()


@pytest.mark.parametrize(
    ("zones", "field", "message"),
    [
        ({"pool": {"always": True}}, "zones.pool", "no zone"),
        ({"pit": {}}, "zones.pit", "never dangerous"),
        ({"pit": {"while_alarmed": ["crane-7"]}}, "zones.pit.while_alarmed.0", "no device `crane-7`"),
    ],
)
def test_zones_that_cannot_be_meant_are_refused(
    zones: dict[str, Any], field: str, message: str, positioned: dict[str, Any], write_gateway: WriteGateway
) -> None:
    positioned["buses"][1]["devices"][0]["zones"] = zones
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(write_gateway(positioned))
    assert refused.value.field == f"buses.1.devices.0.{field}"
    assert message.replace("no zone", "not a zone") in refused.value.message
