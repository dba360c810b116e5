"""What a back-test needs of a `gateway.yaml`: rule packs, and as what each device is judged."""

from pathlib import Path
from typing import Any

import msgspec

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.instruments import Instruments
from sitewarden.messages import DeviceSetup
from sitewarden.rules.model import LimitChange
from sitewarden.rules.packs import RulePack, load_pack


class _Device(msgspec.Struct, frozen=True, kw_only=True):
    device: str
    unit: int | None = None
    unused: list[str] = []
    out_of_service: list[str] = []
    load_chart: str | None = None
    parameters: dict[str, float | str] = {}
    point_parameters: dict[str, dict[str, float | str]] = {}
    zero: dict[str, float] = {}
    instruments: Instruments = Instruments()


class _Bus(msgspec.Struct, frozen=True, kw_only=True):
    bus: str
    devices: list[_Device] = []


class _Member(msgspec.Struct, frozen=True, kw_only=True):
    crane: str
    ground_m: float
    build: dict[str, float]
    braking: dict[str, float]


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    group: str
    cranes: list[_Member]


class _File(msgspec.Struct, frozen=True, kw_only=True):
    site: str
    gateway: str
    rules: list[str]
    limit_changes: list[LimitChange] = []
    buses: list[_Bus] = []
    crane_groups: list[_Group] = []
    obstacles: list[dict[str, Any]] = []


class GatewayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """As the file has it."""

    site: str
    gateway: str
    packs: list[RulePack]
    changes: list[LimitChange] = []
    setups: dict[str, DeviceSetup]
    """By device."""


def read_gateway(file: Path) -> GatewayFacts:
    """The facts in `file`; raises `ConfigurationError` where it is no gateway's, or a pack is none."""
    document = documents.read(file, _File)
    found = document.value
    return GatewayFacts(
        site=found.site,
        gateway=found.gateway,
        packs=[_pack(document, i, name) for i, name in enumerate(found.rules)],
        changes=found.limit_changes,
        setups={
            device.device: DeviceSetup(
                bus=bus.bus,
                unused=device.unused,
                out_of_service=device.out_of_service,
                unit=device.unit,
                load_chart=device.load_chart,
                parameters=device.parameters,
                point_parameters=device.point_parameters,
                zero=device.zero,
                instruments=device.instruments,
                crane_group=_group_of(found, device.device),
            )
            for bus in found.buses
            for device in bus.devices
        },
    )


def _group_of(file: _File, device: str) -> dict[str, Any]:
    for group in file.crane_groups:
        if any(member.crane == device for member in group.cranes):
            return {**msgspec.to_builtins(group), "obstacles": file.obstacles}
    return {}


def _pack(document: documents.Document[_File], i: int, name: str) -> RulePack:
    try:
        return load_pack(name, document.file.resolve().parent)
    except ConfigurationError as exc:
        if exc.line:
            raise
        raise document.error(f"rules.{i}", exc.message, exc.mend) from exc
