"""From polls to the derived points of group cranes: which are good, which are bad, what a restart changes."""

import math
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitewarden.collision.clearances import for_voltage
from sitewarden.collision.group import Group, Remembered
from sitewarden.collision.model import Around, Crane, ForbiddenZone, Judged, Member, PowerLine, Structure
from sitewarden.collision.points import kinds_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.sitewarden.collision import crane

GOOD, BAD = Quality.GOOD, Quality.TIMEOUT
T0 = 1_795_000_000_000
MAX_AGE_MS = 600
ZONE = ForbiddenZone(obstacle="street", outline_m=[(-60, 30), (-20, 30), (-20, 50)])
HOUSE = Structure(obstacle="house", outline_m=[(-60, -30), (-40, -30), (-40, -50)], top_m=60)
LINE = PowerLine(
    obstacle="line", kilovolts=10, points_m=[(-80, -80, 9, 11), (-80, 80, 9, 11)], half_width_m=1
)
NOTHING = Around()


class Site:
    """Plays polls into a group; as a rule three cranes in a row, whose jib tips come within 4 m."""

    def __init__(
        self,
        cranes: tuple[Crane, ...] | None = None,
        around: Around = NOTHING,
        judged: Mapping[str, Judged] | None = None,
    ) -> None:
        self.cranes = cranes or tuple(crane(104.0 * i, 0, name=f"crane-{i + 1}") for i in range(3))
        self.judged = judged or {}
        self.group = Group([self._member(one) for one in self.cranes], around, self.judged)
        self.now_ms = T0

    def restarted(self) -> "Site":
        """Another group that remembers by what was written down."""
        other = Site(self.cranes, judged=self.judged)
        other.now_ms = self.now_ms
        saved = msgspec.json.encode(self.group.remembered())
        other.group.remember(msgspec.json.decode(saved, type=Remembered))
        return other

    def poll(
        self, number: int, slew: float | None, *, radius: float = 5.0, hook: float = 30.0
    ) -> dict[str, Reading]:
        """One poll of a crane; the derived readings by key."""
        name, quality = f"crane-{number}", Quality.GOOD if slew is not None else Quality.TIMEOUT
        readings = [
            Reading(f"{name}/slew", self.now_ms, slew, quality),
            Reading(f"{name}/radius", self.now_ms, radius),
            Reading(f"{name}/hook_height", self.now_ms, hook),
            Reading(f"{name}/load", self.now_ms, 1.0),
        ]
        found = self.group.take(readings)
        assert all(r.point.startswith(f"{name}/") and r.at_ms == self.now_ms for r in found)
        return {reading.point.removeprefix(f"{name}/"): reading for reading in found}

    def play(self, *slews: float | None, seconds: float = 1.0) -> dict[str, Reading]:
        """Poll all cranes every 200 ms; what was derived of the first at last."""
        found: dict[str, Reading] = {}
        for _ in range(round(seconds * 5)):
            self.now_ms += 200
            for number, slew in enumerate(slews, start=1):
                derived = self.poll(number, slew)
                found = derived if number == 1 else found
        return found

    @staticmethod
    def _member(one: Crane) -> Member:
        points = tuple(f"{one.name}/{key}" for key in ("slew", "radius", "hook_height"))
        return Member(crane=one, points=points, max_age_ms=MAX_AGE_MS, window_ms=1000)


def value(found: dict[str, Reading], key: str) -> float | None:
    reading = found[key]
    assert reading.is_good == (reading.value is not None)
    assert reading.quality in (Quality.GOOD, Quality.BAD_INPUT)
    return reading.value


def test_a_pose_takes_two_polls_for_it_has_a_speed() -> None:
    site = Site()
    for _ in range(2):
        first = site.play(90.0, 270.0, 0.0, seconds=0.2)
        assert not first["group.distance"].is_good
    # Now the others have been polled twice before.
    assert value(site.play(90.0, 270.0, 0.0, seconds=0.2), "group.distance") == pytest.approx(4.0)


def test_the_nearest_crane_and_parts_are_named() -> None:
    # The first's jib points east, the second's west: tips 4 m apart; tens its own part, ones the other's.
    found = Site().play(90.0, 270.0, 0.0)
    assert (value(found, "group.distance.partner"), value(found, "group.distance.parts")) == (2.0, 11.0)
    # The second turned away: nearest to the first's tip at x = 50 is its counter-jib's end at x = 92.
    found = Site().play(90.0, 90.0, 0.0)
    assert (value(found, "group.distance.partner"), value(found, "group.distance.parts")) == (2.0, 12.0)
    assert value(found, "group.distance") == pytest.approx(42.0)


