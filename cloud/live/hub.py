"""One relay a process: looks into the database when woken, and hands what is new to every viewer."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cloud.alarms.requests import PENDING
from cloud.database import AsyncConnection, Row, as_app, instant
from cloud.live.frames import frame
from cloud.live.store import CHANNEL
from cloud.live.viewers import Devices, LiveEvent, Viewer
from cloud.problems import ProblemError
from cloud.readings.queries import NEWEST
from cloud.readings.service import site_now_ms, value_of
from cloud.settings import Settings
from cloud.sites.model import Gateway
from cloud.sites.service import GatewayRows, gateways_shown
from cloud.sites.store import GATEWAYS, SHELVES

log = logging.getLogger(__name__)

MAX_VIEWERS = 500
_PAGE = 500
_VALUES_S, _GATEWAYS_S = 0.1, 1.0
"""How often values and gateways are looked at; a viewer gets at most so many of their events."""
_LOOK_S = 1.0
"""How often to look without being woken."""
_RETRY_S = 1.0

EVENTS_AFTER: LiteralString = """
    SELECT id, site, kind, body FROM live_event
     WHERE id > %(after)s AND (%(site)s::text IS NULL OR site = %(site)s) ORDER BY id LIMIT %(limit)s
"""


class Hub:
    """Viewers join it; its relay runs for as long as the process."""

    def __init__(
        self,
        settings: Settings,
        dsn: str,
        pool: AsyncConnectionPool[AsyncConnection],
        now_ms: Callable[[], int],
    ) -> None:
        """Belongs to one event loop."""
        self._settings, self._dsn, self._pool, self._now_ms = settings, dsn, pool, now_ms
        self._viewers: set[Viewer] = set()
        self._values: dict[str, dict[str, Any]] = {}
        self._gateways: dict[str, list[Gateway]] = {}
        self._last_id: int | None = None
        self._due = {"values": 0.0, "gateways": 0.0}
        self.is_closing = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay for as long as the block runs."""
        task = asyncio.create_task(self._relay(), name="live-relay")
        try:
            yield
        finally:
            self.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def close(self) -> None:
        """Let every stream end."""
        self.is_closing = True
        for viewer in self._viewers:
            viewer.wake()

    @contextlib.contextmanager
    def joined(self, site: str, last_id: int, devices: Devices) -> Iterator[Viewer]:
        """A viewer that is offered whatever happens from now on, to these devices or to all."""
        viewer = Viewer(site, last_id, devices)
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
            if not any(other.site == site for other in self._viewers):
                self._values.pop(site, None)
                self._gateways.pop(site, None)

    def check_room(self) -> None:
        """Raise a problem where one more viewer would be too many."""
        if len(self._viewers) >= MAX_VIEWERS or self.is_closing:
            raise ProblemError(503, "too-many-viewers", "Too many viewers", headers={"Retry-After": "5"})

    async def known_ids(self) -> tuple[int, int]:
        """The first and the last event that the database still has; (1, 0) where it has none."""
        rows = await self._rows(
            "SELECT coalesce(min(id), 1) AS first, coalesce(max(id), 0) AS last FROM live_event", {}
        )
        return int(rows[0]["first"]), int(rows[0]["last"])

    async def events_after(self, site: str, last_id: int) -> list[LiveEvent]:
        """The next events of a site, in the order of their commits; empty at the end."""
        rows = await self._rows(EVENTS_AFTER, {"after": last_id, "site": site, "limit": _PAGE})
        return [_event(row) for row in rows]

    async def newest_values(self, site: str) -> dict[str, Any]:
        """The newest value of every point of a site."""
        rows = await self._rows(NEWEST, {"site": site, "mode": self._settings.mode})
        return {row["name"]: value_of(row) for row in rows}

    def site_now_ms(self, values: Mapping[str, Any]) -> int:
        """The instant that ages are judged against, given the newest values of a site."""
        return site_now_ms(self._settings, self._now_ms(), (value["at_ms"] for value in values.values()))

    async def gateways(self, site: str) -> list[Gateway]:
        """The gateways of a site as they are now."""
        of_site = {"site": site, "mode": self._settings.mode}
        rows = GatewayRows(
            gateways=await self._rows(GATEWAYS, of_site),
            shelves=await self._rows(SHELVES, of_site),
            requests=await self._rows(PENDING, of_site),
        )
        return gateways_shown(rows, instant(self._now_ms()))

    async def _relay(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    as_app(self._dsn), autocommit=True
                ) as listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    while True:
                        wait_s = await self._look()
                        async for _ in listening.notifies(timeout=wait_s, stop_after=1):
                            pass
            except (psycopg.OperationalError, PoolTimeout) as exc:
                log.warning("relay waits for the database retry_s=%.1f cause=%s", _RETRY_S, _line(exc))
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # The loop's one broad catch: viewers must not go blind over one bad row.
                log.exception("relay failed retry_s=%.1f", _RETRY_S)
                await asyncio.sleep(_RETRY_S)

    async def _look(self) -> float:
        """Forward whatever is new; returns after which time to look again without being woken."""
        await self._forward_events()
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._due["values"]:
            self._due["values"] = now_s + _VALUES_S
            await self._forward_values()
        if now_s >= self._due["gateways"]:
            self._due["gateways"] = now_s + _GATEWAYS_S
            await self._forward_gateways()
        return max(0.001, min(min(self._due.values()) - now_s, _LOOK_S)) if self._viewers else _LOOK_S

    async def _forward_events(self) -> None:
        if self._last_id is None:
            _, self._last_id = await self.known_ids()
        while True:
            rows = await self._rows(EVENTS_AFTER, {"after": self._last_id, "site": None, "limit": _PAGE})
            for row in rows:
                event = _event(row)
                for viewer in self._viewers:
                    if viewer.site == row["site"]:
                        viewer.offer_event(event)
                self._last_id = event.id
            if len(rows) < _PAGE:
                return

    async def _forward_values(self) -> None:
        for site in {viewer.site for viewer in self._viewers}:
            values = await self.newest_values(site)
            known = self._values.get(site, {})
            changed = {point: value for point, value in values.items() if known.get(point) != value}
            self._values[site] = values
            if changed:
                for viewer in self._watching(site):
                    viewer.offer_values(changed)

    async def _forward_gateways(self) -> None:
        for site in {viewer.site for viewer in self._viewers}:
            gateways = await self.gateways(site)
            known = self._gateways.get(site, [])
            self._gateways[site] = gateways
            for gateway in gateways:
                if gateway not in known:
                    for viewer in self._watching(site):
                        viewer.offer_gateway(gateway)

    def _watching(self, site: str) -> list[Viewer]:
        return [viewer for viewer in self._viewers if viewer.site == site]

    async def _rows(self, query: LiteralString, parameters: dict[str, Any]) -> list[Row]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(query, parameters)
            return await cursor.fetchall()


class _About(msgspec.Struct, frozen=True):
    """Of an alarm or a hazard: the device; `None` of what a person filed."""

    device: str | None = None


def _event(row: Row) -> LiveEvent:
    body: bytes = row["body"].encode()
    about = msgspec.json.decode(body, type=_About)
    return LiveEvent(row["id"], frame(row["kind"], body, row["id"]), about.device)


def _line(exc: Exception) -> str:
    return str(exc).replace("\n", " ")
