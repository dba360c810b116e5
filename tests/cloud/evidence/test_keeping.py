"""What the machine puts beside a record by itself, provably and once."""

import hashlib

import msgspec
import psycopg
import pytest

from cloud.evidence.keeping import keep_due
from cloud.evidence.store import evidence_of
from cloud.hazards.chain import Link, first_broken
from tests.cloud.registry.records import CRANE, Registry
from tests.cloud.site import now_ms, raised, readings

MINUTE = 60_000
POINT = "crane-1/load_ratio"


def kept(site, kind: str) -> dict:
    (content,) = site.rows(
        "SELECT content FROM evidence_item JOIN evidence_file USING (sha256) WHERE kind = %s", kind
    )[0]
    return msgspec.json.decode(content)


@pytest.fixture
def opened(site) -> int:
    """When the danger began: the readings before it are here."""
    at = now_ms() - 10 * MINUTE
    site.born().deliver(readings(*[90.0] * 1500, point=POINT, at=at - 5 * MINUTE, step_ms=200))
    site.deliver(raised(at=at, clock="synced"))
    return at


def test_at_once_it_keeps_the_rule_and_the_configuration(site, opened):
    hazard = site.value("SELECT id FROM hazard")
    assert keep_due(site.connection, now_ms()) == [hazard]
    rule = kept(site, "rule")
    assert (rule["alarm"]["rule"], rule["alarm"]["limit"]) == ("crane-load-100", 100.0)
    assert rule["limits_in_force"][0]["limits"][0]["limit"] == 100.0
    assert kept(site, "configuration")["profile"] == "reference-tower-crane"
    assert {item.kind for item in evidence_of(site.connection, hazard)} == {"rule", "configuration"}
    chain = site.rows("SELECT seq, record, prev_hash, hash FROM hazard_event ORDER BY seq")
    assert first_broken(Link(seq=s, record=r, prev_hash=p, hash=h) for s, r, p, h in chain) is None
    told = [msgspec.json.decode(record) for _, record, _, _ in chain]
    hashes = {event["body"]["sha256"] for event in told if event["kind"] == "evidence"}
    assert hashes == {item.sha256 for item in evidence_of(site.connection, hazard)}


def test_the_device_s_file_is_kept_as_it_was_then(web, site):
    Registry(web).make("devices", CRANE)
    site.born().deliver(raised())
    keep_due(site.connection, now_ms())
    file = kept(site, "device_file")["file"]
    assert (file["device"], file["kind"]) == ("crane-1", "crane")


def test_the_readings_are_frozen_once_they_are_all_here_with_what_is_missing(site, opened):
    keep_due(site.connection, opened + 1000)
    soon = opened + 5 * MINUTE + 31_000
    assert keep_due(site.connection, soon) == []
    # A hole of a minute, and what was on its way when the window ended.
    site.deliver(readings(*[104.0] * 1300, point=POINT, at=opened + MINUTE, step_ms=200))
    site.deliver(readings(*[3.0] * 100, at=opened + 5 * MINUTE, step_ms=200))
    keep_due(site.connection, soon + MINUTE)
    series = kept(site, "series")
    by_point = {one["point"]: one for one in series["points"]}
    ratio = by_point[POINT]
    assert len(ratio["t"]) == 1500 + 1200
    assert [round((end - start) / 1000) for start, end in ratio["missing"]] == [58]
    assert by_point["crane-1/load"]["t"] == []
    assert (
        site.value("SELECT about->'missing_s'->>'crane-1/load' FROM evidence_item WHERE kind = 'series'")
        == "600.0"
    )
    assert keep_due(site.connection, soon + 10 * MINUTE) == []


def test_a_gateway_that_is_cut_off_is_waited_for_and_no_longer_than_a_day(site, opened):
    keep_due(site.connection, now_ms())
    hour = 60 * MINUTE
    assert keep_due(site.connection, opened + 3 * hour) == []
    assert len(keep_due(site.connection, opened + 25 * hour)) == 1
    assert kept(site, "series")["points"]


def test_evidence_is_never_changed_or_removed(site, opened):
    keep_due(site.connection, now_ms())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.connection.execute("DELETE FROM evidence_item")
    for statement in (
        "UPDATE evidence_item SET note = 'x'",
        "DELETE FROM evidence_file",
        "TRUNCATE evidence_item",
    ):
        with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            owner.execute(statement)


def test_bytes_that_are_not_what_their_hash_says_are_refused(site):
    with pytest.raises(psycopg.errors.CheckViolation):
        site.connection.execute(
            "INSERT INTO evidence_file VALUES (%s, %s)", [hashlib.sha256(b"a").digest(), b"b"]
        )
