"""Each guard lets through what it should and says what it does not: acts tried on records, purely."""

import datetime as dt

import msgspec
import pytest

from cloud.hazards.guard_words import TERMS, WORDS, unmet
from cloud.hazards.guards import EvidenceItem
from cloud.hazards.transitions import TRANSITIONS, available, fits
from tests.cloud.hazards.lives import (
    CITY,
    CLAUSE,
    COUNTY,
    DAY,
    EVIDENCE,
    FACTS,
    HOUR,
    NOW,
    OFFICER,
    PM,
    SUPERVISOR,
    TWO_PART,
    Cleared,
    asked,
    codes,
    done,
    form,
    life,
    machine,
    opened,
    person,
    tried,
)

replace = msgspec.structs.replace
PRINCIPAL, DIRECTOR = person("enterprise_principal"), person("safety_director")
BOTH = person("enforcement_officer", 50, "project_manager")
"""An officer who is the contractor's man at that site too."""
SUSPECTED = opened(level="major_proposed")
ACTIVE = replace(opened(), signal="active")
OLD = [replace(item, at=NOW - 2 * DAY) for item in EVIDENCE]


def with_(record, name, actor, **fields):
    return done(record, form(name, **fields), actor)


def listed(status="reviewed"):
    record = life("major", "rectifying")
    record = with_(record, "list", CITY, authority_level="city")
    return replace(life("major", status), listings=record.listings, supervision="listed")


def immediate(until="rectified"):
    record = with_(life("general", "confirmed"), "plan", PM, type="immediate", due=NOW + HOUR)
    return record if until == "rectifying" else with_(record, "submit", PM)


def without_cause():
    record = life("major", "reviewed")
    return replace(record, submissions=[replace(record.submissions[0], cause="")])


def stricter_by_below():
    ordered = with_(opened(), "order_control", OFFICER, control="partial_stop")
    return with_(ordered, "order_control", PM, control="stop_work")


def plan_sent_back():
    another = with_(life("major", "rectifying"), "plan", PM)
    return with_(another, "return_plan", SUPERVISOR)


def late():
    return machine(life("general", "rectifying"), "overdue")


