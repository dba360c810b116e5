"""The eyes: one process that looks at the pictures of all cameras of a gateway, and tells the agent.

It hears what is to be watched on its standard input and says what it sees on its standard output, a line
each. It looks at one picture at a time, always the newest of its camera; what hangs in a camera hangs in that
camera's own child. It ends with the agent.
"""

import contextlib
import logging
import os
import select
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import msgspec

from edge import mediafiles
from edge.vision import family, views, wire
from edge.vision.capture import Broken, Failed, Shown
from edge.vision.capturing import Capture
from edge.vision.detectors import DetectorFailedError
from edge.vision.evidence import Evidence
from edge.vision.looking import Circumstances, Looker, Say
from edge.vision.models import Models
from edge.vision.projection import Hook, ProjectionError
from edge.vision.settings import VisionSettings
from edge.vision.shedding import Shed, Shedding
from edge.vision.sources import Order

log = logging.getLogger(__name__)

ALIVE_S = 2.0
INTERVAL_S = 5.0
"""So often it is looked at whether the machine keeps up."""
NEW_MODEL = "new-model"
"""Beside the outbox while a model of the site's own is new."""
TURN_S = 0.25
"""The loop goes round as often, whatever happens."""


class _Watching:
    """A camera, its child and whoever looks at its pictures."""

    def __init__(self, watched: wire.Watched, looker: Looker) -> None:
        entry = watched.entry
        self.watched, self.looker = watched, looker
        self.capture = Capture(
            Order(
                camera=entry.camera,
                url=entry.url,
                address=watched.address,
                username=entry.username,
                password=watched.password,
                pace=entry.pace,
                looks_per_s=entry.looks_per_s,
                masks=[list(mask) for mask in entry.masks],
            )
        )
        self.due_s = 0.0
        self.shown: Shown | None = None
        """The picture that waits to be looked at."""

    def hear(self, now_s: float) -> None:
        """What the child has said, and whether it hangs."""
        if (failed := self.capture.turn(now_s)) is not None:
            self._fail(failed)
        for said in self.capture.hear(now_s):
            match said:
                case Shown():
                    self.shown = said
                case Broken():
                    self.looker.broken()
                case Failed():
                    self._fail(said)

    def _fail(self, failed: Failed) -> None:
        self.shown = None
        self.looker.fail(failed)

    def ask(self, now_s: float) -> None:
        """Want a picture where one is due."""
        if self.shown is None and now_s >= self.due_s:
            self.capture.ask(now_s)

    def close(self) -> None:
        self.capture.close()
        self.looker.close()


