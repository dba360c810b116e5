"""Hazard records as their events make them, without a database: people, facts and acts in one line each."""

import datetime as dt
from typing import Any

import msgspec
from pydantic import TypeAdapter

from cloud.accounts.roles import roles
from cloud.hazards.acts import Act, body_of
from cloud.hazards.guards import Actor, EvidenceItem, Facts
from cloud.hazards.record import Person, Record, Said, apply
from cloud.hazards.transitions import Asked, Choice, choose, fits
from cloud.jurisdictions.loading import jurisdiction

NOW = dt.datetime(2026, 11, 27, 2, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
CLAUSE = {"edition": "2024", "id": "8-4"}
TWO_PART = {"edition": "2024", "id": "5-4"}
_ACT: TypeAdapter[Any] = TypeAdapter(Act)


class Cleared(msgspec.Struct, frozen=True):
    met: bool


EVIDENCE = (
    EvidenceItem(id="before", at=NOW - 2 * HOUR, stage="found"),
    EvidenceItem(id="after", at=NOW - HOUR, stage="after"),
)
FACTS = Facts(limits=jurisdiction(), zone="Asia/Shanghai", clearance=Cleared(True), evidence=EVIDENCE)

FORMS: dict[str, dict[str, Any]] = {
    "reject": {"reason_code": "misread", "reason": "看错了", "evidence": ["before"]},
    "confirm": {"level": "general", "reason": "属实"},
    "merge": {"into": "other"},
    "opinion": {"reason_code": "is_general", "text": "不构成重大"},
    "plan": {
        "type": "timed",
        "person": "王五",
        "measures": "更换限制器",
        "funds_wan": 2.5,
        "due": NOW + 5 * DAY,
        "emergency_plan": "停用塔机",
    },
    "accept_plan": {},
    "return_plan": {"reason": "措施不足"},
    "request_extension": {"due": NOW + 8 * DAY, "reason": "配件未到"},
    "grant_extension": {},
    "refuse_extension": {"reason": "不同意"},
    "submit": {
        "followup_measures": "每周检查",
        "cause": "接线松动",
        "rectified_at": NOW - HOUR,
        "evidence": ["before", "after"],
    },
    "pass_review": {"note": "已更换", "onsite": True, "evidence": ["after"]},
    "fail_review": {"reason": "未更换", "evidence": ["after"]},
    "close": {"document": "长建函〔2026〕1号"},
    "reopen": {"reason": "未真正整改"},
    "upgrade": {"clause": CLAUSE, "reason": "安全装置失效"},
    "downgrade": {"reason": "经核不属重大"},
    "list": {"authority_level": "county", "document": "督办〔2026〕1号", "due": NOW + 5 * DAY},
    "delist": {"document": "摘牌〔2026〕1号"},
    "mark_refused": {"reason": "拒不整改", "evidence": ["after"]},
    "order_control": {"control": "stop_work", "reason": "危险"},
    "lift_control": {"reason": "险情排除"},
    "take_step": {"step": 1, "document": "函〔2026〕1号"},
    "postpone_step": {"reason": "正在整改", "until": NOW + DAY},
    "acknowledge": {},
}
"""A form of each act that lacks nothing."""


def form(name: str, **changes: Any) -> Any:
    """The act, as a request would say it."""
    return _ACT.validate_python({"act": name, "signature": {"password": "x"}, **FORMS[name], **changes})


def person(role: str, account: int | None = None, *also: str) -> Actor:
    """Somebody in that role; the account follows from the role unless it is said, and he may have others."""
    known = roles().roles
    return Actor(
        account=list(known).index(role) + 1 if account is None else account,
        name=f"{role} {account or ''}".strip(),
        role=role,
        side=known[role].side,
        rank=known[role].rank,
        sides=frozenset(known[held].side for held in (role, *also)),
        permissions=roles().permissions_of(role),
    )


def opened(**body: Any) -> Record:
    """A candidate that an alarm has opened; its signal has cleared."""
    at = NOW - 3 * HOUR
    said = {"site": "demo", "device": "crane-1", "category": "起重机械", "level": "general", **body}
    record = apply(Record(), Said(seq=1, at=at, kind="opened", body=said))
    return machine(record, "signal", at=at, to="cleared")


def machine(record: Record, kind: str, *, at: dt.datetime = NOW, **body: Any) -> Record:
    """What no person did."""
    return apply(record, Said(seq=record.seq + 1, at=at, kind=kind, body=body))


def asked(record: Record, *actors: Actor, facts: Facts = FACTS, now: dt.datetime = NOW) -> Asked:
    return Asked(record=record, actors=actors, facts=facts, now=now)


def tried(record: Record, act: Any, *actors: Actor, facts: Facts = FACTS, now: dt.datetime = NOW) -> Choice:
    """Whether it may be done."""
    return choose(act.act, asked(record, *actors, facts=facts, now=now), act)


def codes(choice: Choice) -> list[str]:
    return [one.code for one in choice.unmet]


def done(record: Record, act: Any, actor: Actor, facts: Facts = FACTS, now: dt.datetime = NOW) -> Record:
    """The record after it; fails where it may not be."""
    assert fits(record, act.act), f"{record.status} has no {act.act}"
    choice = tried(record, act, actor, facts=facts, now=now)
    assert choice.permitted, f"{actor.role} has no permission to {act.act}"
    assert not choice.unmet, codes(choice)
    by = Person(account=actor.account, name=actor.name, role=actor.role, side=actor.side)
    body = body_of(act)
    if act.act == "opinion":
        body["is_expert"] = "hazards.expertise" in actor.permissions
    return apply(record, Said(seq=record.seq + 1, at=now, kind=act.act, body=body, by=by))


PM, SUPERVISOR = person("project_manager"), person("supervision_engineer")
COUNTY, OFFICER, CITY = person("county_authority"), person("enforcement_officer"), person("city_authority")


def life(level: str, until: str) -> Record:
    """A record of that level led to that state by those who usually do."""
    record = opened(level="major_proposed" if level == "major" else "general")
    if until == "candidate":
        return record
    clause = CLAUSE if level == "major" else None
    record = done(record, form("confirm", level=level, clause=clause), OFFICER)
    steps = [("plan", PM), ("submit", PM), ("pass_review", SUPERVISOR), ("close", COUNTY)]
    if level == "major":
        steps[1:1] = [("accept_plan", SUPERVISOR)]
        steps[4:4] = [("pass_review", OFFICER)]
    for name, actor in steps:
        if record.status == until:
            return record
        record = done(record, form(name), actor)
    assert record.status == until
    return record
