"""Does a new configuration prove itself? Pure; every instant in seconds of one clock that nobody sets."""

from collections.abc import Mapping
from typing import NamedTuple

from sitewarden.text import Text

SHARE = 4
"""A part of the probation, before which nobody is called silent: a converter may want its time."""
TURNS = 3
"""So many turns of its fastest device a bus has."""


class Line(NamedTuple):
    """A bus or an ear, as far as a probation looks at it."""

    name: str
    turn_s: float
    """Of its fastest device: its interval, and how long an answer may take."""
    is_changed: bool
    """Whether it is new, or is asked otherwise than before."""
    was_good: bool
    """Whether it gave good readings before the change."""
    was_dead: bool
    """Whether there was one of that name before that gave nothing good for long."""


class Probation:
    """One new configuration on probation."""

    def __init__(self, lines: list[Line], began_s: float, lasts_s: float) -> None:
        """Nothing good has come of any of them yet."""
        self.ends_s = began_s + lasts_s
        self._lines, self._began_s, self._lasts_s = lines, began_s, lasts_s

    def fault(self, now_s: float, good_s: Mapping[str, float]) -> Text | None:
        """Why it has not proved itself; `good_s` is when each line last gave a good reading."""
        for line in self._lines:
            patience_s = max(self._lasts_s / SHARE, TURNS * line.turn_s)
            # Who says nothing for longer than the probation proves nothing in it.
            if not self._counts(line) or patience_s > self._lasts_s:
                continue
            last_s = max(self._began_s, good_s.get(line.name, self._began_s))
            if now_s - last_s >= patience_s:
                return _said(line, now_s - last_s)
        return None

    def is_over(self, now_s: float) -> bool:
        """Whether it lasted long enough."""
        return now_s >= self.ends_s

    @staticmethod
    def _counts(line: Line) -> bool:
        """One that was dead before and still is, is nobody's fault; a new one must live."""
        return line.was_good or (line.is_changed and not line.was_dead)


def _said(line: Line, silent_s: float) -> Text:
    zh = "之前正常的总线" if line.was_good else "新增或更改的总线"
    en = "which was good before" if line.was_good else "which is new or changed"
    return Text(
        f"{zh} {line.name} 已 {silent_s:.0f} 秒没有任何有效读数",
        f"bus {line.name}, {en}, has given no good reading for {silent_s:.0f} s",
    )
