"""How much of a bus its devices will take, reckoned before anything is connected. Pure."""

from typing import NamedTuple

from edge.config import Bus, PolledDevice
from edge.drivers import Request
from edge.drivers.framing import RTU_ANSWER_BYTES, RTU_REQUEST_BYTES, data_bytes
from edge.drivers.registers import plan
from edge.settings import ModbusRtu

TURN_AROUND_S = 0.02
"""What a unit is taken to need before it answers; tens of milliseconds are usual, a guess."""
BITS_A_BYTE = 11
GAPS_BYTES = 7
"""The silence before request and answer, 3.5 characters each."""


class Load(NamedTuple):
    """What a bus is asked for when all goes well."""

    requests_per_s: float
    percent: float
    """Of the time that requests and answers hold the bus; above 100 it cannot keep up."""


def load_of(bus: Bus) -> Load:
    """The load of all devices together."""
    asked = [asked for device in bus.devices for asked in _requests(device)]
    held_s = sum(rate * request_s(bus, request, device) for device, request, rate in asked)
    return Load(sum(rate for _, _, rate in asked), 100 * held_s)


def request_s(bus: Bus, request: Request, device: PolledDevice) -> float:
    """How long one request and its answer hold the bus."""
    held_s = max(TURN_AROUND_S, (device.profile.modbus.answer_ms or 0) / 1000)
    if isinstance(bus.modbus, ModbusRtu):
        size = RTU_REQUEST_BYTES + RTU_ANSWER_BYTES + data_bytes(request) + GAPS_BYTES
        held_s += size * BITS_A_BYTE / bus.modbus.baudrate
    return held_s


def requests_per_second(device: PolledDevice) -> float:
    """How often a device is asked when all goes well."""
    return sum(rate for _, _, rate in _requests(device))


def _requests(device: PolledDevice) -> list[tuple[PolledDevice, Request, float]]:
    """Each request of a device and how often a second it is made."""
    points = device.profile.points.items()
    return [
        (device, read.request, 1000 / interval_ms)
        for group, interval_ms in device.intervals_ms.items()
        for read in plan(device.profile.modbus, [p for p in points if p[1].group == group])
    ]
