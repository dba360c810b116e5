"""How buses and devices are named: each once, and each in the way its bus speaks."""

import re
from collections import Counter
from collections.abc import Iterator

from edge.config.access import LEAST_TOKEN
from edge.config.addresses import address_of
from edge.config.source import Source
from edge.settings import BusEntry, DeviceEntry, ModbusRtu, ModbusTcp
from sitewarden.errors import ConfigurationError

LONGEST_IDENTITY = 128


def nothing_to_watch(source: Source) -> Iterator[ConfigurationError]:
    """A gateway that watches nothing, and nobody is to say what."""
    if not source.file.buses and not source.file.cameras and source.file.configuration.owner == "file":
        yield source.error(
            "buses", "there is none, so nothing is watched", "Write at least one bus or camera."
        )


def spoken_unclearly(source: Source) -> Iterator[ConfigurationError]:
    """Each bus speaks in one way, and each of its devices has the name that belongs to that way."""
    for i, bus in enumerate(source.file.buses):
        ways = (bus.modbus, bus.hj212, bus.frames, bus.mqtt_json, bus.http_push)
        if sum(way is not None for way in ways) != 1:
            message = "a bus speaks in one way"
            mend = "Write one of `modbus:`, `hj212:`, `frames:`, `mqtt_json:`, `http_push:`."
            yield source.error(f"buses.{i}", message, mend)
            continue
        for j, entry in enumerate(bus.devices):
            where = f"buses.{i}.devices.{j}"
            yield from _named_wrongly(source, where, bus, entry)


def _named_wrongly(
    source: Source, where: str, bus: BusEntry, entry: DeviceEntry
) -> Iterator[ConfigurationError]:
    if bus.modbus is not None:
        if entry.unit is None:
            yield source.error(f"{where}.unit", "is missing", "Add `unit:`, its number on the bus.")
        if entry.identity is not None:
            message = "a device that is asked names itself by nothing"
            yield source.error(f"{where}.identity", message, "Remove the line; `unit:` is its number.")
        return
    if entry.identity is None:
        yield source.error(f"{where}.identity", "is missing", "Add `identity:`, by what it names itself.")
    elif fault := _identity_fault(bus, entry.identity):
        yield source.error(f"{where}.identity", *fault)
    if entry.unit is not None:
        message = "nobody asks a device that speaks by itself"
        yield source.error(f"{where}.unit", message, "Remove the line; `identity:` is its name.")
    if bus.http_push is not None and entry.token_file is None:
        message = "is missing: whoever reaches the port could say what they like"
        yield source.error(f"{where}.token_file", message, f"Add a file with {LEAST_TOKEN} characters.")


def named_twice(source: Source) -> Iterator[ConfigurationError]:
    """Lines, buses and devices of which there must be one, and are two."""
    buses, devices = Counter[str](), Counter[str]()
    units, lines = Counter[tuple[str, int | str | None]](), Counter[str]()
    for i, bus in enumerate(source.file.buses):
        buses[bus.bus] += 1
        for where, line, why in _lines(i, bus):
            lines[line] += 1
            if lines[line] > 1:
                message = f"`{line}` is already another bus{why}"
                yield source.error(where, message, "Put all its devices under one bus.")
        if buses[bus.bus] > 1:
            yield source.error(
                f"buses.{i}.bus", f"there is already a bus `{bus.bus}`", "Give each bus its own name."
            )
        for j, entry in enumerate(bus.devices):
            devices[entry.device] += 1
            called = entry.unit if entry.identity is None else entry.identity
            units[bus.bus, called] += 1
            where = f"buses.{i}.devices.{j}"
            if entry.device == source.file.gateway:
                message = f"`{entry.device}` is already the gateway, which is a device of its own"
                yield source.error(f"{where}.device", message, "Give the device another name.")
            if devices[entry.device] > 1:
                message = f"there is already a device `{entry.device}`"
                yield source.error(f"{where}.device", message, "Give each device its own name.")
            if units[bus.bus, called] > 1:
                field = "unit" if entry.identity is None else "identity"
                message = f"{field} {called} of bus `{bus.bus}` is already a device"
                yield source.error(
                    f"{where}.{field}", message, f"One {field} is one device; check the number."
                )


def _lines(i: int, bus: BusEntry) -> Iterator[tuple[str, str, str]]:
    """What nobody else may have: field, name, and what would come of two."""
    if isinstance(bus.modbus, ModbusRtu):
        yield f"buses.{i}.modbus", bus.modbus.serial, ", and two masters on one line hear each other"
    elif bus.modbus is not None and not isinstance(bus.modbus, ModbusTcp):
        yield f"buses.{i}.modbus", address_of(bus.modbus), ", and two masters on one line hear each other"
    for way, settings in (("hj212", bus.hj212), ("frames", bus.frames), ("http_push", bus.http_push)):
        if settings is not None:
            yield f"buses.{i}.{way}.listen", settings.listen, ""


def _identity_fault(bus: BusEntry, identity: str) -> tuple[str, str] | None:
    """Why a device cannot have that name on such a bus, and the mend."""
    if not identity or len(identity) > LONGEST_IDENTITY or not identity.isprintable():
        return f"has no 1 to {LONGEST_IDENTITY} characters", "Write it as the device sends it."
    if bus.mqtt_json is not None and (set("+#") & set(identity) or identity.startswith("$")):
        return f"`{identity}` is no topic of one device", "Write its whole topic, without + and #."
    if bus.http_push is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", identity):
        return f"`{identity}` is no part of a path", "Use A-Z, a-z, 0-9, - and _ only."
    return None
