"""What a gateway's buses and ears have given lately, by which a new configuration proves itself."""

import time
from collections.abc import Callable

from edge.config import Bus, Ear, Gateway
from edge.configuration.probation import Line
from edge.lines import asked

RECENTLY_S = 60.0
"""A bus that was good so long ago counts as good."""


class Proof:
    """When each bus and ear last gave a good reading; of the boot's own clock, which nobody sets."""

    def __init__(self, gateway: Gateway) -> None:
        """Nothing good has come yet."""
        self.good_s: dict[str, float] = {}
        """By bus or ear, in seconds."""
        self.change(gateway)

    def change(self, gateway: Gateway) -> None:
        """Other devices are read; what lines of a name have given stays known."""
        self._line_of = {device.name: line.name for line in gateway.lines for device in line.devices}

    def good(self, device: str) -> None:
        """A good reading has come of a device just now; of one that is on no line nothing is kept."""
        if (line := self._line_of.get(device)) is not None:
            self.good_s[line] = time.monotonic()

    def lines(self, before: Gateway, after: Gateway, since_s: Callable[[str], float | None]) -> list[Line]:
        """The buses and ears of `after`; `since_s` says since when a line of `before` is at work."""
        known = {line.name: asked(line) for line in before.lines}
        return [
            self._line(line, since_s(line.name), is_changed=known.get(line.name) != asked(line))
            for line in after.lines
        ]

    def _line(self, line: Bus | Ear, since_s: float | None, *, is_changed: bool) -> Line:
        now_s = time.monotonic()
        answer_s = line.longest_answer_s if isinstance(line, Bus) else 0.0
        turn_s = answer_s + min(min(device.intervals_ms.values()) for device in line.devices) / 1000
        good_s, span_s = self.good_s.get(line.name), max(RECENTLY_S, 3 * turn_s)
        was_good = good_s is not None and now_s - good_s <= span_s
        return Line(
            name=line.name,
            turn_s=turn_s,
            is_changed=is_changed,
            was_good=was_good,
            was_dead=not was_good and since_s is not None and now_s - since_s > span_s,
        )
