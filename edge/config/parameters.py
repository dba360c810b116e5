"""What the site gives to rules and derivations: asked for where it is given, and possible."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from edge.config.source import Source, nearest
from edge.settings import DeviceEntry
from sitewarden.derived import CONTROLS, Threshold, thresholds
from sitewarden.errors import ConfigurationError
from sitewarden.messages import PointBirth
from sitewarden.parameters import point_key
from sitewarden.profiles import Profile
from sitewarden.rules.binding import asked_of
from sitewarden.rules.describe import word
from sitewarden.rules.packs import RulePack


class _Askable(NamedTuple):
    """Parameters that something asks for at one place."""

    rules: Collection[str]
    thresholds: Mapping[str, Threshold]
    choices: Mapping[str, Sequence[float | str]]
    controls: Collection[str] = ()
    """Control values of displacement, which forecasts ask for too."""

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {*self.rules, *self.thresholds, *self.controls}


def parameters_unmeant(
    source: Source, profiles: Mapping[str, Profile], packs: list[RulePack]
) -> Iterator[ConfigurationError]:
    """What is given for whole devices; what is given for points waits until they are known."""
    asked = {name for pack in packs for rule in pack.rules for name in asked_of(rule, pack.tables)}
    for i, bus in enumerate(source.file.buses):
        for j, entry in enumerate(bus.devices):
            kind = profiles[entry.profile].device_kind if entry.profile in profiles else ""
            known = _Askable(asked, _thresholds_of(kind), _choices(packs))
            where = f"buses.{i}.devices.{j}.parameters"
            for name, value in entry.parameters.items():
                yield from _parameter_unmeant(source, f"{where}.{name}", name, value, known)


def point_parameters_unmeant(
    source: Source, where: str, entry: DeviceEntry, points: tuple[PointBirth, ...], packs: list[RulePack]
) -> Iterator[ConfigurationError]:
    """What is given for a point must be asked for there, or it would be taken for a limit and be none."""
    kinds: dict[str, set[str]] = {}
    for birth in points:
        kinds.setdefault(point_key(birth.p), set()).add(birth.kind)
    for key, given in entry.point_parameters.items():
        at = f"{where}.point_parameters.{key}"
        if key not in kinds:
            yield source.error(at, "is not a point of this device", nearest(key, kinds, "Points are"))
            continue
        watching = [(r, p.tables) for p in packs for r in p.rules if r.watch in kinds[key]]
        asked = {name for rule, tables in watching for name in asked_of(rule, tables)}
        controls = {CONTROLS[kind] for kind in kinds[key] if kind in CONTROLS}
        known = _Askable(asked, _point_thresholds(kinds[key]), _choices(packs), controls)
        for name, value in given.items():
            yield from _parameter_unmeant(source, f"{at}.{name}", name, value, known)


def _parameter_unmeant(
    source: Source, where: str, name: str, value: float | str, known: _Askable
) -> Iterator[ConfigurationError]:
    own, choices = known.thresholds.get(name), known.choices.get(name)
    if name not in known.names:
        mend = nearest(name, known.names, "Parameters are")
        yield source.error(where, "no rule asks for this parameter here, and no derived point", mend)
    elif own is not None and (isinstance(value, str) or not own.allows(value)):
        least, most = own.range
        left_out = "" if own.value is None else f"; left out it is {own.value:g}"
        mend = f"Write a number from {least:g} to {most:g}{left_out}."
        yield source.error(where, f"{value} cannot be meant", mend)
    elif name in known.controls and (isinstance(value, str) or value <= 0):
        yield source.error(where, f"{value} cannot be meant", "Write a number of mm, above 0.")
    elif choices and value not in choices:
        mend = f"Choices are {', '.join(map(word, choices))}."
        yield source.error(where, f"{word(value)} is no choice of `{name}`", mend)


def _thresholds_of(device_kind: str) -> dict[str, Threshold]:
    return {name: one for name, one in thresholds().items() if device_kind in one.devices}


def _point_thresholds(kinds: Collection[str]) -> dict[str, Threshold]:
    return {name: one for name, one in thresholds().items() if not one.points.isdisjoint(kinds)}


def _choices(packs: Iterable[RulePack]) -> dict[str, Sequence[float | str]]:
    return {name: declared.choices for pack in packs for name, declared in pack.parameters.items()}