CASES = [
    # Judging
    (opened(), "confirm", {}, person("admin"), {}, ["no-part"]),
    (SUSPECTED, "reject", {}, BOTH, {}, ["of-enterprise"]),
    (ACTIVE, "reject", {}, OFFICER, {}, ["signal-active"]),
    (ACTIVE, "reject", {}, OFFICER, {"maintenance": True}, []),
    (with_(opened(), "order_control", COUNTY), "reject", {}, OFFICER, {}, ["control-in-force"]),
    (opened(), "reject", {"evidence": []}, OFFICER, {}, ["evidence-missing"]),
    (opened(), "reject", {"evidence": ["before", "x"]}, OFFICER, {}, ["evidence-unknown"]),
    (opened(), "reject", {}, OFFICER, {"evidence": OLD}, ["evidence-stale"]),
    (SUSPECTED, "confirm", {"level": "general"}, BOTH, {}, ["of-enterprise"]),
    (SUSPECTED, "confirm", {"level": "general"}, OFFICER, {}, []),
    (opened(), "confirm", {"level": "major"}, OFFICER, {}, ["clause-missing"]),
    (opened(), "confirm", {"level": "major", "clause": CLAUSE}, OFFICER, {}, []),
    (opened(), "confirm", {"level": "major", "clause": CLAUSE}, PRINCIPAL, {}, []),
    (
        opened(),
        "confirm",
        {"level": "major", "clause": {"edition": "2024", "id": "99-1"}},
        OFFICER,
        {},
        ["clause-unknown"],
    ),
    (
        opened(detected_at="2021-01-01T00:00:00Z"),
        "confirm",
        {"level": "major", "clause": {"edition": "2022", "id": "8-5"}},
        OFFICER,
        {},
        ["edition-not-in-force"],
    ),
    (opened(), "confirm", {"level": "major", "clause": TWO_PART}, OFFICER, {}, ["handled-missing"]),
    (
        opened(),
        "confirm",
        {"level": "major", "clause": TWO_PART, "handled": {"in_time": True}},
        OFFICER,
        {},
        ["handled-in-time"],
    ),
    (
        opened(),
        "confirm",
        {"level": "major", "clause": TWO_PART, "handled": {"in_time": False}},
        OFFICER,
        {},
        [],
    ),
    (opened(), "merge", {}, OFFICER, {}, ["target-unknown"]),
    (opened(), "merge", {}, OFFICER, {"target": life("general", "closed")}, ["target-ended"]),
    (opened(), "merge", {}, OFFICER, {"target": opened(category="基坑")}, ["target-other"]),
    (opened(), "merge", {}, OFFICER, {"target": opened()}, []),
    (life("general", "rectifying"), "upgrade", {}, PRINCIPAL, {}, ["not-authority"]),
    (with_(life("major", "confirmed"), "downgrade", COUNTY), "downgrade", {}, COUNTY, {}, ["signed-already"]),
    (listed("rectified"), "downgrade", {}, COUNTY, {}, ["listing-level"]),
    # Plan and time
    (
        life("general", "confirmed"),
        "plan",
        {"person": "", "measures": " ", "funds_wan": None, "due": None, "emergency_plan": ""},
        PM,
        {},
        ["element-missing"] * 5,
    ),
    (
        life("general", "confirmed"),
        "plan",
        {"type": "immediate", "due": NOW + HOUR, "funds_wan": None, "emergency_plan": ""},
        PM,
        {},
        [],
    ),
    (
        life("general", "confirmed"),
        "plan",
        {"type": "immediate", "due": NOW + DAY},
        PM,
        {},
        ["due-not-today"],
    ),
    (life("general", "confirmed"), "plan", {"due": NOW}, PM, {}, ["due-past"]),
    (life("general", "confirmed"), "plan", {"due": NOW + 16 * DAY}, PM, {}, ["due-too-far"]),
    (life("major", "confirmed"), "plan", {"due": NOW + 16 * DAY}, PM, {}, []),
    (life("general", "rectifying"), "plan", {"due": NOW + 6 * DAY}, PM, {}, ["due-later-than-agreed"]),
    (plan_sent_back(), "plan", {"due": NOW + 6 * DAY}, PM, {}, ["due-later-than-agreed"]),
    (plan_sent_back(), "plan", {"due": NOW + 5 * DAY}, PM, {}, []),
    (life("major", "confirmed"), "accept_plan", {}, SUPERVISOR, {}, ["no-plan-waiting"]),
    (with_(life("major", "confirmed"), "plan", PM), "accept_plan", {}, PRINCIPAL, {}, ["not-supervision"]),
    (life("general", "rectifying"), "request_extension", {"due": NOW + DAY}, PM, {}, ["extension-not-later"]),
    (
        with_(life("general", "rectifying"), "request_extension", PM),
        "request_extension",
        {},
        PM,
        {},
        ["extension-pending"],
    ),
    (
        replace(life("general", "rectifying"), due_at=NOW),
        "request_extension",
        {},
        PM,
        {},
        ["extension-late"],
    ),
    (life("general", "rectifying"), "grant_extension", {}, SUPERVISOR, {}, ["no-extension-pending"]),
    (
        with_(life("major", "rectifying"), "request_extension", PM),
        "grant_extension",
        {},
        SUPERVISOR,
        {},
        ["not-authority"],
    ),
    # Rectified
    (life("major", "rectifying"), "submit", {"cause": ""}, PM, {}, ["element-missing"]),
    (life("general", "rectifying"), "submit", {"cause": "", "followup_measures": ""}, PM, {}, []),
    (immediate("rectifying"), "submit", {"followup_measures": ""}, PM, {}, ["element-missing"]),
    (life("general", "rectifying"), "submit", {"evidence": ["after"]}, PM, {}, ["evidence-missing"]),
    (
        life("general", "rectifying"),
        "submit",
        {"evidence": ["before", "also"]},
        PM,
        {"evidence": [*EVIDENCE, EvidenceItem(id="also", at=NOW, stage="found")]},
        ["evidence-before-after"],
    ),
    (life("general", "rectifying"), "submit", {"rectified_at": NOW + HOUR}, PM, {}, ["rectified-in-future"]),
    (life("general", "rectifying"), "submit", {}, PM, {"clearance": Cleared(met=False)}, ["not-cleared"]),
    (life("general", "rectifying"), "submit", {}, PM, {"clearance": None}, ["not-cleared"]),
    (replace(life("general", "rectifying"), signal="unknown"), "submit", {}, PM, {}, ["signal-unknown"]),
    (replace(life("general", "rectifying"), signal="none"), "submit", {}, PM, {"clearance": None}, []),
    # Reviewed
    (
        life("general", "rectified"),
        "pass_review",
        {},
        replace(SUPERVISOR, account=PM.account),
        {},
        ["reviewer-is-submitter"],
    ),
    (
        life("general", "rectified"),
        "pass_review",
        {},
        replace(SUPERVISOR, name="王五"),
        {},
        ["reviewer-is-responsible"],
    ),
    (life("general", "rectified"), "pass_review", {}, DIRECTOR, {}, ["contractor-reviews-immediate-only"]),
    (immediate(), "pass_review", {}, DIRECTOR, {}, []),
    (life("major", "rectified"), "pass_review", {}, OFFICER, {}, ["supervision-first"]),
    (
        with_(life("major", "rectified"), "pass_review", SUPERVISOR),
        "pass_review",
        {},
        BOTH,
        {},
        ["of-enterprise"],
    ),
    (
        with_(life("major", "rectified"), "pass_review", SUPERVISOR),
        "pass_review",
        {},
        person("supervision_engineer", 60),
        {},
        ["passed-already"],
    ),
    (
        with_(life("major", "rectified"), "pass_review", SUPERVISOR, onsite=False),
        "pass_review",
        {"onsite": False},
        OFFICER,
        {},
        ["nobody-onsite"],
    ),
    (
        life("general", "rectified"),
        "pass_review",
        {},
        SUPERVISOR,
        {"clearance": Cleared(met=False)},
        ["not-cleared"],
    ),
    (life("general", "rectified"), "fail_review", {"evidence": []}, SUPERVISOR, {}, ["evidence-missing"]),
    # Closed
    (
        life("general", "reviewed"),
        "close",
        {"document": ""},
        replace(COUNTY, account=PM.account),
        {},
        ["closer-is-submitter"],
    ),
    (life("general", "reviewed"), "close", {"document": ""}, COUNTY, {}, []),
    (life("major", "reviewed"), "close", {"document": ""}, COUNTY, {}, ["element-missing"]),
    (life("major", "reviewed"), "close", {}, CITY, {}, ["not-responsible-authority"]),
    (listed(), "close", {}, COUNTY, {}, ["listing-level"]),
    (listed(), "close", {}, CITY, {}, []),
    (
        replace(life("general", "reviewed"), level="major_proposed"),
        "close",
        {},
        COUNTY,
        {},
        ["not-judged", "reviews-incomplete"],
    ),
    (replace(life("general", "reviewed"), signal="unknown"), "close", {}, COUNTY, {}, ["signal-unknown"]),
    (with_(life("general", "reviewed"), "order_control", PM), "close", {}, COUNTY, {}, ["control-in-force"]),
    (life("general", "reviewed"), "close", {}, COUNTY, {"open_tasks": 1}, ["tasks-open"]),
    (life("general", "closed"), "reopen", {}, DIRECTOR, {}, ["not-outside"]),
    # Supervision, orders, escalation
    (life("major", "rectifying"), "list", {"authority_level": "city"}, COUNTY, {}, ["rank-too-low"]),
    (listed("rectified"), "list", {}, CITY, {}, ["already-listed"]),
    (life("major", "closed"), "delist", {}, COUNTY, {}, ["not-listed"]),
    (life("general", "rectifying"), "mark_refused", {}, OFFICER, {}, ["not-overdue"]),
    (late(), "mark_refused", {}, OFFICER, {}, ["nothing-served"]),
    (with_(late(), "acknowledge", PRINCIPAL), "mark_refused", {}, OFFICER, {}, []),
    (with_(late(), "acknowledge", PRINCIPAL), "acknowledge", {}, PRINCIPAL, {}, ["acknowledged-already"]),
    (
        with_(opened(), "order_control", OFFICER),
        "order_control",
        {"control": "partial_stop"},
        OFFICER,
        {},
        ["control-not-stricter"],
    ),
    (with_(opened(), "order_control", OFFICER), "lift_control", {}, PM, {}, ["order-of-another"]),
    (with_(opened(), "order_control", PM), "lift_control", {}, OFFICER, {}, []),
    (stricter_by_below(), "lift_control", {}, PM, {}, ["order-of-another"]),
    (stricter_by_below(), "lift_control", {}, OFFICER, {}, []),
    (opened(), "lift_control", {}, OFFICER, {}, ["no-control"]),
    (life("major", "rectifying"), "take_step", {}, OFFICER, {}, ["rank-too-low"]),
    (life("major", "rectifying"), "take_step", {"step": 4}, COUNTY, {}, ["rank-too-low"]),
    (with_(life("major", "rectifying"), "take_step", COUNTY), "take_step", {}, COUNTY, {}, ["step-taken"]),
    (
        with_(with_(late(), "acknowledge", PRINCIPAL), "mark_refused", OFFICER),
        "mark_refused",
        {},
        OFFICER,
        {},
        ["refused-already"],
    ),
    (
        with_(life("general", "rectifying"), "request_extension", PM),
        "grant_extension",
        {},
        replace(SUPERVISOR, account=PM.account),
        {},
        ["decides-own-request"],
    ),
    (replace(life("general", "rectifying"), level="major"), "submit", {}, PM, {}, ["plan-not-accepted"]),
    (replace(life("general", "rectifying"), plan=None), "submit", {}, PM, {}, ["no-plan"]),
    (without_cause(), "close", {}, COUNTY, {}, ["cause-missing"]),
    (life("major", "rectifying"), "postpone_step", {}, OFFICER, {}, ["no-step-proposed"]),
]


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=[f"{name}-{'-'.join(expected) or 'fine'}-{n}" for n, (_, name, *_, expected) in enumerate(CASES)],
)
def test_what_is_unmet_is_said(case):
    record, name, fields, actor, facts, expected = case
    assert fits(record, name)
    choice = tried(record, form(name, **fields), actor, facts=replace(FACTS, **facts))
    assert choice.permitted
    assert sorted(codes(choice)) == sorted(expected)


