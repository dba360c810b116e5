"""From the settings of an ear to what listens for it."""

import asyncio
import logging
from typing import Protocol

from edge.config import Ear, listening_address
from edge.drivers.hj212 import Hj212Talk
from edge.drivers.mqttjson import MqttJsonSubscription
from edge.drivers.registry import talk_maker
from edge.drivers.speaking import Hearing
from edge.drivers.tcpserver import TcpServer
from edge.settings import FrameServer, Hj212Server, HttpPush, MqttJson
from sitewarden.profiles.model import says_instants

log = logging.getLogger(__name__)

RETRY_S = 10.0
"""So long what failed is left alone."""


class Rim(Protocol):
    """What listens: a server, or a subscription."""

    async def run(self) -> None:
        """Listen until cancelled."""


async def listen(ear: Ear, hearing: Hearing) -> None:
    """Listen for an ear until cancelled; a mistake, ours or in a certificate, must not end the agent."""
    while True:
        try:
            await open_rim(ear, hearing).run()
        except Exception:
            log.exception("nobody listens bus=%s, trying again", ear.name)
        await asyncio.sleep(RETRY_S)


def open_rim(ear: Ear, hearing: Hearing) -> Rim:
    """What listens for an ear; nothing is open before it runs."""
    match ear.settings:
        case Hj212Server(listen=listen, connections=connections):
            address, secret = listening_address(listen), ear.secret
            return TcpServer(address, lambda: Hj212Talk(secret), hearing, connections=connections)
        case FrameServer(protocol=protocol, listen=listen, connections=connections):
            make = talk_maker(protocol)
            return TcpServer(listening_address(listen), make, hearing, connections=connections)
        case MqttJson() as settings:
            return MqttJsonSubscription(ear, settings, hearing, _timed(ear))
        case HttpPush() as settings:
            from edge.drivers.httppush import Pushes  # noqa: PLC0415  a web server takes memory; few need it

            tokens = {device.identity: device.token for device in ear.devices if device.token is not None}
            return Pushes(
                listening_address(settings.listen),
                hearing,
                tokens,
                connections=settings.connections,
                max_body_bytes=settings.max_body_bytes,
            )


def _timed(ear: Ear) -> list[str]:
    """Whoever says when it measured."""
    return [device.identity for device in ear.devices if says_instants(device.profile)]
