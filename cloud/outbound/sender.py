"""The thread that makes packages of what waits, sends them, and reads receipts."""

import logging
import ssl
from pathlib import Path
from uuid import UUID

import msgspec

from cloud.database import Connection, instant
from cloud.instants import rfc3339
from cloud.looking import Looking
from cloud.outbound import queue, sending
from cloud.outbound.mapping import mapped, read_mapping
from cloud.outbound.packages import UnfitError, check, envelope
from cloud.outbound.queue import Claimed, Outcome
from cloud.outbound.spreading import spread
from cloud.outbound.telling import OUTAGE, tell_failed, tell_rejected
from cloud.settings import Settings
from sitewarden.errors import ConfigurationError

log = logging.getLogger(__name__)

LOOK_S = 2.0
_AT_ONCE = 10
"""Packages of one connector in one look: others wait no longer than that."""
_UNFIT = """
    SELECT connector, min(answer) FROM package
     WHERE state = 'rejected' AND code = 'schema' AND created_at = %s GROUP BY connector
"""
_UNWRITTEN = "mapping"
"""The code of a package that cannot be said in the other side's words."""
_FOLDERS = "SELECT connector FROM connector WHERE kind = 'file' AND is_on"


class OutboundSender(Looking):
    """A thread of one ingest; a kill between sending and receipt is made good by the package's number."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        """Nothing is read yet."""
        super().__init__(dsn, name="ingest-outbound", every_s=LOOK_S, is_alone=True)
        self._settings = settings
        self._trusted = ssl.create_default_context()
        self._stuck: dict[UUID, dict[Path, str]] = {}

    def look(self, connection: Connection, now_ms: int) -> None:
        """Make packages, read receipts, send what may go."""
        if spread(connection, now_ms):
            self._tell_unfit(connection, now_ms)
        for (connector,) in connection.execute(_FOLDERS).fetchall():
            self._read_receipts(connection, connector, now_ms)
        for connector in queue.ready(connection, instant(now_ms)):
            for _ in range(_AT_ONCE):
                if not self._send_next(connection, connector, now_ms):
                    break

    def _tell_unfit(self, connection: Connection, now_ms: int) -> None:
        """Of what could not be written at all, and so was never sent."""
        for connector, answer in connection.execute(_UNFIT, [instant(now_ms)]).fetchall():
            with connection.transaction():
                why = "schema", answer
                tell_rejected(connection, self._settings, connector, why, now_ms, is_sent=False)

    def _send_next(self, connection: Connection, connector: UUID, now_ms: int) -> bool:
        """Whether another may follow."""
        now = instant(now_ms)
        claimed = queue.claim(connection, connector, now)
        if claimed is None:
            return False
        outcome = self._sent(connection, claimed, now_ms)
        with connection.transaction():
            failures = queue.settle(connection, claimed, outcome, now)
            if failures == OUTAGE:
                tell_failed(connection, self._settings, claimed, outcome, now_ms)
            if outcome.state == "rejected":
                why = outcome.code, outcome.text
                tell_rejected(
                    connection,
                    self._settings,
                    claimed.connector,
                    why,
                    now_ms,
                    is_sent=outcome.code != _UNWRITTEN,
                )
        log.info(
            "package %s connector=%s seq=%d code=%s", outcome.state, connector, claimed.seq, outcome.code
        )
        return not outcome.fails

    def _sent(self, connection: Connection, claimed: Claimed, now_ms: int) -> Outcome:
        try:
            wire = claimed.wire or wire_of(claimed)
        except (UnfitError, ConfigurationError) as exc:
            return Outcome(state="rejected", code=_UNWRITTEN, text=str(exc))
        if claimed.wire is None:
            queue.freeze(connection, claimed.package, wire)
        if claimed.via == "file":
            folder = sending.folder_of(self._settings.data_dir, claimed.connector)
            return sending.write(folder, claimed, wire)
        return sending.post(claimed, wire, self._settings.notices.networks, self._trusted, now_ms)

    def _read_receipts(self, connection: Connection, connector: UUID, now_ms: int) -> None:
        folder = sending.folder_of(self._settings.data_dir, connector)
        stuck: dict[Path, str] = {}
        try:
            for file in sending.receipts(folder):
                try:
                    self._read_receipt(connection, connector, file, now_ms)
                except OSError as exc:
                    stuck[file] = str(exc)
        except OSError as exc:
            stuck[folder] = str(exc)
        # Each once, not with every look; packages go out all the same.
        for file, cause in stuck.items():
            if self._stuck.get(connector, {}).get(file) != cause:
                log.warning("receipt stuck connector=%s file=%s cause=%s", connector, file.name, cause)
        self._stuck[connector] = stuck

    def _read_receipt(self, connection: Connection, connector: UUID, file: Path, now_ms: int) -> None:
        receipt = queue.read_receipt(sending.read(file))
        if receipt is None and sending.may_be_written(file, now_ms):
            return
        with connection.transaction():
            known = receipt is not None and queue.receipted(connection, connector, receipt, instant(now_ms))
            if known and receipt is not None and receipt.result == "rejected":
                why = receipt.code, receipt.text
                tell_rejected(connection, self._settings, connector, why, now_ms)
        sending.put_away(file, is_read=known)
        log.info("receipt %s connector=%s file=%s", "read" if known else "unreadable", connector, file.name)


def wire_of(claimed: Claimed) -> str:
    """The package as it goes out, in the other side's words; checked again before it does."""
    check(claimed.kind, claimed.body)
    payload = mapped(read_mapping(claimed.mapping), claimed.kind, msgspec.json.decode(claimed.body))
    form = "hazard" if claimed.kind.startswith("hazard_") else claimed.kind.removesuffix("_details")
    head = {
        "schema": f"sitewarden/{form}/1",
        "id": str(claimed.package),
        "kind": claimed.kind,
        "sequence": claimed.seq,
        "created_at": rfc3339(claimed.created_at),
    }
    return envelope(head, payload)
