"""When to ask a silent unit again and how long to wait, so that its neighbours keep every poll."""

LEAST_DELAY_S, MAX_DELAY_S = 1.0, 60.0
RETRY_AT_ONCE = 1
"""So many failures in a row may be a lost packet; from the next on the unit counts as down."""
LEAST_TIMEOUT_S = 0.02
SHARE = 100
"""A probe may hold its neighbours up for its whole timeout once in so many of them: 1 % of the time.

Else a unit that answers slowly would never be heard again on a bus that is never idle for so long.
"""


class Breaker:
    """What is known of one unit; all instants are seconds of one monotonic clock."""

    def __init__(self) -> None:
        """A unit is believed alive until it is silent."""
        self._failures = 0
        self._probe_at = self._silent_at = 0.0
        self._whole_wait_at: float | None = None
        self._slowest_s = 0.0

    @property
    def is_down(self) -> bool:
        """Whether the unit has been silent more often than a lost packet explains."""
        return self._failures > RETRY_AT_ONCE

    @property
    def is_doubtful(self) -> bool:
        """Whether the last answer failed to come."""
        return self._failures > 0

    def may_ask(self, now: float, *, is_alone: bool = False) -> bool:
        """Whether the unit may be asked at `now`; one that is alone on its bus keeps nobody waiting."""
        probe_at = self._silent_at + LEAST_DELAY_S if is_alone else self._probe_at
        return not self.is_down or now >= probe_at

    def enough_s(self, whole_s: float) -> float:
        """So long an answer of this unit may take, as far as is known."""
        return min(whole_s, max(LEAST_TIMEOUT_S, 2 * self._slowest_s))

    def timeout_s(self, now: float, whole_s: float, quiet_s: float, slack_s: float) -> float | None:
        """How long to wait for an answer; `None` where there is no time to ask now.

        The whole timeout for a unit that answered last time. After a silence no longer than the bus has
        nothing else to do, but enough for its slowest answer so far: that may have been a lost packet. A unit
        that is down is asked only where waiting and the quiet time after it end within `slack_s`, the time to
        the next deadline of anybody who is alive; and once in a long while whatever that costs.
        """
        if not self.is_doubtful:
            return whole_s
        if self._whole_wait_at is None:
            self._whole_wait_at = now + SHARE * (whole_s + quiet_s)
        if slack_s - quiet_s >= whole_s or now >= self._whole_wait_at:
            self._whole_wait_at = now + SHARE * (whole_s + quiet_s)
            return whole_s
        enough_s = self.enough_s(whole_s)
        if self.is_down and slack_s - quiet_s < enough_s:
            return None
        return max(enough_s, slack_s - quiet_s)

    def answered(self, took_s: float) -> bool:
        """Note an answer; true where the unit had been down."""
        was_down, self._failures, self._whole_wait_at = self.is_down, 0, None
        self._slowest_s = max(self._slowest_s, took_s)
        return was_down

    def try_soon(self) -> None:
        """What kept others silent is over, and may have been what kept this one."""
        self._probe_at = 0.0

    def was_silent(self, now: float) -> bool:
        """Note a silence; true where the unit counts as down from now on."""
        self._failures += 1
        self._silent_at = now
        # Delays of 1, 2, 4 … s from the moment the unit counts as down.
        beyond = min(self._failures - RETRY_AT_ONCE - 1, 6)
        self._probe_at = now + min(MAX_DELAY_S, 2.0**beyond)
        return self._failures == RETRY_AT_ONCE + 1
