"""A month of a place on one page: duties, rounds, returns, inspections, themes, safety logs, rotas. Pure."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from cloud.accounts.roles import roles
from cloud.database import Row
from cloud.duties.due import Due, Span, State
from cloud.duties.model import Counts, Entry
from cloud.duties.performing import Duty
from cloud.duties.rounds import Coverage, rounds_in
from cloud.jurisdictions.calendar import days_of, due_between
from cloud.jurisdictions.model import Jurisdiction
from cloud.notices.rota import begin_of
from cloud.notices.rota_model import RotaShown
from cloud.shown import TextShown
from sitewarden.text import Text

_NAMED = 20
_INSPECTIONS = {
    "self_check": Text("企业自查", "Self-check"),
    "lead_check": Text("带队检查", "Check led by a principal"),
    "authority_check": Text("部门检查", "Inspection by the authority"),
    "enterprise_check": Text("对企业的抽查检查", "Check of an enterprise"),
    "remote_patrol": Text("远程巡查", "Patrol over the network"),
}
_LOG = Text("施工安全日志", "Safety log")


def duty_entries(duties: Iterable[Duty]) -> Iterator[Entry]:
    """Each duty and period once, whoever owes it: how many have done it, and who has not."""
    grouped: dict[tuple[str, dt.date], list[tuple[Duty, Due]]] = defaultdict(list)
    for duty in duties:
        for period in duty.periods:
            grouped[duty.kind, period.span.until].append((duty, period))
    for (kind, until), owed in grouped.items():
        counts = _counted(period.state for _, period in owed)
        lacking = [duty.who for duty, period in owed if period.state != "done"]
        yield Entry(
            on=until,
            since=owed[0][1].span.since,
            kind="duty",
            code=kind,
            title=TextShown.of(owed[0][0].label),
            state=_worst(counts),
            counts=counts,
            missing=[TextShown.of(name) for name in lacking[:_NAMED]],
            link="",
        )


def round_entries(limits: Jurisdiction, month: Span, now: Coverage | None, today: dt.date) -> Iterator[Entry]:
    """Rounds that end in the month; of the one that is under way how many projects are looked at."""
    for one in rounds_in(limits, month.until.year):
        if not month.since <= one.span.until <= month.until:
            continue
        shown = now.projects if now is not None and now.round == one else None
        counts = None
        if shown is not None:
            lacking = shown.all - shown.looked_at
            over = today > one.span.until
            name = ("missed" if over else "due") if shown.source_declared else "unknown"
            counts = Counts(done=shown.looked_at, **{name: lacking})
        yield Entry(
            on=one.span.until,
            since=one.span.since,
            kind="round",
            code=str(one.no),
            title=TextShown.of(one.what),
            state="noted" if counts is None else _worst(counts),
            counts=counts,
            missing=[] if shown is None else [TextShown.of(one.name) for one in shown.missing[:_NAMED]],
            link="",
        )


def return_entries(limits: Jurisdiction, month: Span) -> Iterator[Entry]:
    """What is handed in; whether it was, the reports say."""
    for due in due_between(limits, month.since, month.until):
        yield _noted(due.on, "return", due.what.zh, due.what, link="/reports")
    for phase in limits.phases:
        for on in days_of(phase.until, month.since.year, month.until.year):
            if month.since <= on <= month.until:
                yield _noted(on, "phase", phase.what.zh, phase.what)


def inspection_entries(rows: Iterable[Row], month: Span) -> Iterator[Entry]:
    """Inspections, those of a day and kind together."""
    grouped: dict[tuple[dt.date, str], int] = defaultdict(int)
    for row in rows:
        if month.since <= row["day"] <= month.until:
            grouped[row["day"], row["kind"]] += 1
    for (day, kind), count in grouped.items():
        yield Entry(
            on=day,
            since=None,
            kind="inspection",
            code=kind,
            title=TextShown.of(_INSPECTIONS[kind]),
            state="done",
            counts=Counts(done=count),
            missing=[],
            link="/inspections",
        )


def log_entries(rows: Iterable[Row], names: Mapping[str, Text], site: str | None) -> Iterator[Entry]:
    """Safety logs: drawn up, signed, or late."""
    grouped: dict[dt.date, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["day"]].append(row)
    for day, logs in grouped.items():
        lacking = [row for row in logs if not row["is_signed"]]
        late = sum(row["is_late"] for row in lacking)
        counts = Counts(done=len(logs) - len(lacking), due=len(lacking) - late, missed=late)
        yield Entry(
            on=day,
            since=None,
            kind="log",
            code="log",
            title=TextShown.of(_LOG),
            state=_worst(counts),
            counts=counts,
            missing=[TextShown.of(names[row["site"]]) for row in lacking[:_NAMED] if row["site"] in names],
            link="" if site is None else f"/sites/{site}/log/{day}",
        )


def theme_entries(rows: Iterable[Row]) -> Iterator[Entry]:
    """Themes of the month, on its first day."""
    for row in rows:
        yield _noted(row["month"], "theme", row["code"], Text(**row["name"]))


def rota_entries(rotas: Iterable[RotaShown], month: Span) -> Iterator[Entry]:
    """Who is on duty on each day from today on, and where nobody is for some of it."""
    for rota in rotas:
        names = {one.account: one.name for one in rota.candidates}
        label = roles().roles[rota.role].name
        day = max(month.since, rota.today)
        while day <= month.until:
            yield _on_duty(rota, label, names, day)
            day += dt.timedelta(days=1)


def _on_duty(rota: RotaShown, label: Text, names: Mapping[int, str], day: dt.date) -> Entry:
    begins = begin_of(day, rota.time_zone)
    ends = begin_of(day + dt.timedelta(days=1), rota.time_zone)
    its = [span for span in rota.spans if _at(span.starts_at) < ends and _at(span.ends_at) > begins]
    # Each once, in the order of their hours.
    persons = list(dict.fromkeys(names[account] for span in its for account in span.accounts))
    has_gap = any(not span.accounts for span in its)
    # Who it is comes first: a cell of the month shows no more.
    zh = f"{'值班空缺' if has_gap else '值班'}：{'、'.join(persons) or '无人'}（{label.zh}）"
    en = f"{'Gap in the rota' if has_gap else 'On duty'}: {', '.join(persons) or 'nobody'} ({label.en})"
    return _noted(day, "rota", str(rota.id), Text(zh, en), link="/rotas", state="due" if has_gap else "noted")


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _noted(
    on: dt.date,
    kind: Literal["return", "phase", "theme", "rota"],
    code: str,
    title: Text,
    link: str = "",
    *,
    state: Literal["noted", "due"] = "noted",
) -> Entry:
    return Entry(
        on=on,
        since=None,
        kind=kind,
        code=code,
        title=TextShown.of(title),
        state=state,
        counts=None,
        missing=[],
        link=link,
    )


def _counted(states: Iterable[str]) -> Counts:
    found: dict[str, int] = defaultdict(int)
    for state in states:
        found[state] += 1
    return Counts(**found)


def _worst(counts: Counts) -> State:
    """By which its day is coloured."""
    if counts.missed:
        return "missed"
    if counts.due:
        return "due"
    return "unknown" if counts.unknown else "done"
