"""A scenario played: repeatable registers, and a ledger that tells what they say."""

import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware_sim.chart import load_ratio
from firmware_sim.history import write_history
from firmware_sim.ledger import Crossing, Ledger, Watch
from firmware_sim.player import Player
from firmware_sim.scenario import Site, read_scenario
from sitewarden.errors import SiteWardenError
from tests.firmware_sim.conftest import SCENARIO, STEPS

Write = Callable[[str], Path]


def _play(site: Site, device: str, seconds: float) -> tuple[list[tuple[int, ...]], list[Crossing]]:
    player = Player(site.scenario, site.cast[device])
    words, crossings = [player.bank.words], []
    for _ in range(int(seconds * 1000 / site.scenario.step_ms)):
        player.step()
        crossings += player.show()
        words.append(player.bank.words)
    return words, crossings


def test_the_same_seed_gives_the_same_registers(scenario_file: Path) -> None:
    for device in ("crane-1", "pit-1"):
        once, again = (_play(read_scenario(scenario_file), device, 60)[0] for _ in range(2))
        assert once == again


def test_another_seed_gives_other_registers(write_scenario: Write) -> None:
    one = _play(read_scenario(write_scenario(SCENARIO)), "crane-1", 60)[0]
    other = _play(read_scenario(write_scenario(SCENARIO.replace("seed: 7", "seed: 8"))), "crane-1", 60)[0]
    assert one != other


def test_another_device_beside_it_changes_nothing_about_a_device(write_scenario: Write) -> None:
    alone = SCENARIO[: SCENARIO.index("      - device: pit-1")]
    both = _play(read_scenario(write_scenario(SCENARIO)), "crane-1", 30)[0]
    assert _play(read_scenario(write_scenario(alone)), "crane-1", 30)[0] == both


def test_the_ledger_tells_what_the_registers_say_not_what_is_true(scenario_file: Path) -> None:
    site = read_scenario(scenario_file)
    cast = site.cast["crane-1"]
    assert cast.chart is not None
    player = Player(site.scenario, cast)
    crossings = []
    for _ in range(20 * 60):
        player.step()
        for crossing in player.show():
            load, radius = player.bank.words[0] / 1000, player.bank.words[1] / 100
            assert crossing.value == pytest.approx(load_ratio(cast.chart.falls[4], load, radius), abs=1e-4)
            assert (crossing.value >= crossing.limit) == (crossing.change == "beyond")
            crossings.append(crossing)
    assert {c.limit for c in crossings} == {90.0, 100.0, 110.0}
    assert all(c.point == "crane-1/load_ratio" and c.quantity == "load_ratio" for c in crossings)


def test_every_point_of_a_pit_is_watched_for_itself(scenario_file: Path) -> None:
    crossings = _play(read_scenario(scenario_file), "pit-1", 40)[1]
    first = {(c.point, c.limit): c.value for c in reversed(crossings) if c.change == "beyond"}
    assert ("pit-1/h3.cumulative", 20.0) in first
    assert ("pit-1/h1.cumulative", 20.0) not in first
    assert all(value >= limit for (_, limit), value in first.items())


def test_beyond_and_within_take_turns(write_scenario: Write) -> None:
    crossings = _play(read_scenario(write_scenario(STEPS)), "crane-9", 60)[1]
    assert len(crossings) > 60
    assert [c.change for c in crossings[:4]] == ["beyond", "within", "beyond", "within"]
    assert crossings[0].value == pytest.approx(100 * 2.7 / 2.35, abs=0.001)


def test_a_value_that_is_not_there_crosses_nothing(scenario_file: Path) -> None:
    watch = Watch(read_scenario(scenario_file).cast["pit-1"])
    assert len(watch.judge({"h1": 130.0, "h2": 100.0, "h3": 100.0, "h4": 100.0})) == 2
    assert watch.judge({"h1": None, "h2": 100.0, "h3": 100.0, "h4": 100.0}) == []


def test_a_line_of_the_ledger_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    crossing = Crossing("crane-1", "crane-1/load_ratio", "load_ratio", "beyond", 90.0, 91.5)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        before = time.time_ns() // 1_000_000
        ledger.write([crossing])
        line = json.loads((tmp_path / "ledger.jsonl").read_text())
        after = time.time_ns() // 1_000_000
    assert before <= line.pop("at_ms") <= after
    assert line == crossing._asdict()


def test_the_history_file_ends_at_the_instant_asked_for_and_meets_the_registers(scenario_file: Path) -> None:
    site, out = read_scenario(scenario_file), io.StringIO()
    until = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert write_history(site, "pit-1", until, out) == 2017
    lines = out.getvalue().splitlines()
    assert lines[0] == "at,h1,h2,h3,h4"
    assert lines[1].startswith("2026-11-06T10:00:00.000Z,")
    last_at, *last = lines[-1].split(",")
    assert datetime.fromisoformat(last_at) == until
    assert datetime.fromisoformat(lines[-2].split(",")[0]) == until - timedelta(minutes=10)
    now = Player(site.scenario, site.cast["pit-1"]).image().said
    for key, text in zip(("h1", "h2", "h3", "h4"), last, strict=True):
        assert float(text) == pytest.approx(now[key], abs=0.3)


def test_only_a_pit_has_a_past(scenario_file: Path) -> None:
    site = read_scenario(scenario_file)
    with pytest.raises(SiteWardenError, match="no past"):
        write_history(site, "crane-1", datetime.now(UTC), io.StringIO())
    with pytest.raises(SiteWardenError, match="pit-1"):
        write_history(site, "pit-9", datetime.now(UTC), io.StringIO())
