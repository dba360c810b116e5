"""One camera looked at for a while, as the eyes would, for whoever installs it."""

import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from edge.vision import address
from edge.vision.capture import Broken, Failed, Opened, Shown
from edge.vision.capturing import BEGIN_S, Capture
from edge.vision.sanity import Sanity, State
from edge.vision.shedding import percentile
from edge.vision.sources import Order
from sitewarden.errors import SiteWardenError

HEAD_M = 0.25
LEAST_HEAD_PX = 20
"""Of a head that can be judged."""
OLD_S = 0.5
SLOW_PER_S = 2.0
"""Fewer pictures a second, and whoever walks is lost between two of them."""

SAYS = {
    State.SEES: "it shows something",
    State.DARK: "everything is dark",
    State.COVERED: "nothing is sharp: the lens may be covered or dirty",
    State.CONSTANT: "it shows one shade, as a decoder does that gets no picture",
    State.TORN: "pictures are torn: look at the network, and at the camera's bit rate",
    State.FROZEN: "it is the same picture again and again",
    State.MOVED: "the view has changed meanwhile",
}


class Found(NamedTuple):
    """What came of a camera."""

    opened_s: float | None
    """After so long it let us in."""
    first_s: float | None
    """And so long after the beginning its first picture was there."""
    size: tuple[int, int]
    """Width and height."""
    pictures: int
    per_s: float
    """As the camera sends them, whoever looks."""
    age_s: float
    """Of 95 % of pictures from when they came in to when they could be looked at."""
    broken: int
    state: State
    failed: str | None
    """Why nothing came, or nothing more."""

    @property
    def is_usable(self) -> bool:
        """Whether heads could be looked for."""
        return self.pictures > 0 and self.state is State.SEES and self.failed is None


def tried(url: str, username: str | None, password: str | None, seconds: float) -> Found:
    """Look at a camera for so long after its first picture; raises `SiteWardenError` for no address."""
    try:
        urlsplit(url)
    except ValueError:
        raise SiteWardenError("that is no address") from None
    if address.is_hidden(url):
        raise SiteWardenError("leave name and password out of the address; name them with --username")
    if address.holds_login(url):
        # Arguments are there for everybody at the machine to read.
        raise SiteWardenError(
            "leave name and password out of the address: write {username} and {password} in their places, "
            "and name them with --username"
        )
    whole = address.filled(url, username, password) if address.wants(url) else None
    order = Order(
        camera="test", url=url, address=whole, username=username, password=password, folder=str(Path.cwd())
    )
    trial = _Trial(Capture(order), seconds)
    try:
        return trial.run()
    finally:
        trial.capture.close()


class _Trial:
    def __init__(self, capture: Capture, seconds: float) -> None:
        self.capture, self._seconds = capture, seconds
        self._sanity = Sanity()
        self._began_s = time.monotonic()
        self._opened_s: float | None = None
        self._failed: str | None = None
        self._shown: list[Shown] = []
        self._ages_s: list[float] = []
        self._broken = 0
        self._state = State.SEES

    def run(self) -> Found:
        while self._goes_on():
            now_s = time.monotonic()
            hung = self.capture.turn(now_s)
            if hung is not None:
                self._failed = hung.text
                break
            self.capture.ask(now_s)
            if self.capture.fileno is not None:
                select.select([self.capture.fileno], [], [], 0.2)
            self._hear()
        return self._found()

    def _goes_on(self) -> bool:
        now_s = time.monotonic()
        end_s = self._shown[0].at_s + self._seconds if self._shown else self._began_s + BEGIN_S + 5
        return self._failed is None and now_s < end_s

    def _hear(self) -> None:
        for said in self.capture.hear(time.monotonic()):
            match said:
                case Opened():
                    self._opened_s = time.monotonic() - self._began_s
                case Shown():
                    self._look(said)
                case Broken():
                    self._broken = said.broken
                    self._state = self._sanity.broken(time.monotonic())
                case Failed():
                    self._failed = None if said.ended else said.text
                    self._seconds = 0 if said.ended else self._seconds

    def _look(self, shown: Shown) -> None:
        self._ages_s.append(time.monotonic() - shown.at_s)
        self._shown.append(shown)
        self._broken += shown.broken
        frame = self.capture.frame(shown)
        if frame is not None:
            self._state = self._sanity.look(frame.at_s, frame.pixels)

    def _found(self) -> Found:
        shown = self._shown
        first, last = (shown[0], shown[-1]) if shown else (None, None)
        per_s = 0.0
        if first is not None and last is not None and last.at_s > first.at_s:
            per_s = (last.number - first.number) / (last.at_s - first.at_s)
        return Found(
            opened_s=self._opened_s,
            first_s=None if first is None else first.at_s - self._began_s,
            size=(0, 0) if last is None else (last.width, last.height),
            pictures=len(shown),
            per_s=per_s,
            age_s=percentile(self._ages_s, 95),
            broken=self._broken,
            state=self._state,
            failed=self._failed or (None if shown else "no picture came"),
        )


def described(found: Found) -> Iterator[str]:
    """For people, with what to do about it."""
    if found.failed is not None:
        yield f"no: {found.failed}" if not found.pictures else f"it broke off: {found.failed}"
    if found.opened_s is not None and found.first_s is not None:
        yield f"let in after {found.opened_s:.1f} s, first picture after {found.first_s:.1f} s"
    if not found.pictures:
        return
    width, height = found.size
    yield f"{width} x {height} pixels, {found.per_s:.1f} pictures a second"
    if found.per_s < SLOW_PER_S:
        yield f"  that is few: set {SLOW_PER_S:g} or more, or people are lost between two pictures"
    across_m = width / LEAST_HEAD_PX * HEAD_M
    yield f"  heads can be judged where the picture shows at most {across_m:.0f} m from left to right"
    late = ": something between here and the camera is too slow" if found.age_s > OLD_S else ""
    yield f"looked at {1000 * found.age_s:.0f} ms after they came in (95 %){late}"
    if found.broken:
        yield f"{found.broken} pictures could not be decoded: look at the network"
    yield SAYS.get(found.state, found.state.name.lower())
