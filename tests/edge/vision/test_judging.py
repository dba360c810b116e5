"""What a camera's looks come to: votes, zones, slots, loads."""

from datetime import timedelta
from itertools import pairwise

import pytest

from edge.vision.places import contains, foot, is_watched
from edge.vision.projection import Ground, Hook, ProjectionError
from edge.vision.settings import GroundPoint, HookSettings
from sitewarden.cameras import CameraZone, Hours
from tests.edge.vision.walking import (
    ALL,
    BARE,
    HEIGHT,
    HELMET,
    LOOK_S,
    NOON,
    UNCLEAR,
    WIDTH,
    Seen,
    Watched,
    along,
    camera,
)

LEFT = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
RIGHT = [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]


def test_a_bare_head_is_alarmed_once_after_five_looks() -> None:
    watched = Watched()
    watched.walk(40, along(100))
    assert watched.alarms == [("yard.bare_1", 1)]
    first = next(look for look in watched.looks if look.confirmed)
    assert 0.75 <= first.at_s - 100.0 <= 1.25
    assert first.values["yard.bare_1"] == 1
    assert watched.values == {
        "yard.people": 1,
        "yard.bare_1": 1,
        "yard.bare_2": 0,
        "yard.bare_3": 0,
        "yard.bare_more": 0,
    }


def test_a_camera_that_is_looked_at_every_five_seconds_alarms_all_the_same() -> None:
    watched = Watched(camera(looks_per_s=0.2))
    for number in range(12):
        watched.see(along(100, step=4)(number))
        watched.at_s += 5 - LOOK_S
    assert watched.alarms == [("yard.bare_1", 1)]


@pytest.mark.parametrize(("looks_per_s", "sides_per_s"), [(5.0, 5.6), (2.5, 5.6), (1.0, 4.0)])
def test_whoever_walks_across_is_alarmed_though_looks_are_rare(
    looks_per_s: float, sides_per_s: float
) -> None:
    watched = Watched(camera(looks_per_s=looks_per_s))
    for number in range(round(4 * looks_per_s) + 2):
        watched.see(Seen(100 + 40 * sides_per_s * number / looks_per_s, 200, BARE))
        watched.at_s += 1 / looks_per_s - LOOK_S
    assert watched.alarms == [("yard.bare_1", 1)]


def test_a_helmet_is_never_alarmed_though_a_look_in_three_calls_it_bare() -> None:
    watched = Watched()
    watched.walk(60, lambda n: Seen(100 + 8 * n, 200, BARE if n % 3 == 0 else HELMET))
    assert watched.alarms == []
    assert watched.looks[-1].standing[0].state == "helmet"


def test_a_helmet_that_comes_off_is_alarmed_and_one_put_on_ends_it() -> None:
    watched = Watched()
    watched.walk(60, lambda n: Seen(100 + 8 * n, 200, BARE if 20 <= n < 40 else HELMET))
    values = [look.values["yard.bare_1"] for look in watched.looks]
    assert values[20] == 0
    assert values[30] == 1
    assert values[-1] == 0
    assert len(watched.alarms) == 1


def test_whoever_takes_the_helmet_off_again_is_alarmed_again_after_the_cool_down() -> None:
    zone = CameraZone(zone="yard", outline=ALL, cool_down_s=12)
    watched = Watched(camera(zone))
    watched.walk(150, lambda n: Seen(100 + 5 * n, 200, HELMET if 20 <= n < 30 else BARE))
    assert [key for key, _ in watched.alarms] == ["yard.bare_1"] * 2
    began = [look.at_s for look in watched.looks if look.confirmed]
    assert began[1] - began[0] >= 12


def test_too_small_a_head_is_unknown_and_still_somebody() -> None:
    watched = Watched()
    watched.walk(40, lambda n: Seen(100 + 8 * n, 200, BARE, side=10))
    assert watched.alarms == []
    assert watched.looks[-1].standing[0].state == "unknown"
    assert watched.values["yard.people"] == 1


def test_a_head_that_is_not_clear_is_unknown() -> None:
    watched = Watched()
    watched.walk(5, along(100, scores=HELMET))
    watched.walk(40, along(140, scores=UNCLEAR))
    assert watched.alarms == []


