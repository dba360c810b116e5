"""Where a bus leads and how devices speak to it, in words for people."""

import ipaddress

from edge.settings import (
    FrameServer,
    Hj212Server,
    HttpPush,
    ModbusRtu,
    ModbusSettings,
    MqttJson,
    SpeakingSettings,
)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is served there; a name other than `localhost` may lie."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def transport_of(modbus: ModbusSettings) -> str:
    """The word by which the file names a transport."""
    return str(modbus.__struct_config__.tag)


def address_of(modbus: ModbusSettings) -> str:
    """Where a bus leads, for people."""
    if isinstance(modbus, ModbusRtu):
        bits = f"8{modbus.parity[0].upper()}{modbus.stop_bits}"
        return f"{modbus.serial} at {modbus.baudrate} {bits}"
    return f"{modbus.host}:{modbus.port}"


def listening_address(listen: str) -> tuple[str, int]:
    """Host and port of a `listen:`."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def way_of(settings: SpeakingSettings) -> str:
    """How devices speak to an ear and where, for people."""
    match settings:
        case Hj212Server():
            return f"HJ 212 on {settings.listen}"
        case FrameServer():
            return f"frames of {settings.protocol} on {settings.listen}"
        case MqttJson():
            tls = " over TLS" if settings.ca_file else ""
            return f"MQTT with JSON from {settings.host}:{settings.port}{tls}"
        case HttpPush():
            return f"JSON pushed over HTTP to {settings.listen}"
