"""Hazards of a past month in a prefecture, led by the real record machine from event to event."""

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from cloud.hazards.chain import Event
from cloud.hazards.store import append_event
from cloud.instants import rfc3339
from cloud.reports.model import Scope
from tests.cloud.hazards.lives import FORMS, body_of, form
from tests.cloud.web.serving import changing, new_account

ZONE = ZoneInfo("Asia/Shanghai")
CLAUSE = {"edition": "2022", "id": "8-5"}
MAJOR = {"level": "major", "clause": CLAUSE}
CAMPAIGN = "changji-2023"


def on(day: str, time: str = "09:00") -> dt.datetime:
    """Of 2023, by the clocks of the place: `06-30`, `23:50`."""
    return dt.datetime.fromisoformat(f"2023-{day}T{time}").replace(tzinfo=ZONE)


class Past:
    """A prefecture with two counties, a site in each, and the people who act there."""

    def __init__(self, connection) -> None:
        self.connection = connection
        with changing(connection):
            self.province = self._node("province", "某自治区", "65", None)
            self.prefecture = self._node("prefecture", "昌吉州", "6523", self.province)
            self.county = self._node("county", "甲县", "652301", self.prefecture)
            self.other = self._node("county", "乙县", "652302", self.prefecture)
            for name, node in (("east", self.county), ("west", self.other)):
                connection.execute(
                    "INSERT INTO site (site, name, time_zone, territory)"
                    " VALUES (%s, %s, 'Asia/Shanghai', %s)",
                    [name, Jsonb({"zh": f"{name} 项目", "en": name}), node],
                )
        self.people = {
            role: new_account(connection, role, role, node=node)
            for role, node in (
                ("project_manager", self.county),
                ("supervision_engineer", self.county),
                ("county_authority", self.county),
                ("city_authority", self.prefecture),
            )
        }
        # Whoever made a version does not approve it.
        self.people["second"] = new_account(connection, "second", "city_authority", node=self.prefecture)
        connection.execute(
            "INSERT INTO campaign (campaign, node, template, made_at, author)"
            " VALUES (%s, %s, %s, now(), 'test')",
            [CAMPAIGN, self.prefecture, CAMPAIGN],
        )

    def _node(self, kind: str, zh: str, code: str, parent: int | None) -> int:
        return self.connection.execute(
            """
            WITH new AS (SELECT nextval(pg_get_serial_sequence('tree_node', 'node')) AS node)
            INSERT INTO tree_node (node, tree, parent, kind, name, code, path) OVERRIDING SYSTEM VALUE
                SELECT node, 'territory', %(parent)s, %(kind)s, %(name)s, %(code)s,
                       coalesce((SELECT path FROM tree_node WHERE node = %(parent)s), '/') || node || '/'
                  FROM new RETURNING node
            """,
            {"kind": kind, "name": Jsonb({"zh": zh, "en": zh}), "code": code, "parent": parent},
        ).fetchone()[0]

    def scope(self, cut_off: dt.datetime, **more) -> Scope:
        return Scope(node=self.prefecture, campaign=CAMPAIGN, cut_off=cut_off, **more)

    def hazard(self, number: str, at: dt.datetime, **about) -> "Hazard":
        return Hazard(self, number, at, **about)


