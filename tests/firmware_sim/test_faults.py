"""Faults as pure functions: when one applies, what it makes of values, registers and answers."""

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.distortion import NOTHING_HELD, distorted, spoilt
from firmware_sim.faults import (
    KINDS,
    AnyFault,
    Applied,
    ClockJump,
    Crc,
    Disconnect,
    Fault,
    Frozen,
    Late,
    Silence,
    Slow,
    Spike,
    WireFault,
    applying,
    is_over,
    named,
)
from firmware_sim.registers import Encoder, Image
from firmware_sim.wire import Reply, disturbed
from sitewarden.profiles import Profile, read_profile

PROFILE = """\
profile: every-type
version: 1
device_kind: other
products: [{brand: none, model: for tests}]
source: made for this test
verified: simulator
driver: modbus
modbus: {transports: [tcp]}
groups: {main: {interval_ms: 100}}
points:
  small: {kind: crane.radius, unit: m, register: 0, type: uint16, scale: 0.01, sentinels: [65535]}
  large: {kind: crane.radius, unit: m, register: 1, type: int32, scale: 0.01}
  turned: {kind: crane.radius, unit: m, register: 3, type: int32, scale: 0.01, word_order: little}
  real: {kind: crane.radius, unit: m, register: 5, type: float32}
  cutoff: {kind: crane.limiter.cutoff, unit: "1", register: 7, bit: 0}
  bypass: {kind: crane.limiter.bypass, unit: "1", register: 7, bit: 1}
"""
TRUE = {"small": 1.0, "large": 2.0, "turned": 3.0, "real": 4.0, "cutoff": 1.0, "bypass": 0.0}
times = st.floats(0, 1e5, allow_nan=False)
seconds = st.floats(0.1, 1e3, allow_nan=False)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    (tmp_path / "every-type.yaml").write_text(PROFILE, encoding="utf-8")
    return read_profile(tmp_path / "every-type.yaml")


def _fault(kind: str, **keys: Any) -> AnyFault:
    fault: AnyFault = msgspec.convert({"fault": kind, "device": "d", **keys}, KINDS[kind])  # type: ignore[assignment]
    return fault


def _now(kind: str, since_s: float = 0.0, **keys: Any) -> list[Applied]:
    return [Applied(_fault(kind, **keys), since_s, "1/d/x/0")]


def _applies(fault: AnyFault, t_s: float) -> bool:
    return bool(applying({"x": fault}, t_s, 1))


@given(times, seconds, times)
def test_a_fault_is_there_from_its_time_for_its_time(at_s: float, for_s: float, t_s: float) -> None:
    fault = Silence(device="d", at_s=at_s, for_s=for_s)
    assert _applies(fault, t_s) == (at_s <= t_s and t_s - at_s < for_s)
    assert _applies(Silence(device="d", at_s=at_s), t_s) == (at_s <= t_s)
    assert not (_applies(fault, t_s) and is_over(fault, t_s))


@given(times, seconds, seconds, st.integers(0, 20))
def test_a_fault_that_comes_again_is_the_same_in_every_round(
    at_s: float, for_s: float, more_s: float, round_: int
) -> None:
    fault = Silence(device="d", at_s=at_s, for_s=for_s, every_s=for_s + more_s)
    begins_s = at_s + round_ * (for_s + more_s)
    assert _applies(fault, begins_s + 0.5 * for_s)
    assert not _applies(fault, begins_s + for_s + 0.5 * more_s)
    assert not is_over(fault, begins_s)


def test_of_its_occurrences_a_value_fault_comes_in_its_share() -> None:
    fault = Frozen(device="d", for_s=1, every_s=2, probability=0.3)
    there = sum(_applies(fault, 2 * n + 0.5) for n in range(1000))
    assert 250 < there < 350
    assert [_applies(fault, 0.5), _applies(fault, 0.9)] in ([True, True], [False, False])


def test_of_the_answers_a_wire_fault_takes_its_share_the_same_ones_with_the_same_seed() -> None:
    fault = Silence(device="d", probability=0.3)

    def lost(seed: int) -> list[bool]:
        applied = applying({"x": fault}, 1.0, seed)
        return [disturbed(Reply(1, b"\3\0"), applied, number) is None for number in range(1000)]

    assert 250 < sum(lost(1)) < 350
    assert lost(1) == lost(1) != lost(2)


def test_faults_of_one_kind_on_one_target_are_told_apart() -> None:
    faults = [Silence(device="a"), Silence(bus="a"), Crc(device="a"), Silence(device="a")]
    assert list(named(faults)) == ["a/silence", "a/silence-2", "a/crc", "a/silence-3"]


VALUES: list[tuple[str, dict[str, Any], dict[str, float | None]]] = [
    ("drift", {"points": ["small"], "per_hour": 7200.0}, {"small": 5.0}),
    ("offset", {"points": ["small", "real"], "by": -0.5}, {"small": 0.5, "real": 3.5}),
    ("scale", {"points": ["large"], "factor": 10.0}, {"large": 20.0}),
    ("sentinel", {}, {"small": None}),
    ("bypass", {}, {"cutoff": 0.0, "bypass": 1.0}),
    ("spike", {"points": ["real"], "magnitude": 9.0, "per_min": 1e6}, {"real": 13.0}),
]


