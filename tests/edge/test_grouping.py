"""Crane groups on a gateway: what may be configured, what is raised and with which evidence."""

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from edge.command import describe
from edge.config import Gateway, load_gateway
from edge.doubts import doubts
from edge.explain import explain, find
from edge.judge import Judge
from sitewarden.errors import ConfigurationError
from sitewarden.messages import Alarm, readings_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.edge.conftest import CRANE, Configure, WriteGateway
from tests.edge.test_agent import agent
from tests.support.modbus import Unit, serving
from tests.support.waiting import until

T0 = 1_795_000_000_000
BUILD = {
    "jib_bottom_m": 40,
    "jib_top_m": 42,
    "jib_width_m": 1.4,
    "counter_jib_bottom_m": 38,
    "counter_jib_top_m": 42,
    "counter_jib_width_m": 2.0,
    "apex_m": 46,
    "mast_width_m": 1.8,
    "hook_block_m": 1.0,
    "load_height_m": 4.0,
    "load_width_m": 3.0,
}
BRAKING = {"reaction_s": 1.0, "slew_deg_s2": 1.0, "trolley_m_s2": 0.5, "hoist_m_s2": 0.5}
LAYOUT = {"kind": "crane", "y_m": 0.0, "jib_m": 50.0, "counter_jib_m": 12.0}
STREET = {
    "obstacle": "street",
    "kind": "forbidden-zone",
    "label": {"zh": "学校路", "en": "School road"},
    "outline_m": [[-60, 20], [-60, 60], [-20, 60], [-20, 20]],
}
HOUSE = {
    "obstacle": "house",
    "kind": "structure",
    "outline_m": [[-60, -20], [-40, -20], [-40, -60]],
    "top_m": 60,
}
LINE = {
    "obstacle": "line",
    "kind": "power-line",
    "kilovolts": 10,
    "points_m": [[-90, -90, 9, 11], [-90, 90, 9, 11]],
    "half_width_m": 1.0,
}


@pytest.fixture
def grouped(gateway_dict: dict[str, Any]) -> dict[str, Any]:
    """Two cranes of one height, each on a bus of its own, whose jib tips meet at 4 m, and what is around."""
    second = {
        **copy.deepcopy(CRANE),
        "device": "crane-2",
        "unit": 3,
        "label": {"zh": "2号塔机", "en": "Tower crane 2"},
        "layout": {**LAYOUT, "x_m": 104.0, "mast_m": 40.0},
    }
    gateway_dict["buses"][0]["devices"][0]["layout"] = {**LAYOUT, "x_m": 0.0, "mast_m": 40.0}
    bus = {**copy.deepcopy(gateway_dict["buses"][0]), "bus": "bus-2", "devices": [second]}
    cranes = [
        {"crane": name, "ground_m": 0.0, "build": dict(BUILD), "braking": dict(BRAKING)}
        for name in ("crane-1", "crane-2")
    ]
    gateway_dict["buses"].append(bus)
    gateway_dict["rules"].append("crane-group")
    gateway_dict["crane_groups"] = [{"group": "towers", "cranes": cranes}]
    gateway_dict["obstacles"] = copy.deepcopy([STREET, HOUSE, LINE])
    return gateway_dict


