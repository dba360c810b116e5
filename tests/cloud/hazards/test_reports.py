"""By when a major hazard is reported, and what of it the pages show."""

import datetime as dt
import hashlib
import uuid

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.accounts.permissions import COOKIE
from cloud.hazards.around import Around
from cloud.hazards.chain import canonical
from cloud.hazards.reporting import Report, report_due, state_after
from cloud.jurisdictions.loading import jurisdiction
from sitewarden.rules.model import Clause
from sitewarden.text import Text
from tests.cloud.hazards.people import Somebody
from tests.cloud.site import PROPOSAL, now_ms, raised
from tests.cloud.web.serving import new_account, new_session

NOON = dt.datetime(2026, 3, 10, 4, tzinfo=dt.UTC)
WORDS = Text("某", "one")
RECORD = Around(
    id=uuid.UUID(int=1),
    number="demo-20260310-0001",
    site="demo",
    site_name=WORDS,
    time_zone="Asia/Shanghai",
    device="crane-1",
    location="",
    mode="live",
    category=WORDS,
    content=WORDS,
    potential_accident=WORDS,
    clause=None,
    status="candidate",
    level="major_proposed",
    report="not_due",
    report_due_at=None,
    supervision="none",
    escalation_step=0,
    escalation_proposed=None,
    overdue=False,
    refused=False,
    due_at=None,
    detected_at=NOON,
    opened_at=NOON,
    ended_at=None,
    signal="active",
    worst_level=4,
    source="self",
    enterprise=None,
    authority=None,
    failed_reviews=0,
    limits=jurisdiction(),
)
MOMENTS = st.integers(0, 6 * 365 * 86_400).map(lambda seconds: NOON + dt.timedelta(seconds=seconds))
ZONES = st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin", "America/New_York"])


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(MOMENTS, min_size=1, max_size=6),
    zone=ZONES,
    states=st.lists(
        st.sampled_from(["due", "provisional", "reported", "reported_late"]), min_size=6, max_size=6
    ),
)
def test_while_a_report_is_owed_the_time_for_it_never_moves_to_later(moments, zone, states):
    record = msgspec.structs.replace(RECORD, time_zone=zone)
    for since, state in zip(moments, states, strict=False):
        due = report_due(record, since)
        assert record.report_due_at is None or due <= record.report_due_at
        record = msgspec.structs.replace(record, report=state, report_due_at=due)


@settings(max_examples=40, deadline=None)
@given(since=MOMENTS, zone=ZONES)
def test_the_time_is_over_when_the_day_is(since, zone):
    due = report_due(msgspec.structs.replace(RECORD, time_zone=zone), since)
    assert dt.timedelta(0) < due - since <= dt.timedelta(hours=25)


def test_the_first_report_decides_whether_it_was_in_time():
    late = Report(
        kind="formal", no=2, addressee=None, due_at=NOON, sent_at=NOON + dt.timedelta(days=1), body={}
    )
    assert state_after(late, first_was_late=False) == "reported"
    assert state_after(late, first_was_late=True) == "reported_late"
    assert state_after(late, first_was_late=None) == "reported_late"


def test_the_page_shows_exactly_what_went_out_and_to_nobody_else(web, site):
    site.born()
    major = msgspec.structs.replace(PROPOSAL, level="major_proposed")
    site.deliver(raised(at=now_ms(), hazard=major))
    hazard = web.get("/sites/demo/hazards").json()["items"][0]["id"]
    (shown,) = web.get(f"/hazards/{hazard}/reports").json()["items"]
    assert (shown["kind"], shown["no"], shown["late"]) == ("provisional", 1, False)
    assert hashlib.sha256(canonical(shown["body"]).encode()).hexdigest() == shown["sha256"]
    stranger = new_account(site.connection, "外人", "viewer", site="demo", devices=["crane-2"])
    web.client.cookies.clear()
    web.client.cookies.set(COOKIE, new_session(site.connection, stranger))
    assert web.get(f"/hazards/{hazard}/reports").status_code == 404


def test_confirming_it_over_http_reports_it_formally_and_tells(web, site):
    """The inspector signs; the same transaction reports, proposes the listing, and makes the notices."""
    given = {"name": "值班群", "kind": "webhook", "site": "demo", "url": "https://robot.example.com/hook"}
    assert web.post("/channels", json={**given, "language": "zh", "lowest": 4}).status_code == 201
    clause = Clause(edition="2024", id="8-4", text="安全装置失效")
    site.born()
    site.deliver(raised(hazard=msgspec.structs.replace(PROPOSAL, level="major_proposed", clause=clause)))
    hazard = site.value("SELECT id FROM hazard")
    officer = Somebody(web, site.connection, "监管员", "county_authority")
    named = {"edition": "2024", "id": "8-4"}
    answer = officer.act(hazard, "confirm", level="major", reason="限制器失效", clause=named)
    assert answer.status_code == 200, answer.text
    shown = officer.client.get(f"hazards/{hazard}/reports").json()["items"]
    assert [one["kind"] for one in shown] == ["provisional", "formal"]
    assert shown[1]["body"]["verified"] is True
    record = answer.json()["record"]
    assert (record["report"], record["supervision"]) == ("reported", "proposed")
    told = {kind for (kind,) in site.rows("SELECT kind FROM notice")}
    assert {"report", "listing"} <= told
    officer.client.close()
