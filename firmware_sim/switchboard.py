"""All faults of a site that is being played: those of its scenario, and those switched on by hand."""

import difflib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from firmware_sim.faults import (
    KINDS,
    AnyFault,
    Applied,
    Disconnect,
    Known,
    applying,
    complaints,
    concerns,
    is_over,
    kind_of,
    named,
    target_of,
)
from firmware_sim.scenario import Site, known_of
from sitewarden import documents
from sitewarden.errors import ConfigurationError, SiteWardenError

_BY_HAND = Path("fault")
"""The name of what somebody says, in complaints about it."""


class Listed(NamedTuple):
    """A fault as it stands."""

    name: str
    state: str
    """`on`; `waiting` for its time or its next one; `over`; or `off`, by hand."""
    fault: AnyFault


class Switchboard:
    """Says what applies at an instant of the scenario, in seconds after its start."""

    def __init__(self, site: Site) -> None:
        """At the start, with the faults of the scenario."""
        self.t_s = 0.0
        """Now."""
        self._seed, self._known = site.scenario.seed, known_of(site)
        self._bus_of = {device.device: bus.bus for bus in site.scenario.buses for device in bus.devices}
        self._scripted = named(site.scenario.faults)
        self._by_hand: dict[str, AnyFault] = {}
        self._off: set[str] = set()
        """Names of scripted ones that somebody has switched off."""
        self._of: dict[str, dict[str, AnyFault]] = {}
        self._sort()

    def of_device(self, device: str, t_s: float) -> list[Applied]:
        """What applies to a device and to its answers."""
        return applying(self._of[device], t_s, self._seed)

    def is_cut(self, bus: str, t_s: float) -> bool:
        """Whether a bus is disconnected."""
        cuts = {name: f for name, f in self._on().items() if isinstance(f, Disconnect) and f.bus == bus}
        return bool(applying(cuts, t_s, self._seed))

    def listed(self) -> list[Listed]:
        """Every fault as it stands now, those of the scenario first."""
        return [self._listed(name, fault) for name, fault in {**self._scripted, **self._by_hand}.items()]

    def switch_on(self, target: str, kind: str, keys: dict[str, Any]) -> Listed:
        """Begin a fault now, over those that are there; raises `SiteWardenError` where it cannot be meant."""
        fault = self._understood(target, kind, {**keys, "at_s": round(self.t_s, 3)})
        self._by_hand = {name: f for name, f in self._by_hand.items() if not is_over(f, self.t_s)}
        ((name, _),) = named([fault], taken=[*self._scripted, *self._by_hand]).items()
        self._by_hand[name] = fault
        self._sort()
        return self._listed(name, fault)

    def switch_off(self, target: str, kind: str) -> list[Listed]:
        """End every fault of that kind on a device or bus; raises `SiteWardenError` where there is none."""
        there = {
            name: fault
            for name, fault in {**self._scripted, **self._by_hand}.items()
            if (target_of(fault), kind_of(fault)) == (target, kind) and name not in self._off
        }
        if not there:
            names = ", ".join(f"{target_of(one.fault)} {kind_of(one.fault)}" for one in self.listed())
            raise SiteWardenError(f"{target} has no fault {kind}; there are: {names or 'none'}")
        self._off |= there.keys() & self._scripted.keys()
        self._by_hand = {name: fault for name, fault in self._by_hand.items() if name not in there}
        self._sort()
        return [Listed(name, "off", fault) for name, fault in there.items()]

    def _on(self) -> dict[str, AnyFault]:
        scripted = {name: fault for name, fault in self._scripted.items() if name not in self._off}
        return {**scripted, **self._by_hand}

    def _sort(self) -> None:
        """Done once a change, not at every step of every device."""
        self._of = {
            device: {name: fault for name, fault in self._on().items() if concerns(fault, device, bus)}
            for device, bus in self._bus_of.items()
        }

    def _listed(self, name: str, fault: AnyFault) -> Listed:
        if name in self._off:
            return Listed(name, "off", fault)
        if applying({name: fault}, self.t_s, self._seed):
            return Listed(name, "on", fault)
        return Listed(name, "over" if is_over(fault, self.t_s) else "waiting", fault)

    def _understood(self, target: str, kind: str, keys: dict[str, Any]) -> AnyFault:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, n=1)
            mend = f"did you mean {near[0]}?" if near else f"there are: {', '.join(KINDS)}"
            raise SiteWardenError(f"there is no fault `{kind}`; {mend}")
        field = _target_field(kind, target, self._known)
        text = msgspec.json.encode({"fault": kind, field: target, **keys}).decode()
        try:
            fault: Any = documents.parse(text, KINDS[kind], _BY_HAND).value
        except ConfigurationError as exc:
            raise SiteWardenError(f"{kind}: {exc.field}: {exc.message}. {exc.mend}") from None
        for complaint in complaints(fault, self._known):
            raise SiteWardenError(_told(kind, *complaint))
        understood: AnyFault = fault
        return understood


def _target_field(kind: str, target: str, known: Known) -> str:
    """Whether the target of such a fault is a device or a bus; raises `SiteWardenError` for neither."""
    fields = [field for field in ("device", "bus") if field in KINDS[kind].__struct_fields__]
    names = {"device": list(known.profiles), "bus": list(known.buses)}
    for field in fields:
        if target in names[field]:
            return field
    there = "; ".join(f"{field}: {', '.join(names[field])}" for field in fields)
    raise SiteWardenError(f"{kind}: there is no {' or '.join(fields)} `{target}`; there are {there}")


def _told(kind: str, field: str, message: str, mend: str) -> str:
    return ": ".join(part for part in (kind, field, f"{message}. {mend}") if part)
