"""Metrics that live in the database: read by one bounded query when somebody looks, and kept some seconds.

Every web process tells the same of them: take the largest, do not add them.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, LiteralString, NamedTuple

import psycopg
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from cloud.callers import PROGRAMS, calling
from cloud.database import Row, connect
from cloud.metrics.catalogue import PREFIX, Described

log = logging.getLogger(__name__)

KEPT_S = 5.0
PATIENCE_S = 2.0
_BE_QUICK: LiteralString = "SELECT set_config('statement_timeout', %s, false)"

_QUERY: LiteralString = """
    WITH own AS (
        SELECT gateway.*, extract(epoch FROM now() - seen_at) AS unheard_s,
               extract(epoch FROM now() - oldest_at) AS oldest_s
          FROM gateway JOIN site_gateway USING (site, gateway)
         WHERE mode = 'live' AND retired_on IS NULL
    )
    SELECT (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'of', jsonb_build_array(site, gateway), 'unheard', unheard_s, 'oldest', oldest_s,
                       'readings', outbox_readings, 'alarms', outbox_alarms, 'disk', disk_free_bytes,
                       'committed', readings_committed, 'late', readings_late,
                       'dropped_readings', readings_dropped, 'dropped_alarms', alarms_dropped)), '[]')
              FROM own) AS gateways,
           (SELECT count(*) FROM gateway_silence JOIN own ON own.id = gateway_id WHERE ended_at IS NULL
           ) AS silent,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(site, gateway, left_s)), '[]')
              FROM (SELECT site, gateway, extract(epoch FROM max(ends_at) - now()) AS left_s
                      FROM gateway_certificate JOIN site_gateway USING (site, gateway)
                     WHERE ended_at IS NULL AND retired_on IS NULL GROUP BY site, gateway) AS standing
           ) AS certificates,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(mode, reason, n)), '[]')
              FROM (SELECT mode, reason, sum(n) AS n FROM dead_letter_count GROUP BY mode, reason) AS dead
           ) AS dead,
           (SELECT count(*) FROM notice WHERE state IN ('waiting', 'sending')) AS waiting,
           (SELECT extract(epoch FROM now() - min(created_at)) FROM notice
             WHERE state IN ('waiting', 'sending') AND held_until IS NULL) AS oldest_waiting,
           (SELECT extract(epoch FROM now() - min(due_at)) FROM hazard_timer
             WHERE settled_at IS NULL AND due_at < now()) AS late_hazard,
           (SELECT extract(epoch FROM now() - min(due_at)) FROM told WHERE due_at < now()) AS late_escalation,
           (SELECT count(*) FROM package WHERE state IN ('waiting', 'sending')) AS packages,
           (SELECT count(*) FROM camera_media WHERE kept_at IS NULL) AS media_unfinished,
           (SELECT sum(bytes) FROM camera_media
             WHERE kept_at IS NOT NULL AND erased_at IS NULL) AS media_size,
           (SELECT max(number) FROM migration) AS schema,
           (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
           pg_database_size(current_database()) AS size
"""


_Sample = tuple[tuple[str, ...], float]
_Samples = Callable[[Row], Iterator[_Sample]]


class _Family(NamedTuple):
    """A metric, and where its samples are in the answer."""

    described: Described
    samples: _Samples


def _one(column: str, *, otherwise: float | None = None) -> _Samples:
    def samples(row: Row) -> Iterator[_Sample]:
        value = otherwise if row[column] is None else row[column]
        if value is not None:
            yield (), float(value)

    return samples


def _listed(column: str, scale: float = 1.0) -> _Samples:
    def samples(row: Row) -> Iterator[_Sample]:
        for *labels, value in row[column]:
            yield tuple(label or "none" for label in labels), float(value) * scale

    return samples


def _of_gateways(fields: Mapping[str, tuple[str, ...]], *, otherwise: float | None = None) -> _Samples:
    """From each gateway these fields, each with its further labels."""

    def samples(row: Row) -> Iterator[_Sample]:
        for gateway in row["gateways"]:
            for field, labels in fields.items():
                value = otherwise if gateway[field] is None else gateway[field]
                if value is not None:
                    yield (*gateway["of"], *labels), float(value)

    return samples


def _family(name: str, text: str, samples: _Samples, *labels: str) -> _Family:
    kind: Any = "counter" if name.endswith("_total") else "gauge"
    return _Family(Described(name=PREFIX + name, kind=kind, labels=labels, help=text), samples)


_OF = ("site", "gateway")
_LANES = {"readings": ("readings",), "alarms": ("alarms",)}
FAMILIES: tuple[_Family, ...] = (
    _family(
        "gateway_unheard_seconds",
        "Since anything of a gateway in the registry last reached the cloud.",
        _of_gateways({"unheard": ()}),
        *_OF,
    ),
    _family(
        "gateway_outbox_records",
        "Records that wait in a gateway's outbox, as it last said.",
        _of_gateways(_LANES),
        *_OF,
        "lane",
    ),
    _family(
        "gateway_outbox_oldest_seconds",
        "Age of the oldest of these; 0: nothing waits.",
        _of_gateways({"oldest": ()}, otherwise=0.0),
        *_OF,
    ),
    _family(
        "gateway_disk_free_bytes",
        "Free on a gateway's disk, as it last said.",
        _of_gateways({"disk": ()}),
        *_OF,
    ),
    _family(
        "gateway_dropped_total",
        "Records that a gateway had to drop because its disk was full, as it counts them.",
        _of_gateways({"dropped_readings": ("readings",), "dropped_alarms": ("alarms",)}),
        *_OF,
        "lane",
    ),
    _family(
        "gateway_readings_committed_total",
        "Readings of a gateway that were stored, each once.",
        _of_gateways({"committed": ()}),
        *_OF,
    ),
    _family(
        "gateway_readings_late_total",
        "Of these, stored more than 60 s after their instant.",
        _of_gateways({"late": ()}),
        *_OF,
    ),
    _family("gateways_silent", "Gateways that people were told are silent.", _one("silent")),
    _family(
        "gateway_certificate_days",
        "Days until a gateway's newest certificate ends.",
        _listed("certificates", 1 / 86_400),
        *_OF,
    ),
    _family(
        "dead_letters_total",
        "Messages that could not be stored as what they claim to be.",
        _listed("dead"),
        "mode",
        "reason",
    ),
    _family("notices_waiting", "Notices that wait to be sent.", _one("waiting")),
    _family(
        "notices_oldest_waiting_seconds",
        "Age of the oldest of these that is not held back on purpose.",
        _one("oldest_waiting", otherwise=0.0),
    ),
    _family(
        "hazard_clock_late_seconds",
        "How long ago the oldest clock of a hazard record ran out without being handled.",
        _one("late_hazard", otherwise=0.0),
    ),
    _family(
        "escalation_late_seconds",
        "How long ago the next should have been told, where nobody has acknowledged.",
        _one("late_escalation", otherwise=0.0),
    ),
    _family("packages_waiting", "Packages for other platforms that wait to be sent.", _one("packages")),
    _family(
        "media_unfinished",
        "Pictures of cameras that gateways have offered and not brought whole.",
        _one("media_unfinished"),
    ),
    _family(
        "media_size_bytes",
        "Of cameras' pictures, evidence of hazard records apart.",
        _one("media_size", otherwise=0.0),
    ),
    _family("schema_version", "Number of the newest migration of the database.", _one("schema")),
    _family("database_connections", "Connections to the database, this one too.", _one("connections")),
    _family("database_size_bytes", "The database on its disk.", _one("size")),
)
UP = Described(
    name=f"{PREFIX}database_up",
    kind="gauge",
    labels=(),
    help="1 where the database answered within 2 s. Where it is 0, what lives in it is left out.",
)
DESCRIBED = (UP, *(family.described for family in FAMILIES))


class StoredCollector(Collector):
    """Asks the database in a thread of its own: whoever looks waits for it so long and no longer."""

    def __init__(self, dsn: str, *, kept_s: float = KEPT_S, patience_s: float = PATIENCE_S) -> None:
        """Nothing is connected yet."""
        self._dsn = make_conninfo(dsn, connect_timeout=math.ceil(patience_s))
        self._kept_s, self._patience_s = kept_s, patience_s
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._row: Row | None = None
        self._until_s = 0.0

    def describe(self) -> list[Metric]:
        """Nothing, so that being registered asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Whether the database answers, and if it does, what it knows."""
        row = self.row()
        yield GaugeMetricFamily(UP.name, UP.help, value=float(row is not None))
        if row is not None:
            for described, samples in FAMILIES:
                yield _metric(described, samples(row))

    def row(self) -> Row | None:
        """What the database said within the last seconds; nothing where it does not answer in time."""
        with self._lock:
            if time.monotonic() < self._until_s:
                return self._row
            if self._asking is None:
                self._asking = threading.Thread(target=self._ask, name="metrics-stored", daemon=True)
                self._asking.start()
            self._asking.join(self._patience_s)
            if self._asking.is_alive():
                self._row = None
                return None
            self._asking = None
            self._until_s = time.monotonic() + self._kept_s
            return self._row

    def _ask(self) -> None:
        try:
            # Whoever looks has no account, and the numbers are of all sites.
            with calling(PROGRAMS), connect(self._dsn) as connection:
                connection.execute(_BE_QUICK, [str(int(self._patience_s * 1000))])
                self._row = connection.cursor(row_factory=dict_row).execute(_QUERY).fetchone()
        except psycopg.Error as exc:
            log.warning("metrics without the database cause=%s", str(exc).replace("\n", " "))
            self._row = None


def _metric(described: Described, samples: Iterator[_Sample]) -> Metric:
    kind = CounterMetricFamily if described.kind == "counter" else GaugeMetricFamily
    metric = kind(described.name.removesuffix("_total"), described.help, labels=described.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric
