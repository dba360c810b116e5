"""What events come to: the states of a record, one after another."""

import msgspec
import pytest

from cloud.hazards.record import Person, Record, Said, apply
from tests.cloud.hazards.lives import (
    CLAUSE,
    COUNTY,
    DAY,
    NOW,
    OFFICER,
    PM,
    SUPERVISOR,
    done,
    form,
    life,
    machine,
    opened,
    person,
)


@pytest.mark.parametrize("level", ["general", "major"])
def test_a_record_goes_from_candidate_to_closed(level):
    record = life(level, "closed")
    assert record.level == level
    assert record.verified_at == record.closed_at == NOW
    assert [review.by.side for review in record.reviews] == ["supervision", "authority"][
        : len(record.reviews)
    ]
    assert len(record.reviews) == (2 if level == "major" else 1)


def test_one_review_of_two_is_not_enough():
    record = done(life("major", "rectified"), form("pass_review"), SUPERVISOR)
    assert record.status == "rectified"
    assert record.verified_at is None


def test_a_failed_review_sends_it_back_and_the_next_submission_is_reviewed_anew():
    record = done(life("major", "rectified"), form("pass_review"), SUPERVISOR)
    record = done(record, form("fail_review"), OFFICER)
    assert record.status == "rectifying"
    assert record.failed_reviews == 1
    record = done(record, form("submit"), PM)
    assert record.round_reviews == []


@pytest.mark.parametrize("status", ["rectified", "reviewed"])
def test_a_signal_that_returns_undoes_the_verification(status):
    record = machine(life("general", status), "signal_returned")
    assert (record.status, record.signal, record.verified_at) == ("rectifying", "active", None)


def test_a_reopened_record_is_open_again_and_its_plan_may_be_made_anew():
    later = NOW + 40 * DAY
    record = done(life("general", "closed"), form("reopen"), SUPERVISOR, now=later)
    assert (record.status, record.closed_at, record.ended_at, record.verified_at) == (
        "rectifying",
        None,
        None,
        None,
    )
    record = done(record, form("plan", due=later + DAY), PM, now=later)
    assert record.due_at == later + DAY
    assert record.due_original == NOW + 5 * DAY


def test_a_general_hazard_that_turns_out_major_is_asked_everything_that_a_major_one_is():
    record = done(life("general", "reviewed"), form("upgrade"), OFFICER)
    assert (record.level, record.status, record.verified_at) == ("major", "rectifying", None)


def test_a_downgrade_takes_two_persons_or_an_expert():
    record = done(life("major", "rectifying"), form("downgrade"), COUNTY)
    assert record.level == "major"
    assert done(record, form("downgrade"), person("county_authority", 99)).level == "general"
    record = done(life("major", "rectifying"), form("opinion"), person("expert"))
    assert done(record, form("downgrade"), COUNTY).level == "general"


def test_an_expert_who_calls_it_major_signs_no_downgrade():
    record = done(life("major", "rectifying"), form("opinion", reason_code="is_major"), person("expert"))
    assert done(record, form("downgrade"), COUNTY).level == "major"


@pytest.mark.parametrize("status", ["rectified", "reviewed"])
def test_what_became_suspected_after_it_was_rectified_is_not_closed_without_an_accepted_plan(status):
    record = machine(life("general", status), "handling_expired")
    record = done(record, form("upgrade"), OFFICER)
    assert (record.level, record.status, record.verified_at) == ("major", "rectifying", None)


def test_an_order_over_the_work_goes_with_a_merged_record():
    merged = done(opened(), form("order_control"), COUNTY)
    orders = msgspec.to_builtins(merged.standing_orders)
    record = done(life("general", "reviewed"), form("order_control", control="partial_stop"), PM)
    record = machine(record, "absorbed", hazard="x", orders=orders, is_sent_back=True)
    assert (record.control, record.status, record.verified_at) == ("stop_work", "rectifying", None)
    assert [order.by.side for order in record.standing_orders] == ["contractor", "authority"]


def test_what_is_absorbed_makes_it_no_milder_and_no_later():
    earlier = "2026-11-20T00:00:00.000Z"
    record = machine(
        life("general", "confirmed"),
        "absorbed",
        hazard="x",
        level="major_proposed",
        detected_at=earlier,
        episodes=3,
    )
    assert record.level == "major_proposed"
    assert record.detected_at.day == 20
    assert record.episodes == 4


def test_the_machine_says_what_it_keeps_in_any_event():
    record = machine(
        opened(), "report", state={"report": "provisional", "report_due_at": "2026-11-27T16:00:00Z"}
    )
    assert record.report == "provisional"
    assert record.report_due_at > NOW


def test_an_event_of_a_newer_version_only_counts():
    record = life("general", "confirmed")
    assert machine(record, "something_new", x=1) == apply(record, _counted(record))


def _counted(record):
    return Said(seq=record.seq + 1, at=NOW, kind="noted", body={})


def test_an_inspector_s_own_finding_is_confirmed_at_once():
    by = Person(account=1, name="李", role="enforcement_officer", side="authority")
    body = {"site": "demo", "status": "confirmed", "level": "major", "clause": CLAUSE, "reason": "现场检查"}
    record = apply(Record(), Said(seq=1, at=NOW, kind="filed", body=body, by=by))
    assert (record.status, record.level, record.signal) == ("confirmed", "major", "none")
    assert record.judgement.by == by
