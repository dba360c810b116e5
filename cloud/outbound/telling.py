"""That another platform takes nothing is told once an outage; that it has refused something, once a day.

What waits goes out by itself when an outage is over. What was refused waits for somebody to mend it.
"""

import datetime as dt
from uuid import UUID

from cloud.database import Connection, Row, instant
from cloud.instants import HOME_ZONE, local
from cloud.notices.opening import Said, Telling, tell_node
from cloud.notices.words import Words
from cloud.outbound.queue import Claimed, Outcome, plain
from cloud.registry.known import load_sites
from cloud.settings import Settings
from sitewarden.text import Text

OUTAGE = 3
"""So many failures on end are one: by the pauses between tries, some 15 s after the first."""
_LEVEL = 3


def tell_failed(
    connection: Connection, settings: Settings, claimed: Claimed, outcome: Outcome, now_ms: int
) -> None:
    """In the transaction that notes the failure which makes it an outage."""
    found = _fares(connection, claimed.connector)

    def words(language: str) -> Words:
        why = f"{outcome.code} {outcome.text}".strip()[:300]
        if language == "en":
            return Words(
                title=f"{claimed.name} takes no packages",
                body=f"{found['depth']} wait and are sent by themselves once it does. Last try: {why}",
            )
        return Words(
            title=f"对外报送中断：{claimed.name}",
            body=f"待发 {found['depth']} 件，恢复后自动补报。最近一次：{why}",
        )

    about = f"{claimed.connector}/{_stamp(claimed, now_ms)}"
    said = Said(node=found["node"], kind="connector_failed", about=about, level=_LEVEL, words=words)
    tell_node(connection, Telling(settings=settings, sites=load_sites(connection), now_ms=now_ms), said)


def tell_rejected(
    connection: Connection,
    settings: Settings,
    connector: UUID,
    why: tuple[str, str],
    now_ms: int,
    *,
    is_sent: bool = True,
) -> None:
    """In the transaction that notes it. `why`: the code, and what the other side or the schema says.

    `is_sent`: unless it could not be written here, so that the other side has never seen it.
    """
    row = connection.execute("SELECT name, node FROM connector WHERE connector = %s", [connector]).fetchone()
    assert row is not None  # noqa: S101  a package of it was just refused
    name, node = row
    said_why = plain(" ".join(why))[:300]

    title = (
        Text(f"对外报送被退回：{name}", f"{name} has refused a package")
        if is_sent
        else Text(f"对外报送数据无法生成：{name}", f"A package for {name} could not be written")
    )

    def words(language: str) -> Words:
        if language == "en":
            body = f"It is not sent again before somebody has looked at it. Why: {said_why}"
            return Words(title=title.en, body=body)
        return Words(title=title.zh, body=f"须有人处理后重新报送，不会自动重发。原因：{said_why}")

    day = f"{local(instant(now_ms), HOME_ZONE):%Y-%m-%d}"
    about = f"{connector}/rejected-{day}"
    said = Said(node=node, kind="connector_failed", about=about, level=_LEVEL, words=words)
    tell_node(connection, Telling(settings=settings, sites=load_sites(connection), now_ms=now_ms), said)


def _fares(connection: Connection, connector: UUID) -> Row:
    row = connection.execute(
        """
        SELECT node, (SELECT count(*) FROM package AS its WHERE its.connector = connector.connector
                         AND state IN ('waiting', 'sending', 'unknown'))
          FROM connector WHERE connector = %s
        """,
        [connector],
    ).fetchone()
    assert row is not None  # noqa: S101  a package of it was just sent
    return {"node": row[0], "depth": row[1]}


def _stamp(claimed: Claimed, now_ms: int) -> str:
    """Which outage: the same connector may have another."""
    at = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
    return f"{claimed.seq}-{at:%Y%m%dT%H%M%S}"
