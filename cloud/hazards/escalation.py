"""The ladder of measures against a major hazard that is slow: what is due, and its draft. Pure.

The machine only proposes; a named person takes a step, with a document, or puts it off with a reason.
"""

import datetime as dt
from collections.abc import Iterable

import msgspec

from cloud.hazards.around import Around
from cloud.instants import local
from sitewarden.text import Text

DAY = dt.timedelta(days=1)


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is due."""

    step: int
    why: str
    """`overdue`, `failed_reviews` or `refused`."""
    measure: Text


def steps_by_delay(around: Around, overdue_since: dt.datetime) -> dict[int, dt.datetime]:
    """When each further step is due by delay alone."""
    return {
        step: overdue_since + one.overdue_days * DAY
        for step, one in enumerate(around.limits.ladder, start=1)
        if one.overdue_days is not None and step > around.escalation_step
    }


def steps_by_conduct(around: Around) -> Iterable[Proposal]:
    """The steps that failed reviews or a refusal call for."""
    for step, one in enumerate(around.limits.ladder, start=1):
        if one.failed_reviews is not None and around.failed_reviews >= one.failed_reviews:
            yield Proposal(step=step, why="failed_reviews", measure=one.measure)
        if one.refused and around.refused:
            yield Proposal(step=step, why="refused", measure=one.measure)


def is_news(around: Around, step: int) -> bool:
    """Whether a step may be proposed: of an open major hazard, above what was taken or is proposed."""
    reached = max(around.escalation_step, around.escalation_proposed or 0)
    return around.is_open and around.is_major and step > reached


def draft(around: Around, proposal: Proposal, now: dt.datetime) -> str:
    """The document in words, from the record; whoever signs it makes it his own."""
    to = around.enterprise.zh if around.enterprise else "（施工单位）"
    lines = [
        f"{to}：",
        f"你单位承建的{around.site_name.zh}存在重大事故隐患（编号 {around.number}）：{around.content.zh}",
        f"该隐患于{_day(around.detected_at, around)}发现，至今 {_days(around.detected_at, now)} 天未销号。",
    ]
    if around.due_at is not None:
        lines.append(f"整改期限为{_day(around.due_at, around)}。{_delay(around.due_at, now)}")
    if proposal.why == "failed_reviews":
        lines.append(f"复查 {around.failed_reviews} 次不合格。")
    if proposal.why == "refused":
        lines.append("你单位拒不整改。")
    lines += [
        f"依照督办升级的规定，拟采取第 {proposal.step} 步措施：{proposal.measure.zh}。",
        "请立即落实整改责任人、措施、资金、期限和应急预案，整改完成前不得恢复有关部位作业。",
        around.authority.name.zh if around.authority else "（主管部门）",
        _day(now, around),
    ]
    return "\n".join(lines)


def _delay(due_at: dt.datetime, now: dt.datetime) -> str:
    return f"已逾期 {_days(due_at, now)} 天。" if now > due_at else ""


def _days(since: dt.datetime, now: dt.datetime) -> int:
    return max(0, (now - since) // DAY)


def _day(at: dt.datetime, around: Around) -> str:
    there = local(at, around.time_zone)
    return f"{there.year}年{there.month}月{there.day}日"
