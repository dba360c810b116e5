"""What a logger remembers of the time before the live start, as the file a gateway imports."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TextIO

from firmware_sim import pit
from firmware_sim.model import Pit
from firmware_sim.player import resting, seed_of
from firmware_sim.registers import Encoder
from firmware_sim.scenario import Cast, Site
from sitewarden.errors import SiteWardenError
from sitewarden.profiles import ModbusProfile

DAYS, EVERY_S = 14.0, 600.0


def write_history(
    site: Site, device: str, until: datetime, out: TextIO, *, days: float = DAYS, every_s: float = EVERY_S
) -> int:
    """Write `at,…` rows ending exactly at `until`, values as registers would tell them; how many rows.

    Raises `SiteWardenError` where the scenario has no such device or the device has no past to tell.
    """
    cast, physics = _pit(site, device)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["at", *physics.points])
    past = pit.history(physics, seed_of(site.scenario, cast), days, every_s)
    rows = list(_rows(cast, physics, until, past))
    writer.writerows(rows)
    return len(rows)


def _pit(site: Site, device: str) -> tuple[Cast, Pit]:
    try:
        cast = site.cast[device]
    except KeyError:
        known = ", ".join(site.cast)
        raise SiteWardenError(f"the scenario has no device `{device}`; it has {known}") from None
    physics = cast.device.physics
    if not isinstance(physics, Pit):
        raise SiteWardenError(f"`{device}` has no past to tell; only devices with the physics `pit` have")
    return cast, physics


def _rows(
    cast: Cast, physics: Pit, until: datetime, past: Iterable[tuple[float, Mapping[str, float]]]
) -> Iterator[list[str]]:
    assert isinstance(cast.profile, ModbusProfile)  # noqa: S101  # no speaking profile fits a pit's physics
    encoder, rest = Encoder(cast.profile), resting(cast.profile)
    for t_s, values in past:
        said = encoder.encode({**rest, **values}).said
        at = (until + timedelta(seconds=t_s)).isoformat(timespec="milliseconds")
        yield [at.replace("+00:00", "Z"), *(f"{said[key]:g}" for key in physics.points)]
