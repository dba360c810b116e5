"""One relay a process: looks into the database when woken, and hands what is new to every viewer."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cloud.alarms.requests import PENDING
from cloud.database import AsyncConnection, Row, as_app, instant, tell_caller
from cloud.live.frames import frame, values_frame
from cloud.live.store import CHANNEL
from cloud.live.together import Together
from cloud.live.viewers import Change, Devices, LiveEvent, News, Viewer, clock_s, values_of
from cloud.metrics import web as metrics
from cloud.problems import ProblemError
from cloud.readings.queries import NEWEST
from cloud.readings.said import BrieflySaid, said_by
from cloud.readings.service import site_now_ms
from cloud.settings import Settings
from cloud.sites.model import Gateway
from cloud.sites.service import GatewayRows, gateways_shown
from cloud.sites.store import GATEWAYS, SHELVES

log = logging.getLogger(__name__)

MAX_VIEWERS = 500
_PAGE = 500
_VALUES_S, _GATEWAYS_S = 0.1, 1.0
"""How far apart values and gateways are looked at, however often the relay is woken."""
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
        self._values: dict[str, dict[str, BrieflySaid]] = {}
        self._gateways: dict[str, list[Gateway]] = {}
        self._last_id: int | None = None
        self._looked = {"events": 0.0, "values": 0.0, "gateways": 0.0}
        self._has_news = False
        self._snapshots: Together[str, dict[str, BrieflySaid]] = Together(self._all_newest)
        self._states: Together[str, list[Gateway]] = Together(self._all_gateways)
        self._numbers: Together[None, tuple[int, int]] = Together(self._all_numbers)
        self._own: AsyncConnection | None = None
        """The relay's: viewers who come all at once after a restart, and wait for each other in the pool,
        keep nobody's news."""
        self.is_closing = False
        metrics.watch_viewers(lambda: len(self._viewers))

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
        return await self._numbers.ask(None)

    async def _all_numbers(
        self, _asked: Iterable[None], by: AsyncConnection | None = None
    ) -> dict[None, tuple[int, int]]:
        rows = await self._rows(
            "SELECT coalesce(min(id), 1) AS first, coalesce(max(id), 0) AS last FROM live_event", {}, by
        )
        return {None: (int(rows[0]["first"]), int(rows[0]["last"]))}

    async def events_after(self, site: str, last_id: int) -> list[LiveEvent]:
        """The next events of a site, in the order of their commits; empty at the end."""
        rows = await self._rows(EVENTS_AFTER, {"after": last_id, "site": site, "limit": _PAGE})
        return [_event(row) for row in rows]

    async def snapshot(self, site: str, devices: Devices) -> bytes:
        """The newest value of every point of a site, of these devices or of all, as an event."""
        values = await self._snapshots.ask(site)
        return values_frame(self._site_now_ms(values), values_of(values, devices))

    def _site_now_ms(self, values: Mapping[str, BrieflySaid]) -> int:
        return site_now_ms(self._settings, self._now_ms(), (value.at_ms for value in values.values()))

    async def _all_newest(
        self, asked: Iterable[str], by: AsyncConnection | None = None
    ) -> dict[str, dict[str, BrieflySaid]]:
        """Of each site what its points say."""
        found: dict[str, dict[str, BrieflySaid]] = {site: {} for site in asked}
        of_sites = {"sites": list(found), "mode": self._settings.mode}
        for row in await self._rows(NEWEST, of_sites, by, binary=True):
            found[row["site"]] = said_by(row, BrieflySaid)
        return found

    async def gateways(self, site: str) -> list[Gateway]:
        """The gateways of a site as they are now."""
        return await self._states.ask(site)

    async def _all_gateways(
        self, asked: Iterable[str], by: AsyncConnection | None = None
    ) -> dict[str, list[Gateway]]:
        sites = list(asked)
        of_sites = {"sites": sites, "mode": self._settings.mode}
        rows = GatewayRows(
            gateways=await self._rows(GATEWAYS, of_sites, by),
            shelves=await self._rows(SHELVES, of_sites, by),
            requests=await self._rows(PENDING, of_sites, by),
        )
        return {site: [] for site in sites} | gateways_shown(rows, instant(self._now_ms()))

    async def _relay(self) -> None:
        while True:
            try:
                async with await self._connected() as listening, await self._connected() as self._own:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    while True:
                        wait_s = await self._look()
                        async for _ in listening.notifies(timeout=wait_s, stop_after=1):
                            self._has_news = True
            except (psycopg.OperationalError, PoolTimeout) as exc:
                log.warning("relay waits for the database retry_s=%.1f cause=%s", _RETRY_S, _line(exc))
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # The loop's one broad catch: viewers must not go blind over one bad row.
                log.exception("relay failed retry_s=%.1f", _RETRY_S)
                await asyncio.sleep(_RETRY_S)

    async def _connected(self) -> AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(as_app(self._dsn), autocommit=True)
        await tell_caller(connection)
        return connection

    async def _look(self) -> float:
        """Forward whatever is new; returns after which time to look again without being woken.

        Woken it looks at once, so that what is rare comes without delay; it is woken for nothing less often
        than that, and without being woken it looks every second, for a wake-up may be lost.
        """
        if not self._viewers:
            self._last_id = None
            return _LOOK_S
        if self._has_news or self._is_due("events", _LOOK_S):
            await self._forward_events()
        if self._is_due("values", _VALUES_S if self._has_news else _LOOK_S):
            # Before the query: whatever wakes it from here on may come too late for this one.
            self._has_news = False
            await self._forward_values()
        if self._is_due("gateways", _GATEWAYS_S):
            await self._forward_gateways()
        waits = (("values", _VALUES_S if self._has_news else _LOOK_S), ("gateways", _GATEWAYS_S))
        return max(0.001, min(self._looked[what] + every_s - clock_s() for what, every_s in waits))

    def _is_due(self, what: str, every_s: float) -> bool:
        """Whether it is time again for that; then it is taken as done."""
        if clock_s() - self._looked[what] < every_s:
            return False
        self._looked[what] = clock_s()
        return True

    async def _forward_events(self) -> None:
        if self._last_id is None:
            ((_, self._last_id),) = (await self._all_numbers([None], self._own)).values()
            # Some may have joined, and read, before what has been committed until now.
            for viewer in self._viewers:
                viewer.fall_behind()
        while True:
            asked = {"after": self._last_id, "site": None, "limit": _PAGE}
            rows = await self._rows(EVENTS_AFTER, asked, self._own)
            for row in rows:
                event = _event(row)
                for viewer in self._watching(row["site"]):
                    viewer.offer_event(event)
                self._last_id = event.id
            if len(rows) < _PAGE:
                return

    async def _forward_values(self) -> None:
        """One query for all sites that somebody watches, and one encoding for all who see the same."""
        sites = sorted({viewer.site for viewer in self._viewers})
        for site, values in (await self._all_newest(sites, self._own)).items():
            known = self._values.get(site, {})
            changed = {name: value for name, value in values.items() if known.get(name) != value}
            self._values[site] = values
            if changed:
                change = Change(changed, self._site_now_ms(values))
                for viewer in self._watching(site):
                    viewer.offer_change(change)

    async def _forward_gateways(self) -> None:
        sites = {viewer.site for viewer in self._viewers}
        for site, gateways in (await self._all_gateways(sites, self._own)).items():
            known = self._gateways.get(site, [])
            self._gateways[site] = gateways
            for gateway in gateways:
                if gateway not in known:
                    news = News(gateway)
                    for viewer in self._watching(site):
                        viewer.offer_gateway(news)

    def _watching(self, site: str) -> list[Viewer]:
        return [viewer for viewer in self._viewers if viewer.site == site]

    async def _rows(
        self,
        query: LiteralString,
        parameters: dict[str, Any],
        by: AsyncConnection | None = None,
        *,
        binary: bool = False,
    ) -> list[Row]:
        """By that connection, or by one of the pool."""
        async with contextlib.nullcontext(by) if by else self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(query, parameters, binary=binary)
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
