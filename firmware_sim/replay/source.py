"""A replay as it stands: which step is served, when the next one is due, and what somebody wants of it.

It steps only when a gateway says that it has taken everything of the step before, so that no instant is
skipped or read twice at any speed. Knows no sockets; time is given to it.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

from firmware_sim.replay.cast import Cast
from firmware_sim.replay.image import Image
from firmware_sim.replay.timeline import Timeline
from sitewarden import clockblock
from sitewarden.clockblock import ClockBlock, Due, State

LOOK_AGAIN_MS = 100
"""A gateway that waits asks at least so often, so that somebody who presses a button sees it work."""
GIVE_UP_S = 2.0
"""A replay that is further behind its speed does not hurry to make up for it."""
MEASURED = 40
MEASURE_EVERY_S = 0.1
LEAST_SPEED, MOST_SPEED = 0.1, 600.0
UNENDING = math.inf
"""The speed `max`: as fast as possible."""

Speed = float


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay stands, for people and pages."""

    state: Literal["waiting", "running", "paused", "ended"]
    """`waiting`: no gateway follows."""
    at_ms: int
    """Recorded instant now; between two instants it goes on at the speed."""
    first_ms: int
    last_ms: int
    speed: float | None
    """Asked for; `null` is as fast as possible."""
    held: float | None
    """What it comes to, of the last seconds; `null` while it stands."""
    step: int
    steps: int
    passed: int
    is_looping: bool


