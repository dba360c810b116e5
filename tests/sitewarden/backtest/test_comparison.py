"""Two lists of alarms beside each other."""

from hypothesis import given
from hypothesis import strategies as st

from sitewarden.backtest.comparison import compare
from tests.sitewarden.backtest.episode import episode


def test_the_same_alarms_are_unchanged():
    alarms = [episode(10, 20), episode(30, None)]
    found = compare(alarms, list(reversed(alarms)))
    assert found.is_equal
    assert [pair.before for pair in found.unchanged] == alarms


def test_an_alarm_raised_earlier_has_moved_and_says_by_how_much():
    found = compare([episode(10, 20)], [episode(6, 20, limit=95.0)])
    (pair,) = found.moved
    assert pair.raised_later_ms == -4000
    assert found.added == found.removed == found.unchanged == []


def test_an_alarm_that_only_clears_later_has_moved_too():
    (pair,) = compare([episode(10, 20)], [episode(10, 25)]).moved
    assert pair.raised_later_ms == 0


def test_what_nothing_overlaps_is_added_or_removed():
    found = compare([episode(10, 20)], [episode(21, 30)])
    assert found.removed == [episode(10, 20)]
    assert found.added == [episode(21, 30)]


def test_another_point_family_or_level_is_another_alarm():
    before = [episode(10, 20), episode(10, 20, family="other"), episode(10, 20, level=2)]
    after = [episode(10, 20, point="crane-2/load_ratio")]
    found = compare(before, after)
    assert len(found.removed) == 3
    assert found.added == after


def test_a_renamed_rule_of_the_same_family_and_level_is_the_same_alarm():
    assert compare([episode(10, 20)], [episode(10, 20, rule="site-load-100")]).is_equal


def test_the_same_rule_is_the_better_match_though_another_overlaps_longer():
    mine, other = episode(18, 30), episode(10, 20, rule="other")
    found = compare([episode(10, 20)], [mine, other])
    assert [pair.after for pair in found.moved] == [mine]
    assert found.added == [other]


def test_one_long_alarm_that_falls_into_three_keeps_the_longest_of_them():
    found = compare([episode(0, 100)], [episode(0, 10), episode(20, 60), episode(70, 100)])
    assert [pair.after for pair in found.moved] == [episode(20, 60)]
    assert found.added == [episode(0, 10), episode(70, 100)]


def test_alarms_that_touch_only_at_one_instant_overlap():
    assert len(compare([episode(10, 20)], [episode(20, 30)]).moved) == 1


spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 20), st.integers(1, 2)).map(
        lambda s: episode(s[0], s[0] + s[1], level=s[2])
    ),
    max_size=12,
)


@given(spans, spans)
def test_every_alarm_of_either_list_is_told_exactly_once(before, after):
    found = compare(before, after)
    pairs = [*found.moved, *found.unchanged]
    assert sorted(map(repr, [*(p.before for p in pairs), *found.removed])) == sorted(map(repr, before))
    assert sorted(map(repr, [*(p.after for p in pairs), *found.added])) == sorted(map(repr, after))


@given(spans, spans)
def test_no_removed_alarm_overlaps_an_added_one_of_its_key(before, after):
    found = compare(before, after)
    for gone in found.removed:
        for new in found.added:
            assert gone.level != new.level or gone.ends_at < new.raised_at or new.ends_at < gone.raised_at


@given(spans)
def test_a_list_equals_itself(alarms):
    assert compare(alarms, alarms).is_equal
