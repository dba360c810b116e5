"""Who is told of a report: those of its area that there is one, its handler what is new of his.

What it says they read on its page alone.
"""

from typing import LiteralString
from uuid import UUID

from cloud.database import AsyncConnection, Connection, Row, instant
from cloud.notices.opening import Said, Telling, tell_from, tell_node
from cloud.notices.words import Words
from cloud.serving import Serving
from cloud.settings import Settings
from cloud.tips.figures import figures

_LEVEL, _ABOVE_COUNTIES = 3, 4
_ABOVE = frozenset({"city", "prefecture", "province"})
"""Kinds of areas that no county's people look after."""
_AS_PROGRAM: LiteralString = "SELECT set_config('sitewarden.account', '', true)"
_IS_KNOWN: LiteralString = """
    UPDATE told
       SET ended = 'acknowledged', due_at = NULL, acknowledged_at = %(at)s, acknowledged_by = %(name)s
     WHERE about = %(about)s AND ended IS NULL
"""


async def tell_received(connection: AsyncConnection, serving: Serving, tip: UUID, made: Row) -> None:
    """In the transaction that keeps it; of an area that nobody looks after, those who have everything."""
    number, days = made["number"], figures().days.assign
    level = _LEVEL if made["territory"] and made["area"] not in _ABOVE else _ABOVE_COUNTIES

    def words(language: str) -> Words:
        if language == "en":
            return Words(title=f"Report by the public {number}", body=f"Name its handler within {days} d.")
        return Words(title=f"收到群众举报 {number}", body=f"请在 {days} 天内指定处理人。")

    said = Said(node=made["territory"], kind="tip", about=tip, level=level, words=words)
    await tell_from(connection, serving.settings, [said], serving.now_ms())


async def tell_added(connection: AsyncConnection, serving: Serving, tip: Row, what: str) -> None:
    """Its handler hears that whoever reported has said or sent something more."""
    if tip["handler"] is None:
        return
    said = _of_handler(tip, f"{tip['tip']}/{what}", ("举报人有新的补充", "Whoever reported has added to it"))
    await tell_from(connection, serving.settings, [said], serving.now_ms())


def tell_handler(connection: Connection, settings: Settings, tip: Row, name: str, now_ms: int) -> None:
    """At the end of the transaction that names him: that he is it, and to all others that it is seen to."""
    # Who listens is not for whoever names him to see.
    connection.execute(_AS_PROGRAM)
    connection.execute(_IS_KNOWN, {"at": instant(now_ms), "name": name, "about": f"tip/{tip['tip']}"})
    about = f"{tip['tip']}/handler-{tip['version']}"
    said = _of_handler(
        tip, about, ("请核查处理，举报人身份受保护", "Look into it; who reported is protected")
    )
    tell_node(connection, Telling(settings=settings, sites={}, now_ms=now_ms), said)


def _of_handler(tip: Row, about: str, what: tuple[str, str]) -> Said:
    zh, en = what

    def words(language: str) -> Words:
        if language == "en":
            return Words(title=f"Report {tip['number']} is yours to handle", body=f"{en}.")
        return Words(title=f"您处理的举报 {tip['number']}", body=f"{zh}。")

    return Said(
        node=tip["territory"],
        kind="tip_of_mine",
        about=about,
        level=_LEVEL,
        words=words,
        only=tip["handler"],
    )
