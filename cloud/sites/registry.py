"""Which points a gateway has announced: read from the database once, and again when a birth came."""

import threading

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


class Registry:
    """A cache of gateway entries that several threads read; each loads with a connection of its own."""

    def __init__(self) -> None:
        """Empty."""
        self._entries: dict[GatewayKey, GatewayEntry] = {}
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
        return entry if entry is not None else self.reload(connection, key)

    def reload(self, connection: Connection, key: GatewayKey) -> GatewayEntry:
        """The same, looked up anew."""
        generation = self._generation
        entry = load_entry(connection, key)
        with self._lock:
            # Somebody may have stored a birth while we read; then the next asker reads again.
            if generation == self._generation:
                self._entries[key] = entry
        return entry

    def forget(self) -> None:
        """Look everything up anew: births have been committed, or a transaction was rolled back."""
        with self._lock:
            self._generation += 1
            self._entries.clear()
        self._known.forget()


def load_entry(connection: Connection, key: GatewayKey) -> GatewayEntry:
    """Read one gateway and its points; the gateway's row is made where there is none."""
    gateway_id, boot, born_ms = _gateway(connection, key)
    known: dict[str, PointEntry] = {}
    own: dict[str, PointEntry] = {}
    # Those in force come last, so that they win over an earlier kind of the same name.
    rows = connection.execute(
        """
        SELECT id, name, resolution, gateway_id = %(gateway)s
          FROM point WHERE site = %(site)s AND mode = %(mode)s ORDER BY current, id
        """,
        {"gateway": gateway_id, "site": key.site, "mode": key.mode},
    )
    for point_id, name, resolution, is_own in rows:
        point = PointEntry(id=point_id, resolution=resolution)
        known[name] = point
        if is_own:
            own[name] = point
    return GatewayEntry(
        id=gateway_id,
        boot=boot,
        birth_received_ms=born_ms,
        own=own,
        known=known,
        foreign_boots=_foreign_boots(connection, key),
        device_labels=_device_labels(connection, key),
    )


def _gateway(connection: Connection, key: GatewayKey) -> tuple[int, str | None, int]:
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
