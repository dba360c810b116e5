"""What time it is, how far the machine believes so itself, and when somebody has set the clock."""

import math
import time
from collections.abc import Callable

from sitewarden.kernelclock import clock_state
from sitewarden.messages import ClockState

LEAST_STEP_S = 0.5
"""A wall clock that is slewed drifts by less between two looks; what is more was set."""
STATE_S = 1.0
"""So long the kernel's word is good for."""


def now_ms() -> int:
    """Wall clock, UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """Wall time made from the boot's own clock, so that it goes on evenly until somebody sets it.

    A machine without a clock battery wakes in the past. What this gateway has written before is a floor:
    until the clock is set, time goes on from there, and is said to be unsynced. As soon as somebody sets the
    clock, or the kernel says that something disciplines it, the clock is right and the floor was not.
    """

    def __init__(
        self,
        *,
        floor_ms: int = 0,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        state: Callable[[], ClockState] = clock_state,
    ) -> None:
        """`wall` and `monotonic` give seconds; `floor_ms` is the newest instant that is known to be past."""
        self._wall, self._monotonic, self._ask_kernel = wall, monotonic, state
        self._kernel_state, self._asked_at_s = state(), monotonic()
        self._started_at_s = monotonic()
        self._set_offset_s = wall() - monotonic()
        """Of the wall clock, as it is set."""
        self._floor_offset_s = floor_ms / 1000 - monotonic()
        self._offset_s = self._believed_s()
        self.steps = 0
        """How often the wall clock was set since the start."""
        self.was_first = False
        """Whether at the last of these steps nothing had disciplined or set the clock before."""
        self._is_trusted = self._kernel_state == "synced"
        """Something has disciplined or set the clock since the start."""

    @property
    def is_behind(self) -> bool:
        """Whether the wall clock says less than is known to be past, and nothing has set it since."""
        if self._kernel() == "synced":
            self._floor_offset_s = -math.inf  # also for the time when the discipline is gone again
        return self._set_offset_s < self._floor_offset_s

    def not_before(self, at_ms: int) -> None:
        """Something dated so is past; only before the first reading is dated."""
        self._floor_offset_s = max(self._floor_offset_s, at_ms / 1000 - self._monotonic())
        self._offset_s = self._believed_s()

    @property
    def began_ms(self) -> int:
        """When this boot of the machine began on its present scale; what was dated before has another."""
        floor_ms = round((self._floor_offset_s + self._started_at_s) * 1000) if self.is_behind else 0
        return max(self.offset_ms, floor_ms)

    @property
    def state(self) -> ClockState:
        """What may be believed of the instants that this clock gives."""
        return "unsynced" if self.is_behind else self._kernel()

    @property
    def offset_ms(self) -> int:
        """Wall time less the boot's own clock, as it is believed now."""
        return round(self._offset_s * 1000)

    def at_ms(self, monotonic_s: float) -> int:
        """The UTC milliseconds of an instant of the boot's own clock."""
        return round((monotonic_s + self._offset_s) * 1000)

    def mono_ms(self, at_ms: int) -> int:
        """The milliseconds of the boot's own clock at an instant that `at_ms` gave."""
        return at_ms - self.offset_ms

    def now_ms(self) -> int:
        """The UTC milliseconds of now."""
        return self.at_ms(self._monotonic())

    def look(self) -> int:
        """By how many milliseconds instants given before must be moved: 0 unless the clock was set."""
        set_before_s, self._set_offset_s = self._set_offset_s, self._wall() - self._monotonic()
        if abs(self._set_offset_s - set_before_s) >= LEAST_STEP_S:
            # Whoever has set the clock knows better than what was once written here.
            self._floor_offset_s, self._asked_at_s = -math.inf, -math.inf
        before_s, self._offset_s = self._offset_s, self._believed_s()
        moved_s = self._offset_s - before_s
        if abs(moved_s) < LEAST_STEP_S:
            self._is_trusted = self._is_trusted or self._kernel_state == "synced"
            return 0  # slewed, which is followed
        self.steps += 1
        self.was_first, self._is_trusted = not self._is_trusted, True
        return round(moved_s * 1000)

    def _believed_s(self) -> float:
        return self._floor_offset_s if self.is_behind else self._set_offset_s

    def _kernel(self) -> ClockState:
        now_s = self._monotonic()
        if now_s - self._asked_at_s >= STATE_S:
            self._kernel_state, self._asked_at_s = self._ask_kernel(), now_s
        return self._kernel_state