def test_an_extension_is_granted_only_so_often():
    record, now = life("general", "rectifying"), NOW
    for n in (6, 7):
        record = with_(record, "request_extension", PM, due=NOW + n * DAY)
        record = done(record, form("grant_extension"), SUPERVISOR, now=now)
    assert (record.due_at, record.due_original) == (NOW + 7 * DAY, NOW + 5 * DAY)
    assert codes(tried(record, form("request_extension"), PM)) == ["extensions-used"]


def test_a_person_acts_in_the_role_that_lacks_least():
    many = [person("supervision_engineer", 1, "safety_director"), person("safety_director", 1)]
    choice = tried(life("general", "rectified"), form("pass_review"), *many)
    assert choice.actor is many[0]
    assert choice.unmet == []


def test_every_condition_has_words_in_both_languages_and_is_tried_here():
    tried_here = {code for *_, expected in CASES for code in expected} | {
        "extensions-used",
        "decides-own-request",
    }
    tried_here |= {"refused-already", "plan-not-accepted", "no-plan", "cause-missing"}
    assert set(WORDS) == tried_here
    for code, words in WORDS.items():
        assert words.zh, code
        assert words.en, code
    for word in TERMS.values():
        assert word.zh != word.en


def test_words_name_what_they_speak_of_in_their_own_language():
    found = unmet("listing-level", level="city")
    assert "市级主管部门" in found.text.zh
    assert "the prefecture authority" in found.text.en
    assert found.values == {"level": "city"}


def test_what_one_could_do_is_listed_without_a_form():
    found = {one.act: one for one in available(asked(life("major", "reviewed"), COUNTY))}
    assert found["close"].permitted
    assert found["close"].unmet == []
    assert "reject" not in found
    assert all(name in TRANSITIONS for name in found)


def test_a_day_ends_where_the_site_is():
    evening = dt.datetime(2026, 11, 27, 15, 30, tzinfo=dt.UTC)
    record, plan = life("general", "confirmed"), form("plan", type="immediate", due=evening + HOUR)
    assert codes(tried(record, plan, PM, now=evening)) == ["due-not-today"]
