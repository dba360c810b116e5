"""The limits in force on a gateway: which, from where, changed by whom, and what nobody judges."""

from typing import Any

import pytest

from edge.config import load_gateway
from edge.doubts import doubts
from edge.rules import in_force
from sitewarden.errors import ConfigurationError
from sitewarden.rules.packs import built_in_packs
from tests.edge.conftest import WriteGateway

DIAPHRAGM = {"horizontal_of": "wall-top", "support": "diaphragm-wall", "pit_class": 1, "depth_m": 8}


@pytest.fixture
def with_gb50497(gateway_dict: dict[str, Any]) -> dict[str, Any]:
    """The sound configuration, its pit judged by the standard's table."""
    gateway_dict["rules"] = ["tower-crane", "gb50497", "weather"]
    gateway_dict["buses"][0]["devices"][1]["parameters"] = dict(DIAPHRAGM)
    return gateway_dict


def said(write_gateway: WriteGateway, gateway: dict[str, Any]) -> str:
    return "\n".join(in_force(load_gateway(write_gateway(gateway))))


def test_a_limit_of_a_table_says_its_cell_as_printed(
    write_gateway: WriteGateway, with_gb50497: dict[str, Any]
) -> None:
    text = said(write_gateway, with_gb50497)
    for line in (
        "pit-1: pit-1, reference-pit-displacement",
        "given: horizontal_of wall-top, support diaphragm-wall, pit_class 1, depth_m 8",
        "pit-1/h3.cumulative: pit.displacement.horizontal.cumulative",
        "gb50497-horizontal: >= 16 mm, either way, level 4 危急",
        "limit: 10 times horizontal percent_of_depth 0.2–0.3",
        "confidence: one-source",
        "once it has been acknowledged",
        "clause 5-4 of 2024, clause 5-4 of 2022, suspected major after 2 h without handling",
        "3 readings in a row >= 70 % of 2 mm/d, either way, counted every 20 h at most",
        "no good reading of any point of kind pit.* for more than 1 h",
        "only while crane-1/moving >= 1 (a reading at most 5 s old)",
        "not raised while crane-load-100 or crane-load-110 stands",
    ):
        assert line in text


def test_a_design_value_and_a_change_say_who_stands_for_them(
    write_gateway: WriteGateway, with_gb50497: dict[str, Any]
) -> None:
    with_gb50497["buses"][0]["devices"][1]["parameters"]["control_cumulative_mm"] = 25
    with_gb50497["limit_changes"] = [
        {
            "rule": "crane-load-90",
            "device": "crane-1",
            "limit": 85,
            "author": "Li Wei",
            "reason": "worn rope, until it is replaced",
            "on": "2026-11-20",
            "version": 3,
        }
    ]
    text = said(write_gateway, with_gb50497)
    assert "gb50497-horizontal: >= 25 mm" in text
    assert "limit: the site's control_cumulative_mm, version 1" in text
    assert "source: design; confidence: agreed" in text
    assert "crane-load-90: >= 85 %, level 2" in text
    assert "changed by Li Wei on 2026-11-20: worn rope, until it is replaced, version 3" in text


def test_what_cannot_be_judged_and_what_nobody_watches_is_said(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    gateway_dict["buses"][0]["devices"][0]["unused"] = ["slew"]
    file = write_gateway(gateway_dict)
    text = "\n".join(in_force(load_gateway(file)))
    assert "not judged: the rule `crane-load-frozen` needs a point of kind `crane.moving`" in text
    assert "not watched: crane-1/hook_height" in text
    assert any("crane-1: the rule `crane-load-frozen` needs" in doubt for doubt in doubts(load_gateway(file)))
    gateway_dict.update(rules=[], outputs=[])
    del gateway_dict["buses"][0]["devices"][1]["parameters"]["control_rate_mm_per_day"]
    del gateway_dict["buses"][0]["devices"][1]["parameters"]["control_cumulative_mm"]
    told = list(doubts(load_gateway(write_gateway(gateway_dict))))
    assert any("no rule watches anything" in doubt for doubt in told)
    assert any("`outputs` is empty" in doubt for doubt in told)


def test_a_limit_that_waits_for_a_number_of_the_site_is_told_with_its_points(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    waits = "`hook_highest_m` is not given under `parameters:`; with it rules judge crane-1/hook_height"
    assert waits in list(doubts(load_gateway(write_gateway(gateway_dict))))
    gateway_dict["buses"][0]["devices"][0].setdefault("parameters", {})["hook_highest_m"] = 38
    gateway = load_gateway(write_gateway(gateway_dict))
    assert "hook_highest_m" not in {name for device in gateway.devices for name in device.lacking}
    told = "\n".join(doubts(gateway))
    assert "hook_highest_m" not in told
    assert "no rule watches crane-1/slew" in told


def test_a_parameter_that_is_no_choice_is_refused(
    write_gateway: WriteGateway, with_gb50497: dict[str, Any]
) -> None:
    with_gb50497["buses"][0]["devices"][1]["parameters"]["pit_class"] = 4
    with pytest.raises(ConfigurationError, match="Choices are 1, 2, 3") as caught:
        load_gateway(write_gateway(with_gb50497))
    assert caught.value.field == "buses.0.devices.1.parameters.pit_class"


def test_a_cell_that_is_not_sure_asks_for_the_design_value(
    write_gateway: WriteGateway, with_gb50497: dict[str, Any]
) -> None:
    with_gb50497["buses"][0]["devices"][1]["parameters"]["horizontal_of"] = "pipeline-rigid"
    assert "gb50497-horizontal: >= 10 mm" in said(write_gateway, with_gb50497)
    del with_gb50497["buses"][0]["devices"][1]["parameters"]["horizontal_of"]
    with pytest.raises(ConfigurationError, match="Add `horizontal_of:`"):
        load_gateway(write_gateway(with_gb50497))


def test_every_pack_can_be_used_beside_the_others(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    gateway_dict["rules"] = built_in_packs()
    gateway_dict["buses"][0]["devices"][1]["parameters"] |= DIAPHRAGM
    gateway_dict["buses"][0]["devices"].append(
        {
            "device": "hoist-1",
            "profile": "reference-hoist",
            "unit": 3,
            "parameters": {"hoist_rated_load_t": 2, "hoist_people_too_many": 10},
        }
    )
    gateway_dict["buses"][0]["devices"].append(
        {
            "device": "dust-1",
            "profile": "reference-dust-noise",
            "unit": 4,
            "parameters": {"noise_limit_db": 70},
        }
    )
    devices = {device.name: device for device in load_gateway(write_gateway(gateway_dict)).devices}
    assert {bound.rule.rule for bound in devices["hoist-1"].rules} >= {"hoist-load-100", "hoist-silent"}
    assert "noise" in {bound.rule.rule for bound in devices["dust-1"].rules}
