"""What alarms do to hazard records: read what stands, decide, write; few statements, however many alarms."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec

from cloud.alarms.store import StoredEpisode
from cloud.database import Connection, Row, instant
from cloud.hazards import standing
from cloud.hazards.around import Told
from cloud.hazards.chain import Event
from cloud.hazards.content import Facts, content
from cloud.hazards.record import MACHINE
from cloud.hazards.signal import Over, Signalled, by_alarms
from cloud.hazards.standing import Past, Standing
from cloud.hazards.timers import after_openings, judged_by
from cloud.instants import local, rfc3339
from cloud.jurisdictions.model import Jurisdiction
from sitewarden.messages import Alarm
from sitewarden.rules import HazardProposal
from sitewarden.rules.model import LONGEST_HANDLING_S
from sitewarden.text import Text

OPENING_MODES = frozenset({"live", "drill"})
"""A drill's records are marked, neither reported nor counted; alarms of a test or a replay open none."""


def fingerprint(site: str, device: str, category: Text, family: str, mode: str = "live") -> bytes:
    """Alarms with the same one are the same danger: they share a record while it is open."""
    # What a drill leaves open must never swallow a live alarm.
    parts = (site, device, category.zh, family, *([] if mode == "live" else [mode]))
    # Lengths in front: no two different lists of parts may read as the same bytes.
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).digest()


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm just stored, and what is known around it."""

    site: str
    mode: str
    alarm: Alarm
    episode: StoredEpisode
    device: Text
    """Its name for people."""
    time_zone: str
    limits: Jurisdiction
    """What holds at the site."""
    now_ms: int

    @property
    def now(self) -> dt.datetime:
        """When the cloud takes note of it."""
        return instant(self.now_ms)

    @property
    def is_of_hazards(self) -> bool:
        """Whether a record may be touched by it; no device on trial opens one."""
        if self.mode not in OPENING_MODES or self.alarm.test:
            return False
        return self.alarm.hazard is not None or self.episode.hazard_id is not None

    @property
    def danger(self) -> bytes | None:
        """The fingerprint that it may open a record of; none where its episode has one."""
        proposal = self.alarm.hazard
        if proposal is None or self.episode.hazard_id is not None:
            return None
        return fingerprint(self.site, self.alarm.device, proposal.category, self.alarm.family, self.mode)


def foreseen_danger(site: str, mode: str, alarm: Alarm) -> bytes | None:
    """The fingerprint that an alarm may open a record of, if its episode turns out to have none.

    Only of what has just been raised: what ends mostly has its record.
    """
    if alarm.hazard is None or alarm.change != "raised" or mode not in OPENING_MODES or alarm.test:
        return None
    return fingerprint(site, alarm.device, alarm.hazard.category, alarm.family, mode)


class Followed(NamedTuple):
    """What alarms have done."""

    records: list[Standing]
    """Those that were touched, as they stand now."""
    told: list[Told]
    """What people should hear of, beside the alarms themselves and records that were opened."""


def follow_alarms(
    connection: Connection, heard: Iterable[Heard], foreseen: standing.Foreseen | None = None
) -> Followed:
    """Open records for new episodes, or carry the change into those that they belong to.

    Each alarm is of another episode. A clear that comes before its raise opens a record too: the danger was
    there. `foreseen` is what was asked for when the alarms were on their way into the database.
    """
    concerned = [(one, one.danger) for one in heard if one.is_of_hazards]
    if not concerned:
        return Followed([], [])
    dangers = {danger: one for one, danger in reversed(concerned) if danger is not None}
    if foreseen is None or not foreseen.dangers >= dangers.keys():
        foreseen = None
        standing.hold(connection, dangers)
    taken = standing.taken_over(connection, dangers, foreseen) if dangers else {}
    ids = {one.episode.hazard_id for one, _ in concerned if one.episode.hazard_id is not None}
    known = standing.read(connection, dangers, ids | set(taken.values()), foreseen)
    by_id = {record.id: record for record in known}
    open_ = {record.id: record for record in known if record.row["ended_at"] is None}
    by_danger = {danger: open_[of] for danger, of in taken.items() if of in open_}
    # Its own record goes before the one that it was merged into.
    by_danger |= {record.row["fingerprint"]: record for record in open_.values()}
    missing = {danger: one for danger, one in dangers.items() if danger not in by_danger}
    by_danger |= _opened(connection, missing)
    touched: dict[UUID, tuple[Standing, Heard]] = {}
    for one, danger in concerned:
        record = by_id[_known(one)] if danger is None else by_danger[danger]
        if danger is None:
            _renew_content(record, one)
        else:
            _join(record, one)
        _note_over(record, one)
        touched[record.id] = record, one
    for record, one in touched.values():
        _renew_signal(record, one)
    records = [record for record, _ in touched.values()]
    standing.write(connection, records)
    told = _report(connection, [both for both in touched.values() if both[0].suspected_by is not None])
    return Followed(records, told)


def _report(connection: Connection, suspected: list[tuple[Standing, Heard]]) -> list[Told]:
    """What is suspected major is reported at once and judged sooner; a general one has its clock already."""
    if not suspected:
        return []
    since = [(record.id, _since(one)) for record, one in suspected]
    told = after_openings(connection, since, suspected[0][1].now)
    # Of a record that is opened people are told as such.
    known = [record for record, _ in suspected if not record.is_new]
    return [Told(hazard_id=one.id, seq=one.suspected_by or 0, kind="major") for one in known] + told


def _known(heard: Heard) -> UUID:
    assert heard.episode.hazard_id is not None  # noqa: S101  else it would have a danger to open a record of
    return heard.episode.hazard_id


def _opened(connection: Connection, missing: dict[bytes, Heard]) -> dict[bytes, Standing]:
    """New records of dangers that have no open one; their alarms join them like any other."""
    since = {danger: one.now - _window(one) for danger, one in missing.items()}
    days = [(one.site, local(one.now, one.time_zone).date()) for one in missing.values()]
    past, numbers = standing.begun(connection, since, days)
    return {
        danger: Standing(row=_row(danger, one, number, past.get(danger)), past=past.get(danger))
        for (danger, one), number in zip(missing.items(), numbers, strict=True)
    }


def _window(heard: Heard) -> dt.timedelta:
    """A danger that comes back so soon after its record was closed is a repeat."""
    return dt.timedelta(days=heard.limits.repeat_window_days)


def _row(danger: bytes, heard: Heard, number: str, past: Past | None) -> Row:
    alarm = heard.alarm
    assert alarm.hazard is not None  # noqa: S101  without one it had no danger
    return {
        "id": uuid4(),
        "number": number,
        "site": heard.site,
        "device": alarm.device,
        "category": alarm.hazard.category,
        "family": alarm.family,
        "fingerprint": danger,
        "level": alarm.hazard.level,
        "status": "candidate",
        "content": _content(heard),
        "content_episode": UUID(alarm.episode),
        "potential_accident": alarm.hazard.potential_accident,
        "clause": alarm.hazard.clause,
        "also": alarm.hazard.also,
        "handling_clock_s": _handling_s(alarm.hazard),
        "signal": "active",
        "signal_since": min(heard.episode.raised_at, heard.now),
        "opened_at": heard.now,
        "detected_at": heard.episode.raised_at,
        "episodes": 0,
        "last_episode_at": heard.episode.raised_at,
        "worst_level": alarm.level,
        "mode": heard.mode,
        "version": 0,
        "source": "self",
        "source_detail": "monitoring",
        "report": "not_due",
        "supervision": "none",
        "escalation_step": 0,
        "overdue": False,
        "verified_at": None,
        "ended_at": None,
        "repeat_of": None if past is None else past.last,
        "repeat_no": 0 if past is None else past.repeat_no + 1,
    }


def _join(record: Standing, heard: Heard) -> None:
    """The alarm becomes one of the record's."""
    assert heard.alarm.hazard is not None  # noqa: S101  as above
    is_new = record.head is None
    if is_new and record.row["level"] == "major_proposed":
        record.suspected_by = 1
    clock = _merge(record, heard, heard.alarm.hazard)
    record.episodes.append(UUID(heard.alarm.episode))
    record.stands |= heard.episode.cleared_at is None
    record.append(_event(heard, "opened" if is_new else "episode", _told(record.row, heard, is_new=is_new)))
    if is_new:
        record.clocks["judge"] = judged_by(heard.limits, heard.now)
    times = 0 if record.past is None else record.past.times + 1
    # What comes so often is no accident: somebody should look at its level.
    if is_new and times >= heard.limits.repeats_for_review:
        body = {"times": times, "within_days": heard.limits.repeat_window_days}
        record.append(_event(heard, "level_review", body))
    # Of two clocks the one that ends first: a second alarm gives no second chance.
    if clock is not None and not record.is_clock_over and (record.clock is None or clock < record.clock):
        record.clock = record.clocks["handling"] = clock
        seconds = _handling_s(heard.alarm.hazard)
        record.append(_event(heard, "handling_clock", {"due_at": rfc3339(clock), "seconds": seconds}))


