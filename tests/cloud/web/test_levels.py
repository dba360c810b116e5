"""Which level a chart is drawn from."""

from cloud.readings.levels import LEVEL_MS, Kept, cut

DAY, HOUR, MINUTE = LEVEL_MS["day"], LEVEL_MS["hour"], LEVEL_MS["minute"]
ALL = Kept(computed_to_ms=None, days_to_ms=None, raw_from_ms=None, minutes_from_ms=0)


def test_it_is_the_coarsest_that_gives_more_than_half_of_what_was_asked_for():
    spans = {10 * MINUTE: "raw", DAY: "minute", 30 * DAY: "hour", 400 * DAY: "hour", 3000 * DAY: "day"}
    for span, level in spans.items():
        chosen = cut(5 * DAY + 1, 5 * DAY + 1 + span, 1000, ALL)
        assert chosen.level == level
        assert chosen.width_ms % LEVEL_MS[level] == 0
        assert (chosen.to_ms - chosen.from_ms) / chosen.width_ms <= 1000
        assert chosen.from_ms <= 5 * DAY + 1 < 5 * DAY + 1 + span <= chosen.to_ms


def test_what_is_gone_is_drawn_from_what_stays():
    gone = Kept(computed_to_ms=90 * DAY, days_to_ms=90 * DAY, raw_from_ms=60 * DAY, minutes_from_ms=30 * DAY)
    levels = [cut(at, at + 10 * MINUTE, 1000, gone).level for at in (20 * DAY, 50 * DAY, 70 * DAY)]
    assert levels == ["hour", "minute", "raw"]
