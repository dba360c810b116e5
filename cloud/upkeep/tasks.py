"""What is to be done at a device, until a person says that it was."""

from typing import Literal
from uuid import UUID, uuid4

from cloud.database import Connection, instant

TaskKind = Literal["repair", "calibration"]


def open_task(
    connection: Connection,
    *,
    site: str,
    device: str,
    kind: TaskKind,
    hazard_id: UUID | None,
    reason: str,
    author: str,
    account_id: int | None,
    now_ms: int,
) -> UUID | None:
    """Open a task; `None` where that record has opened it already."""
    row = connection.execute(
        """
        INSERT INTO device_task (
                task, site, device, kind, hazard_id, reason, opened_by, opened_by_id, opened_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (hazard_id, kind) DO NOTHING RETURNING task
        """,
        [uuid4(), site, device, kind, hazard_id, reason, author, account_id, instant(now_ms)],
    ).fetchone()
    return None if row is None else row[0]
