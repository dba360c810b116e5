"""What could not be understood: kept for people to look at, bounded; counted, exactly."""

import contextlib
import hashlib
import logging

from cloud.database import Connection, instant
from cloud.ingest.model import DeadLetter

log = logging.getLogger(__name__)

KEPT_ROWS = 1000
"""Of each mode, so that a replay's drive out no live one; with bodies of at most 256 KiB this is the table's
bound. The counters know of all."""
_MAX_DETAIL = 500


def bury(connection: Connection, letters: list[DeadLetter]) -> None:
    """Keep and count each once, however often it is sent; forget the oldest beyond the bound."""
    fresh: dict[tuple[str, str, str], list[DeadLetter]] = {}
    for letter in letters:
        if _insert(connection, letter):
            fresh.setdefault((letter.site, letter.mode, letter.reason), []).append(letter)
    for (site, mode, reason), alike in sorted(fresh.items()):
        _complain(mode, reason, alike)
        connection.execute(
            """
            INSERT INTO dead_letter_count (site, mode, reason, n) VALUES (%s, %s, %s, %s)
                ON CONFLICT (site, mode, reason) DO UPDATE SET n = dead_letter_count.n + excluded.n
            """,
            [site, mode, reason, len(alike)],
        )
    for mode in sorted({mode for _, mode, _ in fresh}):
        _forget_oldest(connection, mode)


def _forget_oldest(connection: Connection, mode: str) -> None:
    connection.execute(
        """
        DELETE FROM dead_letter
         WHERE mode = %(mode)s
           AND id <= (SELECT id FROM dead_letter WHERE mode = %(mode)s
                       ORDER BY id DESC OFFSET %(kept)s LIMIT 1)
        """,
        {"mode": mode, "kept": KEPT_ROWS},
    )


def _complain(mode: str, reason: str, letters: list[DeadLetter]) -> None:
    """One line for all of a batch: whoever floods us with nonsense shall not flood the log."""
    log.warning(
        "dead letters mode=%s reason=%s new=%d first_topic=%s first_detail=%s",
        mode or "none",
        reason,
        len(letters),
        _plain(letters[0].delivery.topic),
        _plain(letters[0].detail),
    )


def _insert(connection: Connection, letter: DeadLetter) -> bool:
    row = connection.execute(
        """
        INSERT INTO dead_letter (received_at, mode, topic, reason, detail, boot, seq, body, digest)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
        """,
        [
            instant(letter.delivery.received_ms),
            letter.mode,
            _plain(letter.delivery.topic),
            letter.reason,
            _plain(letter.detail),
            None if letter.boot is None else _plain(letter.boot),
            letter.seq,
            letter.delivery.body,
            hashlib.sha256(letter.delivery.topic.encode() + b"\n" + letter.delivery.body).digest(),
        ],
        binary=True,
    ).fetchone()
    return row is not None


def _plain(text: str) -> str:
    """Text that the database takes whatever a stranger sent (no NUL), and one line long in the log."""
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        return text.replace("\x00", "�").replace("\n", " ")[:_MAX_DETAIL]
    return ascii(text)[:_MAX_DETAIL]