def test_what_never_moves_is_no_head_until_it_moves() -> None:
    watched = Watched()
    # A cap on a shelf, with the trembling of a detector's boxes.
    watched.walk(200, lambda n: Seen(300 + (n * 7 % 3 - 1) * 0.4, 200, BARE))
    assert watched.alarms == []
    assert watched.values["yard.people"] == 0
    watched.walk(20, along(300, step=4))
    assert len(watched.alarms) == 1


def test_whoever_is_hidden_and_comes_back_at_the_spot_goes_on_with_the_alarm() -> None:
    watched = Watched()
    watched.walk(20, along(100, step=4))
    # Longer than a track is reckoned on, shorter than the alarm lasts.
    watched.walk(13, lambda _: None)
    assert watched.values["yard.bare_1"] == 1
    watched.walk(20, along(190, step=4))
    assert watched.alarms == [("yard.bare_1", 1)]
    assert watched.values["yard.bare_1"] == 1
    assert watched.values["yard.bare_2"] == 0


@pytest.mark.parametrize("looks_per_s", [5.0, 2.5, 1.0])
def test_whoever_stands_and_then_walks_off_is_alarmed_once_though_looks_are_rare(looks_per_s: float) -> None:
    watched = Watched(camera(looks_per_s=looks_per_s))
    stands, walks = round(8 * looks_per_s) + 4, round(4 * looks_per_s) + 2
    for number in range(stands + walks):
        away = max(0, number - stands) * 40 * 5.6 / looks_per_s
        watched.see(Seen(100 + number / 4 + away, 200, BARE))
        watched.at_s += 1 / looks_per_s - LOOK_S
    assert watched.alarms == [("yard.bare_1", 1)]


def test_whose_track_breaks_off_in_one_look_has_no_second_alarm() -> None:
    """Found two and a half heads away at the very next look: a second track, while the first still lives."""
    watched = Watched()
    watched.walk(30, lambda n: Seen(100 + n / 4, 200, BARE))
    watched.walk(60, along(205, step=3))
    assert {one.track.number for one in watched.looks[-1].standing} == {2}
    assert watched.alarms == [("yard.bare_1", 1)]
    assert {look.values["yard.bare_1"] for look in watched.looks[30:]} == {1}


def test_whoever_walks_on_behind_something_has_no_second_alarm() -> None:
    watched = Watched()
    watched.walk(20, along(100))
    watched.walk(14, lambda _: None)
    watched.walk(40, along(450))
    assert watched.alarms == [("yard.bare_1", 1)]
    assert {look.values["yard.bare_1"] for look in watched.looks[20:]} == {1}


def test_whose_track_stays_with_a_thing_that_he_passes_has_no_second_alarm() -> None:
    """It lives on there by faint sights, while he walks on and is found anew."""
    watched = Watched()
    watched.walk(12, along(200))
    assert len(watched.alarms) == 1
    faint = Seen(300, 200, (0.25, 0.06))
    watched.walk(4, lambda _: faint)
    watched.walk(40, along(370, step=12), lambda _: faint)
    assert len(watched.alarms) == 1
    assert watched.values["yard.people"] == 1


def test_a_track_that_had_its_alarm_has_no_second_one_though_another_went_on_with_it() -> None:
    """Dim for a moment, he is taken for whoever comes beside him."""
    watched = Watched()
    watched.walk(12, along(200))
    dim = (0.05, 0.3)
    watched.walk(10, along(296, scores=dim), along(360, y=230))
    watched.walk(30, along(376), along(440, y=230))
    assert [number for _, number in watched.alarms] == [1]
    assert watched.values["yard.people"] == 2


def test_a_thing_that_is_waited_for_meanwhile_does_not_take_the_place_of_who_was_lost() -> None:
    watched = Watched()
    watched.walk(12, along(200))
    thing = Seen(300, 340, (0.5, 0.1))
    watched.see()
    watched.walk(2, lambda _: thing)
    watched.walk(12, along(560, scores=(0.3, 0.32)), lambda _: thing)
    watched.walk(12, along(656), lambda _: thing)
    assert watched.alarms == [("yard.bare_1", 1)]
    assert watched.values["yard.bare_1"] == 1


def test_two_who_are_there_at_once_have_an_alarm_each_though_one_comes_where_the_other_is() -> None:
    watched = Watched()
    watched.walk(30, lambda n: Seen(300 + n / 4, 200, BARE))
    watched.walk(30, lambda n: Seen(300 + n / 4, 200, BARE) if n else None, along(390, step=2))
    assert watched.alarms == [("yard.bare_1", 1), ("yard.bare_2", 2)]


