"""What is reported of a major hazard to whoever is responsible for the place, and by when. Pure.

The clock starts at detection, for a device as for a person. Nobody has to judge first: what is suspected is
reported provisionally at once, as unverified at the end of the day, and formally once somebody has judged.
"""

import datetime as dt
import zoneinfo
from typing import Any, Literal

import msgspec

from cloud.hazards.around import Around
from cloud.instants import local, rfc3339

Kind = Literal["provisional", "unverified", "formal", "withdrawal", "correction"]
WORDS: dict[str, str] = {
    "provisional": "初报（系统自动生成，待核实）",
    "unverified": "当日报告（尚未核实）",
    "formal": "正式报告",
    "withdrawal": "撤回",
    "correction": "更正",
}
NOBODY = "登记中没有属地主管部门，请在台账中为工地选择行政区划后由人补报。"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it goes out."""

    kind: Kind
    no: int
    addressee: int | None
    due_at: dt.datetime
    sent_at: dt.datetime
    body: dict[str, Any]
    """What it says; its keys are English, its words the site's own."""

    @property
    def is_late(self) -> bool:
        """Sent when the time for it was over."""
        return self.sent_at > self.due_at


def end_of_day(since: dt.datetime, time_zone: str, days: int = 0) -> dt.datetime:
    """24:00 of the site's day in which `since` lies, or of one so many days later."""
    zone = zoneinfo.ZoneInfo(time_zone)
    day = local(since, time_zone).date() + dt.timedelta(days=days + 1)
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def report_due(around: Around, since: dt.datetime) -> dt.datetime:
    """By when it must be reported. While a report is owed the time never moves to later.

    One that was withdrawn or corrected is owed no longer: what is judged major after that is a new one.
    """
    due = end_of_day(since, around.time_zone, around.limits.report_days)
    if around.report_due_at is None or around.report == "withdrawn":
        return due
    return min(around.report_due_at, due)


def state_after(report: Report, *, first_was_late: bool | None) -> str:
    """What the record's region of reporting comes to.

    `first_was_late` is of the first report under the same duty, `None` where this is the first. A provisional
    report in time meets the deadline, whenever the formal one follows.
    """
    if report.kind in {"provisional", "unverified"}:
        return "provisional"
    # Corrected, it is no major hazard any more either: a new suspicion is a new duty.
    if report.kind in {"withdrawal", "correction"}:
        return "withdrawn"
    late = report.is_late if first_was_late is None else first_was_late
    return "reported_late" if late else "reported"


def make(
    around: Around, kind: Kind, *, no: int, due_at: dt.datetime, now: dt.datetime, reason: str = ""
) -> Report:
    """The report; `reason` is that of a person who judged otherwise."""
    authority = around.authority
    body: dict[str, Any] = {
        "kind": kind,
        "title": f"房屋市政工程重大事故隐患{WORDS[kind]}",
        "no": no,
        "hazard": around.number,
        "site": {"id": around.site, "name": around.site_name},
        "enterprise": around.enterprise,
        "addressee": None if authority is None else {"node": authority.node, "name": authority.name},
        "device": around.device,
        "location": around.location,
        "category": around.category,
        "content": around.content,
        "potential_accident": around.potential_accident,
        "clause": around.clause,
        "level": around.level,
        "status": around.status,
        "verified": around.is_judged,
        "source": around.source,
        "detected_at": rfc3339(around.detected_at),
        "opened_at": rfc3339(around.opened_at),
        "due_at": rfc3339(due_at),
        "sent_at": rfc3339(now),
        "late": now > due_at,
    }
    if authority is None:
        body["addressee_note"] = NOBODY
    if reason:
        body["reason"] = reason
    return Report(
        kind=kind,
        no=no,
        addressee=None if authority is None else authority.node,
        due_at=due_at,
        sent_at=now,
        # Plain, so that whoever reads it and sorts its keys comes to the same bytes.
        body=msgspec.to_builtins(body),
    )
