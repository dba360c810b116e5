"""Which points a gateway has announced: read from the database once, and again where a birth came."""

import threading
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from cloud.database import Connection
from cloud.ingest.model import GatewayKey
from cloud.registry.known import KnownSites, Sites


class PointEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A point as ingest needs it."""

    id: int
    resolution: float


class GatewayEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway as ingest needs it."""

    id: int
    boot: str | None
    """Of its newest birth; `None` where none has come."""
    birth_received_ms: int
    own: dict[str, PointEntry]
    """Every point that it has ever announced, less those that another gateway has announced since."""
    known: dict[str, PointEntry]
    """Every point of its site and mode, also of earlier births."""
    foreign_boots: frozenset[str]
    """Boots that this gateway runs in other modes: they may not speak in this one."""
    device_labels: dict[str, dict[str, str]]


class SiteEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Points and devices of a site and mode, which all entries of its gateways share."""

    known: dict[str, PointEntry]
    own: dict[int, dict[str, PointEntry]]
    """By gateway."""
    device_labels: dict[str, dict[str, str]]


class _Gateway(NamedTuple):
    """Of a gateway what is its own alone."""

    id: int
    boot: str | None
    birth_received_ms: int
    foreign_boots: frozenset[str]


class Birth(NamedTuple):
    """What tells one birth from another."""

    boot: str
    digest: bytes


class Registry:
    """A cache of gateway entries that several threads read; each loads with a connection of its own."""

    def __init__(self) -> None:
        """Empty."""
        self._entries: dict[GatewayKey, GatewayEntry] = {}
        self._gateways: dict[GatewayKey, _Gateway] = {}
        self._shared: dict[tuple[str, str], SiteEntry] = {}
        self._births: dict[GatewayKey, Birth] = {}
        self._generation = 0
        self._known = KnownSites()
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """Another number whenever something may have become known."""
        return self._generation

    def sites(self, connection: Connection) -> Sites:
        """Which sites there are and who may speak for them, as it is committed now."""
        return self._known.now(connection)

    @property
    def is_listened(self) -> bool:
        """Whether any channel of notices was on when the sites were asked for last."""
        return self._known.is_listened

    def entry(self, connection: Connection, key: GatewayKey) -> GatewayEntry:
        """What is known of that gateway; its row is made when it is first heard of."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        generation, of_site = self._generation, (key.site, key.mode)
        shared = self._shared.get(of_site) or _load_site(connection, key)
        return self._keep(generation, key, self._gateways.get(key) or _load_gateway(connection, key), shared)

    def reload(self, connection: Connection, key: GatewayKey) -> GatewayEntry:
        """The same, looked up anew."""
        generation = self._generation
        shared = _load_site(connection, key)
        return self._keep(generation, key, _load_gateway(connection, key), shared)

    def _keep(self, generation: int, key: GatewayKey, gateway: _Gateway, shared: SiteEntry) -> GatewayEntry:
        entry = GatewayEntry(
            id=gateway.id,
            boot=gateway.boot,
            birth_received_ms=gateway.birth_received_ms,
            own=shared.own.get(gateway.id, {}),
            known=shared.known,
            foreign_boots=gateway.foreign_boots,
            device_labels=shared.device_labels,
        )
        with self._lock:
            # Somebody may have stored a birth while we read; then the next asker reads again.
            if generation == self._generation:
                self._entries[key], self._gateways[key] = entry, gateway
                self._shared[key.site, key.mode] = shared
        return entry

    def note_births(self, births: Mapping[GatewayKey, Birth]) -> None:
        """Look up anew whatever these births, which have been committed, may have made known.

        What their sites share only where a birth is another one than this process has noted before: of
        two hundred gateways on a site one begins anew much oftener than all of them. It does not matter who
        has stored it.
        """
        with self._lock:
            self._generation += 1
            changed = {(k.site, k.mode) for k, birth in births.items() if self._births.get(k) != birth}
            self._births.update(births)
            born = {(key.site, key.gateway) for key in births}
            for of_site in changed:
                self._shared.pop(of_site, None)
            # In whatever mode: its boots may not speak in another.
            for key in [k for k in self._gateways if (k.site, k.gateway) in born]:
                del self._gateways[key]
            for k in [*self._entries]:
                if (k.site, k.gateway) in born or (k.site, k.mode) in changed:
                    del self._entries[k]

    def forget(self) -> None:
        """Look everything up anew: a transaction was rolled back, or the database is another one."""
        with self._lock:
            self._generation += 1
            for held in (self._entries, self._gateways, self._shared, self._births):
                held.clear()
        self._known.forget()


def _load_site(connection: Connection, key: GatewayKey) -> SiteEntry:
    """Read what the gateways of a site share."""
    known: dict[str, PointEntry] = {}
    own: dict[int, dict[str, PointEntry]] = {}
    # Those in force come last, so that they win over an earlier kind of the same name.
    rows = connection.execute(
        """
        SELECT id, name, resolution, gateway_id
          FROM point WHERE site = %(site)s AND mode = %(mode)s ORDER BY current, id
        """,
        {"site": key.site, "mode": key.mode},
    )
    for point_id, name, resolution, gateway_id in rows:
        known[name] = point = PointEntry(id=point_id, resolution=resolution)
        own.setdefault(gateway_id, {})[name] = point
    return SiteEntry(known=known, own=own, device_labels=_device_labels(connection, key))


def _load_gateway(connection: Connection, key: GatewayKey) -> _Gateway:
    """Read one gateway; its row is made where there is none."""
    return _Gateway(*_row_of(connection, key), _foreign_boots(connection, key))


def _row_of(connection: Connection, key: GatewayKey) -> tuple[int, str | None, int]:
    query = """
        SELECT id, boot, coalesce(extract(epoch FROM birth_received_at) * 1000, 0)::bigint
          FROM gateway WHERE site = %(site)s AND mode = %(mode)s AND gateway = %(gateway)s
    """
    row = connection.execute(query, key._asdict()).fetchone()
    if row is None:
        connection.execute(
            """
            INSERT INTO gateway (site, mode, gateway) VALUES (%(site)s, %(mode)s, %(gateway)s)
                ON CONFLICT DO NOTHING
            """,
            key._asdict(),
        )
        row = connection.execute(query, key._asdict()).fetchone()
    assert row is not None  # noqa: S101  inserted above, and never deleted
    return row[0], row[1], row[2]


def _foreign_boots(connection: Connection, key: GatewayKey) -> frozenset[str]:
    rows = connection.execute(
        """
        SELECT boot FROM gateway
         WHERE site = %(site)s AND gateway = %(gateway)s AND mode <> %(mode)s AND boot IS NOT NULL
        """,
        key._asdict(),
    )
    return frozenset(boot for (boot,) in rows)


def _device_labels(connection: Connection, key: GatewayKey) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "SELECT device, label FROM device WHERE site = %(site)s AND mode = %(mode)s", key._asdict()
    )
    return {device: label for device, label in rows}  # noqa: C416  a dict of its own types