def test_a_helmet_that_passes_where_a_bare_head_was_lost_does_not_take_its_alarm_along() -> None:
    watched = Watched()
    watched.walk(30, lambda n: Seen(300 + n / 4, 200, BARE))
    watched.walk(14, lambda _: None, along(340, step=6, scores=HELMET))
    watched.walk(30, along(300, step=2), along(424, step=6, scores=HELMET))
    assert watched.alarms == [("yard.bare_1", 1)]


def test_whoever_was_lost_for_long_under_the_hook_has_no_second_alarm_of_the_yard_around_it() -> None:
    watched = Watched(
        camera(CameraZone(zone="yard", outline=ALL), CameraZone(zone="hook", outline=ALL, kind="hook"))
    )
    watched.walk(30, lambda n: Seen(300 + n / 4, 200, BARE))
    watched.walk(40, lambda _: None)
    watched.walk(30, along(310, step=2))
    assert watched.alarms == [("hook.bare_1", 1)]


def test_whoever_runs_across_is_alarmed() -> None:
    watched = Watched()
    watched.walk(10, along(50, step=120))
    assert watched.alarms == [("yard.bare_1", 1)]


def test_whoever_comes_back_later_waits_for_the_end_of_the_cool_down() -> None:
    zone = CameraZone(zone="yard", outline=ALL, cool_down_s=20)
    watched = Watched(camera(zone))
    watched.walk(20, along(100, step=2))
    watched.walk(40, lambda _: None)
    assert watched.values["yard.bare_1"] == 0
    watched.walk(80, along(140, step=1))
    assert len(watched.alarms) == 2
    first, second = (look.at_s for look in watched.looks if look.confirmed)
    assert second - first >= 20


def test_somebody_else_is_alarmed_at_once_though_a_zone_cools_down() -> None:
    watched = Watched()
    watched.walk(20, along(100))
    watched.walk(20, along(260), along(900, y=400, step=-8))
    assert watched.alarms == [("yard.bare_1", 1), ("yard.bare_2", 2)]


def test_more_bare_heads_than_slots_are_counted_and_move_up() -> None:
    zone = CameraZone(zone="yard", outline=ALL, slots=1)
    watched = Watched(camera(zone))
    watched.walk(20, along(100), along(100, y=400))
    assert (watched.values["yard.bare_1"], watched.values["yard.bare_more"]) == (1, 1)
    watched.walk(70, lambda _: None, along(260, y=400))
    assert watched.values["yard.bare_more"] == 0
    assert watched.alarms == [("yard.bare_1", 1), ("yard.bare_1", 2)]


def test_a_slot_rests_until_the_alarm_before_has_ended() -> None:
    zone = CameraZone(zone="yard", outline=ALL, slots=1)
    watched = Watched(camera(zone))
    watched.walk(20, along(100), along(100, y=400))
    watched.walk(80, along(260, scores=HELMET), along(260, y=400))
    assert watched.alarms == [("yard.bare_1", 1), ("yard.bare_1", 2)]
    said = [(look.at_s, look.values["yard.bare_1"]) for look in watched.looks]
    ended = next(at_s for (_, before), (at_s, now) in pairwise(said) if before > now)
    again = next(at_s for at_s, now in said if at_s > ended and now)
    # Rules clear after five seconds at 0; meanwhile whoever waits is counted.
    assert again - ended > 5
    assert all(look.values["yard.bare_more"] == 1 for look in watched.looks if ended <= look.at_s < again)


def test_one_person_who_flickers_has_one_alarm_a_cool_down() -> None:
    watched = Watched(camera(CameraZone(zone="yard", outline=ALL, cool_down_s=60)))
    # Seen for two seconds, then not for six, again and again.
    watched.walk(280, lambda n: Seen(300 + 2 * (n % 40), 200, BARE) if n % 40 < 10 else None)
    assert len(watched.alarms) == 1


def test_a_long_alarm_outlives_its_cool_down_where_its_track_breaks_off_for_a_moment() -> None:
    watched = Watched(camera(CameraZone(zone="yard", outline=ALL, cool_down_s=10)))
    watched.walk(200, lambda n: None if 100 <= n < 112 else Seen(300 + n / 4, 200, BARE))
    assert len(watched.alarms) == 1
    assert watched.values["yard.bare_1"] == 1


def test_whoever_had_a_graver_alarm_before_is_alarmed_where_the_helmet_comes_off_again() -> None:
    site = CameraZone(zone="yard", outline=ALL, cool_down_s=5)
    watched = Watched(camera(site, CameraZone(zone="hook", outline=LEFT, kind="hook")))
    watched.walk(20, along(300))
    watched.walk(60, along(460, scores=HELMET))
    watched.walk(20, along(940))
    assert [key for key, _ in watched.alarms] == ["hook.bare_1", "yard.bare_1"]


def test_whoever_stands_in_two_zones_is_alarmed_in_the_graver_and_walking_into_it_raises() -> None:
    site, hook = CameraZone(zone="yard", outline=ALL), CameraZone(zone="hook", outline=RIGHT, kind="hook")
    inside = Watched(camera(site, hook))
    inside.walk(30, along(800, step=4))
    assert [key for key, _ in inside.alarms] == ["hook.bare_1"]
    entering = Watched(camera(site, hook))
    entering.walk(60, along(300))
    assert [key for key, _ in entering.alarms] == ["yard.bare_1", "hook.bare_1"]


def test_to_and_fro_on_a_border_neither_enters_nor_leaves() -> None:
    watched = Watched(camera(CameraZone(zone="pit", outline=RIGHT, duties=("keep_out",))))
    watched.walk(60, lambda n: Seen(640 + (12 if n % 4 < 2 else -12), 200))
    assert {look.values["pit.intruders"] for look in watched.looks} == {0}
    watched.walk(20, along(640, scores=HELMET))
    assert watched.values["pit.intruders"] == 1


def test_an_intruder_and_whoever_is_under_a_load_have_a_picture_when_that_begins() -> None:
    watched = Watched(camera(CameraZone(zone="pit", outline=ALL, duties=("keep_out",))))
    watched.walk(20, along(100, scores=HELMET))
    watched.walk(20, along(260, scores=HELMET), along(100, y=400, scores=HELMET))
    assert watched.values["pit.intruders"] == 2
    assert watched.alarms == [("pit.intruders", 1)]
    first = next(look for look in watched.looks if look.confirmed)
    assert first.values["pit.intruders"] == 1
    # Nobody is there any more, and then somebody is again: another alarm.
    watched.walk(60, lambda _: None)
    watched.walk(20, along(700, scores=HELMET))
    assert watched.alarms == [("pit.intruders", 1), ("pit.intruders", 3)]
    assert under().alarms == [("lift.under_load", 1)]


def test_off_its_hours_a_zone_asks_nothing_of_anybody() -> None:
    hours = [Hours(days=(1, 2, 3, 4, 5), start="07:00", end="19:00")]
    zone = CameraZone(zone="yard", outline=ALL, hours=hours, duties=("helmet", "keep_out"))
    watched = Watched(camera(zone))
    watched.walk(30, along(100))
    assert (watched.values["yard.bare_1"], watched.values["yard.intruders"]) == (1, 1)
    watched.now = NOON + timedelta(hours=8)
    watched.walk(10, along(340))
    assert watched.values["yard.people"] == 1
    assert (watched.values["yard.bare_1"], watched.values["yard.intruders"]) == (0, 0)


@pytest.mark.parametrize(
    ("day", "clock", "watched"),
    [
        (1, 21, False),
        (1, 22, True),
        (1, 23, True),
        (2, 5, True),
        (2, 6, False),
        (7, 23, False),
        (1, 3, False),
    ],
)
def test_a_night_shift_belongs_to_the_day_it_begins_on(day: int, clock: int, *, watched: bool) -> None:
    hours = [Hours(days=(1,), start="22:00", end="06:00")]
    monday = NOON.replace(day=23, hour=0)
    assert is_watched(hours, monday + timedelta(days=day - 1, hours=clock), 0) is watched


def test_the_hours_are_those_of_the_site() -> None:
    hours = [Hours(start="12:00", end="24:00")]
    assert is_watched(hours, NOON, 8)
    assert not is_watched(hours, NOON, 0)


