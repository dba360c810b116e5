"""The live stream over HTTP (server-sent events)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Annotated

import psycopg
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from psycopg_pool import PoolTimeout
from starlette.types import Message, Receive, Scope, Send

from cloud.accounts.permissions import SeenDevices, credential_of, requires
from cloud.live.frames import HEARTBEAT, HELLO, RESET, frame
from cloud.live.hub import Hub
from cloud.live.permits import Permits, Standing, Watched
from cloud.live.viewers import Viewer, clock_s
from cloud.metrics import web as metrics
from cloud.problems import ProblemError
from cloud.registry.access import KnownSite
from cloud.serving import Served
from cloud.sites.service import is_among, narrowed

log = logging.getLogger(__name__)

router = APIRouter(tags=["live"])

_SEES = "live.view"

HEARTBEAT_S = 5.0
"""So often at least a stream shows that it is alive, and so long it is known that it may go on: whose session
or role ended sees nothing more after that."""
PATIENCE_S = 30.0
"""Who has not taken what was sent to him for so long is cut off; his page comes back by itself."""
_LAST_ID = 2**63 - 1


class EventStream(StreamingResponse):
    """An answer that goes on, to whoever takes what comes."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A connection whose buffers stay full is torn down: to close it would wait for them to empty."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await send(message)
            except TimeoutError:
                log.info("viewer cut off path=%r silent_s=%.0f", scope["path"], PATIENCE_S)
                metrics.note_cut_off()
                scope["state"]["abort"]()

        await super().__call__(scope, receive, send_in_time)


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
    permits: Permits = request.app.state.permits
    standing = Standing(
        permits,
        Watched(credential_of(request), site.site),
        permission=_SEES,
        devices=None if devices is None else frozenset(devices),
        good_s=HEARTBEAT_S,
    )
    return EventStream(
        _stream(serving.hub, standing, last if lost else after, greeting=RESET if lost else HELLO),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _event_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_ID):
        raise ProblemError(
            422, "bad-event-id", "Not an event id", "Last-Event-ID must be an id of this stream."
        )
    return int(text)


async def _stream(hub: Hub, standing: Standing, after: int, *, greeting: bytes) -> AsyncIterator[bytes]:
    site, devices = standing.site, standing.devices
    with hub.joined(site, after, devices) as viewer, contextlib.closing(standing):
        try:
            snapshot, gateways = await hub.snapshot(site, devices), await hub.gateways(site)
        except (psycopg.OperationalError, PoolTimeout) as exc:
            log.warning("viewer is to come again cause=%s", _line(exc))
            return
        yield greeting + snapshot
        for gateway in gateways:
            yield frame("gateway", narrowed(gateway, devices).model_dump_json().encode())
        viewer.is_behind = True  # whatever was committed before it joined is read from the database
        said_s = clock_s()
        while not hub.is_closing and standing.look(viewer.wake):
            if standing.may_see:
                async for frames in _due(hub, viewer):
                    said_s = clock_s()
                    yield frames
            silent_s = clock_s() - said_s
            if silent_s >= HEARTBEAT_S:
                said_s = clock_s()
                yield HEARTBEAT
            else:
                await viewer.wait(min(standing.due_s(), HEARTBEAT_S - silent_s))


async def _due(hub: Hub, viewer: Viewer) -> AsyncIterator[bytes]:
    """Whatever is new to the viewer; what cannot be had now is due again later."""
    if viewer.is_behind:
        try:
            async for frames in _catch_up(hub, viewer):
                yield frames
        except (psycopg.OperationalError, PoolTimeout) as exc:
            log.warning("viewer waits for the database cause=%s", _line(exc))
            viewer.is_behind = True
            # Those that came meanwhile are newer than what is missing.
            viewer.events.clear()
            return
    if waiting := viewer.take():
        yield waiting


async def _catch_up(hub: Hub, viewer: Viewer) -> AsyncIterator[bytes]:
    """Every event after the viewer's last one, from the database, a part at a time."""
    viewer.is_behind = False
    while events := await hub.events_after(viewer.site, viewer.last_id):
        viewer.last_id = events[-1].id
        yield b"".join(event.frame for event in events if is_among(event.device, viewer.devices))


def _line(exc: Exception) -> str:
    return str(exc).replace("\n", " ")
