"""Whose heads in a picture are covered: of everybody who is in it, also of whom nobody found. Pure.

A detector misses a head now and then, and what it misses is seen by whoever sees the picture. So a head is
covered where it was found, where it was a moment before and after, where its track or its body says that it
must be, and where a second look saw what may be one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from edge.vision.boxes import areas, covers, overlaps, shared
from edge.vision.jpeg import scale_of
from edge.vision.model import Boxes, Frame, Heads, Picture, Track
from edge.vision.redaction import LOOKED, RECKONED
from sitewarden.messages import MOST_OTHERS, BoxWithin, PictureAbout

BEFORE_S = AFTER_S = 5.0
"""A clip's seconds around an alarm."""
BETWEEN_S = 0.7
"""Where a head was found it is covered for so long before and after: detectors miss one now and then."""
ENDED_S = 3.0
"""Where a track has ended somebody may be for so long still: who is found no more has not left by that."""
_SAME = 0.4
"""Boxes that overlap so much at one moment are one head."""
_KNOWN = 0.5
"""What lies in a head by so much of itself is that head."""
_NONE: Boxes = np.zeros((0, 4), np.float32)


class Shot(NamedTuple):
    """A frame as it is remembered, and whose heads are where in it, in its own pixels."""

    at_s: float
    jpeg: bytes
    heads: Boxes
    """As they were found."""
    tracks: dict[int, Boxes]
    """Boxes of one row, by track: reckoned where it was not found."""
    found: frozenset[int]
    """Tracks that were found in it."""
    is_looked_at: bool
    bodies: Boxes = _NONE
    """Where heads of bodies are, whether they were found or not."""
    maybe: Boxes | None = None
    """Where a second look at all of it saw what may be heads, and no look did; `None`: there was none."""


def placed(
    frame: Frame, heads: Heads | None, tracks: Iterable[Track] = (), bodies: Boxes | None = None
) -> Shot:
    """Where everybody is in a frame, in pixels of the picture that is kept of it; without that picture."""
    scale = scale_of(frame.pixels)
    return Shot(
        frame.at_s,
        b"",
        _NONE if heads is None else np.asarray(heads.boxes, np.float32).reshape(-1, 4) * scale,
        {track.number: np.array([track.box], np.float32) * scale for track in tracks},
        frozenset(t.number for t in tracks if heads is not None and t.seen_s >= frame.at_s),
        is_looked_at=heads is not None,
        bodies=_NONE if bodies is None else np.asarray(bodies, np.float32).reshape(-1, 4) * scale,
    )


def searched(shot: Shot, found: Boxes) -> Shot:
    """The shot with those of the heads `found` in its picture of which nothing was known."""
    known = np.concatenate((shot.heads, *shot.tracks.values()))
    within = shared(found, known) / np.maximum(areas(found), 1e-9)[:, None]
    return shot._replace(maybe=found[~(within > _KNOWN).any(axis=1)])


class Cover(NamedTuple):
    """Which heads of a shot are covered how."""

    others: Boxes
    own: Boxes
    faces: Boxes
    """Where the own head may be as well."""


def covering(shot: Shot, around: Sequence[Shot], track: int | None) -> Cover:
    """Who is in a shot, also whom nobody found in it: from the shots around it, and from where tracks go.

    `track` is the one whose helmet, or none, is to be seen.
    """
    boxes = _tracked(shot, around)
    own = boxes.pop(track, _NONE) if track is not None else _NONE
    near = [other for other in around if other.at_s != shot.at_s and abs(other.at_s - shot.at_s) <= BETWEEN_S]
    beside = [] if shot.is_looked_at else _looks_beside(shot, around)
    near += beside
    found, same_now = _apart(shot.heads, own)
    sure, maybe, faces = [found], [_NONE], [same_now]
    for number, box in boxes.items():
        (sure if number in shot.found else maybe).append(box)
    for other in near:
        then = _NONE if track is None else other.tracks.get(track, _NONE)
        found, same = _apart(other.heads, then)
        maybe.append(found)
        (faces if len(own) else maybe).append(same)
        maybe += [box for number, box in other.tracks.items() if number != track]
    sure += [_aside(one.bodies, own) for one in (shot, *beside)]
    sure += [_others(boxes, own) for boxes in _searched_around(shot, around)]
    maybe.append(_others(_ended(shot, around, track), own))
    # Where the own head was found the face is where it is now, else also where it was a moment ago. Of heads
    # in the same place each has a face: the track's box follows the head, and another's may lie upon it.
    own_faces = same_now if track in shot.found else np.concatenate(faces)
    return Cover(np.concatenate([*sure, _larger(np.concatenate(maybe))]), own, own_faces)