def test_feet_below_the_picture_stand_at_its_edge_which_belongs_to_the_zone() -> None:
    place = foot((600, 500, 660, 560), WIDTH, HEIGHT)
    assert place == (630 / WIDTH, 1.0)
    assert contains(LEFT, place)
    assert not contains(RIGHT, place)


MARKS = [
    GroundPoint(pixel=(0.2, 0.9), ground_m=(0.0, 0.0)),
    GroundPoint(pixel=(0.8, 0.9), ground_m=(10.0, 0.0)),
    GroundPoint(pixel=(0.65, 0.5), ground_m=(10.0, 20.0)),
    GroundPoint(pixel=(0.35, 0.5), ground_m=(0.0, 20.0)),
]


def test_marks_give_the_ground_between_them_and_nothing_above_the_horizon() -> None:
    ground = Ground.of(MARKS)
    for mark in MARKS:
        assert ground.at(mark.pixel) == pytest.approx(mark.ground_m, abs=1e-6)
    middle = ground.at((0.5, 0.9))
    assert middle == pytest.approx((5, 0), abs=1e-6)
    assert ground.at((0.5, 0.01)) is None
    assert ground.error_m == pytest.approx(0, abs=1e-6)


def test_marks_that_disagree_say_by_how_much() -> None:
    off = GroundPoint(pixel=(0.5, 0.9), ground_m=(5.0, 1.0))
    assert 0.1 < Ground.of([*MARKS, off]).error_m < 1


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        ([(0.1, 0.5), (0.2, 0.5), (0.3, 0.5), (0.4, 0.5)], "line"),
        ([(0.1, 0.5), (0.2, 0.5), (0.3, 0.5), (0.4, 0.9)], "line"),
        ([(0.1, 0.5)] * 4, "point"),
        ([(0.2, 0.9), (0.65, 0.5), (0.8, 0.9), (0.35, 0.5)], "exchanged"),
    ],
)
def test_marks_that_give_no_ground_are_refused(pixels: list[tuple[float, float]], reason: str) -> None:
    marks = [
        GroundPoint(pixel=pixel, ground_m=mark.ground_m if reason != "line" else (pixel[0] * 9, pixel[1] * 4))
        for pixel, mark in zip(pixels, MARKS, strict=True)
    ]
    with pytest.raises(ProjectionError, match=reason):
        Ground.of(marks)


def under(**of_hook: float) -> Watched:
    """Somebody with a helmet who stands at (5, 0) of the grid, and a hook over it."""
    zone = CameraZone(zone="lift", outline=ALL, duties=("under_load",))
    watched = Watched(camera(zone, ground=MARKS, hook=HookSettings(crane="t1", radius_m=3)))
    told = {"at_s": 100.0, "x_m": 5.0, "y_m": 0.0, "height_m": 12.0, "load_t": 2.0, **of_hook}
    watched.hook = Hook(**told)
    # The feet come to 0.9 of the height.
    watched.walk(15, lambda n: Seen(620 + 3 * n, 0.9 * HEIGHT - 7 * 40, HELMET))
    return watched


def test_whoever_stands_under_a_hanging_load_is_counted() -> None:
    assert under().values["lift.under_load"] == 1


@pytest.mark.parametrize("of_hook", [{"x_m": 15.0}, {"load_t": 0.0}, {"height_m": 1.0}])
def test_nobody_is_under_a_load_that_hangs_elsewhere_or_not_at_all(of_hook: dict[str, float]) -> None:
    assert under(**of_hook).values["lift.under_load"] == 0


def test_while_nobody_knows_where_the_hook_is_nothing_is_said_of_loads() -> None:
    assert "lift.under_load" not in under(at_s=80.0).values


def test_who_passes_a_cap_lends_it_neither_his_movement_nor_his_votes() -> None:
    watched = Watched()

    def cap(n: int) -> Seen:
        return Seen(300 + (n * 7 % 3 - 1) * 0.4, 200, BARE)

    watched.walk(100, cap)
    # A helmet comes to it and hides it, is hidden himself, and his track goes on with what is seen there.
    watched.walk(10, lambda n: Seen(180.0 + 12 * n, 202, HELMET))
    watched.walk(60, cap)
    assert watched.alarms == []
    # Who is bare-headed and walks away from there is seen all the same.
    watched.walk(20, along(300, step=8))
    assert [key for key, _ in watched.alarms] == ["yard.bare_1"]
