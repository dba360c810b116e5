"""What a notice says, in the language of its channel; pure."""

import datetime as dt

import msgspec

from cloud.instants import local
from sitewarden.text import Text

MARK = "工地卫士 SiteWarden"
"""In every text: robots of DingTalk may ask for a word of one's own."""
LEVELS = {
    1: Text("提示", "Notice"),
    2: Text("预警", "Warning"),
    3: Text("报警", "Alarm"),
    4: Text("危急", "Critical"),
}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the thing that is told."""

    site_name: Text
    time_zone: str
    device: Text
    label: Text
    level: int
    value: str = ""
    limit: str = ""
    raised_at: dt.datetime
    cleared_at: dt.datetime | None = None
    late: bool = False
    clock: str = "synced"
    hazard: str | None = None
    """The number of the record that was opened for it."""
    hazard_text: Text | None = None
    major: bool = False
    link: str | None = None


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A notice."""

    title: str
    body: str


def of(text: Text, language: str) -> str:
    """The text in that language."""
    return text.en if language == "en" else text.zh


def alarm(told: Told, language: str) -> Words:
    """An alarm has been raised, and a hazard record opened where one was."""
    level, en = of(LEVELS[told.level], language), language == "en"
    title = f"[{level}] {_where(told, language)} {of(told.label, language)}"
    at = told.raised_at
    lines = [
        _line("级别", "Level", level, en=en),
        _line("内容", "What", of(told.label, language), en=en),
        f"Value: {told.value} (limit {told.limit})" if en else f"数值：{told.value}（限值 {told.limit}）",
        _line("时间", "Time", _time(at, told.time_zone), en=en),
    ]
    if told.clock != "synced":
        lines.append(
            "The gateway's clock is not set: the time may be wrong."
            if en
            else "网关时钟未同步，时间可能不准。"
        )
    if told.late:
        lines.append("Sent late: the gateway had no connection." if en else "补传：当时网关与平台没有连接。")
    if told.cleared_at is not None:
        lines.append(_line("已解除", "Over since", _time(told.cleared_at, told.time_zone), en=en))
    if told.hazard:
        word = (
            ("已开立疑似重大隐患", "Suspected major hazard opened")
            if told.major
            else ("已开立隐患", "Hazard record opened")
        )
        lines.append(_line(*word, told.hazard, en=en))
    return Words(title=title, body=_closed(lines, told.link))


def hazard(told: Told, language: str) -> Words:
    """A hazard record was opened, or is suspected major."""
    en = language == "en"
    word = ("疑似重大隐患", "Suspected major hazard") if told.major else ("新隐患", "New hazard")
    title = f"[{word[en]}] {_where(told, language)} {of(told.label, language)}"
    lines = [
        _line("编号", "Number", told.hazard or "", en=en),
        _line("内容", "What", of(told.hazard_text or told.label, language), en=en),
        _line("开立时间", "Opened", _time(told.raised_at, told.time_zone), en=en),
    ]
    if told.major:
        lines.append("A named person must judge it without delay." if en else "须由指定人员尽快核实认定。")
    return Words(title=title, body=_closed(lines, told.link))


HAPPENED: dict[str, tuple[Text, Text]] = {
    "judging": (
        Text("隐患逾期未核实", "Hazard not judged in time"),
        Text(
            "超过核实时限仍无人核实，请上一级尽快核实认定。",
            "Nobody has judged it in time. The next level must.",
        ),
    ),
    "overdue": (
        Text("隐患整改逾期", "Rectification overdue"),
        Text("已超过期限，隐患仍未整改到位。", "The time is over and the danger is still there."),
    ),
    "report": (
        Text("重大隐患报告", "Report of a major hazard"),
        Text(
            "已向属地主管部门报告，内容见隐患页面。",
            "Reported to the authority in charge; see the page of the hazard.",
        ),
    ),
    "listing": (
        Text("挂牌督办", "Listing for supervision"),
        Text("挂牌督办有变化或建议挂牌，请查看。", "It is, or should be, listed or taken off the list."),
    ),
    "principal": (
        Text("主要负责人未签收", "The principal has not answered"),
        Text(
            "企业主要负责人未在时限内确认知悉，请主管部门电话联系。",
            "He has not said in time that he knows. Call him.",
        ),
    ),
    "escalation": (
        Text("建议督办升级", "A further measure is proposed"),
        Text(
            "整改迟缓，建议采取下一步措施，由有权人员签发或说明理由暂缓。",
            "It is slow: sign the next step, or say why not.",
        ),
    ),
    "reminder": (
        Text("整改即将到期", "Rectification is due soon"),
        Text("整改期限临近，请按期完成并提交复查。", "Finish it in time and submit it for review."),
    ),
}
"""What has become of a record: what it is called, and what is to be done."""


def happened(told: Told, kind: str, due_at: dt.datetime | None, language: str) -> Words:
    """Something has become of a hazard record."""
    en = language == "en"
    called, means = HAPPENED[kind]
    title = f"[{of(called, language)}] {_where(told, language)} {of(told.label, language)}"
    lines = [
        _line("编号", "Number", told.hazard or "", en=en),
        _line("内容", "What", of(told.hazard_text or told.label, language), en=en),
    ]
    if due_at is not None:
        lines.append(_line("期限", "Due", _time(due_at, told.time_zone), en=en))
    return Words(title=title, body=_closed([*lines, of(means, language)], told.link))


KINDS = {
    "near_miss": Text("险情", "Near miss"),
    "non_fatal": Text("非亡人事故", "Accident without deaths"),
    "fatal": Text("亡人事故", "Fatal accident"),
}
LATE: dict[str, tuple[Text, Text]] = {
    "first_report_late": (
        Text("事故首报逾期", "First report overdue"),
        Text(
            "超过首报时限仍未记录首报。请立即向主管部门报告，并在平台补记。",
            "No first report is recorded in time. Report to the authority now, and record it.",
        ),
    ),
    "details_soon": (
        Text("事故详情即将到期", "Details due soon"),
        Text("请在期限前报送事故详细信息。", "Hand the details in before then."),
    ),
    "details_late": (
        Text("事故详情逾期", "Details overdue"),
        Text("已超过报送期限，请立即报送事故详细信息。", "The time is over: hand the details in now."),
    ),
}
"""What is late of an incident, or soon will be: what it is called, and what is to be done."""


class ToldIncident(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an incident."""

    site_name: Text
    time_zone: str
    kind: str
    number: str
    what: str
    place: str
    occurred_at: dt.datetime
    due_at: dt.datetime | None
    link: str | None


def incident(told: ToldIncident, kind: str, language: str) -> Words:
    """An incident was filed, is of another kind now, or something of it is late."""
    en, means = language == "en", None
    called = KINDS[told.kind]
    if kind in LATE:
        called, means = LATE[kind]
    lines = [
        _line("编号", "Number", told.number, en=en),
        _line("类型", "Kind", of(KINDS[told.kind], language), en=en),
        _line("经过", "What", told.what, en=en),
    ]
    if told.place:
        lines.append(_line("地点", "Place", told.place, en=en))
    lines.append(_line("发生时间", "Happened", _time(told.occurred_at, told.time_zone), en=en))
    if told.due_at is not None:
        lines.append(_line("期限", "Due", _time(told.due_at, told.time_zone), en=en))
    if means is not None:
        lines.append(of(means, language))
    # Of a text as long as a report the head carries the beginning.
    title = f"[{of(called, language)}] {of(told.site_name, language)} {_beginning(told.what)}"
    return Words(title=title, body=_closed(lines, told.link))


def _beginning(text: str, most: int = 40) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def flood(
    levels: dict[int, int], since: dt.datetime, time_zone: str, language: str, link: str | None
) -> Words:
    """So many notices were not told singly."""
    en, total = language == "en", sum(levels.values())
    parts = [f"{of(LEVELS[level], language)} {n}" for level, n in sorted(levels.items(), reverse=True)]
    if en:
        title = f"[{total} more] Too many notices in a minute: not sent singly"
        lines = [
            f"Since {_time(since, time_zone)}: {', '.join(parts)}.",
            "Look at the pages for each of them.",
        ]
    else:
        title = f"[另有 {total} 条] 一分钟内通知过多，未逐条发送"
        lines = [f"自 {_time(since, time_zone)} 起：{'、'.join(parts)} 条。", "逐条内容请查看平台。"]
    return Words(title=title, body=_closed(lines, link))


def test(who: str, channel: str, at: dt.datetime, time_zone: str, language: str) -> Words:
    """Nothing has happened: somebody tries the channel."""
    if language == "en":
        title = "[Test] SiteWarden: nothing has happened"
        lines = [f"{who} is trying the channel “{channel}”.", f"Time: {_time(at, time_zone)}"]
    else:
        title = "[测试] 工地卫士通知测试，没有发生异常"
        lines = [f"{who} 正在测试通知渠道“{channel}”。", f"时间：{_time(at, time_zone)}"]
    return Words(title=title, body=_closed(lines, None))


def proof(who: str, code: str, language: str) -> Words:
    """A code by which somebody shows that messages reach him."""
    if language == "en":
        title = f"[Code] SiteWarden: {code}"
        lines = [f"{who} wants to be told here. Code: {code}", "It holds for 15 minutes. Give it to nobody."]
    else:
        title = f"[验证码] 工地卫士：{code}"
        lines = [f"{who} 正在将此处设为通知方式，验证码：{code}", "15 分钟内有效，请勿告知他人。"]
    return Words(title=title, body=_closed(lines, None))


def whole(said: Words, pages: str | None, page: str) -> Words:
    """With a link to the page that it speaks of, and the mark of who speaks, where it has them not."""
    head, _, tail = said.body.rpartition("\n—\n") if MARK in said.body else (said.body, "", MARK)
    if pages is not None and f"{pages}/" not in head:
        head = f"{head}\n{pages}{page}".lstrip()
    return Words(title=said.title, body=f"{head}\n—\n{tail}")


def to_person(said: Words, language: str, *, is_again: bool, stands_in: bool, link: str | None) -> Words:
    """The same to a person who is asked to say that he knows, or hears of it because nobody has."""
    en, title, lines = language == "en", said.title, []
    if is_again:
        title = f"[Nobody has answered] {title}" if en else f"[无人确认] {title}"
        lines.append(
            "Nobody who was told has acknowledged it yet." if en else "已通知的人员均未确认，现升级通知您。"
        )
    if stands_in:
        lines.append(
            "The rota has nobody on duty now: everybody in this role is told."
            if en
            else "值班表当前无人值班，故通知该角色全部人员。"
        )
    if link is not None:
        lines.append(_line("确认收到", "Say that you know", link, en=en))
    if not lines:
        return said
    head, rule, tail = said.body.rpartition("\n—\n")
    return Words(title=title, body="\n".join([head, *lines]) + rule + tail)


def _where(told: Told, language: str) -> str:
    return f"{of(told.site_name, language)} {of(told.device, language)}".strip()


def _line(zh: str, en_word: str, value: str, *, en: bool) -> str:
    return f"{en_word}: {value}" if en else f"{zh}：{value}"


def _time(at: dt.datetime, time_zone: str) -> str:
    return f"{local(at, time_zone):%Y-%m-%d %H:%M:%S} ({time_zone})"


def _closed(lines: list[str], link: str | None) -> str:
    return "\n".join([*lines, *([link] if link else []), "—", MARK])
