"""Topics on the broker, `sw/1/{mode}/{site}/{gateway}/{up|down}/{channel}`: access rights are patterns."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from sitewarden.errors import MessageError

Mode = Literal["live", "test", "drill", "replay"]
UpChannel = Literal["alarms", "readings", "status", "config", "trial", "sights", "media"]
DownChannel = Literal["receipts", "command", "config", "trial", "media"]

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What sites, gateways and devices may be called: it goes into topics, file names and addresses."""

_ROOT = "sw/1"
_PARTS = 7
_CHANNELS: dict[str, tuple[str, ...]] = {"up": get_args(UpChannel), "down": get_args(DownChannel)}


class Topic(NamedTuple):
    """A topic taken apart."""

    mode: str
    site: str
    gateway: str
    direction: str
    channel: str


def up(mode: Mode, site: str, gateway: str, channel: UpChannel) -> str:
    """The topic on which a gateway sends."""
    return f"{_ROOT}/{mode}/{site}/{gateway}/up/{channel}"


def down(mode: Mode, site: str, gateway: str, channel: DownChannel) -> str:
    """The topic on which the cloud answers a gateway."""
    return f"{_ROOT}/{mode}/{site}/{gateway}/down/{channel}"


def every_up(channel: UpChannel) -> str:
    """The filter by which the cloud hears one channel of all gateways."""
    return f"{_ROOT}/+/+/+/up/{channel}"


@lru_cache(maxsize=16_384)
def parse(topic: str) -> Topic:
    """Take a topic apart; raises `MessageError` with reason `topic` where it is none of ours."""
    parts = topic.split("/")
    if len(parts) != _PARTS or "/".join(parts[:2]) != _ROOT:
        raise MessageError("topic", f"`{topic}` is not {_ROOT}/mode/site/gateway/direction/channel")
    parsed = Topic(*parts[2:])
    if parsed.mode not in get_args(Mode) or parsed.channel not in _CHANNELS.get(parsed.direction, ()):
        raise MessageError("topic", f"`{topic}` names a mode, direction or channel that does not exist")
    if not (IDENTIFIER.fullmatch(parsed.site) and IDENTIFIER.fullmatch(parsed.gateway)):
        raise MessageError(
            "topic", f"`{topic}` holds a site or gateway name with other letters than a-z, 0-9 and -"
        )
    return parsed
