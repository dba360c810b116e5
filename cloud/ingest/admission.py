"""May this record be stored, must it wait for a birth, or is it given up? One answer for both lanes."""

from typing import NamedTuple

from cloud.database import Connection
from cloud.ingest.model import GatewayKey, UnreadableRecordError
from cloud.ingest.rebirths import Rebirths
from cloud.sites.registry import GatewayEntry, PointEntry, Registry
from sitewarden.messages import Alarm, Readings

Record = Readings | Alarm


class HomelessError(Exception):
    """The record's point may yet be announced: keep nothing, receipt nothing, ask for the birth."""


class Admitted(NamedTuple):
    """The gateway, its points that this record may speak of, and the names that it may not."""

    gateway: GatewayEntry
    points: dict[str, PointEntry]
    unknown: list[str]


class Admission:
    """Looks records up in the registry."""

    def __init__(self, registry: Registry, rebirths: Rebirths) -> None:
        """The registry is shared between lanes, the questions are the lane's own."""
        self._registry, self._rebirths = registry, rebirths

    def admit(
        self,
        connection: Connection,
        key: GatewayKey,
        record: Record,
        names: list[str],
        now_ms: int,
        *,
        ever: bool = False,
    ) -> Admitted:
        """Which of the points `names` a record may speak of; with `ever`, also of one announced only before.

        Raises `UnreadableRecordError` (`mode`) for a boot that runs in another mode, `HomelessError` where a
        birth may still tell.
        """
        entry, boot = self._registry.entry(connection, key), record.boot
        if boot in entry.foreign_boots:
            detail = f"this boot runs in another mode than {key.mode}"
            raise UnreadableRecordError("mode", detail, boot, record.seq)
        unknown = _unknown(entry, boot, names, ever=ever)
        if unknown:
            # Another worker may have stored the birth.
            entry = self._registry.reload(connection, key)
            unknown = _unknown(entry, boot, names, ever=ever)
        if unknown and entry.boot != boot and not self._rebirths.is_answered(key, boot, entry):
            self._rebirths.wonder(key, boot, now_ms)
            raise HomelessError
        return Admitted(entry, _points(entry, boot, ever=ever), unknown)


def _points(entry: GatewayEntry, boot: str, *, ever: bool) -> dict[str, PointEntry]:
    """A record of the newest boot speaks of its gateway's points; an older one of any ever announced.

    Not of those of the birth alone: what was recorded before another configuration came may come after it.
    """
    return entry.own if entry.boot == boot and not ever else entry.known


def _unknown(entry: GatewayEntry, boot: str, names: list[str], *, ever: bool) -> list[str]:
    points = _points(entry, boot, ever=ever)
    return [name for name in names if name not in points]