def test_a_turning_crane_is_looked_ahead_of() -> None:
    site = Site()
    for step in range(8):
        found = site.play(70.0 + 0.4 * step, 270.0, 0.0, seconds=0.2)
    # At 2 °/s it is at 72.8 ° and stands 1 s and 2 s later at 76.8 °.
    now, ahead = value(found, "group.distance"), value(found, "group.ahead")
    assert now is not None
    assert ahead is not None
    tip_now, tip_then = math.radians(72.8), math.radians(76.8)
    assert now == pytest.approx(math.hypot(54 - 50 * math.sin(tip_now), 50 * math.cos(tip_now)), abs=0.01)
    assert ahead == pytest.approx(math.hypot(54 - 50 * math.sin(tip_then), 50 * math.cos(tip_then)), abs=0.02)
    assert value(found, "group.ahead.time") == pytest.approx(3.0, abs=0.05)
    assert value(found, "group.ahead.partner") == 2.0


def test_looking_ahead_a_neighbour_has_gone_on_since_it_was_read() -> None:
    def tips(degrees: float) -> float:
        """From the first's tip in the east to the second's, whose jib points there."""
        angle = math.radians(degrees)
        return math.dist((50, 0), (104 + 50 * math.sin(angle), 50 * math.cos(angle)))

    # The second turns at 2 °/s towards the first; braking in 1 s and 2 s it turns 4 ° more.
    for age_ms, gone in ((1, 0.0), (500, 1.0)):
        site = Site()
        for step in range(8):
            site.play(90.0, 250.0 + 0.4 * step, 0.0, seconds=0.2)
        site.now_ms += age_ms
        found = site.poll(1, 90.0)
        assert value(found, "group.distance") == pytest.approx(tips(252.8), abs=0.01)
        assert value(found, "group.ahead") == pytest.approx(tips(252.8 + gone + 4.0), abs=0.02)


def test_a_slew_past_north_is_no_leap() -> None:
    site = Site()
    for step in range(8):
        found = site.play((358.5 + 0.4 * step) % 360.0, 270.0, 0.0, seconds=0.2)
    assert value(found, "group.ahead.time") == pytest.approx(3.0, abs=0.05)


def test_its_own_bad_reading_makes_all_of_it_bad_at_that_instant() -> None:
    site = Site(around=Around((HOUSE,), (ZONE,)))
    site.play(90.0, 270.0, 0.0)
    found = site.play(None, 270.0, 0.0, seconds=0.2)
    assert len(found) == 11 + 4 + 3
    assert {reading.quality for reading in found.values()} == {Quality.BAD_INPUT}
    assert value(site.play(90.0, 270.0, 0.0, seconds=0.2), "group.distance") == pytest.approx(4.0)


def test_one_missed_poll_of_a_neighbour_changes_nothing() -> None:
    site = Site()
    site.play(90.0, 270.0, 0.0)
    found = site.play(90.0, None, 0.0, seconds=0.2)
    assert value(found, "group.distance") == pytest.approx(4.0)
    assert value(found, "group.unseen") == 0.0


def test_where_the_nearest_crane_falls_silent_the_distance_is_bad_and_it_is_counted() -> None:
    # Circles of 50 m that overlap: masts 90 m apart.
    cranes = tuple(crane(90.0 * i, 0, name=f"crane-{i + 1}") for i in range(3))
    site = Site(cranes)
    site.play(90.0, 180.0, 0.0)
    found = site.play(90.0, None, 0.0, seconds=2.0)
    for key in ("distance", "distance.partner", "distance.parts", "mast", "vertical", "ahead", "ahead.time"):
        assert value(found, f"group.{key}") is None, key
    assert value(found, "group.unseen") == 1.0
    # Turned out of its circle, nobody unseen can reach this crane: the one that is seen is told, for good.
    found = site.play(270.0, None, 0.0, seconds=2.0)
    assert value(found, "group.unseen") == 0.0
    assert value(found, "group.distance.partner") == 3.0
    # Back in the circle it is counted again; where the other was a while ago says nothing any more.
    for again in (site, site.restarted()):
        found = again.play(90.0, None, 0.0, seconds=2.0)
        assert (value(found, "group.unseen"), value(found, "group.distance.partner")) == (1.0, 3.0)


TWO_METRES = {f"crane-1/group.{key}": Judged(2.0, 2.5) for key in ("distance", "mast", "vertical", "ahead")}


def test_beyond_a_limit_a_crane_that_is_seen_is_told_though_one_that_is_not_was_nearer() -> None:
    # The second crosses the first's jib and falls silent; the third's jib comes over it later.
    cranes = (crane(0, 0, name="crane-1"), crane(70, 0, name="crane-2"), crane(0, 70, name="crane-3"))
    site = Site(cranes, judged=TWO_METRES)
    found = site.play(45.0, 315.0, 270.0)
    assert (value(found, "group.vertical"), value(found, "group.vertical.partner")) == (0.0, 2.0)
    # Out of its sight nothing is told that could clear: the third is farther than any limit.
    assert value(site.play(45.0, None, 270.0, seconds=2.0), "group.vertical") is None
    for one in (site, site.restarted()):
        for key in ("distance", "vertical", "ahead"):
            found = one.play(45.0, None, 135.0, seconds=2.0)
            assert (value(found, f"group.{key}"), value(found, f"group.{key}.partner")) == (0.0, 3.0)
        assert value(found, "group.unseen") == 1.0
        assert value(one.play(45.0, None, 270.0, seconds=2.0), "group.vertical") is None


def test_an_unseen_crane_counts_until_this_one_is_out_of_its_circle_by_what_an_alarm_needs_to_clear() -> None:
    # The tip in the east is 3 m from the second's circle; at 70 ° it is 8.6 m from it.
    cranes = (crane(0, 0, name="crane-1"), crane(103, 0, name="crane-2"), crane(0, 150, name="crane-3"))
    for back_m, expected in ((3.1, None), (2.9, 3.0)):
        site = Site(cranes, judged={"crane-1/group.ahead": Judged(2.0, back_m)})
        site.play(90.0, 270.0, 90.0)
        found = site.play(90.0, None, 90.0, seconds=2.0)
        assert value(found, "group.distance.partner") == expected
    # Still outside by more when the second falls silent (6 m), but about to turn nearer: it counts.
    site = Site(cranes, judged={"crane-1/group.ahead": Judged(2.0, 5.0)})
    site.play(70.0, 270.0, 90.0)
    for step in range(10):
        found = site.play(70.0 + 1.2 * step, None, 90.0, seconds=0.2)
    assert value(found, "group.distance") is None
    site.play(50.0, None, 90.0, seconds=2.0)
    assert value(site.play(50.0, None, 90.0), "group.distance.partner") == 3.0


def test_a_mast_in_the_circle_of_an_unseen_crane_is_in_danger_whatever_its_jib_does() -> None:
    cranes = (
        crane(0, 0, name="crane-1"),
        crane(40, 0, raised=9, name="crane-2"),
        crane(0, 150, name="crane-3"),
    )
    site = Site(cranes)
    site.play(270.0, 90.0, 90.0)
    assert value(site.play(270.0, None, 90.0, seconds=2.0), "group.distance") is None


def test_a_crane_that_is_seen_and_nearer_is_not_hidden_by_one_that_is_not() -> None:
    cranes = (crane(0, 0, name="crane-1"), crane(80, 0, name="crane-2"), crane(0, 104, name="crane-3"))
    # By a rule of 40 m the second counts all the time: its circle is 30 m from the first's mast.
    site = Site(cranes, judged={"crane-1/group.distance": Judged(beyond_m=-1.0, back_m=40.0)})
    site.play(45.0, 270.0, 0.0)
    last = value(site.play(45.0, 270.0, 0.0), "group.distance")
    assert last is not None
    # The second is silent from now on; the third turns its jib to the south, and the first to the north.
    found = site.play(0.0, None, 180.0, seconds=2.0)
    assert value(found, "group.distance") == pytest.approx(4.0)
    assert value(found, "group.distance.partner") == 3.0
    # It goes away again, farther than the second was when last seen: now nobody knows.
    assert value(site.play(270.0, None, 0.0, seconds=2.0), "group.distance") is None
    # Seen again, everything is as if nothing had been.
    assert value(site.play(45.0, 270.0, 0.0, seconds=2.0), "group.distance") == pytest.approx(last)


def test_a_crane_that_was_never_seen_is_counted_and_hides_nobody() -> None:
    cranes = (crane(0, 0, name="crane-1"), crane(80, 0, name="crane-2"), crane(0, 104, name="crane-3"))
    site = Site(cranes)
    for _ in range(3):
        site.now_ms += 200
        found = site.poll(1, 0.0)
        site.poll(3, 180.0)
    assert value(found, "group.unseen") == 0.0  # the jib points north, out of the second's circle
    assert value(found, "group.distance") == pytest.approx(4.0)
    for _ in range(3):
        site.now_ms += 200
        found = site.poll(1, 90.0)
        site.poll(3, 180.0)
    assert value(found, "group.unseen") == 1.0


