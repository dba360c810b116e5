"""What is kept of what one camera saw: nothing until something happens, then little, and nobody to be known.

The last seconds lie in memory, as JPEG with masks burnt in. When an alarm is to begin, the best picture of
its track is redacted and written to the disk before anybody is told; the clip follows once its seconds have
passed, made by another thread, so that looking goes on. What cannot be stored holds no alarm back: it is said
why.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numpy as np

from edge import mediafiles
from edge.clock import now_ms
from edge.mediafiles import MediaNote
from edge.vision.animation import animation, frame_of
from edge.vision.boxes import areas
from edge.vision.covering import AFTER_S, BEFORE_S, BETWEEN_S, Cover, Shot, about, covering, placed, searched
from edge.vision.detectors import Detector, DetectorFailedError
from edge.vision.jpeg import jpeg_of, picture_of, scale_of, shrunk
from edge.vision.model import Boxes, Confirmed, Frame, Heads, Picture, Track
from edge.vision.redaction import Outlines, blacken, redact
from edge.vision.regions import HEARTBEAT_S
from edge.vision.sanity import Known, view_of
from edge.vision.searching import maybe_heads
from edge.vision.settings import PictureSettings
from sitewarden import messages
from sitewarden.messages import NoPicture

log = logging.getLogger(__name__)

CLIP_PX = 960
"""Of a clip, its longer side."""
RING_BYTES = 25_000_000
PACE_S = 0.19
"""So far apart, at least, are the frames of a clip."""
FORGET_S = 30.0
"""A track that was not found for so long has no best picture any more."""
MOST_TRACKS = 24
"""With a best picture each."""
MOST_MAKING = 16
"""Clips that wait to be made; each holds its pictures, and alarms may come faster than clips are made."""
LATE_S = 2.0
"""Of a camera that has gone the clip ends with what there was."""
FIRST_STILL_S = HEARTBEAT_S
"""Of a camera that begins the view is not kept before every part of it was looked at closely: small heads
that stand still are found in the parts alone."""
UNSEEN_S = 2.0
"""A frame around which nobody has looked for so long is not kept: nobody knows who is in it."""


class Kept(NamedTuple):
    """What is on the disk for an alarm that is about to begin."""

    key: str
    track: int
    at_s: float
    pictures: list[messages.Picture]
    why: NoPicture | None
    """Why there are none."""


class Clip(NamedTuple):
    """The seconds around an alarm, on the disk."""

    key: str
    track: int
    at_s: float
    picture: messages.Picture


class Still(NamedTuple):
    """How the camera's view looks, on the disk."""

    at_s: float
    picture: messages.Picture
    view: Known
    """Its edges, before anybody in it was covered."""


class _Best(NamedTuple):
    worth: float
    shot: Shot


class _Coming(NamedTuple):
    """A clip whose seconds are not over."""

    confirmed: Confirmed
    at_s: float
    of: str | None
    shots: list[Shot]


