"""One device of any profile, without a scenario: every point does what is usual for its kind."""

from collections.abc import Iterator

from firmware_sim.model import Constant, Form, Sine, Walk
from firmware_sim.scenario import LAST_RTU_UNIT, Bus, Cast, Device, Scenario, Site, Transport
from firmware_sim.usual import usual_forms
from sitewarden.errors import SiteWardenError
from sitewarden.points import point_kind
from sitewarden.profiles import ModbusPoint, ModbusProfile, Profile


def transport_of(profile: Profile) -> Transport:
    """TCP where the device speaks it, else RTU frames over TCP: both have a port to connect to."""
    if not isinstance(profile, ModbusProfile):
        raise SiteWardenError(
            f"`{profile.profile}` speaks by itself; play it in a scenario, to where it speaks"
        )
    return "tcp" if "tcp" in profile.modbus.transports else "rtu-over-tcp"


def single_device(
    profile: Profile,
    *,
    unit: int = 1,
    transport: Transport = "tcp",
    host: str = "127.0.0.1",
    port: int = 0,
    link: str | None = None,
    baudrate: int | None = None,
    seed: int = 1,
) -> Site:
    """A site of one bus and one device; raises `SiteWardenError` for a unit that cannot be asked."""
    first, last = (0, 255) if transport == "tcp" else (1, LAST_RTU_UNIT)
    if not first <= unit <= last:
        raise SiteWardenError(f"unit {unit} cannot be asked over {transport}; it has units {first} to {last}")
    device = Device(device=profile.profile, profile=profile.profile, unit=unit)
    bus = Bus(
        bus=profile.profile,
        transport=transport,
        host=host,
        port=port,
        link=link if transport == "rtu" else None,
        baudrate=baudrate if transport != "tcp" else None,
        devices=[device],
    )
    scenario = Scenario(scenario=profile.profile, seed=seed, buses=[bus])
    return Site(scenario, {device.device: Cast(device, profile, None)})


def described(profile: Profile) -> Iterator[str]:
    """A line a point: its register as the manual counts, its kind, and what it does."""
    for key, form in usual_forms(profile).items():
        point = profile.points[key]
        place = f"{point.register}{_part(point)}" if isinstance(point, ModbusPoint) else ""
        unit = "" if point.unit == "1" else f" {point.unit}"
        yield f"{place:>8}  {key:20} {point_kind(point.kind).zh}  {_doing(form)}{unit}"


def _part(point: ModbusPoint) -> str:
    """Which bits of the register, where it is not all of them."""
    if point.bits is not None:
        return f".{point.bits[0]}-{point.bits[1]}"
    return "" if point.bit is None else f".{point.bit}"


def _doing(form: Form) -> str:
    match form:
        case Constant():
            return f"{form.value:g}"
        case Walk() | Sine():
            return f"{form.low:g} … {form.high:g}"
        case _:
            return type(form).__name__.lower()
