"""Faults in a scenario: refused where they cannot be meant, the same with the same seed, by hand too."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from firmware_sim.chart import load_ratio
from firmware_sim.player import Player
from firmware_sim.scenario import Site, read_scenario
from firmware_sim.switchboard import Switchboard
from sitewarden.errors import ConfigurationError, SiteWardenError
from tests.firmware_sim.conftest import SCENARIO

Write = Callable[[str], Path]
FAULTS = """\
faults:
  - {fault: frozen, device: crane-1, points: [load], at_s: 5, for_s: 5, every_s: 20}
  - {fault: spike, device: crane-1, points: [wind_speed, hook_height], magnitude: 9, per_min: 60}
  - {fault: drift, device: pit-1, points: [h1], per_hour: 30}
  - {fault: byte_swap, device: pit-1, at_s: 10, for_s: 5, every_s: 10, probability: 0.5}
  - {fault: crc, bus: north, at_s: 8, probability: 0.2}
"""


def _played(site: Site, device: str, seconds: float) -> tuple[str, list[float]]:
    """A digest of every step's registers and faults, and the load ratios on the way."""
    board, cast, digest = Switchboard(site), site.cast[device], hashlib.sha256()
    player, ratios = Player(site.scenario, cast, partial(board.of_device, device)), []
    for _ in range(int(seconds * 1000 / site.scenario.step_ms)):
        player.step()
        player.show()
        digest.update(repr((player.bank.words, player.bank.faults)).encode())
        if cast.chart is not None:
            load, radius = player.bank.words[0] / 1000, player.bank.words[1] / 100
            ratios.append(load_ratio(cast.chart.falls[4], load, radius))
    return digest.hexdigest(), ratios


@pytest.mark.parametrize("device", ["crane-1", "pit-1"])
def test_the_same_seed_makes_the_same_faults_and_registers_at_every_step(
    write_scenario: Write, device: str
) -> None:
    site = read_scenario(write_scenario(SCENARIO + FAULTS))
    assert _played(site, device, 60)[0] == _played(site, device, 60)[0]
    other = read_scenario(write_scenario((SCENARIO + FAULTS).replace("seed: 7", "seed: 8")))
    assert _played(site, device, 60)[0] != _played(other, device, 60)[0]


def test_a_fault_of_one_device_changes_nothing_about_another(write_scenario: Write) -> None:
    sound = _played(read_scenario(write_scenario(SCENARIO)), "pit-1", 30)
    fault = "faults: [{fault: silence, device: crane-1}, {fault: frozen, device: crane-1}]\n"
    assert _played(read_scenario(write_scenario(SCENARIO + fault)), "pit-1", 30) == sound


def test_a_bypassed_limiter_says_so_and_lets_the_load_go_where_it_must_not(write_scenario: Write) -> None:
    works = SCENARIO.replace("limiter: fails", "limiter: works")
    _, stopped = _played(read_scenario(write_scenario(works)), "crane-1", 60)
    bypassed = read_scenario(write_scenario(works + "faults: [{fault: bypass, device: crane-1}]\n"))
    _, free = _played(bypassed, "crane-1", 60)
    assert max(stopped) < 110 < max(free)
    board = Switchboard(bypassed)
    player = Player(bypassed.scenario, bypassed.cast["crane-1"], partial(board.of_device, "crane-1"))
    assert player.bank.words[6] == 0b010