_ABOUT = (
    *("number", "site", "device", "category", "family", "content", "potential_accident", "clause", "also"),
    *("mode", "source", "source_detail", "signal"),
)
"""Of the row, what the first event says too: so nobody can change unseen what a record is about."""


def _told(row: Row, heard: Heard, *, is_new: bool) -> dict[str, Any]:
    alarm = heard.alarm
    body: dict[str, Any] = {
        "episode": alarm.episode,
        "rule": alarm.rule,
        "rule_version": alarm.rule_version,
        "alarm_level": alarm.level,
        "level": row["level"],
        "value": alarm.value,
        "limit": alarm.limit,
    }
    if is_new:
        body |= {name: row[name] for name in _ABOUT}
        body["detected_at"] = rfc3339(row["detected_at"])
        if row["repeat_of"] is not None:
            body |= {"repeat_of": str(row["repeat_of"]), "repeat_no": row["repeat_no"]}
    return body


def _merge(record: Standing, heard: Heard, proposal: HazardProposal) -> dt.datetime | None:
    """Let the worst prevail; returns when the handling clock ends, if the alarm starts one."""
    row, alarm = record.row, heard.alarm
    worse = alarm.level > row["worst_level"]
    # What a person has judged stays so until the danger is worse than anything that he judged by.
    suspects = row["level"] == "general" and proposal.level == "major_proposed"
    suspects = suspects and (row["status"] == "candidate" or worse)
    if suspects:
        record.suspected_by = 1 if record.head is None else record.head[0] + 1
        row["level"] = "major_proposed"
        row["potential_accident"] = proposal.potential_accident
    if row["clause"] is None or (suspects and proposal.clause is not None):
        row |= {"clause": proposal.clause, "also": proposal.also}
    if worse:
        row |= {"content": _content(heard), "content_episode": UUID(alarm.episode)}
    lasts = _handling_s(proposal)
    row["handling_clock_s"] = min(filter(None, (row["handling_clock_s"], lasts)), default=0)
    row["episodes"] += 1
    row["detected_at"] = min(row["detected_at"], heard.episode.raised_at)
    row["last_episode_at"] = max(row["last_episode_at"], heard.episode.raised_at)
    row["worst_level"] = max(row["worst_level"], alarm.level)
    if not lasts or row["level"] != "general":
        return None
    return _since(heard) + dt.timedelta(seconds=lasts)


