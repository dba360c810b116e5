"""Whoever changes history, be it as the database's owner, is named by record and event."""

import datetime as dt

import psycopg
import pytest

from cloud.database import instant
from cloud.hazards.audit import Head, HeadError, read_head, verify
from cloud.hazards.command import lines
from tests.cloud.hazards.people import Somebody
from tests.cloud.hazards.test_handling_clock import alarm
from tests.cloud.site import cleared, now_ms, raised


@pytest.fixture
def filled(site):
    """Two records: one of an alarm that came and went, one with a clock."""
    site.born().deliver(up := raised())
    site.deliver(cleared(up))
    site.deliver(alarm())
    return site


def verdict_of(site, kept=None):
    return verify(site.connection, instant(now_ms() + 600_000), kept)


def tampered(site, statement: str, *parameters) -> None:
    """As the owner, with the triggers off: what no grant and no trigger keeps out."""
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(statement.encode(), parameters)


def found(site) -> list[tuple[str, int | None, str]]:
    return [(one.of[-4:], one.seq, one.what) for one in verdict_of(site).breaks]


def test_what_was_written_holds(filled):
    verdict = verdict_of(filled)
    assert (verdict.records, verdict.events, verdict.breaks) == (2, 4, [])
    assert lines(verdict) == ["2 records, 4 events, 0 signatures: all hold", f"head {verdict.head}"]


@pytest.mark.parametrize(
    ("statement", "seq", "what"),
    [
        ("UPDATE hazard_event SET record = replace(record, '104.2', '94.2') WHERE seq = 1", 1, "breaks the"),
        ("UPDATE hazard_event SET hash = sha256('') WHERE seq = 2", 2, "breaks the chain"),
        ("DELETE FROM hazard_event WHERE seq = 1", 2, "stands where event 1 should"),
        ("DELETE FROM hazard_event WHERE seq = 2", None, "has 1 events, its row says 2"),
        ("UPDATE hazard_event SET at = at - interval '1 day' WHERE seq = 2", 2, "its column at"),
        ("UPDATE hazard_event SET kind = 'opened' WHERE seq = 2", 2, "its column kind"),
        ("UPDATE hazard_event SET status = 'closed' WHERE seq = 2", 2, "status is closed, its events say"),
        ("UPDATE hazard_event SET account_id = 1 WHERE seq = 2", 2, "its column account_id"),
        ("UPDATE hazard SET level = 'major'", None, "level is major, its events say general"),
        ("UPDATE hazard SET overdue = true", None, "overdue is True, its events say False"),
        ("DELETE FROM hazard_event", None, "has no events"),
    ],
)
def test_what_was_changed_is_named(filled, statement, seq, what):
    tampered(filled, statement)
    assert any(place == seq and text.startswith(what) for _, place, text in found(filled)), found(filled)


def test_what_a_person_did_is_checked_with_his_own_key(site, web):
    site.born().deliver(raised())
    hazard = site.value("SELECT id FROM hazard")
    officer = Somebody(web, site.connection, "李四", "enforcement_officer")
    answer = officer.act(hazard, "confirm", level="general", reason="属实")
    assert answer.status_code == 200, answer.text
    officer.client.close()
    verdict = verdict_of(site)
    assert (verdict.breaks, verdict.signatures) == ([], 1)
    tampered(site, "UPDATE hazard_signature SET signature = decode(repeat('00', 64), 'hex')")
    assert [what for _, _, what in found(site)] == ["its signature does not hold"]
    tampered(site, "DELETE FROM hazard_signature")
    assert [what for _, _, what in found(site)] == ["a person did it, and it is not signed"]


def test_only_the_record_that_was_changed_is_named(filled):
    tampered(filled, "UPDATE hazard SET level = 'major' WHERE number LIKE '%%0002'")
    assert {number for number, _, _ in found(filled)} == {"0002"}


def test_a_record_that_was_removed_or_rewritten_whole_is_missed_by_a_head_kept_elsewhere(filled):
    kept = read_head(str(verdict_of(filled).head))
    filled.deliver(raised(family="later"), now=now_ms() + 1_200_000)
    assert verdict_of(filled, kept).breaks == []
    tampered(
        filled, "DELETE FROM hazard_event WHERE hazard_id = (SELECT id FROM hazard ORDER BY number LIMIT 1)"
    )
    tampered(filled, "DELETE FROM hazard WHERE number = (SELECT min(number) FROM hazard)")
    assert [one.ledger for one in verdict_of(filled, kept).breaks] == ["head"]


def test_a_head_is_of_an_instant_at_which_everything_was_committed(site):
    now = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    assert verify(site.connection, now).head.at == dt.datetime(2026, 11, 20, 9, 55, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "x", "2026-11-20T10:00:00Z", "2026-11-20/ab", "yesterday/" + "0" * 64])
def test_what_is_no_head_is_refused(text):
    with pytest.raises(HeadError):
        read_head(text)


def test_a_head_is_read_as_it_was_printed():
    head = Head(dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC), "ab" * 32)
    assert read_head(f" {head}\n") == head