class Evidence:
    """Of one camera; used by one thread."""

    def __init__(
        self,
        folder: Path,
        camera: str,
        settings: PictureSettings,
        masks: Outlines = (),
        *,
        stamp: Callable[[float], int] | None = None,
    ) -> None:
        """Files go to `folder`; `masks` are burnt in before anything is remembered.

        `stamp` makes UTC milliseconds of an instant of the monotonic clock.
        """
        self._folder, self._camera, self._settings = folder, camera, settings
        self._masks, self._stamp = list(masks), stamp or _stamped
        self._ring: deque[Shot] = deque()
        self._places: deque[Shot] = deque()
        """Where heads were, of every frame and for longer; without the pictures."""
        self._best: dict[int, _Best] = {}
        self._coming: list[_Coming] = []
        self._making: deque[Future[Clip | None]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"clips {camera}")
        self._newest_s = -np.inf
        self._still_s = -np.inf
        self._first_look_s = np.inf
        self._lacks_key = False

    def add(
        self, frame: Frame, heads: Heads | None, tracks: Sequence[Track] = (), bodies: Boxes | None = None
    ) -> None:
        """A frame that was taken, with what was found in it; `None`: nobody looked at it.

        `tracks`: all that live, also those that are reckoned only. `bodies`: where heads of bodies must be.
        """
        place, kept = placed(frame, heads, tracks, bodies), list[Shot]()
        if place.is_looked_at:
            self._first_look_s = min(self._first_look_s, frame.at_s)
        self._places.append(place)

        def shot() -> Shot:
            # Encoded once, and only where somebody wants it.
            if not kept:
                kept.append(place._replace(jpeg=self._masked(frame.pixels)))
            return kept[0]

        for track in tracks:
            if track.number in place.found:
                self._compare(frame, track, shot)
        if frame.at_s - self._newest_s >= PACE_S:
            self._remember(shot())
        self._forget(frame.at_s)

    def confirm(
        self,
        confirmed: Confirmed,
        at_s: float,
        detector: Detector | None = None,
        until_s: float | None = None,
    ) -> Kept:
        """Store the snapshot of what is about to be told; after that, or its failure, it may be told.

        `detector` looks at the snapshot once more, for heads that no look found, and at its parts until
        `until_s` of the monotonic clock.
        """
        key, track = confirmed.key, confirmed.track
        best = self._best.get(track)
        sealing = self._sealing()
        shot = best.shot if best else self._newest(sealing)
        pictures: list[messages.Picture] = []
        why: NoPicture | None = None
        if shot is None:
            why = "no_frame"
        else:
            try:
                shot = shot if sealing else self._searched(shot, detector, until_s)
                pictures = [self._store_snapshot(shot, confirmed, sealing)]
            except OSError as exc:
                why = mediafiles.why(exc)
                log.error("no snapshot camera=%s key=%s: %s", self._camera, key, exc)  # noqa: TRY400  a full disk
            except (ValueError, cv2.error):
                why = "no_frame"
                log.exception("no snapshot camera=%s key=%s", self._camera, key)
        if self._settings.clips and self._ring:
            of = pictures[0].sha256 if pictures else None
            self._coming.append(
                _Coming(confirmed, at_s, of, [s for s in self._ring if s.at_s >= at_s - BEFORE_S])
            )
        return Kept(key, track, at_s, pictures, why)

    def clips(self, now_s: float) -> list[Clip]:
        """Those that are stored since the last time; to be asked for with every look."""
        for coming in [c for c in self._coming if now_s >= c.at_s + AFTER_S + LATE_S]:
            self._make(coming)
        found = []
        while self._making and self._making[0].done():
            clip = self._making.popleft().result()
            if clip is not None:
                found.append(clip)
        return found

    def show_view(self) -> None:
        """The next still picture is due now, where there are any."""
        self._still_s = -math.inf

    def still(self, now_s: float, detector: Detector | None = None) -> Still | None:
        """How the view looks, where that is due: every head covered, whoever it is."""
        every_s = self._settings.still_every_s
        is_due = every_s and now_s >= max(self._still_s + every_s, self._first_look_s + FIRST_STILL_S)
        sealing = self._sealing() if is_due else None
        shot = self._newest(sealing) if is_due else None
        if shot is None:
            return None
        self._still_s = now_s
        shot = shot if sealing else self._searched(shot, detector)
        try:
            content = jpeg_of(self._redacted(shot, covering(shot, list(self._places), None), sealing))
            note = self._store(content, self._note("still", shot.at_s, "image/jpeg"), sealing)
            view = view_of(picture_of(shot.jpeg))
        except (OSError, ValueError, cv2.error) as exc:
            log.warning("no still picture camera=%s: %s", self._camera, exc)
            return None
        return Still(shot.at_s, note.picture, view)

    def close(self, *, wait: bool = True) -> None:
        """Forget all; clips whose seconds are over are finished, which takes seconds: `wait` for that."""
        self._coming.clear()
        self._ring.clear()
        self._best.clear()
        self._thread.shutdown(wait=wait)

    def _compare(self, frame: Frame, track: Track, shot: Callable[[], Shot]) -> None:
        """Whether this is the best picture of the track so far: bare, sharp and large."""
        best = self._best.get(track.number)
        if best is None and len(self._best) >= MOST_TRACKS:
            return
        worth = track.scores[1] * _sharpness(frame.pixels, track.box) * float(areas(np.array(track.box)))
        if best is None or worth > best.worth:
            self._best[track.number] = _Best(worth, shot())

    def _masked(self, pixels: Picture) -> bytes:
        picture = shrunk(pixels, scale_of(pixels))
        if picture is pixels and self._masks:
            picture = pixels.copy()
        blacken(picture, self._masks)
        return jpeg_of(picture)

    def _remember(self, shot: Shot) -> None:
        self._newest_s = shot.at_s
        self._ring.append(shot)
        for coming in list(self._coming):
            if shot.at_s <= coming.at_s + AFTER_S:
                coming.shots.append(shot)
            else:
                self._make(coming)

    def _forget(self, at_s: float) -> None:
        size = sum(len(shot.jpeg) for shot in self._ring)
        while self._ring and (self._ring[0].at_s < at_s - BEFORE_S - BETWEEN_S or size > RING_BYTES):
            size -= len(self._ring.popleft().jpeg)
        while self._places and self._places[0].at_s < at_s - FORGET_S - BETWEEN_S:
            self._places.popleft()
        for number in [n for n, best in self._best.items() if best.shot.at_s < at_s - FORGET_S]:
            del self._best[number]

    def _searched(self, shot: Shot, detector: Detector | None, until_s: float | None = None) -> Shot:
        """The shot, and where else in it heads may be; frames around it show them as well."""
        if detector is None:
            return shot
        at = next((at for at, place in enumerate(self._places) if place.at_s == shot.at_s), None)
        if at is not None and self._places[at].maybe is not None:
            return shot._replace(maybe=self._places[at].maybe)
        try:
            found = maybe_heads(picture_of(shot.jpeg), detector, until_s)
        except DetectorFailedError as exc:
            log.warning("nobody looked for further heads camera=%s: %s", self._camera, exc)
            return shot
        shot = searched(shot, found)
        if at is not None:
            self._places[at] = self._places[at]._replace(maybe=shot.maybe)
        return shot

    def _sealing(self) -> bytes | None:
        """The cloud's key, where heads are kept as they are; `None`: they are covered.

        Before the cloud has told its key nothing is kept that has to be sealed.
        """
        if not self._settings.unredacted:
            return None
        known = mediafiles.cloud_key(self._folder)
        if (known is None) != self._lacks_key:
            self._lacks_key = known is None
            if known is None:
                log.warning("no key of the cloud, so pictures are redacted camera=%s", self._camera)
        return None if known is None else known.key

    def _store(self, content: bytes, note: MediaNote, sealing: bytes | None) -> MediaNote:
        note = msgspec.structs.replace(note, unredacted=sealing is not None)
        return mediafiles.store(self._folder, content, note, sealing)

    def _store_snapshot(self, shot: Shot, confirmed: Confirmed, sealing: bytes | None) -> messages.Picture:
        cover = covering(shot, list(self._places), confirmed.track)
        picture = self._redacted(shot, cover, sealing)
        note = self._note("snapshot", shot.at_s, "image/jpeg", confirmed)
        if confirmed.track in shot.found:
            note = msgspec.structs.replace(note, about=about(cover, picture))
        content = jpeg_of(picture)
        return self._store(content, note, sealing).picture

    def _newest(self, sealing: bytes | None) -> Shot | None:
        """The newest frame of which it is known who is in it."""
        places = list(self._places)
        return next((shot for shot in reversed(self._ring) if self._is_known(shot, places, sealing)), None)

    def _is_known(self, shot: Shot, around: Sequence[Shot], sealing: bytes | None) -> bool:
        return sealing is not None or any(
            other.is_looked_at and abs(other.at_s - shot.at_s) <= UNSEEN_S for other in around
        )

    def _redacted(self, shot: Shot, cover: Cover, sealing: bytes | None) -> Picture:
        picture = picture_of(shot.jpeg)
        if sealing is None:
            redact(picture, cover.others, cover.own, own_faces=cover.faces)
        return picture

    def _make(self, coming: _Coming) -> None:
        self._coming.remove(coming)
        if len(self._making) >= MOST_MAKING:
            key = coming.confirmed.key
            log.warning("no clip camera=%s key=%s: %d wait to be made", self._camera, key, MOST_MAKING)
            return
        self._making.append(self._thread.submit(self._clip, coming, list(self._places)))

    def _clip(self, coming: _Coming, places: Sequence[Shot]) -> Clip | None:
        """In the other thread: redact every frame and store them as one."""
        try:
            sealing = self._sealing()
            content = self._film(coming, places, sealing)
            note = self._note("clip", coming.at_s, "image/webp", coming.confirmed, coming.of)
            picture = self._store(content, note, sealing).picture
        except (OSError, ValueError, cv2.error) as exc:
            log.warning("no clip camera=%s key=%s: %s", self._camera, coming.confirmed.key, exc)
            return None
        return Clip(coming.confirmed.key, coming.confirmed.track, coming.at_s, picture)

    def _film(self, coming: _Coming, places: Sequence[Shot], sealing: bytes | None) -> bytes:
        shots = [shot for shot in coming.shots if self._is_known(shot, places, sealing)]
        if not shots:
            raise ValueError("the camera has given no frame around it")
        ends = [*(later.at_s for _, later in pairwise(shots)), shots[-1].at_s + PACE_S]
        frames, size = [], (0, 0)
        for shot, end_s in zip(shots, ends, strict=True):
            picture = self._redacted(shot, covering(shot, places, coming.confirmed.track), sealing)
            picture = shrunk(picture, min(1.0, CLIP_PX / max(picture.shape[:2])))
            size = size if any(size) else picture.shape[:2]
            if picture.shape[:2] == size:  # a camera that was set anew meanwhile
                frames.append((frame_of(picture), round(1000 * (end_s - shot.at_s))))
        return animation(frames, size[1], size[0])

    def _note(
        self,
        kind: messages.MediaKind,
        at_s: float,
        media_type: str,
        confirmed: Confirmed | None = None,
        of: str | None = None,
    ) -> MediaNote:
        return MediaNote(
            sha256="0" * 64,
            bytes=0,
            media_type=media_type,
            kind=kind,
            camera=self._camera,
            at_ms=self._stamp(at_s),
            key=confirmed.key if confirmed else None,
            track=confirmed.track if confirmed else 0,
            of=of,
        )


def _stamped(at_s: float) -> int:
    return now_ms() - round(1000 * (time.monotonic() - at_s))


def _sharpness(picture: Picture, box: tuple[float, float, float, float]) -> float:
    """How much detail there is in the head: the spread of its edges."""
    height, width = picture.shape[:2]
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = min(width, int(box[2]) + 1), min(height, int(box[3]) + 1)
    if right - left < 3 or bottom - top < 3:  # noqa: PLR2004  what the filter needs
        return 0.0
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return math.sqrt(float(cv2.Laplacian(grey, cv2.CV_32F).var()))
