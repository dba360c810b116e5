"""Server-sent events as bytes. Pure."""

from typing import Any

import msgspec

HEARTBEAT = b": still here\n\n"
HELLO = b"retry: 1000\n\n"
"""How soon a browser comes back after a cut, in milliseconds."""

RESET = HELLO + b"event: reset\ndata: {}\n\n"
"""Alarms and hazards since the viewer's last event cannot be replayed: lists must be read anew."""


def frame(event: str, data: bytes, event_id: int | None = None) -> bytes:
    """One event; `data` is JSON, which has no line breaks."""
    number = b"" if event_id is None else b"id: %d\n" % event_id
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), number, data)


def values_frame(now_ms: int, values: dict[str, Any]) -> bytes:
    """The newest values of some points."""
    return frame("values", msgspec.json.encode({"now_ms": now_ms, "values": values}))
