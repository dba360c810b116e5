"""The live stream over HTTP (server-sent events)."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from cloud.accounts.permissions import COOKIE, Viewer, signed_in
from cloud.accounts.service import clock_s
from cloud.live.frames import HEARTBEAT, HELLO, RESET, frame, values_frame
from cloud.live.hub import Hub
from cloud.live.viewers import Viewer as Watching
from cloud.problems import ProblemError
from cloud.registry.access import KnownSite, seen_site
from cloud.serving import Served, Serving

router = APIRouter(tags=["live"], dependencies=[Viewer])

HEARTBEAT_S = 15.0
_LAST_ID = 2**63 - 1


class EventStream(StreamingResponse):
    """An answer that goes on."""

    media_type = "text/event-stream"


@router.get(
    "/sites/{site}/live",
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
    token = request.cookies.get(COOKIE, "")
    return EventStream(
        _stream(serving, site.site, last if lost else after, token, greeting=RESET if lost else HELLO),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _event_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_ID):
        raise ProblemError(
            422, "bad-event-id", "Not an event id", "Last-Event-ID must be an id of this stream."
        )
    return int(text)


async def _stream(
    serving: Serving, site: str, after: int, token: str, *, greeting: bytes
) -> AsyncIterator[bytes]:
    hub = serving.hub
    with hub.joined(site, after) as viewer:
        values = await hub.newest_values(site)
        yield greeting + values_frame(hub.site_now_ms(values), values)
        for gateway in await hub.gateways(site):
            yield frame("gateway", gateway.model_dump_json().encode())
        viewer.is_behind = True  # whatever was committed before it joined is read from the database
        look_again_s = clock_s() + HEARTBEAT_S
        while not hub.is_closing:
            if viewer.is_behind:
                async for frames in _catch_up(hub, viewer):
                    yield frames
            waiting = _waiting(viewer, hub)
            if waiting:
                yield waiting
            has_news = await viewer.wait(HEARTBEAT_S)
            # Also where there is always news: a site at work is never silent for so long.
            if clock_s() >= look_again_s:
                if not await _may_watch(serving, site, token):
                    return
                look_again_s = clock_s() + HEARTBEAT_S
            if not has_news:
                yield HEARTBEAT


async def _may_watch(serving: Serving, site: str, token: str) -> bool:
    """Whether the session still goes on, and still sees the site."""
    signed = await signed_in(token, serving)
    return signed is not None and await seen_site(serving, signed, site) is not None


async def _catch_up(hub: Hub, viewer: Watching) -> AsyncIterator[bytes]:
    """Every event after the viewer's last one, from the database, a part at a time."""
    viewer.is_behind = False
    while events := await hub.events_after(viewer.site, viewer.last_id):
        viewer.last_id = events[-1].id
        yield b"".join(event.frame for event in events)


def _waiting(viewer: Watching, hub: Hub) -> bytes:
    events, values, gateways = viewer.take()
    parts = [event.frame for event in events]
    if events:
        viewer.last_id = events[-1].id
    if values:
        parts.append(values_frame(hub.site_now_ms(values), values))
    parts += [frame("gateway", gateway.model_dump_json().encode()) for gateway in gateways]
    return b"".join(parts)
