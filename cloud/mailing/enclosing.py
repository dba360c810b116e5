"""What a mail carries: made when it is sent, from exactly what was kept; and the receipt for it."""

import hashlib
from collections.abc import Callable
from typing import LiteralString

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row, instant
from cloud.exports import XLSX, Mark, csv_of
from cloud.instants import rfc3339
from cloud.ledger.chain import Event
from cloud.ledger.store import append_by_machine
from cloud.notices.bounds import bounds
from cloud.notices.model import Enclosed, Outcome, Outgoing
from cloud.notices.opening import Telling, tell_node
from cloud.notices.reaching import UnreachedError
from cloud.reports import saying
from cloud.reports.model import definitions
from cloud.reports.store import MACHINE, read_body
from cloud.returns import tracing

_OF_NOTICE: LiteralString = """
    SELECT mailing.*, report.kind, its.body, dossier.kind AS dossier_kind, dossier.content, site.time_zone
      FROM mailing
           LEFT JOIN report ON report.report = mailing.report
           LEFT JOIN report_version AS its ON its.report = mailing.report AND its.version = mailing.version
           LEFT JOIN dossier ON dossier.dossier = mailing.dossier
           LEFT JOIN site ON site.site = dossier.site
     WHERE mailing.notice = %s
"""
_TAKEN: LiteralString = "UPDATE mailing SET file_sha256 = %s WHERE notice = %s RETURNING *"
_TOLD: LiteralString = """
    SELECT its.report, its.kind, its.node, its.site, node.name,
           version.body::jsonb #>> '{computed,head,last_day}' AS last_day
      FROM report AS its JOIN tree_node AS node USING (node) JOIN report_version AS version USING (report)
     WHERE its.report = %s AND version.version = %s
"""
_LOCK: LiteralString = "SELECT seq FROM report WHERE report = %s FOR NO KEY UPDATE"
_SENT: LiteralString = """
    UPDATE report SET sent = greatest(sent, %(version)s), sent_at = coalesce(sent_at, %(now)s), seq = %(seq)s,
           late = late OR (sent IS NULL AND coalesce(due_at < %(now)s, false)) WHERE report = %(report)s
"""


def enclose(connection: Connection, notice: Outgoing) -> Outgoing:
    """The same notice with whom it goes to and what it carries; the file is made by the thread that sends."""
    row = connection.cursor(row_factory=dict_row).execute(_OF_NOTICE, [notice.id]).fetchone()
    addressed = () if row is None else tuple(row["recipients"])
    return msgspec.structs.replace(notice, addressed=addressed, enclosing=_maker(row))


def note(connection: Connection, notice: Outgoing, outcome: Outcome, telling: Telling) -> None:
    """Where the mail server has taken it, that is the report's receipt; else nothing is."""
    if outcome.state != "sent":
        return
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(_TAKEN, [bytes.fromhex(outcome.enclosed), notice.id]).fetchone()
    if row is not None and row["report"] is not None:
        to, receipt = ", ".join(row["recipients"]), f"{outcome.code} {outcome.text}"
        _receipt(connection, row, {"to": to, "receipt": receipt, "file_sha256": outcome.enclosed}, telling)
        of = cursor.execute(_TOLD, [row["report"], row["version"]]).fetchone()
        if of is not None:
            tell_node(connection, telling, saying.sent(of, row["version"], telling.settings, to, receipt))


def _receipt(connection: Connection, row: Row, answered: Row, telling: Telling) -> None:
    now = instant(telling.now_ms)
    connection.execute(_LOCK, [row["report"]])
    said = {
        "version": row["version"],
        "sha256": row["sha256"].hex(),
        "way": "mail",
        "asked_by": row["author"],
        "file": row["name"],
        **answered,
    }
    event = Event(at=rfc3339(now), actor=MACHINE, account=None, role="", kind="sent", body=said)
    made = append_by_machine(connection, "report", row["report"], event)
    values = {"version": row["version"], "now": now, "seq": made.seq, "report": row["report"]}
    connection.execute(_SENT, values)


def _maker(row: Row | None) -> Callable[[], Enclosed]:
    def make() -> Enclosed:
        """Raises `UnreachedError` where it must not be sent, which no further try would change."""
        if row is None:
            raise UnreachedError("nothing", "what it was to carry is not there", is_final=True)
        kept = row["body"].encode() if row["report"] is not None else bytes(row["content"])
        if hashlib.sha256(kept).digest() != row["sha256"]:
            raise UnreachedError("hash", "what is kept is not what was approved", is_final=True)
        media_type, content = _report(row) if row["report"] is not None else _dossier(row, kept)
        return Enclosed(name=row["name"], media_type=media_type, content=_sized(content))

    return make


def _report(row: Row) -> tuple[str, bytes]:
    computed = read_body(row["body"])
    definition = definitions()[row["kind"]]
    mark = Mark(row["author"], row["made_at"], computed.head.get("time_zone", "Asia/Shanghai"))
    if row["format"] == "csv":
        return "text/csv", b"".join(csv_of(*definition.table(computed), mark))
    return XLSX, definition.render(computed, mark)


def _dossier(row: Row, kept: bytes) -> tuple[str, bytes]:
    if row["dossier_kind"] == "incident_package":
        return "application/zip", kept
    return XLSX, tracing.workbook(kept, Mark(row["author"], row["made_at"], row["time_zone"]))


def _sized(content: bytes) -> bytes:
    most = bounds().enclosed.most_bytes
    if len(content) > most:
        text = f"the file has {len(content)} bytes, by mail go {most}: hand it in otherwise"
        raise UnreachedError("too-large", text, is_final=True)
    return content
