"""What an alarm does to hazard records."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import msgspec

from cloud.alarms.store import StoredEpisode, link_hazard
from cloud.database import Connection, instant
from cloud.hazards import signal, store
from cloud.hazards.chain import Event
from cloud.hazards.clock import MACHINE, start_clock
from cloud.hazards.content import Facts, content
from cloud.hazards.model import EvidenceSeries
from cloud.instants import local, rfc3339
from cloud.upkeep.holding import hold
from cloud.upkeep.maintenance import in_maintenance
from sitewarden.messages import Alarm
from sitewarden.rules import HazardProposal
from sitewarden.text import Text


def fingerprint(site: str, device: str, category: Text, family: str) -> bytes:
    """Alarms with the same one are the same danger: they share a record while it is open."""
    parts = (site, device, category.zh, family)
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
    now_ms: int


def follow_alarm(connection: Connection, heard: Heard) -> UUID | None:
    """Open a record for a new episode, or carry the change into the record it belongs to; returns the record.

    Only mode live opens records, and no device on trial does. A clear that comes before its raise opens one
    too: the danger was there.
    """
    if (
        heard.mode != "live"
        or heard.alarm.test
        or (heard.alarm.hazard is None and heard.episode.hazard_id is None)
    ):
        return None
    if heard.episode.hazard_id is None and _is_held(connection, heard):
        return None
    if heard.episode.hazard_id is not None:
        hazard_id = heard.episode.hazard_id
        store.renew_content(connection, hazard_id, UUID(heard.alarm.episode), _content(heard))
    else:
        assert heard.alarm.hazard is not None  # noqa: S101  without one and without a record we returned above
        hazard_id = _open_or_join(connection, heard, heard.alarm.hazard)
    signal.follow(connection, hazard_id, heard.now_ms)
    return hazard_id


def _is_held(connection: Connection, heard: Heard) -> bool:
    """Keep an alarm of a device that was being mended when it was raised; it touches no record now."""
    alarm = heard.alarm
    raised_ms = min(alarm.raised_at, heard.now_ms) if alarm.clock == "synced" else heard.now_ms
    maintenance = in_maintenance(connection, heard.site, alarm.device, instant(raised_ms))
    if maintenance is not None:
        hold(connection, maintenance, alarm)
    return maintenance is not None


def _open_or_join(connection: Connection, heard: Heard, proposal: HazardProposal) -> UUID:
    alarm, words = heard.alarm, _content(heard)
    attached = store.attach(
        connection,
        store.Proposed(
            id=uuid4(),
            site=heard.site,
            device=alarm.device,
            family=alarm.family,
            fingerprint=fingerprint(heard.site, alarm.device, proposal.category, alarm.family),
            proposal=proposal,
            alarm_level=alarm.level,
            episode=UUID(alarm.episode),
            raised_at=heard.episode.raised_at,
            opened_at=instant(heard.now_ms),
            content=words,
        ),
    )
    link_hazard(connection, UUID(alarm.episode), attached.id)
    body: dict[str, Any] = {
        "episode": alarm.episode,
        "rule": alarm.rule,
        "rule_version": alarm.rule_version,
        "alarm_level": alarm.level,
        "level": attached.level,
        "value": alarm.value,
        "limit": alarm.limit,
    }
    if attached.is_new:
        day = local(instant(heard.now_ms), heard.time_zone).date()
        body["number"] = store.give_number(connection, attached.id, heard.site, day)
        body["content"] = words
    _append(connection, attached.id, heard, "opened" if attached.is_new else "episode", body)
    if proposal.handling_clock_s and attached.level == "general":
        # The danger counts from when it was seen, however long the news took; if the gateway knew the time.
        since_ms = min(alarm.raised_at, heard.now_ms) if alarm.clock == "synced" else heard.now_ms
        start_clock(
            connection,
            attached.id,
            since_ms=since_ms,
            lasts_s=store.handling_s(proposal),
            now_ms=heard.now_ms,
        )
    return attached.id


def _append(connection: Connection, hazard_id: UUID, heard: Heard, kind: str, body: dict[str, Any]) -> None:
    event = Event(at=rfc3339(instant(heard.now_ms)), actor=MACHINE, kind=kind, body=body)
    store.append_event(connection, hazard_id, event)


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


def evidence_shown(evidence: dict[str, list[dict[str, Any]]]) -> list[EvidenceSeries]:
    """The readings around raise and clear as one series a point; instants that both have are shown once."""
    by_point: dict[str, dict[int, tuple[float | None, str]]] = {}
    for series in [*evidence.get("raised", []), *evidence.get("cleared", [])]:
        rows = by_point.setdefault(series["point"], {})
        rows.update(zip(series["t"], zip(series["x"], series["q"], strict=True), strict=True))
    return [
        EvidenceSeries(
            point=point,
            t=sorted(rows),
            x=[rows[t][0] for t in sorted(rows)],
            q=[rows[t][1] for t in sorted(rows)],
        )
        for point, rows in by_point.items()
    ]
