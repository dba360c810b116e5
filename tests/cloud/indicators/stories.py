"""Hazard records whose events are told one by one, straight into the database."""

import datetime as dt
import hashlib
import json
import uuid
from typing import Any

UTC = dt.UTC
AT = dt.datetime(2026, 11, 20, 2, tzinfo=UTC)
"""The cut-off of most worlds here: ten in the morning in Shanghai."""
DAY = dt.timedelta(days=1)
_STATE = ("status", "level", "report", "supervision", "overdue", "verified")
TEXT = json.dumps({"zh": "起重机械", "en": "Lifting machinery"})


def day(month: int, of: int, hour: int = 4, year: int = 2026) -> dt.datetime:
    """Noon in Shanghai, unless it is said otherwise."""
    return dt.datetime(year, month, of, hour, tzinfo=UTC)


class Story:
    """A record; each `then` is an event, and what the record is right after it."""

    def __init__(
        self, connection: Any, *, site: str = "demo", source: str = "self", level: str = "major", **more: Any
    ):
        self.connection, self.id = connection, uuid.uuid4()
        self.seq, self.prev = 0, b""
        self.state: dict[str, Any] = {
            "status": "candidate",
            "level": level,
            "overdue": False,
            "verified": False,
            "supervision": "none",
            "report": "not_due",
        }
        at = more.pop("at")
        fields = {"device": "crane-1", "danger": uuid.uuid4().bytes, "repeat_no": 0, **more}
        connection.execute(
            """
            INSERT INTO hazard (id, number, site, device, category, family, fingerprint, level, status,
                content,
                    potential_accident, signal, opened_at, detected_at, episodes, last_episode_at,
                        worst_level,
                    source, repeat_no)
                VALUES (%s, %s, %s, %s, %s, 'f', %s, %s, 'candidate', %s, %s, 'none', %s, %s, 0, %s, 1, %s,
                    %s)
            """,
            [
                self.id,
                self.id.hex[:8],
                site,
                fields["device"],
                TEXT,
                fields["danger"],
                level,
                TEXT,
                TEXT,
                at,
                at,
                at,
                source,
                fields["repeat_no"],
            ],
        )
        self.then(at, "filed", body={"detected_at": at.isoformat()})

    def then(
        self, at: dt.datetime, kind: str, *, body: dict[str, Any] | None = None, **state: Any
    ) -> "Story":
        """One more event."""
        self.seq, self.state = self.seq + 1, {**self.state, **state}
        record = json.dumps({"kind": kind, "at": at.isoformat(), "body": body or {}, "seq": self.seq})
        hashed = hashlib.sha256(self.prev + record.encode()).digest()
        self.connection.execute(
            """
            INSERT INTO hazard_event (hazard_id, seq, record, prev_hash, hash, at, kind, status, level,
                    report, supervision, overdue, verified, escalation_step)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0)
            """,
            [self.id, self.seq, record, self.prev, hashed, at, kind, *(self.state[name] for name in _STATE)],
        )
        self.prev = hashed
        return self

    def confirmed(self, at: dt.datetime) -> "Story":
        return self.then(at, "confirm", status="confirmed")

    def planned(self, at: dt.datetime, due: dt.datetime) -> "Story":
        self.then(at, "plan", body={"due": due.isoformat()})
        return self.then(at, "accept_plan", status="rectifying")

    def fixed(self, at: dt.datetime) -> "Story":
        self.then(at, "submit", status="rectified")
        return self.then(at, "pass_review", status="reviewed", verified=True, overdue=False)

    def closed(self, at: dt.datetime) -> "Story":
        return self.then(at, "close", status="closed")
