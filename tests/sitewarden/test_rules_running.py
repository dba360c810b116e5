"""Rules at work on several points: what holds an alarm back, and what must never do so."""

from typing import Any

import msgspec

from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.binding import Beside, bind
from sitewarden.rules.model import BoundRule, Rule
from sitewarden.rules.running import LONGEST_SHELF_MS, Rules, key_of

T = 1_795_000_000_000
H1, H2, MOVING = "p/h1", "p/h2", "p/moving"
BESIDE = Beside({"crane.load": [H1, H2], "crane.moving": [MOVING]}, [H1, H2, MOVING])


def bound(name: str, point: str, condition: dict[str, Any], **changes: Any) -> BoundRule:
    plain = {
        "rule": name, "family": "f", "version": 1, "watch": "crane.load", "level": 3,
        "label": {"zh": "", "en": ""}, "condition": condition,
        "basis": {"clause": "c", "source": "standard", "confidence": "memory"},
    }  # fmt: skip
    return bind(msgspec.convert({**plain, **changes}, Rule), point, {}, beside=BESIDE)


def high(name: str, point: str, limit: float, **changes: Any) -> BoundRule:
    return bound(name, point, {"when": "high", "limit": limit}, **changes)


def told(rules: Rules, at_s: float, point: str, value: float | None) -> list[tuple[str, str, str]]:
    quality = Quality.GOOD if value is not None else Quality.TIMEOUT
    moved = rules.take([Reading(point, T + round(at_s * 1000), value, quality)])
    return [(m.transition.change, m.bound.rule.rule, m.bound.point) for m in moved]


def steps(point: str, **changes: Any) -> list[BoundRule]:
    return [high("weak", point, 20, suppressed_by=["strong"], **changes), high("strong", point, 30)]


def test_an_alarm_of_one_sensor_hides_nothing_of_another() -> None:
    rules = Rules([*steps(H1), *steps(H2)], T)
    # Both are due at once; the graver one is told, and from the next reading on hides the lesser.
    assert [name for _, name, _ in told(rules, 1, H1, 31)] == ["weak", "strong"]
    assert told(rules, 2, H2, 25) == [("raised", "weak", H2)]


def test_a_graver_alarm_hides_the_lesser_one_of_its_own_sensor() -> None:
    rules = Rules(steps(H1, on_delay_s=1), T)
    assert told(rules, 1, H1, 31) == [("raised", "strong", H1)]
    assert told(rules, 3, H1, 31) == []
    assert told(rules, 4, H1, 25) == [("cleared", "strong", H1)]
    assert told(rules, 5, H1, 25) == [("raised", "weak", H1)]


def test_a_suppressor_that_nobody_hears_hides_nothing() -> None:
    for hold in ("shelved", "out of service"):
        rules = Rules(steps(H1, on_delay_s=1), T)
        told(rules, 1, H1, 31)
        strong = rules.watches[H1, "strong"]
        if hold == "shelved":
            strong.shelved_until_ms = T + 60_000
        else:
            strong.is_out_of_service = True
        assert told(rules, 3, H1, 31) == [("raised", "weak", H1)], hold


def test_a_silence_that_is_due_hides_though_nobody_has_looked() -> None:
    silent = bound("silent", H1, {"when": "stale", "after_s": 10}, watch="crane.*")
    doubtful = bound("doubt", H1, {"when": "quality", "any_of": ["timeout"]}, suppressed_by=["silent"])
    rules = Rules([doubtful, silent], T)
    told(rules, 1, H1, 1)
    assert told(rules, 30, H1, None) == [("raised", "silent", H1)]
    assert told(rules, 31, H1, None) == []


def test_a_shelf_ends_though_the_clock_was_a_year_ahead_when_it_was_made() -> None:
    rules = Rules([high("limit", H1, 20)], T)
    rules.watches[H1, "limit"].shelved_until_ms = T + 365 * LONGEST_SHELF_MS
    assert told(rules, 1, H1, 25) == [("raised", "limit", H1)]


def test_what_stood_before_the_clock_was_set_back_hides_nothing_after_it() -> None:
    rules = Rules(steps(H1, on_delay_s=1), T)
    for at_s, value in ((1000, 31), (1800, 31), (1801, 5)):
        told(rules, at_s, H1, value)
    for watch in rules.watches.values():
        watch.shift(-1_800_000, T)
    told(rules, 100, H1, 25)
    assert told(rules, 102, H1, 25) == [("raised", "weak", H1)]


def test_a_silence_is_heard_though_the_last_reading_lies_in_the_future() -> None:
    silent = bound("silent", H1, {"when": "stale", "after_s": 10})
    rules = Rules([silent], T)
    told(rules, 31_536_000, H1, 1)
    assert rules.tick(T) == []
    assert [m.transition.at_ms for m in rules.tick(T + 30_000)] == [T + 10_000]


def test_whoever_looks_late_makes_no_silence() -> None:
    rules = Rules([bound("silent", H1, {"when": "stale", "after_s": 2})], T)
    for second in range(1, 400):
        assert told(rules, second, H1, 1) == []
        # A gateway looks as far back as its slowest device may take to answer.
        assert rules.tick(T + (second - 300) * 1000) == []


FROZEN = {"when": "frozen", "after_s": 60}
MOVES = [{"kind": "crane.moving", "at_least": 1, "max_age_s": 10}]


def test_a_dead_cell_is_told_though_the_crane_stops_now_and_then() -> None:
    rules = Rules([bound("frozen", H1, FROZEN, arm=MOVES)], T)
    found = []
    for second in range(200):
        rules.take([Reading(MOVING, T + second * 1000, float(second % 55 < 50))])
        found += told(rules, second + 0.5, H1, 2.0)
    assert [change for change, _, _ in found] == ["raised"], "and it does not clear when the crane stands"


def test_time_without_readings_is_no_standing_still() -> None:
    rules = Rules([bound("frozen", H1, FROZEN)], T)
    assert told(rules, 1, H1, 2.01) == []
    assert [told(rules, second, H1, None) for second in range(2, 67)] == [[]] * 65
    assert told(rules, 67, H1, 2.01) == []
    assert told(rules, 167, H1, 2.01) == [], "nor is an hour in which nobody looked"


def test_rules_that_look_at_other_points_go_on_after_a_restart() -> None:
    rule = bound("both", H1, {"when": "high", "limit": 20}, arm=MOVES)
    first, second = Rules([rule], T), Rules([rule], T)
    first.take([Reading(MOVING, T, 1.0)])
    second.resume(first.saved(), first.inputs())
    assert told(second, 1, H1, 25) == [("raised", "both", H1)]
    assert key_of(rule) == (H1, "both")
