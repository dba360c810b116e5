"""Vibrating wires: from a frequency to a force, a pressure or a strain, by the sensor's own certificate."""

from collections.abc import Iterator, Sequence
from typing import Any

from sitewarden.derived.model import DerivedPoint, Subject
from sitewarden.derived.round import Round
from sitewarden.instruments import Certificate
from sitewarden.quality import Quality
from sitewarden.readings import Reading

FREQUENCY = "pit.vibrating_wire.frequency"
WIRE_TEMPERATURE = "pit.vibrating_wire.temperature"
VALID_HZ = (400.0, 6000.0)
"""A wire that sounds outside is broken or not plucked (standards of the makers, from memory)."""


def make(subject: Subject) -> Iterator["Wire"]:
    """One for every wire that has a certificate."""
    for key, certificate in subject.instruments.vibrating_wires.items():
        yield Wire(subject, key, certificate)


class Wire:
    """G·(R - R0) + K·(T - T0) with R = f²/1000 digits, in kN, kPa or µε as the certificate has it."""

    def __init__(self, subject: Subject, key: str, certificate: Certificate) -> None:
        """`key` is of the frequency."""
        self._certificate = certificate
        self._frequency = subject.name(key)
        self._temperature = subject.name(certificate.temperature) if certificate.temperature else None
        self.name = f"wire/{key}"
        births = {birth.p: birth for birth in subject.points}
        inputs = (self._frequency,) if self._temperature is None else (self._frequency, self._temperature)
        self.inputs = frozenset(inputs)
        self._round = Round(
            {point: births[point].stale_after_ms for point in inputs}, awaited=(self._frequency,)
        )
        birth = births[self._frequency]
        self._point = f"{birth.p}.{certificate.gives.removeprefix('pit.').replace('.', '_')}"
        self.points = (
            DerivedPoint(
                self._point, certificate.gives, inputs, birth.stale_after_ms, birth.label, _how(certificate)
            ),
        )

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """What the wire says at each reading of its frequency."""
        complete = self._round.take(readings)
        if complete is None:
            return []
        hertz = complete.values[self._frequency]
        warmth_c = self._certificate.t0 if self._temperature is None else complete.values[self._temperature]
        if hertz is None or warmth_c is None or not VALID_HZ[0] <= hertz <= VALID_HZ[1]:
            return [Reading(self._point, complete.at_ms, None, Quality.BAD_INPUT)]
        return [Reading(self._point, complete.at_ms, value(self._certificate, hertz, warmth_c))]

    def remembered(self) -> Any:
        """The newest of each input."""
        return self._round.remembered()

    def remember(self, saved: Any) -> None:
        """Take up what was the newest; what came since is newer."""
        self._round.remember(saved)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was dated since."""
        self._round.shift(by_ms, since_ms)


def _how(c: Certificate) -> str:
    return f"as {c.g:g}·(f²/1000 - {c.r0:g}) + {c.k:g}·(T - {c.t0:g}), of its certificate"


def value(certificate: Certificate, hertz: float, warmth_c: float) -> float:
    """What a certificate makes of a frequency (Hz) and a temperature (°C)."""
    digits = hertz * hertz / 1000.0
    return certificate.g * (digits - certificate.r0) + certificate.k * (warmth_c - certificate.t0)
