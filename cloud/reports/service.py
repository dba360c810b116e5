"""Making reports by hand, approving them, saying that they were handed over; and who may."""

import datetime as dt
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.callers import PROGRAMS, calling
from cloud.database import AsyncConnection, Row, connect, instant, row_of
from cloud.instants import rfc3339
from cloud.ledger.chain import Event, Signer
from cloud.ledger.store import append
from cloud.problems import ProblemError
from cloud.registry.service import check_match
from cloud.reports import store
from cloud.reports.campaigns import begin_of, campaigns_at, templates, with_changes, zone_of
from cloud.reports.due import due_of
from cloud.reports.model import Scope, definitions
from cloud.reports.shown import CampaignGiven, ReportApprovalGiven, ReportGiven, ReportSentGiven

PREPARES, APPROVES = "reports.prepare", "reports.approve"
"""The permissions; who prepares also sees."""

RULES: LiteralString = """
    SELECT node, name, kind, path FROM tree_node
     WHERE node = %(node)s AND tree = 'territory' AND rules_node(%(account)s, path, %(roles)s)
"""
ROW: LiteralString = """
    SELECT its.report, its.kind, its.node, its.site, coalesce(node.name, site.name) AS name, its.campaign,
           its.since, its.cut_off, its.due_at, its.versions, its.seq, its.approved, its.sent, its.sent_at,
           its.late, last.preliminary,
           CASE WHEN its.sent = its.versions THEN 'sent' WHEN its.approved = its.versions THEN 'approved'
                ELSE 'draft' END AS status
      FROM report AS its
           LEFT JOIN tree_node AS node ON node.node = its.node
           LEFT JOIN site ON site.site = its.site
           JOIN report_version AS last ON last.report = its.report AND last.version = its.versions
     WHERE (CASE WHEN its.node IS NOT NULL THEN rules_node(%(account)s, node.path, %(roles)s)
                 ELSE sees_site(%(account)s, its.site, %(roles)s) END)
"""
LISTED: LiteralString = """
       AND (%(node)s::int IS NULL OR its.node = %(node)s)
       AND (%(kind)s::text IS NULL OR its.kind = %(kind)s)
       AND (%(at)s::timestamptz IS NULL OR (its.cut_off, its.report) < (%(at)s, %(id)s::uuid))
     ORDER BY its.cut_off DESC, its.report DESC LIMIT %(limit)s
"""


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for it, in which transaction and when."""

    connection: AsyncConnection
    signer: Signer
    role: str
    author: str
    now_ms: int


def make_in_thread(
    dsn: str, signed: Signed, kind: str, scope: Scope, *, role: str, words: str, now_ms: int
) -> store.Kept:
    """Count and keep a version, over a connection of its own.

    Whoever asks has been looked at before. What is counted does not depend on him: as the programs see it.
    """
    now = instant(now_ms)
    author = store.Author(name=signed.name, account=signed.account_id, role=role)
    with calling(PROGRAMS), connect(dsn) as connection, connection.transaction():
        definition = definitions()[kind]
        due_at = None if scope.node is None else due_of(connection, scope.node, scope.cut_off)
        try:
            return store.make(
                connection, definition, scope, author=author, now=now, due_at=due_at, words=words
            )
        except store.CorrectionWithoutWordsError:
            detail = "A version was approved already: say in `words` what the new one puts right."
            raise ProblemError(
                422, "words-missing", "Say what it puts right", detail, field="body.words"
            ) from None


def scope_of(dsn: str, given: ReportGiven) -> Scope:
    """What is asked for, as instants by the clocks of the place; a problem where it cannot be so."""
    definition = definitions().get(given.kind)
    if definition is None:
        raise _unknown("kind")
    with calling(PROGRAMS), connect(dsn) as connection:
        zone = zone_of(connection, given.node)
        known = {one.campaign for one in campaigns_at(connection, given.node)}
    if definition.of_campaign != bool(given.campaign) or (given.campaign and given.campaign not in known):
        raise _unknown("campaign")
    return Scope(node=given.node, campaign=given.campaign, cut_off=begin_of(given.cut_off, zone))


def scope_again(row: Row) -> Scope:
    """Of a report that is there."""
    names = ("node", "site", "campaign", "cut_off", "since")
    return Scope(**{name: row[name] for name in names})


async def approve(acting: Acting, known: Row, given: ReportApprovalGiven, if_match: str | None) -> None:
    """Sign that a version is right; it is the last, final, and nothing contradicts it without words."""
    row, version = await _locked(acting, known, given.version, if_match)
    if version["preliminary"] and not _is_strict(version):
        detail = "It was made before its cut-off; make it again afterwards."
        raise ProblemError(409, "preliminary", "It is not final yet", detail)
    if row["approved"] == given.version:
        raise ProblemError(409, "approved-already", "It is approved already", "Nothing was done.")
    if version["account_id"] is not None and version["account_id"] == acting.signer.account_id:
        detail = "Whoever made a version does not approve it: another person does."
        raise ProblemError(409, "own-version", "It is your own", detail)
    computed = store.read_body(version["body"])
    failed = [check.code for check in computed.checks if not check.ok]
    # Words that a program put there explain no contradiction.
    if failed and not (version["words"] and version["account_id"] is not None):
        detail = f"{', '.join(failed)}: mend the records, or make a version whose words say why it is so."
        raise ProblemError(409, "checks-failed", "Its numbers contradict one another", detail)
    said = {"version": given.version, "sha256": version["sha256"].hex()}
    seq = await _append(acting, known["report"], "approved", said)
    await acting.connection.execute(
        "UPDATE report SET approved = %s, seq = %s WHERE report = %s", [given.version, seq, known["report"]]
    )


def _is_strict(version: Row) -> bool:
    head = store.read_body(version["body"]).head
    return bool(((head.get("campaign") or {}).get("template") or {}).get("strict"))


async def record_sent(acting: Acting, known: Row, given: ReportSentGiven, if_match: str | None) -> str:
    """Keep that an approved version was handed over, to whom, how, and what says so; returns its last day."""
    row, version = await _locked(acting, known, given.version, if_match)
    if row["approved"] != given.version:
        raise ProblemError(409, "not-approved", "It is not approved", "Only what is approved is sent.")
    if row["sent"] == given.version:
        raise ProblemError(409, "sent-already", "It is sent already", "Nothing was done.")
    now = instant(acting.now_ms)
    said = {
        "version": given.version,
        "sha256": version["sha256"].hex(),
        "way": given.way,
        "to": given.to,
        "receipt": given.receipt,
    }
    seq = await _append(acting, known["report"], "sent", said)
    await acting.connection.execute(
        """
        UPDATE report SET sent = %(version)s, sent_at = coalesce(sent_at, %(now)s), seq = %(seq)s,
               late = late OR (sent IS NULL AND coalesce(due_at < %(now)s, false)) WHERE report = %(report)s
        """,
        {"version": given.version, "now": now, "seq": seq, "report": known["report"]},
    )
    return str(store.read_body(version["body"]).head.get("last_day", ""))


async def _locked(acting: Acting, known: Row, version: int, if_match: str | None) -> tuple[Row, Row]:
    query = "SELECT versions, approved, sent, seq FROM report WHERE report = %s FOR NO KEY UPDATE"
    row = await _row(acting.connection, query, [known["report"]])
    check_match(if_match, row["seq"])
    if version != row["versions"]:
        detail = f"version: the last one is {row['versions']}."
        raise ProblemError(409, "not-the-last", "There is a newer version", detail, field="body.version")
    query = """
        SELECT body, sha256, preliminary, words, account_id FROM report_version
         WHERE report = %s AND version = %s
    """
    return row, await _row(acting.connection, query, [known["report"], version])


async def _row(connection: AsyncConnection, query: LiteralString, values: Any) -> Row:
    row = await row_of(connection, query, values)
    assert row is not None  # noqa: S101  he has just seen it
    return row


async def _append(acting: Acting, report: UUID, kind: str, body: dict[str, Any]) -> int:
    event = Event(
        at=rfc3339(instant(acting.now_ms)),
        actor=acting.author,
        account=acting.signer.account_id,
        role=acting.role,
        kind=kind,
        body=body,
    )
    return (await append(acting.connection, "report", report, event, acting.signer)).seq


async def begin_campaign(
    connection: AsyncConnection, signed: Signed, given: CampaignGiven, now: dt.datetime
) -> None:
    """Keep that an authority runs a campaign; he must rule its node."""
    asked = {"account": signed.account_id, "roles": roles_with(APPROVES), "node": given.node}
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(RULES, asked)
    if await cursor.fetchone() is None:
        raise _unknown("node")
    if given.template not in templates():
        raise _unknown("template")
    changes = msgspec.json.encode(given.changes).decode()
    if "\\u0000" in changes:
        raise _invalid("A text holds a character that cannot be kept")
    try:
        with_changes(given.template, given.changes)
    except msgspec.ValidationError as exc:
        raise _invalid(str(exc)) from exc
    await connection.execute(
        "INSERT INTO campaign (campaign, node, template, changes, made_at, author, account_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            given.campaign,
            given.node,
            given.template,
            changes,
            now,
            signed.name,
            signed.account_id,
        ],
    )


def _invalid(detail: str) -> ProblemError:
    return ProblemError(422, "invalid", "The request was not understood", detail, field="body.changes")


def _unknown(field: str) -> ProblemError:
    detail = f"{field}: there is none of that name."
    return ProblemError(422, "unknown-reference", "It refers to nothing", detail, field=f"body.{field}")
