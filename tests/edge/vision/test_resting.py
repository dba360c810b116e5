"""What may wait for its next look, and for how long: never a head that is bare or not judged yet."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from edge.vision.covering import BETWEEN_S
from edge.vision.detectors.scripted import Scripted
from edge.vision.judging import Judge
from edge.vision.model import Boxes, Frame, Heads, Look, Region, Scores, Track
from edge.vision.places import FEET_HEADS
from edge.vision.regions import SETTLED_S, Planner, tiles
from edge.vision.settings import CameraEntry
from edge.vision.tracking import Tracker
from sitewarden.cameras import CameraZone
from tests.edge.vision.walking import BARE, HEIGHT, HELMET, LOOK_S, NOON, WIDTH, Seen, camera, heads

SIZE, SQUARES = 416, 4
HD = (HEIGHT, WIDTH)
SOON_S = SETTLED_S + LOOK_S
"""At the latest what may wait is looked at: the first look after so long."""
FAINTLY = (0.1, 0.15)
MACHINE = (800.0, 100.0, 1100.0, 300.0)
Path = Callable[[float], Seen]


def test_nothing_waits_longer_than_kept_pictures_are_covered_before_a_head_was_found() -> None:
    assert SOON_S <= BETWEEN_S + 1e-9


def boxes(*found: Sequence[float]) -> Boxes:
    return np.array(found, np.float32).reshape(-1, 4)


def followed(box: Sequence[float], seen_s: float, number: int = 1) -> Track:
    x1, y1, x2, y2 = box
    return Track(number, 0, seen_s, (x1, y1, x2, y2), HELMET, 40, 9)


def shows(regions: Sequence[Region], box: Sequence[float]) -> bool:
    """Closely: as large as the frame has it, or by a tile."""
    close = [region for region in regions if region.side < max(HD)]
    return any(
        region.x <= box[0] + 1
        and region.y <= box[1] + 1
        and region.x + region.side >= box[2] - 1
        and region.y + region.side >= box[3] - 1
        for region in close
    )


class Site:
    """A planner and what moves before its camera."""

    def __init__(self) -> None:
        self.planner, self.at_s = Planner(), 100.0

    def look(
        self, motion: Boxes, tracks: Sequence[Track] = (), settled: Sequence[int] = ()
    ) -> Sequence[Region]:
        self.at_s += LOOK_S
        return self.planner.plan(HD, self.at_s, motion, tracks, size=SIZE, most=SQUARES, settled=settled)

    def watch_machine(self, seconds: float) -> Iterator[bool]:
        """Whether it was looked at, look by look."""
        for _ in range(round(seconds / LOOK_S)):
            yield shows(self.look(boxes(MACHINE)), MACHINE)


def test_a_machine_that_shows_nobody_is_looked_at_ever_more_rarely_but_each_half_second() -> None:
    looked = list(Site().watch_machine(20))
    assert all(looked[:3])
    since = 0
    for at, is_looked in enumerate(looked):
        since = at if is_looked else since
        assert (at - since) * LOOK_S <= SETTLED_S
    assert sum(looked[-50:]) <= 50 / 3 + 1


def test_where_a_machine_showed_somebody_every_look_looks_until_he_is_known() -> None:
    site = Site()
    list(site.watch_machine(10))
    steps_out = (900.0, 150.0, 940.0, 190.0)
    for _ in range(10):
        looks = site.look(boxes(MACHINE))
        if shows(looks, MACHINE):
            break
    # He was found in it: from then on nothing there waits, and least of all himself.
    for _ in range(10):
        assert shows(site.look(boxes(MACHINE), [followed(steps_out, site.at_s)]), steps_out)
    # Once everything about him is settled, the machine may wait again.
    after = [site.look(boxes(MACHINE), [followed(steps_out, site.at_s - 0.1)], [1]) for _ in range(50)]
    assert sum(shows(looks, MACHINE) for looks in after[-25:]) <= 25 / 3 + 2


def test_who_comes_beside_a_machine_that_waits_is_looked_at_at_once() -> None:
    site, machine = Site(), boxes((850, 150, 1050, 300))
    for _ in range(50):
        site.look(machine)
    while not shows(site.look(machine), machine[0]):
        pass
    # His motion and the machine's are one now, within the square that was looked at just before.
    both = 830.0, 150.0, 1050.0, 400.0
    assert shows(site.look(boxes(both)), both)


def test_what_rested_for_long_is_motion_as_at_first() -> None:
    site = Site()
    list(site.watch_machine(10))
    for _ in range(round(12 / LOOK_S)):
        site.look(boxes())
    assert all(site.watch_machine(3 * LOOK_S))


def test_a_settled_head_waits_and_rides_along_where_a_square_has_room() -> None:
    site, settled = Site(), followed((600, 300, 640, 340), 100.0)
    site.look(boxes(), [settled], [1])
    settled = followed(settled.box, site.at_s)
    assert not shows(site.look(boxes(), [settled], [1]), settled.box)
    beside = followed((700, 330, 740, 370), site.at_s, 2)
    looks = site.look(boxes(), [settled, beside], [1])
    assert shows(looks, settled.box)
    assert sum(region.side == SIZE and region not in tiles(HD, SIZE) for region in looks) == 1


def test_the_body_below_a_settled_head_waits_with_it_but_whoever_walks_beside_him_does_not() -> None:
    site, head = Site(), (600.0, 200.0, 630.0, 230.0)
    body, two = (570.0, 190.0, 660.0, 440.0), (570.0, 190.0, 750.0, 450.0)
    site.look(boxes(body), [followed(head, 100.0)], [1])
    settled = followed(head, site.at_s)
    assert not shows(site.look(boxes(body), [settled], [1]), body)
    assert shows(site.look(boxes(two), [settled], [1]), two)


class Walk:
    """Heads that walk before a camera whose eyes look where their planner says."""

    def __init__(self, entry: CameraEntry, *paths: Path, motion: bool = True) -> None:
        self.judge, self.planner = Judge(entry), Planner()
        self.detector = Scripted(self._script, SIZE)
        self.paths, self.motion = paths, motion
        self.at_s = 0.0
        self.looks: list[Look] = []
        self.squares: list[Sequence[Region]] = []

    def _now(self) -> list[Seen]:
        return [path(self.at_s) for path in self.paths]

    def _script(self, _: Frame) -> tuple[Boxes, Scores]:
        there: Heads = heads(*self._now())
        return there.boxes, there.scores

    def go(self, seconds: float) -> None:
        """Look on for so long."""
        for _ in range(round(seconds / LOOK_S)):
            there = self._now()
            moving = [_body(seen) for seen in there if self.motion]
            squares = self.planner.plan(
                HD,
                self.at_s,
                boxes(*moving),
                self.judge.tracks,
                size=SIZE,
                most=SQUARES,
                settled=self.judge.settled,
            )
            found = self.detector.find(Frame(self.at_s, 0, np.zeros((*HD, 3), np.uint8)), squares)
            look = self.judge.look(
                self.at_s, found, width=WIDTH, height=HEIGHT, now=NOON, regions=squares, input_px=SIZE
            )
            self.looks.append(look)
            self.squares.append(squares)
            self.at_s += LOOK_S

    def sights(self, since_s: float = 0.0) -> list[float]:
        """When the first head was found."""
        return [
            look.at_s
            for look in self.looks
            if look.at_s >= since_s and any(one.track.seen_s == look.at_s for one in look.standing[:1])
        ]

    def alarmed_s(self) -> float:
        return next(look.at_s for look in self.looks if look.confirmed)


def _body(seen: Seen) -> Sequence[float]:
    low, high = seen.y - seen.side / 2, seen.y + seen.side / 2 + FEET_HEADS * seen.side
    return seen.x - seen.side, low, seen.x + seen.side, min(high, HEIGHT)


def walks(scores: Callable[[float], tuple[float, float]], step: float = 60.0, y: float = 150.0) -> Path:
    """To the right and back again, so many pixels a second."""
    return lambda at_s: Seen(200 + step * (at_s if at_s < 15 else 30 - at_s), y, scores(at_s), 32.0)


def test_a_helmet_is_looked_at_every_half_second_and_stays_one_track() -> None:
    walk = Walk(camera(), walks(lambda _: HELMET))
    walk.go(25)
    assert {one.track.number for look in walk.looks for one in look.standing} == {1}
    assert all(look.values["yard.people"] == 1 for look in walk.looks[10:])
    sights = walk.sights(since_s=5)
    assert max(np.diff(sights)) <= SOON_S
    assert len(sights) <= 0.5 * 20 / LOOK_S


@pytest.mark.parametrize("off_s", [8.0, 8.2, 8.4])
def test_a_helmet_taken_off_is_seen_half_a_second_later_and_alarmed_as_fast_as_votes_allow(
    off_s: float,
) -> None:
    walk = Walk(camera(), walks(lambda at_s: HELMET if at_s < off_s - 1e-6 else BARE))
    walk.go(12)
    first_s = walk.sights(since_s=off_s - 1e-6)[0]
    assert first_s - off_s <= SOON_S
    # From the first sight of it on every look is one, until the votes are in.
    sights = walk.sights(since_s=first_s)
    assert max(np.diff(sights[:6])) <= LOOK_S + 1e-6
    assert walk.alarmed_s() - off_s <= SOON_S + 5 * LOOK_S + 1e-6


@pytest.mark.parametrize(
    "scores",
    [lambda _: BARE, lambda at_s: BARE if round(at_s / LOOK_S) % 3 else HELMET],
    ids=["bare", "some looks mistaken"],
)
def test_no_vote_about_a_bare_head_waits(scores: Callable[[float], tuple[float, float]]) -> None:
    walk = Walk(camera(), walks(scores))
    walk.go(20)
    assert walk.sights() == [look.at_s for look in walk.looks]


def test_whoever_puts_a_helmet_on_is_looked_at_until_that_is_found() -> None:
    walk = Walk(camera(), walks(lambda at_s: BARE if at_s < 6 else HELMET))
    walk.go(12)
    found_s = next(one.at_s for one in walk.looks if one.at_s > 6 and one.standing[0].state == "helmet")
    assert 6.9 < found_s < 7.3
    assert [at_s for at_s in walk.sights() if at_s <= found_s] == [
        one.at_s for one in walk.looks if one.at_s <= found_s
    ]


def test_who_was_never_seen_clearly_is_alarmed_half_a_second_later_than_he_could_be() -> None:
    def turns(at_s: float) -> tuple[float, float]:
        return FAINTLY if 0.2 < at_s < 9.9 else BARE

    walk = Walk(camera(), walks(turns))
    walk.go(14)
    assert len(walk.sights(since_s=4)) < 50
    assert walk.alarmed_s() <= 10 + SOON_S + 3 * LOOK_S + 1e-6


FORBIDDEN = CameraZone(zone="strip", duties=("keep_out",), outline=[(0.5, 0), (1, 0), (1, 1), (0.5, 1)])


def test_in_a_forbidden_zone_and_before_it_every_look_finds_him() -> None:
    walk = Walk(camera(FORBIDDEN), walks(lambda _: HELMET))
    walk.go(14)
    # The border is at 640 pixels, and he comes there after 7.3 seconds.
    sights = walk.sights(since_s=5.6)
    assert sights == [look.at_s for look in walk.looks if look.at_s >= 5.6]
    assert len(walk.sights(since_s=2)) < len([look for look in walk.looks if look.at_s >= 2])
    entered_s = next(look.at_s for look in walk.looks if look.values["strip.intruders"])
    assert entered_s <= 440 / 60 + 3 * LOOK_S


def test_at_a_border_every_look_finds_him() -> None:
    right = CameraZone(zone="yard", outline=[(0.5, 0), (1, 0), (1, 1), (0.5, 1)])
    walk = Walk(camera(right), walks(lambda _: HELMET))
    walk.go(14)
    entered_s = next(look.at_s for look in walk.looks if look.values["yard.people"])
    assert entered_s <= 440 / 60 + SOON_S + 3 * LOOK_S


def test_a_helmet_beside_a_bare_head_does_not_wait() -> None:
    walk = Walk(camera(), walks(lambda _: HELMET), walks(lambda _: BARE, y=220))
    walk.go(10)
    assert len(walk.sights()) == len(walk.looks)
    assert walk.judge.settled == frozenset()


@pytest.mark.parametrize(
    ("region", "side", "is_looked_for"),
    [
        (Region(0, 0, WIDTH), 32.0, False),
        (Region(0, 0, WIDTH), 80.0, True),
        (Region(0, 0, SIZE), 32.0, True),
        (Region(0, 0, SIZE), 9.0, True),
        (Region(0, 0, 2 * SIZE), 9.0, False),
    ],
    ids=str,
)
def test_a_square_that_shows_a_head_too_small_is_no_look_for_it(
    region: Region, side: float, is_looked_for: bool
) -> None:
    tracker = Tracker()
    tracker.look(0.0, heads(Seen(200, 200, HELMET, side)), [Region(0, 0, SIZE)], (WIDTH, HEIGHT), SIZE)
    tracker.look(0.2, heads(), [region], (WIDTH, HEIGHT), SIZE)
    assert tracker.missed == ({1} if is_looked_for else set())
