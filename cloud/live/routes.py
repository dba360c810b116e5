"""The live stream over HTTP (server-sent events)."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from cloud.accounts.holding import Devices, devices_permitted, held_of
from cloud.accounts.permissions import SeenDevices, requires, signed_in
from cloud.accounts.service import clock_s
from cloud.live.frames import HEARTBEAT, HELLO, RESET, frame, values_frame
from cloud.live.hub import Hub
from cloud.live.viewers import Viewer
from cloud.problems import ProblemError
from cloud.registry.access import KnownSite
from cloud.serving import Served, Serving
from cloud.sites.service import is_among, narrowed

router = APIRouter(tags=["live"])

_SEES = "live.view"

HEARTBEAT_S = 5.0
"""So often a stream shows that it is alive, and asks whether it may go on: whose session or role ended sees
nothing more after so long."""
_LAST_ID = 2**63 - 1


class _Watching(msgspec.Struct, frozen=True, kw_only=True):
    """Who watches what."""

    request: Request
    site: str
    devices: Devices


class EventStream(StreamingResponse):
    """An answer that goes on."""

    media_type = "text/event-stream"


@router.get(
    "/sites/{site}/live",
    dependencies=[requires(_SEES, by_device=True)],
    response_class=EventStream,
    responses={
        200: {
            "description": "Events `values`, `alarm`, `hazard`, `gateway`, `reset`.",
            "content": {"text/event-stream": {}},
        }
    },
)
async def watch(
    site: KnownSite,
    request: Request,
    serving: Served,
    devices: SeenDevices,
    last_event_id: Annotated[
        str | None, Header(description="Alarms and hazards after this one are sent first.")
    ] = None,
) -> EventStream:
    """What happens on a site, as it happens.

    `values` (a full snapshot first, then what changed, at most ten a second) and `gateway` have no id;
    `alarm` and `hazard` have one, by which a stream that was cut is taken up again without loss. Where that
    is not possible any more, `reset` comes first: whatever was listed before must be read again.
    """
    serving.hub.check_room()
    first, last = await serving.hub.known_ids()
    after = last if last_event_id is None else _event_id(last_event_id)
    # Events that are gone cannot be replayed, and the numbers of another database mean nothing here.
    lost = not first - 1 <= after <= last
    watching = _Watching(
        request=request,
        site=site.site,
        devices=None if devices is None else frozenset(devices),
    )
    return EventStream(
        _stream(serving, watching, last if lost else after, greeting=RESET if lost else HELLO),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _event_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_ID):
        raise ProblemError(
            422, "bad-event-id", "Not an event id", "Last-Event-ID must be an id of this stream."
        )
    return int(text)


async def _stream(
    serving: Serving, watching: _Watching, after: int, *, greeting: bytes
) -> AsyncIterator[bytes]:
    hub, site = serving.hub, watching.site
    with hub.joined(site, after, watching.devices) as viewer:
        values = viewer.seen_values(await hub.newest_values(site))
        yield greeting + values_frame(hub.site_now_ms(values), values)
        for gateway in await hub.gateways(site):
            yield frame("gateway", narrowed(gateway, watching.devices).model_dump_json().encode())
        viewer.is_behind = True  # whatever was committed before it joined is read from the database
        look_again_s = clock_s() + HEARTBEAT_S
        while not hub.is_closing:
            if viewer.is_behind:
                async for frames in _catch_up(hub, viewer):
                    yield frames
            waiting = _waiting(viewer, hub)
            if waiting:
                yield waiting
            await viewer.wait(max(0.0, look_again_s - clock_s()))
            if clock_s() >= look_again_s:
                if not await _may_watch(serving, watching):
                    return
                look_again_s = clock_s() + HEARTBEAT_S
                yield HEARTBEAT


async def _may_watch(serving: Serving, watching: _Watching) -> bool:
    """Whether the session still goes on, and sees of the site exactly what it saw when it began."""
    signed = await signed_in(watching.request, serving)
    if signed is None or signed.lacks_factor:
        return False
    held = await held_of(serving, signed.account_id, watching.site)
    return devices_permitted(held, _SEES) == watching.devices


async def _catch_up(hub: Hub, viewer: Viewer) -> AsyncIterator[bytes]:
    """Every event after the viewer's last one, from the database, a part at a time."""
    viewer.is_behind = False
    while events := await hub.events_after(viewer.site, viewer.last_id):
        viewer.last_id = events[-1].id
        yield b"".join(event.frame for event in events if is_among(event.device, viewer.devices))


def _waiting(viewer: Viewer, hub: Hub) -> bytes:
    events, values, gateways = viewer.take()
    parts = [event.frame for event in events]
    if events:
        viewer.last_id = events[-1].id
    if values:
        parts.append(values_frame(hub.site_now_ms(values), values))
    parts += [frame("gateway", gateway.model_dump_json().encode()) for gateway in gateways]
    return b"".join(parts)
