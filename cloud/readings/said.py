"""What the points of a site have said last, all at once. Pure."""

from typing import TypeVar

import msgspec
import numpy as np

from cloud.database import Row
from cloud.readings.sent import NOTHING, Floats, Numbers, floats, instants_ms, integers
from cloud.readings.service import numbers_of
from sitewarden.quality import Quality

_WORDS = {int(quality): quality.word for quality in Quality}


class LastSaid(msgspec.Struct, frozen=True, gc=False):
    """What a point said last that could be believed."""

    at_ms: int
    value: float


class Said(msgspec.Struct, frozen=True, gc=False):
    """The newest reading of a point, as `cloud.readings.model.Value` describes it."""

    at_ms: int
    value: float | None
    quality: str
    last: LastSaid | None = None


class BrieflySaid(Said, frozen=True, gc=False, omit_defaults=True):
    """The same, which in JSON has no `last` where there is none."""


S = TypeVar("S", bound=Said)


def said_by(columns: Row, form: type[S]) -> dict[str, S]:
    """The points of a site by name, of a row of `NEWEST`."""
    resolutions, qualities = floats(columns["resolutions"]), integers(columns["qualities"], 2)
    said = map(
        form,
        instants_ms(columns["instants"]).tolist(),
        _values(integers(columns["multiples"], 8), resolutions),
        [_WORDS[quality] for quality in qualities.tolist()],
        _lasts(columns, qualities, resolutions),
    )
    return dict(zip(columns["names"], said, strict=True))


def _values(multiples: Numbers, resolutions: Floats) -> list[float | None]:
    is_none = multiples == NOTHING
    values: list[float | None] = numbers_of(np.where(is_none, 0, multiples), resolutions).tolist()
    for place in np.flatnonzero(is_none).tolist():
        values[place] = None
    return values


def _lasts(columns: Row, qualities: Numbers, resolutions: Floats) -> list[LastSaid | None]:
    """Of each point what was good last, where it is not good now and there ever was something."""
    lasts: list[LastSaid | None] = [None] * qualities.size
    good = integers(columns["good_multiples"], 8)
    was_good = good != NOTHING
    places = np.flatnonzero(qualities != Quality.GOOD)[was_good]
    values = numbers_of(good[was_good], resolutions[places])
    at_ms = instants_ms(columns["good_instants"])[was_good]
    for place, at, value in zip(places.tolist(), at_ms.tolist(), values.tolist(), strict=True):
        lasts[place] = LastSaid(at, value)
    return lasts