class Eyes:
    """All cameras."""

    def __init__(self, say: Say) -> None:
        """Nothing is watched yet."""
        self._say = say
        self._watching: dict[str, _Watching] = {}
        self._models: Models | None = None
        self._vision: VisionSettings | None = None
        self._hooks: dict[str, Hook] = {}
        self._shedding = Shedding()
        self._busy_s = 0.0
        self._ages_s: list[float] = []
        self._alive_s = self._interval_s = self._began_s = time.monotonic()
        self._busy = 0.0
        self.is_over = False

    @property
    def filenos(self) -> list[int]:
        """Where children are heard."""
        return [fd for one in self._watching.values() if (fd := one.capture.fileno) is not None]

    def obey(self, said: wire.Down) -> None:
        """What the agent says."""
        match said:
            case wire.Cameras():
                self._change(said)
            case wire.Hook():
                if said.height_m is not None and said.load_t is not None:
                    self._hooks[said.crane] = Hook(said.at_s, said.x_m, said.y_m, said.height_m, said.load_t)
            case wire.View():
                if (one := self._watching.get(said.camera)) is not None:
                    one.looker.accept_view(said.until_ms, said.sha256)
            case wire.Stop():
                self.is_over = True

    def _change(self, said: wire.Cameras) -> None:
        """Watch these; whoever is watched as before goes on."""
        wanted = {watched.entry.camera: watched for watched in said.cameras}
        gone = [name for name, one in self._watching.items() if wanted.get(name) != one.watched]
        for name in gone:
            self._watching.pop(name).close()
        self._look_with(said.vision, None if said.data_dir is None else Path(said.data_dir) / NEW_MODEL)
        for name, watched in wanted.items():
            if name not in self._watching:
                self._begin(watched, said)

    def _begin(self, watched: wire.Watched, said: wire.Cameras) -> None:
        entry = watched.entry
        evidence = shelf = None
        if said.data_dir is not None:
            shelf = views.Shelf(Path(said.data_dir) / views.FOLDER, entry)
            # Masks are burnt in by the child already: what they cover never comes here.
            evidence = Evidence(Path(said.data_dir) / mediafiles.FOLDER, entry.camera, entry.pictures)
        try:
            looker = Looker(entry, evidence, self._say, shelf=shelf)
        except ProjectionError as exc:
            # People are seen all the same; nobody is told to stand under a load.
            text = f"nobody can be seen under a load: {exc}"
            self._say(wire.Told(level="error", text=text, camera=entry.camera))
            flat = msgspec.structs.replace(entry, ground=[], hook=None)
            looker = Looker(flat, evidence, self._say, shelf=shelf)
        self._watching[entry.camera] = _Watching(watched, looker)

    def _look_with(self, vision: VisionSettings, marker: Path | None) -> None:
        if vision == self._vision:
            return
        self._vision = vision
        if self._models is not None:
            self._models.switch(vision)
            return
        try:
            self._models = Models(vision, marker=marker)
        except (DetectorFailedError, ImportError) as exc:
            self._say(wire.Told(level="error", text=f"there is no detector: {exc}"))

    def turn(self) -> None:
        """Hear, ask, and look at one picture: the one that has waited longest."""
        now_s = time.monotonic()
        for one in self._watching.values():
            one.hear(now_s)
            one.ask(now_s)
        for one in self._watching.values():
            if self._round(one, now_s):
                break  # the others' pictures are looked at before the next view is kept
        waiting = [one for one in self._watching.values() if one.shown is not None]
        if waiting:
            self._look(min(waiting, key=_taken_s))
        self._go_round(time.monotonic())

    def _round(self, one: _Watching, now_s: float) -> bool:
        """Whether it took long."""
        try:
            return one.looker.turn(now_s)
        except BrokenPipeError:
            raise
        except Exception:
            log.exception("pictures could not be looked after camera=%s", one.watched.entry.camera)
            return False

    def _look(self, one: _Watching) -> None:
        shown, one.shown = one.shown, None
        assert shown is not None  # noqa: S101  chosen for it
        began_s = time.monotonic()
        frame = one.capture.frame(shown)
        if frame is None:
            return
        entry, shed = one.watched.entry, self._shedding.shed
        hook = None if entry.hook is None else self._hooks.get(entry.hook.crane)
        try:
            # What is late on its way here comes no sooner for anything that is left out.
            age_s = one.looker.look(frame, Circumstances(self._models, shed, hook)) - frame.late_s
        except BrokenPipeError:
            raise
        except Exception:
            # One camera's mistake blinds no other, and is no silence.
            if one.looker.stumbled():
                log.exception("a look failed camera=%s", entry.camera)
            age_s = 0.0
        ended_s = time.monotonic()
        self._busy_s += ended_s - began_s
        if entry.pace == "fast":
            return
        self._ages_s.append(age_s)
        every_s = 1 / shed.looks_per_s(entry.looks_per_s)
        one.due_s += every_s
        if one.due_s < ended_s - every_s:
            one.due_s = ended_s  # looks that came too late are left out, not made up for

    def _go_round(self, now_s: float) -> None:
        if now_s - self._interval_s >= INTERVAL_S:
            self._keep_up(now_s)
        if now_s - self._alive_s >= ALIVE_S:
            self._alive_s = now_s
            for level, text in () if self._models is None else self._models.told():
                self._say(wire.Told(level=level, text=text))
            self._say(wire.Alive(at_s=now_s, busy=round(self._busy, 2), shed=self._shedding.shed.word))

    def _keep_up(self, now_s: float) -> None:
        before = self._shedding.shed
        self._busy = min(1.0, self._busy_s / (now_s - self._interval_s))
        shed = self._shedding.interval(self._busy, self._ages_s)
        self._interval_s, self._busy_s, self._ages_s = now_s, 0.0, []
        if shed is before:
            return
        text = f"left out to keep up: {shed.word} (before: {before.word})"
        self._say(wire.Told(level="warning" if shed > before else "info", text=text))
        if self._models is not None:
            self._models.shed(shed >= Shed.LARGE_DETECTOR)

    def wait_s(self) -> float:
        """How long nothing has to be done, unless somebody says something."""
        if any(one.shown is not None for one in self._watching.values()):
            return 0.0
        now_s = time.monotonic()
        return min([TURN_S, *(one.due_s - now_s for one in self._watching.values() if one.due_s > now_s)])

    def close(self) -> None:
        """Watch nothing any more."""
        for one in self._watching.values():
            one.close()
        self._watching = {}
        if self._models is not None:
            self._models.close()


def _taken_s(one: _Watching) -> float:
    return one.shown.at_s if one.shown is not None else 0.0


class _Ears:
    """What the agent says, line by line."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._rest = b""
        os.set_blocking(fd, False)

    def hear(self) -> Iterable[wire.Down]:
        """All that has come whole; the agent's end is a `Stop`."""
        try:
            said = os.read(self.fd, wire.LONGEST_LINE)
        except BlockingIOError:
            return
        if not said:
            yield wire.Stop()
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            yield wire.down(line)


def run(say: Say, ears: _Ears) -> None:
    """Watch until the agent says stop, or is gone."""
    eyes = Eyes(say)
    try:
        while not eyes.is_over:
            heard = select.select([ears.fd, *eyes.filenos], [], [], eyes.wait_s())[0]
            if ears.fd in heard:
                for said in ears.hear():
                    eyes.obey(said)
            eyes.turn()
    finally:
        eyes.close()


def main(arguments: list[str]) -> None:
    """`python -m edge.vision.eyes PARENT`."""
    if not family.stand_back(int(arguments[0])):
        return
    cv2.setNumThreads(1)
    # What libraries print must not come between our lines.
    told = os.dup(1)
    os.dup2(2, 1)

    def say(said: wire.Up) -> None:
        line = memoryview(wire.line(said))
        while line:
            line = line[os.write(told, line) :]

    with contextlib.suppress(BrokenPipeError):  # the agent has gone
        run(say, _Ears(0))


if __name__ == "__main__":
    main(sys.argv[1:])