def _since(heard: Heard) -> dt.datetime:
    """The danger counts from when it was seen, however long the news took; if the gateway knew the time."""
    alarm = heard.alarm
    return instant(min(alarm.raised_at, heard.now_ms) if alarm.clock == "synced" else heard.now_ms)


def _handling_s(proposal: HazardProposal) -> int:
    """How long handling may take; a gateway's number out of bounds is cut, for it may not cost its alarm."""
    return min(proposal.handling_clock_s, LONGEST_HANDLING_S)


def _renew_content(record: Standing, heard: Heard) -> None:
    """Say anew what the record is about, if it is about this episode."""
    if record.row["ended_at"] is None and record.row["content_episode"] == UUID(heard.alarm.episode):
        record.row["content"] = _content(heard)
    record.stands |= heard.episode.cleared_at is None


def _renew_signal(record: Standing, heard: Heard) -> None:
    """Set the signal by the record's alarms; one that comes back sends the record back to be rectified."""
    row = record.row
    if row["ended_at"] is not None and record.stands:
        return
    before = Signalled(row["signal"], row["signal_since"])
    after = by_alarms(before, record.over, stands=record.stands, raised_at=_since(heard), now=heard.now)
    if after == before:
        return
    row |= {"signal": after.signal, "signal_since": after.since}
    # One that came and went while nobody looked was there all the same.
    is_unseen = (before.signal, after.signal) == ("cleared", "cleared")
    body = {"from": before.signal, "to": after.signal, "since": rfc3339(after.since or heard.now)}
    if row["status"] in ("rectified", "reviewed") and (after.signal == "active" or is_unseen):
        row |= {"status": "rectifying", "verified_at": None}
        returned = {"from": before.signal, "episode": heard.alarm.episode}
        record.append(_event(heard, "signal_returned", returned))
        if is_unseen:
            record.append(_event(heard, "signal", {**body, "from": "active"}))
    else:
        record.append(_event(heard, "signal", body))


def _note_over(record: Standing, heard: Heard) -> None:
    """What an alarm that is over says of when the danger was."""
    alarm, cleared_at = heard.alarm, heard.episode.cleared_at
    if cleared_at is None:
        return
    # An alarm that ended because its rule or point is gone says nothing of the danger.
    is_judged = alarm.ended is None
    at = min(cleared_at, heard.now) if alarm.clock == "synced" else None
    record.over.append(Over(at=at, is_judged=is_judged))


def _event(heard: Heard, kind: str, body: dict[str, Any]) -> Event:
    return Event(at=rfc3339(heard.now), actor=MACHINE, kind=kind, body=body)


def _content(heard: Heard) -> Text:
    alarm, episode = heard.alarm, heard.episode
    cleared_at = episode.cleared_at
    return content(
        Facts(
            device=heard.device,
            label=alarm.label,
            kind=alarm.kind,
            value=episode.peak,
            limit=alarm.limit,
            unit=alarm.unit,
            raised_at=local(episode.raised_at, heard.time_zone),
            cleared_at=None if cleared_at is None else local(cleared_at, heard.time_zone),
        )
    )
