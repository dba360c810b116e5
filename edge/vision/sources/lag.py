"""How late pictures come, by what their camera says of when it took them.

Between a camera and its reader pictures can pile up: in the camera, on a slow line, in the system's
buffers. When one comes says nothing of that. A stream's own stamps have no known beginning, but they go as
time goes: the picture that came soonest says how the two clocks stand, and the others how late they are.

Some cameras' clocks run a percent or two slow or fast. Then what seems late grows, or wears off, evenly; a
pile grows and shrinks as the picture and the line have it. So what goes on evenly for a minute, and no faster
than a clock may go wrong, is taken for the clock.
"""

from collections import deque
from typing import NamedTuple

CREEP = 0.0003
"""Seconds a second by which a camera's clock may go wrong and nobody is late; quartz errs less."""
MOST_DRIFT = 0.025
"""No clock goes wrong faster; what does is pictures that pile up."""
SPAN_S, SPANS = 10.0, 6
"""The soonest picture of each of so many stretches shows how a clock goes."""
EVEN_S = 0.05
"""By so much at most those are off a clock that goes evenly."""
WRAPS_S = (2**32 / 90_000, 2**33 / 90_000)
"""After so long the stamps of RTP, and those of MPEG, begin again at 0."""
_NEAR_S = 60.0
"""Pictures that are lost meanwhile make a beginning again no other beginning."""


class _Seen(NamedTuple):
    """A picture that came soon."""

    came_s: float
    apart_s: float
    """From its stamp to when it came."""
    late_s: float


class Lag:
    """Of one stream."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._stamp_s: float | None = None
        self._wrapped_s = 0.0
        self._zero = _Seen(0.0, 0.0, 0.0)
        """The last picture that was not late."""
        self._drift = 0.0
        """Seconds a second by which the camera's clock is slow."""
        self._begun_s = 0.0
        self._soonest: _Seen | None = None
        """Of the stretch that has begun."""
        self._spans: deque[_Seen] = deque(maxlen=SPANS)

    def of(self, stamp_s: float, came_s: float) -> float:
        """How late a picture with this stamp is that came now, beside the one that was fastest.

        Stamps that go back belong to another beginning; a stream without any (0) is never late.
        """
        last_s, self._stamp_s = self._stamp_s, stamp_s
        if last_s is None or not 0 < last_s <= stamp_s:
            wrap_s = next((wrap for wrap in WRAPS_S if abs((last_s or 0.0) - stamp_s - wrap) < _NEAR_S), None)
            if wrap_s is None:
                self._begin(came_s - stamp_s, came_s)
                return 0.0
            self._wrapped_s += wrap_s
        seen = self._seen(came_s, came_s - stamp_s - self._wrapped_s)
        if seen.late_s <= 0:
            self._zero = seen = seen._replace(late_s=0.0)
        self._follow(seen)
        return seen.late_s

    def _seen(self, came_s: float, apart_s: float) -> _Seen:
        zero_s = self._zero.apart_s + (self._drift + CREEP) * (came_s - self._zero.came_s)
        return _Seen(came_s, apart_s, apart_s - zero_s)

    def _begin(self, apart_s: float, came_s: float) -> None:
        self._wrapped_s = 0.0
        self._zero = _Seen(came_s, apart_s, 0.0)
        self._spans.clear()
        self._soonest, self._begun_s = None, came_s

    def _follow(self, seen: _Seen) -> None:
        """Note how the clock goes, a stretch at a time."""
        if self._soonest is None or _sooner(seen, self._soonest, self._drift):
            self._soonest = seen
        if seen.came_s - self._begun_s < SPAN_S:
            return
        self._spans.append(self._soonest)
        self._soonest, self._begun_s = None, seen.came_s
        if len(self._spans) == SPANS and (drift := _even(self._spans)) is not None:
            self._drift = drift if self._is_clock(drift) else self._drift

    def _is_clock(self, drift: float) -> bool:
        """Whether the camera's clock goes so; what piled up and is worked off evenly looks so too."""
        is_less = drift < self._drift and any(seen.late_s > EVEN_S for seen in self._spans)
        return abs(drift) <= MOST_DRIFT and not is_less


def _sooner(one: _Seen, other: _Seen, drift: float) -> bool:
    return one.apart_s - other.apart_s < drift * (one.came_s - other.came_s)


def _even(spans: deque[_Seen]) -> float | None:
    """Seconds a second by which pictures come later; `None` where that is not even."""
    middle_s = sum(seen.came_s for seen in spans) / len(spans)
    apart_s = sum(seen.apart_s for seen in spans) / len(spans)
    away = [(seen.came_s - middle_s, seen.apart_s - apart_s) for seen in spans]
    slope = sum(x * y for x, y in away) / sum(x * x for x, _ in away)
    return slope if all(abs(y - slope * x) <= EVEN_S for x, y in away) else None