@pytest.mark.parametrize(
    ("fault", "field", "says", "mend"),
    [
        ("{fault: frzen, device: crane-1}", "fault", "'frzen'", "Did you mean `frozen`?"),
        ("{fault: frozen, device: crane-9}", "device", "no device `crane-9`", "crane-1, pit-1"),
        ("{fault: frozen, bus: north}", "bus", "unknown key", "Known keys here: at_s, device"),
        ("{fault: silence, bus: south}", "bus", "no bus `south`", "north"),
        ("{fault: silence}", "", "one device or one bus", "Write either"),
        ("{fault: silence, bus: north, device: crane-1}", "", "one device or one bus", "Write either"),
        ("{fault: frozen, device: crane-1, points: [lod]}", "points", "no point `lod`", "load, radius"),
        ("{fault: frozen, device: crane-1, points: []}", "points", "", "list of the profile's points"),
        ("{fault: sentinel, device: crane-1, points: [falls]}", "points", "cannot show", "load, radius"),
        ("{fault: nan, device: crane-1}", "points", "no point that can show nan", "another fault"),
        ("{fault: word_swap, device: crane-1}", "points", "no point that can show", "another fault"),
        ("{fault: bypass, device: pit-1}", "device", "crane.limiter.bypass", "another fault"),
        ("{fault: stuck_bit, device: crane-1, point: load}", "bit", "is missing", "Add `bit:`"),
        ("{fault: stuck_bit, device: crane-1, point: load, bit: 16}", "bit", "only 16 bits", "from 0"),
        ("{fault: slow, device: crane-1}", "delay_ms", "is missing", "Add `delay_ms:`"),
        ("{fault: slow, device: crane-1, delay_ms: 0}", "delay_ms", ">= 1", "1 to 600000"),
        ("{fault: silence, bus: north, every_s: 9}", "every_s", "until the end", "Add `for_s:`"),
        ("{fault: silence, bus: north, for_s: 9, every_s: 8}", "for_s", "comes again", "8 or less"),
        ("{fault: silence, bus: north, probability: 0}", "probability", "> 0.0", "above 0"),
    ],
)
def test_a_fault_that_cannot_be_meant_is_named_with_its_line_and_mend(
    write_scenario: Write, *, fault: str, field: str, says: str, mend: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_scenario(write_scenario(SCENARIO + f"faults:\n  - {fault}\n"))
    assert caught.value.field.removeprefix("faults.0").removeprefix(".") == field
    assert says in caught.value.message
    assert mend in caught.value.mend
    assert caught.value.line == SCENARIO.count("\n") + 2


def test_a_serial_line_without_a_name_cannot_be_pulled_out(write_scenario: Write) -> None:
    text = SCENARIO.replace("bus: north", "bus: north\n    transport: rtu")
    with pytest.raises(ConfigurationError, match="Give the bus a `link:`"):
        read_scenario(write_scenario(text + "faults: [{fault: disconnect, bus: north}]\n"))


@pytest.fixture
def board(write_scenario: Write) -> Switchboard:
    return Switchboard(read_scenario(write_scenario(SCENARIO + FAULTS)))


def test_a_fault_switched_on_begins_now_and_ends_by_itself_or_by_hand(board: Switchboard) -> None:
    board.t_s = 100.0
    board.switch_on("crane-1", "silence", {"for_s": 10})
    board.switch_on("pit-1", "silence", {})

    def silent(device: str, t_s: float) -> bool:
        return any(type(one.fault).__name__ == "Silence" for one in board.of_device(device, t_s))

    assert [silent("crane-1", t) for t in (99, 100, 109, 110)] == [False, True, True, False]
    board.t_s = 120.0
    assert [(one.name, one.state) for one in board.listed()[-2:]] == [
        ("crane-1/silence", "over"),
        ("pit-1/silence", "on"),
    ]
    board.switch_off("pit-1", "silence")
    assert not silent("pit-1", 120.0)


def test_a_fault_of_the_scenario_can_be_switched_off_for_good(board: Switchboard) -> None:
    board.t_s = 6.0
    assert {one.name: one.state for one in board.listed()}["crane-1/frozen"] == "on"
    board.switch_off("crane-1", "frozen")
    assert {one.name: one.state for one in board.listed()}["crane-1/frozen"] == "off"
    assert all(type(one.fault).__name__ != "Frozen" for one in board.of_device("crane-1", 26.0))


def test_what_is_over_is_forgotten_so_that_a_long_play_does_not_fill_up(board: Switchboard) -> None:
    for t in range(100):
        board.t_s = float(t)
        board.switch_on("crane-1", "silence", {"for_s": 0.5})
    assert len(board.listed()) == FAULTS.count("fault:") + 1


@pytest.mark.parametrize(
    ("target", "kind", "keys", "says"),
    [
        ("crane-1", "frozn", {}, "no fault `frozn`; did you mean frozen?"),
        ("crane-9", "slow", {"delay_ms": 5}, "no device or bus `crane-9`; .*crane-1, pit-1; bus: north"),
        ("north", "frozen", {}, "no device `north`"),
        ("crane-1", "slow", {"delay": 5}, "delay: is an unknown key. Did you mean `delay_ms`?"),
        ("crane-1", "frozen", {"points": ["lod"]}, "no point `lod`. Its points are load"),
    ],
)
def test_what_cannot_be_switched_on_is_refused_with_what_there_is(
    board: Switchboard, *, target: str, kind: str, keys: dict[str, object], says: str
) -> None:
    with pytest.raises(SiteWardenError, match=says):
        board.switch_on(target, kind, keys)
    assert len(board.listed()) == FAULTS.count("fault:")


def test_what_is_not_there_cannot_be_switched_off(board: Switchboard) -> None:
    with pytest.raises(SiteWardenError, match="pit-1 has no fault frozen; there are: crane-1 frozen"):
        board.switch_off("pit-1", "frozen")