def crane_of(gateway: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = gateway["crane_groups"][0]["cranes"][number]
    return found


def test_a_crane_tells_its_whole_group(grouped: dict[str, Any], write_gateway: WriteGateway) -> None:
    first, *_ = load_gateway(write_gateway(grouped)).devices
    told = first.setup.crane_group
    assert [crane["crane"] for crane in told["cranes"]] == ["crane-1", "crane-2"]
    assert [one["obstacle"] for one in told["obstacles"]] == ["street", "house", "line"]
    again = {**grouped, "crane_groups": [{key: told[key] for key in ("group", "cranes")}]}
    assert load_gateway(write_gateway({**again, "obstacles": told["obstacles"]})).groups


def put(place: dict[str, Any], **values: object) -> None:
    place.update(values)


Change = Callable[[dict[str, Any]], object]
# change, field, a word of the message, a word of the mend
BROKEN: dict[str, tuple[Change, str, str, str]] = {
    "a crane that is no device": (
        lambda g: put(crane_of(g, 1), crane="crane-3"),
        "crane_groups.0.cranes.1.crane",
        "no device `crane-3`",
        "crane-1, crane-2, pit-1",
    ),
    "a pit in a group": (
        lambda g: put(crane_of(g, 1), crane="pit-1"),
        "crane_groups.0.cranes.1.crane",
        "no crane",
        "tower crane",
    ),
    "a crane without a place": (
        lambda g: g["buses"][1]["devices"][0].pop("layout"),
        "buses.1.devices.0.layout",
        "its place and its reach",
        "kind: crane",
    ),
    "a crane whose slew is not connected": (
        lambda g: put(g["buses"][1]["devices"][0], unused=["slew"]),
        "crane_groups.0.cranes.1.crane",
        "gives no crane.slew",
        "hook height",
    ),
    "a crane twice": (
        lambda g: put(crane_of(g, 1), crane="crane-1"),
        "crane_groups.0.cranes.1.crane",
        "already in a group",
        "one group",
    ),
    "a group twice": (
        lambda g: g["crane_groups"].append({"group": "towers", "cranes": [crane_of(g, 0)]}),
        "crane_groups.1.group",
        "already a group `towers`",
        "its own name",
    ),
    "one crane and nothing around": (
        lambda g: (g.pop("obstacles"), g["crane_groups"][0]["cranes"].pop()),
        "crane_groups.0.cranes",
        "no distance to measure",
        "`obstacles:`",
    ),
    "obstacles and nobody to measure from": (
        lambda g: g.pop("crane_groups"),
        "obstacles",
        "there are none",
        "a group may be one crane",
    ),
    "a jib upside down": (
        lambda g: put(crane_of(g, 0)["build"], jib_top_m=39.0),
        "crane_groups.0.cranes.0.build.jib_top_m",
        "below `jib_bottom_m`",
        "own base",
    ),
    "an apex under the jib": (
        lambda g: put(crane_of(g, 0)["build"], apex_m=41.0),
        "crane_groups.0.cranes.0.build.apex_m",
        "below `jib_top_m`",
        "own base",
    ),
    "a build that its layout contradicts": (
        lambda g: put(g["buses"][0]["devices"][0]["layout"], mast_m=52.0),
        "crane_groups.0.cranes.0.build.jib_bottom_m",
        "52 m",
        "`mast_m`",
    ),
    "a build with a gap": (
        lambda g: crane_of(g, 0)["build"].pop("apex_m"),
        "crane_groups.0.cranes.0.build.apex_m",
        "is missing",
        "Add `apex_m:`",
    ),
    "brakes that do not hold": (
        lambda g: put(crane_of(g, 0)["braking"], slew_deg_s2=0),
        "crane_groups.0.cranes.0.braking.slew_deg_s2",
        "> 0",
        "above 0",
    ),
    "an obstacle twice": (
        lambda g: g["obstacles"].append(dict(STREET)),
        "obstacles.3.obstacle",
        "already an obstacle",
        "its own name",
    ),
    "an outline of two corners": (
        lambda g: put(g["obstacles"][0], outline_m=[[0, 0], [1, 1]]),
        "obstacles.0.outline_m",
        "2 corners",
        "three or more",
    ),
    "an outline that is closed twice": (
        lambda g: put(g["obstacles"][0], outline_m=[[0, 0], [1, 1], [1, 0], [0, 0]]),
        "obstacles.0.outline_m",
        "last corner is the first",
        "closes itself",
    ),
    "a corner twice": (
        lambda g: put(g["obstacles"][0], outline_m=[[0, 0], [1, 1], [1, 1], [1, 0]]),
        "obstacles.0.outline_m.2",
        "where the one before is",
        "Leave one",
    ),
    "a structure without height": (
        lambda g: put(g["obstacles"][1], top_m=0.0),
        "obstacles.1.top_m",
        "not above its bottom",
        "site's grid",
    ),
    "a power line of a voltage that the table leaves out": (
        lambda g: put(g["obstacles"][2], kilovolts=330),
        "obstacles.2.kilovolts",
        "no distance for 330 kV",
        "clearance",
    ),
    "wires upside down": (
        lambda g: put(g["obstacles"][2], points_m=[[0, 0, 9, 11], [0, 9, 11, 9]]),
        "obstacles.2.points_m.1",
        "over the highest",
        "[x, y, lowest, highest]",
    ),
    "a line of one point": (
        lambda g: put(g["obstacles"][2], points_m=[[0, 0, 9, 11]]),
        "obstacles.2.points_m",
        "no line",
        "two or more",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_a_group_that_cannot_be_meant_is_refused_with_its_mend(
    grouped: dict[str, Any], write_gateway: WriteGateway, case: tuple[Change, str, str, str]
) -> None:
    change, field, message, mend = case
    change(grouped)
    with pytest.raises(ConfigurationError) as caught:
        load_gateway(write_gateway(grouped))
    assert caught.value.field == field
    assert message in caught.value.message
    assert mend in caught.value.mend
    assert caught.value.line > 0


def test_a_voltage_of_its_own_clearance_needs_no_table(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    put(grouped["obstacles"][2], kilovolts=330, clearance={"vertical_m": 7, "horizontal_m": 7})
    assert "7 m upright or 7 m sideways by the file" in "\n".join(
        describe(load_gateway(write_gateway(grouped)))
    )


def test_check_lists_groups_and_obstacles(grouped: dict[str, Any], write_gateway: WriteGateway) -> None:
    lines = "\n".join(describe(load_gateway(write_gateway(grouped))))
    assert "group towers: crane-1, crane-2" in lines
    assert "obstacle street (学校路): forbidden-zone, 4 corners" in lines
    assert "10 kV, 3 m upright or 1.5 m sideways by GB 5144 10.4" in lines
    assert "crane-group-mast: crane-1/group.mast" in lines


def test_check_warns_of_cranes_that_are_erected_too_near(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    assert not [line for line in doubts(load_gateway(write_gateway(grouped))) if "as erected" in line]
    # 51 m apart with half a mast of 0.9 m: 0.1 m from the jib's end to the other mast, either way.
    put(grouped["buses"][1]["devices"][0]["layout"], x_m=51.0)
    found = [line for line in doubts(load_gateway(write_gateway(grouped))) if "as erected" in line]
    assert len(found) == 2
    assert "the jib end of crane-1 to the mast of crane-2 has 0.10 m" in found[0]
    # 3 m higher: its counterweight at 41 m over an apex at 46 m, since its circle holds the other mast.
    build = crane_of(grouped, 1)["build"]
    put(build, **{key: build[key] + 3 for key in build if key.endswith(("bottom_m", "top_m", "apex_m"))})
    put(grouped["buses"][1]["devices"][0]["layout"], mast_m=43.0)
    found = [line for line in doubts(load_gateway(write_gateway(grouped))) if "as erected" in line]
    assert any("the lowest of crane-2 over the highest of crane-1 has" in line for line in found)


def test_explain_says_what_the_numbers_stand_for(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway = load_gateway(write_gateway(grouped))
    said = "\n".join(explain(find(gateway, "crane-1/group.distance.partner", gateway.data_dir)))
    assert "1 1号塔机、2 2号塔机" in said
    assert "from crane-1/slew, crane-1/radius, crane-1/hook_height" in said
    parts = "\n".join(explain(find(gateway, "crane-1/group.distance.parts", gateway.data_dir)))
    assert "1 jib, 2 counter-jib, 3 mast, 4 hoist rope, 5 hook and load" in parts
    zone = "\n".join(explain(find(gateway, "crane-2/zone.nearest", gateway.data_dir)))
    assert "1 学校路" in zone


class Site:
    """Plays polls of both cranes into a judge."""

    def __init__(self, gateway: Gateway) -> None:
        self.judge = Judge(gateway.devices, lambda: "synced", gateway.groups)
        self.devices = {device.name: device for device in gateway.devices}
        self.now_ms = T0

    def play(self, *slews: float | None, radius: float = 20.0, polls: int = 6) -> list[Alarm]:
        alarms: list[Alarm] = []
        for _ in range(polls):
            self.now_ms += 200
            for name, slew in zip(("crane-1", "crane-2", "crane-3"), slews, strict=False):
                quality = Quality.GOOD if slew is not None else Quality.TIMEOUT
                values = {"slew": slew, "radius": radius, "hook_height": 30.0}
                readings = [
                    Reading(f"{name}/{key}", self.now_ms, None if slew is None else value, quality)
                    for key, value in values.items()
                ]
                alarms += self.judge.take(self.devices[name], readings).alarms
        return alarms


def raised(alarms: list[Alarm]) -> set[tuple[str, str]]:
    return {(alarm.device, alarm.rule) for alarm in alarms if alarm.change == "raised"}


def test_jibs_that_cross_are_an_alarm_of_either_crane_that_says_with_whom(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    put(grouped["buses"][1]["devices"][0]["layout"], x_m=60.0)
    site = Site(load_gateway(write_gateway(grouped)))
    assert site.play(180.0, 0.0) == []
    alarms = site.play(45.0, 315.0, polls=1)
    both = {(crane, "crane-group-vertical") for crane in ("crane-1", "crane-2")}
    # The first crane is judged before the second has been read again; its next poll sees both.
    alarms += site.play(45.0, 315.0, polls=1)
    assert both <= raised(alarms)
    alarm = next(a for a in alarms if (a.device, a.rule) == ("crane-1", "crane-group-vertical"))
    assert alarm.value == 0.0
    assert alarm.hazard is not None
    assert alarm.hazard.clause is not None
    assert alarm.hazard.clause.id == "8-8"
    newest = {r.point: r.value for r in readings_of(alarm.evidence, alarm.at)}
    assert newest["crane-1/group.vertical.partner"] == 2.0
    cleared = site.play(180.0, 0.0, polls=20)
    assert both <= {(a.device, a.rule) for a in cleared if a.change == "cleared"}


def test_turning_towards_the_other_warns_before_it_is_near(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    put(grouped["buses"][1]["devices"][0]["layout"], x_m=99.0)
    site = Site(load_gateway(write_gateway(grouped)))
    site.play(70.0, 270.0)
    seen: dict[str, tuple[int, float]] = {}
    for step in range(60):
        for alarm in site.play(70.0 + 0.4 * step, 270.0, polls=1):
            if alarm.device == "crane-1" and alarm.change == "raised":
                seen.setdefault(alarm.rule, (alarm.at, 70.0 + 0.4 * step))
    # Braking from 2 °/s takes 4 °: tips that would touch are warned of some degrees before.
    warned, near = seen["crane-group-ahead"], seen["crane-group-vertical"]
    assert near[1] - warned[1] >= 3.5


def test_a_neighbour_that_falls_silent_clears_nothing_and_is_told_of(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    put(grouped["buses"][1]["devices"][0]["layout"], x_m=60.0)
    site = Site(load_gateway(write_gateway(grouped)))
    site.play(45.0, 315.0)
    assert site.judge.standing()
    before = len(site.judge.standing())
    alarms = site.play(45.0, None, polls=100)
    assert ("crane-1", "crane-group-unseen") in raised(alarms)
    assert not [alarm for alarm in alarms if alarm.change == "cleared"]
    assert len(site.judge.standing()) == before + 1


@pytest.fixture
def three(grouped: dict[str, Any], write_gateway: WriteGateway) -> Site:
    """Three cranes whose jibs all cross 49 m north-east of the first: at 45 °, 315 ° and 135 °."""
    first, second = (bus["devices"][0] for bus in grouped["buses"])
    third = {**copy.deepcopy(second), "device": "crane-3", "unit": 4}
    put(second["layout"], x_m=70.0)
    put(third["layout"], x_m=0.0, y_m=70.0)
    assert first["layout"]["x_m"] == 0.0
    grouped["buses"][1]["devices"].append(third)
    grouped["crane_groups"][0]["cranes"].append({**crane_of(grouped, 1), "crane": "crane-3"})
    grouped.pop("obstacles")
    return Site(load_gateway(write_gateway(grouped)))


NEAR = ("crane-group-vertical", "crane-group-ahead")


def is_known(site: Site) -> list[bool]:
    """Of the first crane's alarms of being near: whether somebody knows of them."""
    alarms = [episode.alarm for episode in site.judge.episodes()]
    return [a.acknowledged_at is not None for a in alarms if a.device == "crane-1" and a.rule in NEAR]


def test_who_knows_of_one_crane_that_is_near_does_not_know_of_the_next(three: Site) -> None:
    three.play(45.0, 315.0, 270.0)
    three.judge.acknowledge(None, three.now_ms, "driver")
    three.play(45.0, 315.0, 270.0)
    assert is_known(three) == [True, True]
    # The second turns away while the third turns over the first: no nearer than the other was.
    three.play(45.0, 90.0, 135.0, polls=9)
    assert is_known(three) == [False, False]
    three.judge.acknowledge(None, three.now_ms, "driver")
    three.play(45.0, 315.0, 270.0)
    assert is_known(three) == [True, True], "both are known by now"


def test_a_crane_that_turns_over_this_one_is_told_though_an_unseen_one_was_as_near(three: Site) -> None:
    three.play(45.0, 315.0, 270.0)
    three.judge.acknowledge(None, three.now_ms, "driver")
    # Silent beside the first for minutes: nothing clears, and nothing more is known.
    assert not [a for a in three.play(45.0, None, 270.0, polls=300) if a.change == "cleared"]
    assert is_known(three) == [True, True]
    three.play(45.0, None, 135.0)
    assert is_known(three) == [False, False]
    # Out of the circle of the one that is not seen, and away from the other, all is over.
    alarms = three.play(225.0, None, 270.0, polls=60)
    assert {(a.device, a.rule) for a in alarms if a.change == "cleared"} >= {("crane-1", r) for r in NEAR}


def test_to_be_near_to_one_crane_holds_no_warning_of_another_back(three: Site) -> None:
    three.play(45.0, 315.0, 270.0)
    rules = {e.alarm.rule for e in three.judge.episodes() if e.alarm.device == "crane-1"}
    assert rules >= set(NEAR)


def test_a_load_in_a_forbidden_zone_names_it(grouped: dict[str, Any], write_gateway: WriteGateway) -> None:
    site = Site(load_gateway(write_gateway(grouped)))
    alarms = site.play(315.0, 0.0, radius=50.0)
    alarm = next(a for a in alarms if a.rule == "crane-zone-entered")
    newest = {r.point: r.value for r in readings_of(alarm.evidence, alarm.at)}
    assert (alarm.value, newest["crane-1/zone.nearest"]) == (0.0, 1.0)


def test_what_a_group_remembers_goes_through_the_agents_memory(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway = load_gateway(write_gateway(grouped))
    site = Site(gateway)
    site.play(90.0, 270.0)
    saved = site.judge.grouping.remembered()
    again = Site(gateway)
    again.now_ms = site.now_ms
    again.judge.grouping.remember("towers", saved["towers"])
    again.judge.grouping.remember("gone", saved["towers"])
    with pytest.raises(msgspec.DecodeError):
        again.judge.grouping.remember("towers", b"[1]")
    device = again.devices["crane-1"]
    readings = [
        Reading(f"crane-1/{key}", again.now_ms + 200, value)
        for key, value in {"slew": 90.0, "radius": 20.0, "hook_height": 30.0}.items()
    ]
    derived = {r.point: r for r in again.judge.take(device, readings).readings}
    # The second crane's last pose was kept with its instant: it is fresh still.
    assert derived["crane-1/group.distance"].value == pytest.approx(4.0 - 1.4)


def test_a_gateway_without_groups_loads_no_numpy() -> None:
    code = "import sys, edge.command, edge.agent; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


WITHOUT_NUMPY = """
import importlib.machinery, sys
from pathlib import Path

class Hiding(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "numpy" else super().find_spec(name, path, target)

sys.meta_path[:] = [Hiding if one is importlib.machinery.PathFinder else one for one in sys.meta_path]
from edge.config import load_gateway
from sitewarden.errors import ConfigurationError
try:
    load_gateway(Path(sys.argv[1]))
except ConfigurationError as exc:
    print(exc.field, exc.mend)
"""


def test_a_group_on_a_gateway_without_numpy_says_what_to_install(
    grouped: dict[str, Any], write_gateway: WriteGateway
) -> None:
    command = [sys.executable, "-c", WITHOUT_NUMPY, str(write_gateway(grouped))]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "crane_groups Run pip install 'sitewarden[edge,group]'.\n"


class Turning(Unit):
    """A crane whose slew the test sets, in tenths of a degree; the hook at 30 m, 20 m out."""

    def __init__(self, slew: int) -> None:
        self.slew = slew
        super().__init__(lambda: {0: 1000, 1: 2000, 2: 3000, 3: self.slew, 4: 4, 5: 50, 6: 0})


async def test_two_cranes_on_two_buses_sound_the_siren_when_their_jibs_cross(
    grouped: dict[str, Any], configured: Configure
) -> None:
    put(grouped["buses"][1]["devices"][0]["layout"], x_m=60.0)
    first, second = Turning(1800), Turning(0)
    pit = Unit({n: 10000 if n % 2 else 0 for n in range(12)})
    async with serving({1: first, 2: pit}) as server, serving({3: second}) as other:
        grouped["buses"][1]["modbus"]["port"] = other.port
        file = configured(server)
        text = file.read_text(encoding="utf-8").replace("- at-once.yaml", "- crane-group")
        file.write_text(text, encoding="utf-8")
        async with agent(file) as run:
            await until(lambda: min(first.asked, second.asked) > 5)
            assert run.lines() == []
            first.slew, second.slew = 450, 3150
            await until(
                lambda: (
                    {
                        (line["device"], line["rule"])
                        for line in run.lines()
                        if line["change"] == "raised" and line["rule"] == "crane-group-vertical"
                    }
                    == {("crane-1", "crane-group-vertical"), ("crane-2", "crane-group-vertical")}
                )
            )
            assert run.lines()[-1]["siren"] == "continuous"
