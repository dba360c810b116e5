"""When the next picture of something that was recorded is due."""

import time


class Pace:
    """By the recording's own timing, or as fast as somebody takes them."""

    def __init__(self, *, fast: bool) -> None:
        """It begins with the first picture."""
        self._fast = fast
        self._began_s: float | None = None

    def wait(self, place_s: float) -> float:
        """Wait until the picture at this place of the recording is due; the instant that it stands for.

        One that comes too late is due at once. As fast as can be, instants go ahead of the clock: who walks
        in a film does not walk faster because it is shown faster.
        """
        now_s = time.monotonic()
        if self._began_s is None:
            self._began_s = now_s - place_s
        due_s = self._began_s + place_s
        if self._fast:
            return due_s
        if due_s > now_s:
            time.sleep(due_s - now_s)
        return time.monotonic()

    def begin_again(self, after_s: float) -> None:
        """The recording begins once more; its first picture comes `after_s` after the last one's place."""
        if self._began_s is not None:
            self._began_s += after_s