def test_a_poll_without_a_pose_derives_nothing_and_no_instant_comes_twice() -> None:
    site = Site()
    site.play(90.0, 270.0, 0.0)
    assert site.group.take([Reading("crane-1/load", site.now_ms + 50, 2.0)]) == []
    assert site.group.take([Reading("crane-1/slew", site.now_ms, 90.0)]) == []


def test_inputs_too_far_apart_make_no_pose() -> None:
    site = Site()
    site.play(90.0, 270.0, 0.0)
    site.now_ms += MAX_AGE_MS + 200
    found = site.group.take([Reading("crane-1/slew", site.now_ms, 90.0)])
    assert {reading.quality for reading in found} == {Quality.BAD_INPUT}


def test_a_clock_that_is_set_changes_no_speed_and_unsees_nobody() -> None:
    plain, shifted = Site(), Site()
    for site in (plain, shifted):
        for step in range(8):
            site.play(60.0 + 0.4 * step, 270.0, 0.0, seconds=0.2)
    shifted.group.shift(3_600_000, T0)
    shifted.now_ms += 3_600_000
    moved = shifted.play(63.2, 270.0, 0.0, seconds=0.2)
    still = plain.play(63.2, 270.0, 0.0, seconds=0.2)
    assert {key: reading.value for key, reading in moved.items()} == {
        key: reading.value for key, reading in still.items()
    }


def test_a_partner_that_fell_silent_before_a_restart_still_makes_the_distance_bad() -> None:
    site = Site(tuple(crane(90.0 * i, 0, name=f"crane-{i + 1}") for i in range(3)))
    site.play(90.0, 180.0, 0.0)
    assert value(site.play(90.0, None, 0.0, seconds=2.0), "group.distance") is None
    assert value(site.restarted().play(90.0, None, 0.0, seconds=2.0), "group.distance") is None


@given(
    st.lists(st.tuples(*[st.one_of(st.none(), st.floats(0, 360)) for _ in range(3)]), max_size=15), st.data()
)
@settings(max_examples=40, deadline=None)
def test_the_order_within_an_instant_and_the_cut_of_polls_change_nothing(
    polls: list[tuple[float | None, ...]], data: st.DataObject
) -> None:
    instants = [
        [
            [
                Reading(f"crane-{number}/slew", T0 + 200 * i, slew, GOOD if slew is not None else BAD),
                Reading(f"crane-{number}/radius", T0 + 200 * i, 5.0),
                Reading(f"crane-{number}/hook_height", T0 + 200 * i, 30.0),
            ]
            for number, slew in enumerate(one, start=1)
        ]
        for i, one in enumerate(polls)
    ]
    whole, other = Site().group, Site().group
    live = [reading for instant in instants for poll in instant for reading in whole.take(poll)]
    shuffled = [poll for instant in instants for poll in data.draw(st.permutations(instant))]
    late = [reading for poll in shuffled for reading in other.take(poll)]
    at_once = Site().group.take([reading for poll in shuffled for reading in poll])
    assert sorted(map(str, live)) == sorted(map(str, late)) == sorted(map(str, at_once))


slews = st.lists(
    st.tuples(*[st.one_of(st.none(), st.floats(0, 360)) for _ in range(3)]), min_size=1, max_size=25
)


@given(slews, st.integers(0, 24))
@settings(max_examples=40, deadline=None)
def test_a_restart_in_between_changes_nothing(polls: list[tuple[float | None, ...]], cut: int) -> None:
    def played(site: Site, part: list[tuple[float | None, ...]]) -> Iterator[dict[str, float | None]]:
        for one in part:
            yield {key: value for key, (_, _, value, _) in site.play(*one, seconds=0.2).items()}

    whole, first = Site(), Site()
    expected = list(played(whole, polls))
    found = list(played(first, polls[:cut]))
    found += played(first.restarted(), polls[cut:])
    for before, after in zip(expected, found, strict=True):
        for key in ("group.distance", "group.vertical", "group.mast", "group.ahead", "group.unseen"):
            assert after[key] == (None if before[key] is None else pytest.approx(before[key], abs=0.01)), key


def test_only_what_is_around_has_points() -> None:
    assert len(kinds_of(2, [])) == 11
    assert kinds_of(1, [ZONE]) == ["crane.zone.distance", "crane.zone.ahead", "crane.zone.nearest"]
    alone = Site((crane(0, 0, name="crane-1"),), Around((HOUSE,), (ZONE,), ((LINE, for_voltage(10)),)))
    found = alone.play(0.0)
    assert list(found) == [kind.removeprefix("crane.") for kind in kinds_of(1, [HOUSE, ZONE, LINE])]
    assert all(reading.is_good for reading in found.values())
