"""Everything about a point on one screen, and the command that says it."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.config import Gateway, Page, load_gateway
from edge.explain import explain, find, present
from edge.page.board import Board, SirenNow, Snapshot
from edge.page.server import PageServer
from sitewarden.errors import ConfigurationError
from sitewarden.messages import Alarm, Shelf
from sitewarden.readings import Reading
from tests.edge.conftest import WriteGateway
from tests.edge.test_judge import Site

SITEWARDEN = Path(sys.executable).parent / "sitewarden"
FILE = Path("gateway.yaml")

MANUAL = """\
profile: counted-from-one
version: 1
device_kind: weather
products: [{brand: Some, model: One}]
source: its manual, table 3
verified: bench
driver: modbus
modbus: {transports: [tcp], function: 4, base: 1, word_order: little}
groups: {main: {interval_ms: 1000}}
points:
  wind_speed: {kind: weather.wind_speed, unit: m/s, register: 31, type: float32, sentinels: [0xFFFFFFFF]}
"""


def told(gateway: Gateway, point: str) -> str:
    return "\n".join(explain(find(gateway, point, FILE)))


def test_a_raw_point_says_how_it_is_read(gateway: Gateway) -> None:
    text = told(gateway, "pit-1/h2")
    for said in (
        "device     pit-1",
        "reference-pit-displacement version 2, verified: simulator",
        "Modbus tcp 127.0.0.1:1",
        "2 in the manual, which counts from 0; 2 on the wire; function 4, input register",
        "int32, high word first",
        "number × 0.01 + 0, in mm",
        "-500 to 500",
        "2147483647",
        "function 4, address 0, 12 registers; reads along h1, h3, h4, h5, h6",
        "every 1000 ms; stale after 10000 ms",
        "part of    pit-1/h2.cumulative, pit-1/h2.rate",
        "no rule watches this point",
        "but rules watch pit-1/h2.cumulative, pit-1/h2.rate",
    ):
        assert said in text


def test_a_derived_point_says_what_it_is_made_of_and_what_watches_it(gateway: Gateway) -> None:
    text = told(gateway, "crane-1/load_ratio")
    for said in (
        "from crane-1/load, crane-1/radius, crane-1/falls",
        "load chart",
        "crane-load-110: >= 110 %, level 4 危急",
        "raised after 1 s beyond; cleared after 2 s at < 108 % (dead-band 2)",
        "basis: GB 5144 6.1.2; source: standard; confidence: agreed",
        "opens a hazard: 起重机械 Lifting machinery, major_proposed, 起重伤害 Lifting injury",
        "clause 8-4 of 2024",
        "opens no hazard record",
    ):
        assert said in text
    assert "less its zero of 100 mm" in told(gateway, "pit-1/h1.cumulative")
    assert "as change a day" in told(gateway, "pit-1/h1.rate")


def test_where_the_next_poll_comes_later_than_a_delay_ends_what_ends_it_is_said(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    pit = next(d for bus in gateway_dict["buses"] for d in bus["devices"] if d["device"] == "pit-1")
    late = "read every 30 min, and once more 3 s after a reading beyond: raised if it still is"
    told_often = told(load_gateway(write_gateway(gateway_dict)), "pit-1/h1.cumulative")
    pit["interval_ms"] = 1_800_000
    told_seldom = told(load_gateway(write_gateway(gateway_dict)), "pit-1/h1.cumulative")
    assert "once more" not in told_often
    # The warning has no delay, the alarm has one of 3 s.
    assert told_seldom.count(late) == 1


def test_a_logger_with_a_clock_of_its_own_is_read_again_only_once_it_has_measured_again(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    pit = next(d for bus in gateway_dict["buses"] for d in bus["devices"] if d["device"] == "pit-1")
    pit["interval_ms"] = 1_800_000
    found = find(load_gateway(write_gateway(gateway_dict)), "pit-1/h1.cumulative", FILE)
    for measured_every_ms, said in {
        600_000: "and once more 10 min after a reading beyond",
        1_800_000: "raised by the second reading beyond, 30 min after the first",
    }.items():
        main = msgspec.structs.replace(
            found.device.profile.groups["main"], measured_every_ms=measured_every_ms
        )
        profile = msgspec.structs.replace(found.device.profile, groups={"main": main})
        device = msgspec.structs.replace(found.device, profile=profile)
        assert said in "\n".join(explain(found._replace(device=device)))


def test_every_point_of_a_gateway_can_be_explained(gateway: Gateway) -> None:
    for device in gateway.devices:
        for birth in device.points:
            assert told(gateway, birth.p).startswith(f"point      {birth.p}")


def test_a_register_is_told_as_the_manual_counts_and_as_it_is_asked(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "counted-from-one.yaml").write_text(MANUAL)
    gateway_dict["profiles"] = ["mine"]
    gateway_dict["buses"][0]["devices"].append({"device": "mast", "profile": "counted-from-one", "unit": 9})
    text = told(load_gateway(write_gateway(gateway_dict)), "mast/wind_speed")
    assert "31 in the manual, which counts from 1; 30 on the wire; function 4" in text
    assert "float32, low word first" in text
    assert "for this point alone" in text
    assert "verified: bench" in text
    assert "sentinels  4294967295" in text


def test_an_unknown_point_names_the_nearest(gateway: Gateway) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean `crane-1/load`"):
        find(gateway, "crane-1/laod", FILE)


class Running:
    """Stands for an agent that runs, with an overload standing."""

    def __init__(self, gateway: Gateway) -> None:
        crane = next(iter(gateway.devices))
        self.board = Board([crane])
        self.site = Site(crane)
        self.site.crane(3.6, polls=100)
        self.board.take(self.site.last.readings)
        self.board.take([Reading("crane-1/load", 1, 3.6)])
        self.site.judge.acknowledge(None, self.site.now_ms, "local")

    def snapshot(self) -> Snapshot:
        return Snapshot(
            site="s",
            gateway="g",
            mode="live",
            at_ms=self.site.now_ms,
            clock="synced",
            needs_pin=True,
            points=self.board.points(),
            alarms=self.board.alarms(self.site.judge.episodes()),
            siren=SirenNow(siren="off", lamp="red", is_testing=False, failed=0),
            shelved=[],
            health={},
        )

    def acknowledge(self, episode: str, by: str) -> list[Alarm]:
        raise AssertionError((episode, by))

    def shelve(self, shelf: Shelf) -> bool:
        raise AssertionError(shelf)

    def test_outputs(self) -> None:
        raise AssertionError


async def test_a_running_agent_is_asked_how_the_point_is(gateway: Gateway) -> None:
    server = PageServer(Page(host="127.0.0.1", port=0, pin="246810"), Running(gateway))
    page = Page(host="0.0.0.0", port=server.port, pin="246810")  # noqa: S104
    try:
        ratio = await asyncio.to_thread(present, page, find(gateway, "crane-1/load_ratio", FILE))
        load = await asyncio.to_thread(present, page, find(gateway, "crane-1/load", FILE))
        other = await asyncio.to_thread(present, page, find(gateway, "pit-1/h1", FILE))
    finally:
        server.close()
    assert ratio[0].startswith("now        122.4 %, 0.")
    assert ratio[0].endswith("s old; quality good")
    assert any("crane-load-110 level 4 危急 stands since 1" in line for line in ratio)
    assert all("acknowledged (local)" in line for line in ratio[1:])
    assert load[1:] == ["alarm      none stands"]
    assert "does not know this point" in other[0]
    gone = await asyncio.to_thread(present, page, find(gateway, "crane-1/load", FILE))
    assert "does not answer" in gone[0]


def test_without_a_page_it_says_so(gateway: Gateway) -> None:
    assert "serves no page" in present(None, find(gateway, "crane-1/load", FILE))[0]


def test_the_command_says_it_and_refuses_what_is_unknown(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    # Who asks need not be able to read the password.
    gateway_dict["broker"] |= {"username": "a", "password_file": "not-there"}
    file = write_gateway(gateway_dict)
    found = subprocess.run(
        [SITEWARDEN, "edge", "explain", "crane-1/load", "--config", file],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "起重量" in found.stdout
    unknown = subprocess.run(
        [SITEWARDEN, "edge", "explain", "crane-1/laod", "--config", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert unknown.returncode == 2
    assert "Did you mean `crane-1/load`?" in unknown.stderr
