"""What siren and lamp show of the standing alarms, acknowledged or not. Pure: no clock, no pins."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Siren = Literal["off", "intermittent", "continuous"]
Lamp = Literal["off", "amber", "red"]

WARNING, DANGER, CRITICAL = 2, 3, 4
"""Alarm levels: from the first on the siren speaks, from the second on without a pause; the third is never
wholly silenced while the danger lasts."""

_LOUDNESS: tuple[Siren, ...] = ("off", "intermittent", "continuous")
_BRIGHTNESS: tuple[Lamp, ...] = ("off", "amber", "red")


class Signal(NamedTuple):
    """What siren and lamp show."""

    siren: Siren
    lamp: Lamp


SILENT = Signal("off", "off")


class Standing(NamedTuple):
    """A standing alarm, as far as siren and lamp care."""

    level: int
    """1 to 4."""
    is_beyond: bool = True
    """False once the value is back inside the limit and the off-delay runs."""
    is_acknowledged: bool = False
    sounded_s: float = 0.0
    """Seconds of continuous tone that this alarm has made; counted, for a wall clock may be set."""


def signal_of(standing: Iterable[Standing], max_on_s: float) -> Signal:
    """The loudest tone and the gravest light that any standing alarm asks for."""
    signals = [Signal(siren_of(alarm, max_on_s), _lamp_of(alarm)) for alarm in standing]
    return Signal(
        max((signal.siren for signal in signals), key=_LOUDNESS.index, default="off"),
        max((signal.lamp for signal in signals), key=_BRIGHTNESS.index, default="off"),
    )


def siren_of(alarm: Standing, max_on_s: float) -> Siren:
    """The tone that one alarm asks for; `max_on_s` bounds a continuous one, in seconds."""
    if alarm.level < WARNING:
        return "off"
    is_silenced = alarm.is_acknowledged or (alarm.level >= DANGER and alarm.sounded_s >= max_on_s)
    if not is_silenced:
        return "continuous" if alarm.level >= DANGER else "intermittent"
    # Knowing of a danger to life does not end it.
    return "intermittent" if alarm.level >= CRITICAL and alarm.is_beyond else "off"


def _lamp_of(alarm: Standing) -> Lamp:
    """As long as the alarm stands, whatever was said to it."""
    return "red" if alarm.level >= DANGER else "amber"
