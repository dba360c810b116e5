"""Whose frames the gateway understands: ours by a table, others by entry points."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from edge.drivers.goyo import GoyoTalk
from edge.drivers.speaking import TalkMaker
from sitewarden.errors import SiteWardenError

GROUP = "sitewarden.drivers"
BUILT_IN: Mapping[str, TalkMaker] = MappingProxyType({"goyo": GoyoTalk})


class UnknownProtocolError(SiteWardenError):
    """A protocol that nobody has installed, or that two packages claim."""


@cache
def talk_maker(protocol: str) -> TalkMaker:
    """What understands a connection of that protocol; raises `UnknownProtocolError`."""
    found = [point for point in entry_points(group=GROUP) if point.name == protocol]
    if protocol in BUILT_IN:
        if found:
            raise UnknownProtocolError(f"`{protocol}` is ours, and {found[0].value} claims it too")
        return BUILT_IN[protocol]
    if len(found) > 1:
        claimants = " and ".join(point.value for point in found)
        raise UnknownProtocolError(f"both {claimants} claim to be `{protocol}`")
    if not found:
        known = ", ".join(sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))}))
        raise UnknownProtocolError(f"nobody speaks `{protocol}`; there are {known}")
    try:
        maker: TalkMaker = found[0].load()
    except (ImportError, AttributeError) as exc:
        raise UnknownProtocolError(f"`{protocol}` cannot be loaded: {exc}") from exc
    return maker
