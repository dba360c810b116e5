"""Those of the area are told that there is a report; what it says they read on its page alone."""

from uuid import UUID

from cloud.database import AsyncConnection, Row
from cloud.notices.opening import Said, tell_from
from cloud.notices.words import Words
from cloud.serving import Serving
from cloud.tips.figures import figures

_LEVEL = 3


async def tell_received(connection: AsyncConnection, serving: Serving, tip: UUID, made: Row) -> None:
    """In the transaction that keeps it; of no area, nobody is told and the page alone shows it."""
    if made["territory"] is None:
        return
    number, days = made["number"], figures().days.assign

    def words(language: str) -> Words:
        if language == "en":
            return Words(title=f"Report by the public {number}", body=f"Name its handler within {days} d.")
        return Words(title=f"收到群众举报 {number}", body=f"请在 {days} 天内指定处理人。")

    said = Said(node=made["territory"], kind="tip", about=tip, level=_LEVEL, words=words)
    await tell_from(connection, serving.settings, [said], serving.now_ms())
