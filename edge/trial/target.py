"""What a person types for a line and a unit on it: `tcp://192.168.1.50:502?unit=1`."""

from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec

from edge.settings import ModbusRtu, ModbusRtuOverTcp, ModbusSettings, ModbusTcp, Unit
from sitewarden.errors import UsageError

EXAMPLES = (
    "tcp://192.168.1.50:502?unit=1, rtu:///dev/ttyUSB0?baudrate=9600&parity=none&unit=1 "
    "or rtu+tcp://192.168.1.51:4001?unit=1"
)
_KINDS: dict[str, type[ModbusTcp | ModbusRtu | ModbusRtuOverTcp]] = {
    "tcp": ModbusTcp,
    "rtu": ModbusRtu,
    "rtu+tcp": ModbusRtuOverTcp,
}


class Target(NamedTuple):
    """A line, and the unit on it."""

    modbus: ModbusSettings
    unit: int


def target_of(url: str) -> Target:
    """Understand it; raises `UsageError` naming the part that is wrong, with an example."""
    try:
        parts = urlsplit(url)
        kind = _KINDS[parts.scheme]
        keys = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        unit = _unit(keys.pop("unit", "1"))
        settings = msgspec.convert({**keys, **_place(parts, kind)}, kind, strict=False)
    except KeyError:
        raise UsageError(f"`{url}` names no line; write {EXAMPLES}") from None
    except (ValueError, msgspec.ValidationError) as exc:
        raise UsageError(f"`{url}`: {_said(exc)}; write {EXAMPLES}") from None
    return Target(settings, unit)


def _place(parts: SplitResult, kind: type) -> dict[str, Any]:
    """Where it is: a path of a serial line, else host and port."""
    if kind is ModbusRtu:
        if not parts.path or parts.netloc:
            raise ValueError("a serial line has three slashes and a path")
        return {"transport": "rtu", "serial": parts.path}
    if not parts.hostname:
        raise ValueError("the host is missing")
    if parts.path not in {"", "/"}:
        raise ValueError(f"`{parts.path}` stands where nothing may")
    place: dict[str, Any] = {"host": parts.hostname}
    place["transport"] = {"tcp": "tcp", "rtu+tcp": "rtu-over-tcp"}[parts.scheme]
    if parts.port is not None:
        place["port"] = parts.port
    return place


def _said(error: Exception) -> str:
    """The library's words, with the name that a person typed in place of a path."""
    return str(error).replace(" - at `$.", ", at `").replace("Object", "the line")


def _unit(text: str) -> int:
    try:
        return int(msgspec.convert(text, Unit, strict=False))
    except msgspec.ValidationError:
        raise ValueError(f"unit {text} is none; a unit number goes from 1 to 247") from None