def _searched_around(shot: Shot, around: Sequence[Shot]) -> list[Boxes]:
    """What second looks saw in it, and in others of its clip: whoever is missed so long stands still."""
    near = (other for other in around if abs(other.at_s - shot.at_s) <= BEFORE_S + AFTER_S)
    return [one.maybe for one in (shot, *near) if one.maybe is not None]


def _ended(shot: Shot, around: Sequence[Shot], track: int | None) -> Boxes:
    """Where tracks were last that ended a moment ago."""
    before = [other for other in around if 0 < shot.at_s - other.at_s <= ENDED_S]
    last = {number: box for other in before for number, box in other.tracks.items()}
    gone = last.keys() - shot.tracks.keys() - {track}
    return np.concatenate([_NONE, *(last[number] for number in sorted(gone))])


def _others(heads: Boxes, own: Boxes) -> Boxes:
    """Those that are not the own head, nor a part of it or what it is a part of."""
    return heads if not len(heads) or not len(own) else heads[covers(heads, own).max(axis=1) <= _KNOWN]


def _aside(bodies: Boxes, own: Boxes) -> Boxes:
    """What of bodies' heads lies to the left and the right of the own head: its own body moves as well."""
    if not len(own):
        return bodies
    left, top, right, bottom = _grown(own, LOOKED)[0]
    parts = [_NONE]
    for box in bodies:
        if box[2] <= left or box[0] >= right or box[3] <= top or box[1] >= bottom:
            parts.append(box[None])
            continue
        beside = ((box[0], box[1], min(left, box[2]), box[3]), (max(right, box[0]), box[1], box[2], box[3]))
        parts += [np.array([part], np.float32) for part in beside if part[0] < part[2]]
    return np.concatenate(parts)


def about(cover: Cover, picture: Picture) -> PictureAbout | None:
    """Where the own head and all others are in a picture; `None` where the own head's place is not known."""
    height, width = picture.shape[:2]
    own = _shares(cover.own, width, height)
    if len(own) != 1:
        return None
    others = joined(_grown(cover.others, LOOKED), MOST_OTHERS)
    return PictureAbout(box=own[0], others=_shares(others, width, height))


def joined(boxes: Boxes, most: int) -> Boxes:
    """Boxes that hold all of these: those that lie much in one another become one, and more where need be."""
    for limit in (0.5, 0.1, -1.0):
        boxes = _joined(boxes, limit)
        if len(boxes) <= most:
            break
    return boxes


def _joined(boxes: Boxes, limit: float) -> Boxes:
    left, kept = boxes, list[Boxes]()
    while len(left):
        one = left[:1]
        while (same := covers(one, left)[0] > limit).any():
            both = np.concatenate((one, left[same]))
            left = left[~same]
            one = np.concatenate((both[:, :2].min(axis=0), both[:, 2:].max(axis=0)))[None]
        kept.append(one)
    return np.concatenate(kept) if kept else _NONE


def _shares(boxes: Boxes, width: int, height: int) -> list[BoxWithin]:
    """As far as they lie in the picture."""
    edges = np.clip(boxes / np.array([width, height, width, height], np.float32), 0, 1)
    found = [tuple(round(float(edge), 5) for edge in box) for box in edges]
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in found if x1 < x2 and y1 < y2]


def _grown(boxes: Boxes, by: float) -> Boxes:
    middle, half = (boxes[:, 2:] + boxes[:, :2]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * by
    return np.concatenate((middle - half, middle + half), axis=1)


def _larger(boxes: Boxes) -> Boxes:
    """Of heads that were not found in this very frame: nobody knows so well where they are."""
    return _grown(boxes, RECKONED / LOOKED)


def _tracked(shot: Shot, around: Sequence[Shot]) -> dict[int, Boxes]:
    """Every track's box in the shot; of one that is not in it, between where it was before and after."""
    boxes = dict(shot.tracks)
    before = next((other for other in reversed(around) if other.at_s < shot.at_s), None)
    after = next((other for other in around if other.at_s > shot.at_s), None)
    if before is None or after is None:
        return boxes
    share = (shot.at_s - before.at_s) / (after.at_s - before.at_s)
    for number in (before.tracks.keys() & after.tracks.keys()) - boxes.keys():
        boxes[number] = before.tracks[number] * (1 - share) + after.tracks[number] * share
    return boxes


def _looks_beside(shot: Shot, around: Sequence[Shot]) -> list[Shot]:
    """The last look before and the first after, however far."""
    before = [other for other in around if other.is_looked_at and other.at_s < shot.at_s]
    after = [other for other in around if other.is_looked_at and other.at_s > shot.at_s]
    return [*before[-1:], *after[:1]]


def _apart(heads: Boxes, own: Boxes) -> tuple[Boxes, Boxes]:
    """Heads that are others', and those that are the own one."""
    if not len(heads) or not len(own):
        return heads, _NONE
    same = overlaps(heads, own).max(axis=1) >= _SAME
    return heads[~same], heads[same]
