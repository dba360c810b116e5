"""Our gateway as the benchmarks set it up: a device of twenty points, every one of them judged."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.devices import REGISTERS, WIND, BusPlan

SITE, GATEWAY_ID = "bench", "gw-1"
CONFIGURATION, LOG = "gateway.yaml", "gateway.log"
WIND_LIMIT = 20

_PROFILE_HEAD = """\
profile: bench-station
version: 1
device_kind: other
products: [{brand: SiteWarden, model: twenty counting registers}]
source: Made for measuring.
verified: simulator
driver: modbus
modbus: {transports: [tcp, rtu, rtu-over-tcp], function: 3, word_order: big}
groups:
  main: {interval_ms: 1000}
points:
"""
_TEMPERATURE = (
    "kind: weather.temperature, unit: °C, register: {0}, type: uint16, scale: 0.1, range: [0, 1000]"
)
_WIND = "kind: weather.wind_speed, unit: m/s, register: {0}, type: uint16, scale: 0.1, range: [0, 60]"

_RULE = """\
  - rule: {name}
    family: {name}
    version: 1
    watch: {watch}
    condition: {{when: high, limit: {limit}}}
    level: 3
    label: {{zh: 测量, en: Measuring}}
    basis: {{clause: none, source: measuring, confidence: synthetic}}
"""
_RULES = (
    "pack: bench\nsource: one rule a point; that of the temperature is stepped and never reached\nrules:\n"
    + _RULE.format(name="bench-heat", watch="weather.temperature", limit=2000)
    + _RULE.format(name="bench-wind", watch="weather.wind_speed", limit=WIND_LIMIT)
)

_HEAD = """\
site: {site}
gateway: {gateway}
data_dir: data
broker: {{host: 127.0.0.1, port: {broker_port}}}
outputs: [{{driver: log, file: outputs.jsonl}}]
rules: [bench-rules.yaml]
profiles: [profiles]
buses:
"""


def profile() -> str:
    """The profile of a device."""
    points = [f"  r{n}: {{{_TEMPERATURE.format(n)}}}\n" for n in range(WIND)]
    return "".join([_PROFILE_HEAD, *points, f"  r{WIND}: {{{_WIND.format(WIND)}}}\n"])


def points(devices: Sequence[str]) -> list[str]:
    """Every point of these devices."""
    return [f"{device}/r{n}" for device in devices for n in range(REGISTERS)]


def write(
    folder: Path,
    buses: Sequence[BusPlan],
    ports: Mapping[str, int | str],
    *,
    broker_port: int,
    interval_ms: int,
) -> Path:
    """Write all that the agent needs into `folder`; the configuration's file."""
    (folder / "profiles").mkdir(parents=True, exist_ok=True)
    (folder / "profiles" / "bench-station.yaml").write_text(profile(), encoding="utf-8")
    (folder / "bench-rules.yaml").write_text(_RULES, encoding="utf-8")
    text = _HEAD.format(site=SITE, gateway=GATEWAY_ID, broker_port=broker_port)
    text += "".join(_bus(bus, ports[bus.bus], interval_ms) for bus in buses)
    file = folder / CONFIGURATION
    file.write_text(text, encoding="utf-8")
    return file


def _bus(bus: BusPlan, place: int | str, interval_ms: int) -> str:
    where = (
        f"transport: tcp, host: 127.0.0.1, port: {place}"
        if bus.transport == "tcp"
        else f"transport: rtu, serial: {place}, baudrate: {bus.baudrate}"
    )
    devices = "".join(
        f"      - {{device: {device}, profile: bench-station, unit: {unit}, interval_ms: {interval_ms}}}\n"
        for device, unit in bus.units.items()
    )
    return f"  - bus: {bus.bus}\n    modbus: {{{where}}}\n    devices:\n{devices}"
