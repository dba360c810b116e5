"""A hoist makes its trips and goes wrong when told to; dust follows the day, the work and the spray."""

from collections.abc import Iterator
from random import Random

import msgspec
import pytest

from firmware_sim import dust, hoist
from firmware_sim.hoist import Phase
from firmware_sim.model import Day, Dust, DustBurst, Hoist, HoistDoor, HoistOverload, HoistOverspeed, Wind

DT = 0.05
STILL_AIR = Wind(mean_mps=0.0, gust_sd_mps=0.0)


Moment = tuple[float, hoist.HoistState, dict[str, float]]


def _work(machine: Hoist, seconds: float, seed: int = 1) -> Iterator[Moment]:
    state, rng, noise = hoist.HoistState(), Random(seed), Random(-seed)
    for i in range(1, int(seconds / DT) + 1):
        state = hoist.step(machine, state, t_s=i * DT, dt_s=DT, rng=rng)
        yield i * DT, state, hoist.read(machine, state, noise)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_normal_shift_stays_within_what_the_hoist_may_do(seed: int) -> None:
    machine, floors = Hoist(), set()
    for _, state, said in _work(machine, 3600, seed):
        assert -0.1 <= said["height"] <= 57.1
        assert abs(state.cage.speed) <= machine.speed_mps + 1e-9
        assert said["load"] < machine.rated_t * 0.9
        assert said["people"] <= machine.people_most
        assert said["anti_fall"] == said["overload"] == 0.0
        if abs(state.cage.speed) > 0.0:
            assert said["door_entry"] == said["door_exit"] == 0.0, "it moves with a door open"
        if state.phase is Phase.STANDING:
            floors.add(said["floor"])
    assert {1.0} < floors <= set(range(1, 21))
    assert len(floors) > 4


def test_doors_open_below_for_those_who_come_in_and_above_for_those_who_leave() -> None:
    for _, state, said in _work(Hoist(), 1800):
        if state.phase is Phase.STANDING:
            below = state.cage.position == 0.0
            assert (said["door_entry"], said["door_exit"]) == (float(below), float(not below))
            assert said["limit_bottom"] == float(below)


def test_an_overload_is_kept_at_its_landing_until_somebody_takes_the_surplus_off() -> None:
    machine = Hoist(events=[HoistOverload(at_s=100, percent=115, hold_s=20)])
    over = [moment for moment in _work(machine, 600) if moment[1].load_t >= 1.1 * machine.rated_t]
    assert over[0][0] >= 100
    assert over[-1][0] - over[0][0] == pytest.approx(20, abs=0.2)
    assert all(state.phase is Phase.STANDING and said["overload"] == 1.0 for _, state, said in over)


def test_an_overload_below_the_limiter_travels() -> None:
    machine = Hoist(events=[HoistOverload(at_s=100, percent=105, hold_s=5)])
    carried = [state for _, state, _ in _work(machine, 400) if state.load_t == pytest.approx(2.1)]
    assert any(state.phase is Phase.MOVING for state in carried)


def test_a_runaway_is_caught_by_the_anti_fall_device_which_says_so_and_then_it_goes_on() -> None:
    machine = Hoist(events=[HoistOverspeed(at_s=60, peak_mps=1.6)])
    shift = list(_work(machine, 900))
    assert min(state.cage.speed for _, state, _ in shift) == pytest.approx(-1.0, abs=0.15)
    caught = [t for t, _, said in shift if said["anti_fall"]]
    assert caught[-1] - caught[0] == pytest.approx(60, abs=1)
    after = [state for t, state, _ in shift if t > caught[-1] + 1]
    assert any(state.phase is Phase.STANDING for state in after)


def test_a_runaway_that_nothing_catches_reaches_its_full_speed_and_the_ground() -> None:
    machine = Hoist(events=[HoistOverspeed(at_s=60, peak_mps=1.6, anti_fall="fails")])
    shift = list(_work(machine, 900))
    assert min(state.cage.speed for _, state, _ in shift) == -1.6
    assert not any(said["anti_fall"] for *_, said in shift)
    assert all(state.cage.position >= -1e-9 for _, state, _ in shift)


def test_a_door_left_open_is_open_on_the_way() -> None:
    machine = Hoist(events=[HoistDoor(at_s=30, for_s=120, door="exit", every_s=600)])
    opened = [t for t, state, said in _work(machine, 900) if state.cage.speed and said["door_exit"]]
    assert opened
    assert all(30 <= t < 150.1 or 630 <= t < 750.1 for t in opened)


def _day(air: Dust, hours: float, seed: int = 1, dt_s: float = 1.0) -> list[tuple[float, dict[str, float]]]:
    state, rng, noise, said = dust.DustState(), Random(seed), Random(-seed), []
    for i in range(1, int(hours * 3600 / dt_s)):
        state = dust.step(air, state, t_s=i * dt_s, dt_s=dt_s, rng=rng)
        if i % 30 == 0:
            said.append(((air.day.starts_at_h + i * dt_s / 3600) % 24, dust.read(air, state, noise)))
    return said


def _mean(said: list[tuple[float, dict[str, float]]], key: str, start: float, end: float) -> float:
    values = [moment[key] for hour, moment in said if start <= hour < end]
    return sum(values) / len(values)


def test_dust_and_noise_follow_the_working_day() -> None:
    said = _day(Dust(day=Day(starts_at_h=0.0), spray_at=None, wind=STILL_AIR), 24)
    assert _mean(said, "pm10", 8, 11) > _mean(said, "pm10", 1, 5) + 40
    assert _mean(said, "pm10", 11.8, 13) < _mean(said, "pm10", 8, 11) - 20, "the lunch break"
    assert _mean(said, "noise", 8, 11) == pytest.approx(66, abs=2.5)
    assert _mean(said, "noise", 1, 5) == pytest.approx(46, abs=1)
    assert all(moment["pm2_5"] < moment["pm10"] < moment["tsp"] for _, moment in said)
    assert _mean(said, "temperature", 14, 16) > _mean(said, "temperature", 2, 4) + 8


def test_a_dusty_work_starts_the_spray_which_takes_dust_out() -> None:
    burst = DustBurst(at_s=1800, for_s=1800, factor=20, noise_db=88)
    air = Dust(work_pm10=20, bursts=[burst], spray_at=None, wind=STILL_AIR)
    dry, wet = _day(air, 2), _day(msgspec.structs.replace(air, spray_at=150.0), 2)
    assert not any(moment["spray"] for _, moment in dry)
    assert any(moment["spray"] for _, moment in wet)
    assert _mean(wet, "pm10", 9.75, 10.0) < 0.7 * _mean(dry, "pm10", 9.75, 10.0)
    assert _mean(dry, "noise", 9.55, 9.95) == pytest.approx(88, abs=1.5)
    assert not wet[-1][1]["spray"], "it ends"


def test_wind_blows_the_sites_own_dust_away() -> None:
    still, windy = (_day(Dust(spray_at=None, wind=Wind(mean_mps=w)), 2) for w in (0.0, 8.0))
    assert _mean(windy, "pm10", 9.5, 11) < _mean(still, "pm10", 9.5, 11) - 20
