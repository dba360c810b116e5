"""How late pictures come, by what their camera says of when it took them.

Between a camera and its reader pictures can pile up: in the camera, on a slow line, in the system's
buffers. When one comes says nothing of that. A stream's own stamps have no known beginning, but they go as
time goes: the picture that came soonest says how the two clocks stand, and the others how late they are.
"""

CREEP = 0.0003
"""Seconds a second by which a camera's clock may go wrong and nobody is late; quartz errs less."""


class Lag:
    """Of one stream."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._stamp_s: float | None = None
        self._came_s = self._apart_s = 0.0

    def of(self, stamp_s: float, came_s: float) -> float:
        """How late a picture with this stamp is that came now, beside the one that was fastest.

        Stamps that go back belong to another beginning; a stream without any (0) is never late.
        """
        apart_s = came_s - stamp_s
        if self._stamp_s is None or not 0 < self._stamp_s <= stamp_s:
            self._apart_s = apart_s
        else:
            self._apart_s = min(apart_s, self._apart_s + CREEP * (came_s - self._came_s))
        self._stamp_s, self._came_s = stamp_s, came_s
        return apart_s - self._apart_s