class Source:
    """One history being played."""

    def __init__(
        self,
        timeline: Timeline,
        cast: Cast,
        *,
        speed: Speed,
        now: Callable[[], float],
        is_looping: bool = False,
    ) -> None:
        """`now` gives seconds of a clock that nobody sets. Nothing is served before a gateway asks."""
        self._timeline, self._now, self._speed = timeline, now, speed
        self.is_looping, self.is_paused = is_looping, False
        self._images = [Image(played.profile, played.keys) for played in cast.devices]
        self._units = {(p.bus, p.unit): image for p, image in zip(cast.devices, self._images, strict=True)}
        self._dues = [
            (p.bus, p.unit, clockblock.fingerprint(p.profile.profile, p.keys)) for p in cast.devices
        ]
        self._serial, self._passed, self._step = 0, 1, -1
        self._shown: list[Image] = []
        self._due: list[Due] = []
        self._ready: tuple[int, ...] = ()
        self._steps_allowed = 0
        self._sought: int | None = None
        self._has_ended = False
        self._anchor = now(), self._at_ms(0)
        self._course: deque[tuple[float, int]] = deque(maxlen=MEASURED)

    def look(self) -> tuple[int, ...]:
        """The registers of the block as it stands."""
        return self._ready or self._idle(State.WAITING, LOOK_AGAIN_MS)

    def next(self, parity: int) -> tuple[int, ...]:
        """The registers of the step whose serial has this parity, or of what stands in its way."""
        if self._serial % 2 == parity or any(image.wanted for image in self._shown):
            return self.look()
        step = self._following()
        if isinstance(step, State):
            return self._idle(step, LOOK_AGAIN_MS)
        wait_s = self._due_in_s(step)
        if wait_s > 0:
            return self._idle(State.WAITING, min(LOOK_AGAIN_MS, math.ceil(wait_s * 1000)))
        self._show(step)
        return self._ready

    def image(self, bus: int, unit: int) -> Image | None:
        """The registers of a device."""
        return self._units.get((bus, unit))

    def pause(self) -> None:
        """Stand still after the present step."""
        self.is_paused = True
        self._course.clear()

    def resume(self) -> None:
        """Go on from here."""
        self.is_paused, self._steps_allowed = False, 0
        self._go_on_from_here()

    def go_steps(self, count: int) -> None:
        """Stand still, but for so many steps."""
        self.pause()
        self._steps_allowed = count

    def seek(self, at_ms: int) -> None:
        """Go on at the first instant that is not before `at_ms`, as soon as the present step is taken."""
        self._sought = self._timeline.at_or_after(at_ms)

    def set_speed(self, speed: Speed) -> None:
        """Go on at another speed."""
        self._speed = speed
        self._go_on_from_here()

    def standing(self, *, is_followed: bool) -> Standing:
        """As of now."""
        is_running = is_followed and not self.is_paused and not self._has_ended
        stopped: Literal["waiting", "paused", "ended"] = (
            "ended" if self._has_ended else "paused" if self.is_paused else "waiting"
        )
        return Standing(
            state="running" if is_running else stopped,
            at_ms=self._recorded_now_ms() if is_running else self._at_ms(max(self._step, 0)),
            first_ms=self._at_ms(0),
            last_ms=self._at_ms(len(self._timeline) - 1),
            speed=None if math.isinf(self._speed) else self._speed,
            held=self._held() if is_running else None,
            step=max(self._step, 0),
            steps=len(self._timeline),
            passed=self._passed,
            is_looping=self.is_looping,
        )

    def _following(self) -> int | State:
        """The step to show next, or why there is none."""
        if self._sought is not None:
            return self._sought
        is_over = self._step + 1 >= len(self._timeline)
        self._has_ended = is_over and not self.is_looping
        if self._has_ended:
            return State.ENDED
        if self.is_paused and not self._steps_allowed:
            return State.PAUSED
        return 0 if is_over else self._step + 1

    def _due_in_s(self, step: int) -> float:
        """Until a step is due; one that begins a pass, or is asked for by hand, is due at once."""
        is_jump = step != self._step + 1 or self._sought is not None
        if is_jump or self.is_paused or self._step < 0 or math.isinf(self._speed):
            return 0.0
        since_s, from_ms = self._anchor
        wait_s = since_s + (self._at_ms(step) - from_ms) / 1000 / self._speed - self._now()
        if wait_s < -GIVE_UP_S:
            self._anchor = self._now(), self._at_ms(step)
        return wait_s

    def _show(self, step: int) -> None:
        is_jump = step != self._step + 1 or self._sought is not None
        if is_jump:
            self._passed += 1
        self._has_ended, self._sought = False, None
        self._steps_allowed = max(0, self._steps_allowed - 1)
        is_first = is_jump or self._step < 0
        self._step, self._serial = step, self._serial + 1
        if is_first:
            self._go_on_from_here()
        self._put(step)
        self._measure()

    def _put(self, step: int) -> None:
        for image in self._shown:
            image.rest()
        by_device: dict[int, list[tuple[int, float, int]]] = {}
        for device, point, value, quality in self._timeline.rows(step):
            by_device.setdefault(device, []).append((point, value, quality))
        for device, readings in by_device.items():
            self._images[device].show(readings)
        self._shown = [self._images[device] for device in by_device]
        self._due = [Due(*self._dues[device], self._images[device].codes) for device in by_device]
        self._ready = clockblock.encode(self._block(State.READY, 0, self._due))

    def _idle(self, state: State, wait_ms: int) -> tuple[int, ...]:
        return clockblock.encode(self._block(state, wait_ms, []))

    def _block(self, state: State, wait_ms: int, due: list[Due]) -> ClockBlock:
        speed = 0 if math.isinf(self._speed) else round(self._speed * 1000)
        step = max(self._step, 0)
        return ClockBlock(state, wait_ms, self._serial, self._passed, step, self._at_ms(step), speed, due)

    def _at_ms(self, step: int) -> int:
        return int(self._timeline.instants[step])

    def _go_on_from_here(self) -> None:
        self._anchor = self._now(), self._at_ms(max(self._step, 0))
        self._course.clear()

    def _recorded_now_ms(self) -> int:
        """Between two instants recorded time goes on, but not beyond the next one."""
        at_ms = self._at_ms(max(self._step, 0))
        if math.isinf(self._speed) or self._step < 0 or self._step + 1 >= len(self._timeline):
            return at_ms
        since_s, from_ms = self._anchor
        run_ms = from_ms + round((self._now() - since_s) * 1000 * self._speed)
        return max(at_ms, min(run_ms, self._at_ms(self._step + 1)))

    def _measure(self) -> None:
        now = self._now()
        if not self._course or now - self._course[-1][0] >= MEASURE_EVERY_S:
            self._course.append((now, self._at_ms(self._step)))

    def _held(self) -> float | None:
        if len(self._course) < 2:  # noqa: PLR2004  two make a speed
            return None
        (began_s, began_ms), (ended_s, ended_ms) = self._course[0], self._course[-1]
        return round((ended_ms - began_ms) / 1000 / (ended_s - began_s), 2)


def speeds(text: str) -> Speed:
    """A speed as people write it, `max` or 0.1 to 600; raises `ValueError`."""
    if text == "max":
        return UNENDING
    speed = float(text.removesuffix("x").removesuffix("×"))
    if not LEAST_SPEED <= speed <= MOST_SPEED:
        raise ValueError(f"{speed:g} is not a speed from {LEAST_SPEED:g} to {MOST_SPEED:g}")
    return speed
