"""One camera from its pictures to its points: what moves, whose heads are seen, and what that comes to."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from edge.vision import wire
from edge.vision.bodies import head_places
from edge.vision.capture import Failed
from edge.vision.detectors import Detector, DetectorFailedError
from edge.vision.evidence import Evidence, Kept
from edge.vision.figures import Figures
from edge.vision.judging import Judge
from edge.vision.model import Boxes, Frame, Heads, Look
from edge.vision.motion import MotionGate
from edge.vision.projection import Hook
from edge.vision.regions import Planner
from edge.vision.sanity import BLIND, MOVED_S, Sanity, State
from edge.vision.searching import LONGEST_S
from edge.vision.settings import CameraEntry
from edge.vision.shedding import Shed
from edge.vision.views import Pictured, Shelf
from sitewarden.cameras import AGAIN_S, CAMERA, SHED, STATE, TELL_S, of_zone
from sitewarden.messages import Picture
from sitewarden.quality import Quality

log = logging.getLogger(__name__)

SIGHT_S = 0.5
"""So far apart, at least, are sights."""
USUAL_HEAD_PX = 20.0
SHOW_AGAIN_S = 60.0
"""A view that moves on and on is kept as a picture no oftener."""
SHELVE_S = 600.0
"""So often it is put by what a camera shows; that follows slowly what changes."""

Say = Callable[[wire.Up], None]


class Circumstances(NamedTuple):
    """What a look depends on beside the picture."""

    detector: Detector | None
    shed: Shed
    hook: Hook | None


class Looker:
    """Looks at one camera's pictures and says what its points are."""

    def __init__(
        self,
        entry: CameraEntry,
        evidence: Evidence | None,
        say: Say,
        *,
        shelf: Shelf | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `ProjectionError` where the camera's marks give no ground.

        On the `shelf` lies what it showed before; without one that is learned at each start.
        """
        self.entry = entry
        self._evidence, self._say, self._clock = evidence, say, clock
        self._shelf = shelf
        self._sanity = Sanity(known=None if shelf is None else shelf.read())
        self._shelved_s = -math.inf
        self._pictured = Pictured()
        self._other_since_s: float | None = None
        """Since when a moved view is another one than the newest still shows."""
        self._accepted: int | None = None
        """Of which ask it has taken a moved view for the right one."""
        self._gate, self._planner, self._judge = MotionGate(entry.still_parts), Planner(), Judge(entry)
        smallest_px = min((zone.min_head_px for zone in entry.zones), default=USUAL_HEAD_PX)
        self._figures = Figures(smallest_px, clock())
        self._zone_keys = [key for zone in entry.zones for key, _, _ in of_zone(zone)]
        self._failed: Failed | None = None
        self._seen = State.SEES
        """What the pictures say."""
        self._has_failed = False
        """The detector, with the newest picture it was given."""
        self._has_complained = False
        self._is_begun = False
        """A picture was looked at since the camera last came."""
        self._values: Mapping[str, float] = {}
        self._told: dict[str, float | None] = {}
        """What was last said, by key, and with which quality."""
        self._told_quality: dict[str, Quality] = {}
        self._again_s: dict[str, float] = {}
        """When what has become 0 is told once more."""
        self._told_s = self._sight_s = float("-inf")
        self._late_s = 0.0
        """How late the newest picture came: what is told is of then."""
        self._had_sight = False
        self._circumstances = Circumstances(None, Shed.NOTHING, None)

    def look(self, frame: Frame, circumstances: Circumstances) -> float:
        """Look at a picture; how old it was when it was judged, in seconds."""
        self._circumstances = circumstances
        self._failed, self._is_begun, self._late_s = None, True, frame.late_s
        before, self._seen = self._seen, self._sanity.look(frame.at_s, frame.pixels)
        if self._seen is State.MOVED and before is not State.MOVED and self._evidence is not None:
            # Whoever is to say whether it is right must see it.
            self._evidence.show_view()
        if self._seen is State.MOVED:
            self._show_again(frame.at_s)
        look, infer_s = None, None
        if not self._sanity.is_spoilt and self._seen not in BLIND and circumstances.detector is not None:
            look, infer_s = self._found(frame, circumstances.detector, circumstances)
        else:
            self._remember(frame, None)
        age_s = max(0.0, self._clock() - frame.at_s)
        self._figures.look(frame.at_s, age_s, infer_s, look.standing if look else ())
        self._keep(look, frame.at_s)
        if look is not None:
            self._values = look.values
            self._show(frame, look)
        self._tell(frame.at_s)
        return age_s

    def fail(self, failed: Failed) -> None:
        """No picture comes."""
        if self._failed is None or self._failed.text != failed.text:
            self._say(
                wire.Told(
                    level="info" if failed.ended else "warning", text=failed.text, camera=self.entry.camera
                )
            )
        self._failed, self._late_s = failed, 0.0
        self._tell(self._clock())

    def stumbled(self) -> bool:
        """A look went wrong by a mistake of ours: nobody is seen until one goes well. Whether that is new."""
        is_new, self._has_failed = not self._has_failed, True
        self._tell(self._clock() - self._late_s)
        return is_new

    def broken(self) -> None:
        """Pictures come that are none."""
        self._failed, self._is_begun = None, True
        self._seen = self._sanity.broken(self._clock())
        self._tell(self._clock() - self._late_s)

    def _show_again(self, at_s: float) -> None:
        """A moved view that has moved again is another one: nobody is to accept the one before it."""
        newest = self._pictured.newest
        if self._evidence is None or newest is None or self._sanity.is_spoilt or self._sanity.shows(newest):
            self._other_since_s = None
        elif self._other_since_s is None:
            self._other_since_s = at_s
        elif at_s - self._other_since_s >= MOVED_S:
            self._other_since_s = at_s + SHOW_AGAIN_S - MOVED_S
            self._evidence.show_view()

    def accept_view(self, asked: int, sha256: str) -> None:
        """The view on this still is right, says somebody who has looked at it. Only once the view has moved.

        Exactly that view is taken, and only while it is shown. The same ask comes several times: where the
        view has moved again meanwhile, nobody has looked at that.
        """
        if self._seen is not State.MOVED or asked == self._accepted:
            return
        view = self._pictured.of(sha256)
        if view is None or not self._sanity.accept(view):
            why = "is not known here" if view is None else "is not what it shows now"
            text = f"the view that was accepted {why}; look at its newest picture picture={sha256}"
            self._say(wire.Told(level="warning", text=text, camera=self.entry.camera))
            return
        self._accepted = asked
        self._seen = State.SEES
        if self._shelf is not None:
            self._shelf.forget()
        self._shelved_s = -math.inf
        text = f"the view that was accepted is its right one picture={sha256}"
        self._say(wire.Told(level="info", text=text, camera=self.entry.camera))
        self._tell(self._clock())

    def turn(self, now_s: float) -> bool:
        """Say everything, where that is due, and what was stored meanwhile.

        Whether a picture of the view was kept, which takes as long as many looks.
        """
        if now_s - self._shelved_s >= SHELVE_S:
            self._put_by(now_s)
        # What is to come of a moment that was late on its way here is late as well.
        now_s -= self._late_s
        has_still = False
        if self._evidence is not None:
            for clip in self._evidence.clips(now_s):
                self._say(
                    wire.Clip(
                        camera=self.entry.camera,
                        key=clip.key,
                        track=clip.track,
                        at_s=clip.at_s,
                        picture=kept_picture(clip.picture),
                    )
                )
            if (still := self._evidence.still(now_s, self._circumstances.detector)) is not None:
                has_still, picture = True, kept_picture(still.picture)
                self._pictured.note(picture.sha256, still.view)
                self._say(wire.Still(camera=self.entry.camera, at_s=still.at_s, picture=picture))
        if now_s - self._told_s >= TELL_S and (self._is_begun or self._failed):
            self._tell(now_s, everything=True)
        elif min(self._again_s.values(), default=math.inf) <= now_s:
            self._tell(now_s)
            # What nothing is known of now is not told.
            self._again_s = {key: due_s for key, due_s in self._again_s.items() if due_s > now_s}
        return has_still

    def _put_by(self, now_s: float) -> None:
        """What it shows, for whoever looks after the next start."""
        if self._shelf is not None and (known := self._sanity.known) is not None:
            self._shelved_s = now_s
            self._shelf.write(known)

    def close(self) -> None:
        """Look no more; what is being stored is finished beside whatever goes on."""
        self._put_by(self._clock())
        if self._evidence is not None:
            self._evidence.close(wait=False)

    @property
    def state(self) -> State:
        """What the camera's point says, while it has pictures."""
        if self._seen is not State.SEES:
            return self._seen
        if self._circumstances.detector is None or self._has_failed:
            return State.NO_DETECTOR
        return State.OVERLOADED if self._circumstances.shed is Shed.OVERLOADED else State.SEES

    def _found(
        self, frame: Frame, detector: Detector, circumstances: Circumstances
    ) -> tuple[Look | None, float | None]:
        """What this look comes to, and how long one input took."""
        height, width = frame.pixels.shape[:2]
        motion = self._gate.look(frame)
        regions = self._planner.plan(
            frame.pixels.shape,
            frame.at_s,
            motion.boxes,
            self._judge.tracks,
            size=detector.size,
            most=circumstances.shed.squares,
            settled=self._judge.settled,
        )
        began_s = time.perf_counter()
        try:
            heads = detector.find(frame, regions)
        except DetectorFailedError as exc:
            self._fail_to_find(frame, exc)
            return None, None
        infer_s = (time.perf_counter() - began_s) / len(regions) if regions else None
        self._has_failed = False
        look = self._judge.look(
            frame.at_s,
            heads,
            width=width,
            height=height,
            now=datetime.now(UTC),
            regions=regions,
            input_px=detector.size,
            hook=circumstances.hook,
        )
        self._remember(frame, heads, head_places(motion.boxes, self.entry.zones, width, height))
        return look, infer_s

    def _fail_to_find(self, frame: Frame, exc: DetectorFailedError) -> None:
        if not self._has_failed:
            self._say(wire.Told(level="error", text=f"no head can be found: {exc}", camera=self.entry.camera))
        self._has_failed = True
        self._remember(frame, None)

    def _remember(self, frame: Frame, heads: Heads | None, bodies: Boxes | None = None) -> None:
        if self._evidence is None:
            return
        try:
            self._evidence.add(frame, heads, self._judge.tracks, bodies)
        except Exception:
            # No picture is worth an alarm. Said once, until it goes well again.
            if not self._has_complained:
                log.exception("a picture could not be remembered camera=%s", self.entry.camera)
            self._has_complained = True
        else:
            self._has_complained = False

    def _keep(self, look: Look | None, at_s: float) -> None:
        """The pictures of alarms-to-be are on the disk before their points are told."""
        if look is None or self._evidence is None:
            return
        # Of many who are alarmed at once none waits for a whole second look at each of the others.
        until_s = time.monotonic() + LONGEST_S
        for confirmed in look.confirmed:
            try:
                kept = self._evidence.confirm(confirmed, at_s, self._circumstances.detector, until_s)
            except Exception:
                log.exception("an alarm has no picture camera=%s key=%s", self.entry.camera, confirmed.key)
                kept = Kept(confirmed.key, confirmed.track, at_s, [], "no_frame")
            self._say(
                wire.Kept(
                    camera=self.entry.camera,
                    key=kept.key,
                    track=kept.track,
                    at_s=kept.at_s,
                    pictures=[kept_picture(picture) for picture in kept.pictures],
                    why=kept.why,
                )
            )

    def _show(self, frame: Frame, look: Look) -> None:
        """For whoever looks on: also once that nobody is there any more."""
        if look.at_s - self._sight_s < SIGHT_S or not (look.standing or self._had_sight):
            return
        self._sight_s, self._had_sight = look.at_s, bool(look.standing)
        height, width = frame.pixels.shape[:2]
        boxes = [one.track.box for one in look.standing]
        self._say(
            wire.Sight(
                camera=self.entry.camera,
                at_s=min(look.at_s, self._clock()),
                boxes=[(x1 / width, y1 / height, x2 / width, y2 / height) for x1, y1, x2, y2 in boxes],
                states=[one.state for one in look.standing],
                tracks=[one.track.number for one in look.standing],
                zones=[list(one.zones) for one in look.standing],
            )
        )

    def _tell(self, at_s: float, *, everything: bool = False) -> None:
        """Say what has changed, or everything; what cannot be seen is no number."""
        at_s = min(at_s, self._clock())
        if everything:
            self._told_s = at_s
        if self._failed is not None:
            self._values = {}  # nor is it what is there when pictures come again
            keys = [*CAMERA, *self._zone_keys]
            self._say_changed(at_s, dict.fromkeys(keys), self._failed.quality, everything=everything)
            return
        own: dict[str, float | None] = {STATE: float(self.state), SHED: float(self._circumstances.shed)}
        if everything:
            own |= self._figures.told(at_s)
        if self.state in BLIND or self.state is State.NO_DETECTOR:
            self._values = {}
            blind: dict[str, float | None] = dict.fromkeys(self._zone_keys)
            self._say_changed(at_s, own, Quality.GOOD, everything=everything)
            self._say_changed(at_s, blind, Quality.BAD_INPUT, everything=everything)
        else:
            self._say_changed(at_s, {**own, **self._values}, Quality.GOOD, everything=everything)

    def _say_changed(
        self, at_s: float, values: dict[str, float | None], quality: Quality, *, everything: bool
    ) -> None:
        changed = {
            key
            for key, value in values.items()
            if self._told.get(key, ...) != value or self._told_quality.get(key) is not quality
        }
        due = {key for key in values if self._again_s.get(key, math.inf) <= at_s}
        said = {key: value for key, value in values.items() if everything or key in changed or key in due}
        for key in changed | due:
            self._again_s.pop(key, None)
        self._again_s |= {key: at_s + AGAIN_S for key in changed if values[key] == 0}
        if said:
            self._told |= said
            self._told_quality |= dict.fromkeys(said, quality)
            self._say(wire.Points(camera=self.entry.camera, at_s=at_s, values=said, quality=quality))


def kept_picture(picture: Picture) -> wire.KeptPicture:
    """As it is said."""
    return wire.KeptPicture(
        sha256=picture.sha256, bytes=picture.bytes, media_type=picture.media_type, kind=picture.kind
    )