class Hazard:
    """A record; each act is done by whoever usually does it."""

    def __init__(
        self, past: Past, number: str, at: dt.datetime, *, by: str | None = None, site: str = "east", **about
    ) -> None:
        self.past, self.id = past, uuid4()
        fresh = {"mode": "live", "source": "self", "source_detail": "monitoring", "level": "general"}
        about = {**fresh, **about}
        past.connection.execute(
            """
            INSERT INTO hazard (
                    id, number, site, device, category, family, fingerprint, level, status, content,
                    potential_accident, signal, opened_at, detected_at, episodes, last_episode_at,
                    worst_level, mode, source, source_detail, version)
                VALUES (%(id)s, %(number)s, %(site)s, 'crane-1', '{"zh": "起重机械", "en": "Lifting"}',
                        'f', sha256(convert_to(%(number)s, 'UTF8')), %(level)s, 'candidate', '{"zh": ""}',
                        '{"zh": ""}', 'none', %(at)s, %(at)s, 1, %(at)s, 3, %(mode)s, %(source)s,
                        %(source_detail)s, 0)
            """,
            {"id": self.id, "number": number, "site": site, "at": at, **about},
        )
        body = {
            **about,
            "site": site,
            "signal": "none",
            "content": f"{number} 力矩限制器失效",
            "location": "3号楼",
        }
        self._append("filed" if by else "opened", at, {**body, "detected_at": rfc3339(at)}, by)

    def _append(self, kind: str, at: dt.datetime, body: dict, by: str | None) -> None:
        side = {"project_manager": "contractor", "supervision_engineer": "supervision"}.get(by, "authority")
        append_event(
            self.past.connection,
            self.id,
            Event(
                at=rfc3339(at),
                actor=by or "sitewarden",
                kind=kind,
                body=body,
                account=self.past.people[by] if by else None,
                role=by,
                side=side if by else None,
            ),
        )

    def act(self, name: str, at: dt.datetime, by: str = "county_authority", **changes) -> "Hazard":
        assert name in FORMS
        self._append(name, at, body_of(form(name, **changes)), by)
        return self

    def plan(self, at: dt.datetime, **changes) -> "Hazard":
        due = {"due": at + dt.timedelta(days=10), **changes}
        self.act("plan", at, "project_manager", **due)
        return self.act("accept_plan", at, "supervision_engineer")

    def fixed(self, at: dt.datetime) -> "Hazard":
        self.act("submit", at - dt.timedelta(hours=3), "project_manager", rectified_at=at)
        self.act("pass_review", at - dt.timedelta(hours=2), "supervision_engineer")
        return self.act("pass_review", at)


def golden(past: Past) -> dict[str, Hazard]:
    """Eleven records of June 2023, of every sort that counts differently."""
    made = {}

    def hazard(name: str, at: dt.datetime, **about) -> Hazard:
        made[name] = past.hazard(name, at, **about)
        return made[name]

    by_county = {"by": "county_authority", "source_detail": "special", "source": "inspection"}
    h1 = hazard("h1", on("06-02", "08:00")).act("confirm", on("06-02"), **MAJOR).plan(on("06-03"))
    h1.fixed(on("06-10")).act("close", on("06-12"))
    hazard("h2", on("06-05", "08:00"), site="west").act("confirm", on("06-05"), **MAJOR).plan(on("06-06"))
    hazard("h3", on("06-06", "08:00"), level="major_proposed").act("reject", on("06-06"))
    h4 = hazard("h4", on("06-08", "08:00"), **by_county).act("confirm", on("06-08"), **MAJOR)
    h4.act("list", on("06-09")).plan(on("06-10")).fixed(on("06-25"))
    h4.act("close", on("06-28")).act("delist", on("06-28", "10:00"))
    h5 = hazard("h5", on("06-15", "08:00"), **{**by_county, "by": "city_authority"})
    h5.act("confirm", on("06-15"), "city_authority", **MAJOR)
    h5.act("list", on("06-16"), "city_authority", authority_level="city")
    h5.plan(on("06-17"), type="immediate").fixed(on("07-02"))
    hazard("h6", on("06-16", "08:00")).act("confirm", on("06-16"), level="general")
    h7 = hazard("h7", on("06-20", "08:00"), **{**by_county, "source": "public_report"}, site="west")
    h7.act("confirm", on("06-20"), **MAJOR)
    h8 = hazard("h8", on("06-01", "08:00")).act("confirm", on("06-01"), **MAJOR).plan(on("06-02"))
    h8.fixed(on("06-07")).act("close", on("06-08")).act("reopen", on("06-20"))
    hazard("h9", on("07-01", "00:05"), level="major_proposed").act("confirm", on("07-01", "00:10"), **MAJOR)
    hazard("h10", on("06-11", "08:00"), mode="drill").act("confirm", on("06-11"), **MAJOR)
    hazard("h11", on("06-30", "23:50"), level="major_proposed")
    return made