@pytest.mark.parametrize(("kind", "keys", "changed"), VALUES, ids=[kind for kind, *_ in VALUES])
def test_values_become_what_the_fault_says_and_no_others_do(
    kind: str, keys: dict[str, Any], changed: dict[str, float | None], profile: Profile
) -> None:
    values = distorted(profile, _now(kind, since_s=2.0, **keys), TRUE).values
    assert values == pytest.approx({**TRUE, **changed})


def test_not_a_number_is_shown_as_one_and_said_to_nobody(profile: Profile) -> None:
    values = distorted(profile, _now("nan"), TRUE).values
    assert math.isnan(values["real"] or 0.0)
    assert Encoder(profile).encode(values).said["real"] is None


def test_what_froze_stays_until_the_fault_is_over_and_freezes_anew_the_next_time(profile: Profile) -> None:
    faults = {"x": Frozen(device="d", points=["small"], at_s=1, for_s=2, every_s=4)}
    held, shown = NOTHING_HELD, []
    for t in range(8):
        values = {**TRUE, "small": float(t), "large": float(t)}
        now, held = distorted(profile, applying(faults, t, 1), values, held)
        assert now["large"] == t
        shown.append(now["small"])
    assert shown == [0, 1, 1, 3, 4, 5, 5, 7]
    assert held == {}


def test_spikes_come_as_often_as_asked_and_each_point_has_its_own(profile: Profile) -> None:
    fault = Spike(device="d", points=["small", "large"], magnitude=10.0, per_min=6.0, lasts_s=0.2)
    moments = [0.2 * n + 0.1 for n in range(5 * 3600)]
    shown = [distorted(profile, [Applied(fault, t, "s")], TRUE).values for t in moments]
    small, large = ([values[key] == TRUE[key] + 10 for values in shown] for key in ("small", "large"))
    assert 300 < sum(small) < 420  # six a minute for an hour
    assert small != large


REGISTERS: list[tuple[str, dict[str, Any], dict[int, int], set[str]]] = [
    ("byte_swap", {"points": ["small"]}, {0: 0x6400}, {"small"}),
    ("word_swap", {"points": ["large", "turned"]}, {1: 200, 2: 0, 3: 0, 4: 300}, {"large", "turned"}),
    ("stuck_bit", {"point": "bypass"}, {7: 0b11}, {"cutoff", "bypass"}),
    ("stuck_bit", {"point": "cutoff", "value": 0}, {7: 0b00}, {"cutoff", "bypass"}),
    ("stuck_bit", {"point": "large", "bit": 17}, {1: 2}, {"large"}),
    ("stuck_bit", {"point": "turned", "bit": 17}, {4: 2}, {"turned"}),
]


@pytest.mark.parametrize(
    ("kind", "keys", "words", "unsaid"), REGISTERS, ids=[str(case[:2]) for case in REGISTERS]
)
def test_registers_become_what_the_fault_says_and_the_ledger_hears_nothing_of_them(
    kind: str, keys: dict[str, Any], words: dict[int, int], unsaid: set[str], profile: Profile
) -> None:
    image = Encoder(profile).encode(TRUE)
    found = spoilt(profile, _now(kind, **keys), image)
    assert {n: word for n, word in enumerate(found.words) if word != image.words[n]} == words
    assert {key for key, value in found.said.items() if value is None} == unsaid


def test_swapped_twice_is_as_it_was(profile: Profile) -> None:
    image = Encoder(profile).encode(TRUE)
    twice: Image = spoilt(profile, [*_now("byte_swap"), *_now("byte_swap")], image)
    assert twice == image


def test_delays_add_up_and_only_a_slow_unit_is_deaf() -> None:
    slow, late = Slow(device="d", delay_ms=200), Late(device="d", delay_ms=300, jitter_ms=100)
    applied = [Applied(slow, 0.0, "a"), Applied(late, 0.0, "b")]
    both = [disturbed(Reply(1, b"\3\0"), applied, number) for number in range(50)]
    delays = {reply.delay_s for reply in both if reply is not None and reply.is_deaf}
    assert len(delays) == 50
    assert all(0.4 <= delay <= 0.6 for delay in delays)
    only_late = disturbed(Reply(1, b"\3\0"), applied[1:], 1)
    assert only_late is not None
    assert not only_late.is_deaf


@given(st.binary(min_size=5, max_size=250), st.integers(1, 260))
def test_a_truncated_frame_is_a_beginning_of_it(frame: bytes, lost: int) -> None:
    reply = Reply(1, b"\3\0", lost_bytes=lost)
    assert reply.on_wire(frame) == (frame[:-lost] if lost < len(frame) else b"")


def test_every_fault_is_one_of_a_line_of_values_or_of_registers() -> None:
    tried = {kind for kind, *_ in (*VALUES, *REGISTERS)} | {"frozen", "nan"}
    assert tried == {
        kind for kind, fault in KINDS.items() if not issubclass(fault, WireFault | Disconnect | ClockJump)
    }
    assert all(issubclass(fault, Fault) for fault in KINDS.values())
