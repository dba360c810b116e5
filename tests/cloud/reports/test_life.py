"""A report from draft to receipt: made by itself, approved by a person, put right by a further version."""

import datetime as dt

import psycopg
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.database import milliseconds
from cloud.notices.opening import Telling
from cloud.reports.due import make_due, remind, turn
from tests.cloud.hazards.people import signer_of
from tests.cloud.registry.records import problem
from tests.cloud.reports.past import CAMPAIGN, MAJOR, Past, golden, on
from tests.cloud.web.serving import PASSWORD, new_session

SIGNED = {"signature": {"password": PASSWORD}}
ZONE = "Asia/Shanghai"


@pytest.fixture
def past(site) -> Past:
    return Past(site.connection)


def become(web, past, role: str) -> None:
    account = past.people[role]
    web.client.cookies.set(COOKIE, new_session(past.connection, account))


@pytest.fixture
def authority(web, past):
    """Signed in as the prefecture's authority, which can sign."""
    signer_of(past.connection, past.people["city_authority"])
    become(web, past, "city_authority")
    return web


def made(web, past, kind: str = "appendix_1", day: str = "2023-07-01", **more) -> dict:
    given = {"kind": kind, "node": past.prefecture, "campaign": CAMPAIGN, "cut_off": day, **more}
    answer = web.post("/reports", json=given)
    assert answer.status_code == 201, answer.text
    return answer.json()


def done(web, report: dict, what: str, **given):
    headers = {"If-Match": f'"{report["seq"]}"'}
    return web.post(f"/reports/{report['report']}/{what}", json=given, headers=headers)


def approved(web, report: dict) -> dict:
    answer = done(web, report, "approve", version=report["versions"], **SIGNED)
    assert answer.status_code == 200, answer.text
    return answer.json()


def written(report: dict) -> dict[str, str]:
    return {cell["cell"]: cell["written"] for group in report["shown"]["groups"] for cell in group["cells"]}


def test_a_person_approves_it_with_his_signature_and_says_who_took_it(authority, past):
    golden(past)
    report = made(authority, past)
    assert (report["status"], report["shown"]["title"][:3]) == ("draft", "昌吉州")
    assert written(report)["a3"] == "3（州 1／县 2）"
    refused = done(authority, report, "sent", version=1, way="paper", to="省厅", **SIGNED)
    assert problem(refused)[1] == "not-approved"
    report = approved(authority, report)
    assert [event["kind"] for event in report["events"]] == ["made", "approved"]
    assert [event["is_signed"] for event in report["events"]] == [False, True]
    sent = {"version": 1, "way": "paper", "to": "自治区厅", "receipt": "收文〔2023〕7号", **SIGNED}
    report = done(authority, report, "sent", **sent).json()
    assert (report["status"], report["events"][-1]["body"]["receipt"]) == ("sent", "收文〔2023〕7号")


def test_what_was_approved_stays_and_a_correction_says_what_it_puts_right(authority, past):
    golden(past)
    report = approved(authority, made(authority, past))
    first = report["shown"]["sha256"]
    assert problem(done(authority, report, "versions"))[1] == "words-missing"
    late = past.hazard("h12", on("06-29", "08:00")).act("confirm", on("06-29"), **MAJOR)
    report = done(authority, report, "versions", words="补报甲县漏报的 1 项").json()
    assert (report["status"], report["versions"], report["shown"]["words"]) == (
        "draft",
        2,
        "补报甲县漏报的 1 项",
    )
    assert report["shown"]["changed"] == ["a1"]
    assert str(late.id) in report["shown"]["groups"][0]["cells"][0]["records"]
    before = authority.get(f"/reports/{report['report']}?version=1").json()
    assert (before["shown"]["sha256"], written(before)["a1"]) == (first, "3")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        past.connection.execute("UPDATE report_version SET words = ''")


def test_numbers_that_contradict_the_report_before_are_not_approved_without_words(authority, past):
    found = golden(past)
    approved(authority, made(authority, past))
    for name in ("h2", "h8"):
        found[name].act("downgrade", on("07-10"), "city_authority").act("downgrade", on("07-11"))
    report = made(authority, past, day="2023-08-01")
    assert [one["code"] for one in report["shown"]["checks"] if not one["ok"]] == ["cumulative"]
    answer = done(authority, report, "approve", version=1, **SIGNED)
    assert problem(answer)[1] == "checks-failed"
    explained = done(authority, report, "versions", words="h2、h8 经复核降为一般隐患").json()
    assert approved(authority, explained)["status"] == "approved"


def test_of_a_newer_version_and_of_a_changed_one_nothing_is_approved(authority, past):
    report = made(authority, past)
    newer = done(authority, report, "versions").json()
    answer = done(authority, report, "approve", version=1, **SIGNED)
    assert problem(answer)[1] == "changed-meanwhile"
    answer = done(authority, newer, "approve", version=1, **SIGNED)
    assert problem(answer)[1] == "not-the-last"


def test_a_report_of_elsewhere_is_not_there(web, authority, past):
    report = made(authority, past)
    assert made(authority, past, kind="appendix_2")["shown"]["columns"][9]["text"] == "整改措施"
    become(web, past, "county_authority")
    assert web.get(f"/reports/{report['report']}").status_code == 404
    assert web.get("/reports").json()["items"] == []
    answer = web.post(
        "/reports",
        json={"kind": "appendix_1", "node": past.other, "campaign": CAMPAIGN, "cut_off": "2023-07-01"},
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("now", "cut_off", "final"),
    [
        (on("06-30", "07:59"), None, False),
        (on("06-30", "08:00"), on("07-01", "00:00"), False),
        (on("07-01", "00:04"), on("07-01", "00:00"), False),
        (on("07-01", "00:05"), on("07-01", "00:00"), True),
        (on("07-06", "12:00"), on("07-01", "00:00"), True),
        (on("07-15", "12:00"), None, False),
    ],
    ids=str,
)
def test_a_return_is_drafted_on_the_last_day_and_final_once_it_is_over(now, cut_off, final):
    its = turn(now, 1, ZONE)
    assert (None if its is None else its.cut_off) == cut_off
    assert its is None or (its.stage_at > its.cut_off) is final


def due(past, at: dt.datetime) -> list[int]:
    return sorted(kept.version for kept in make_due(past.connection, milliseconds(at)))


def test_every_authority_of_a_campaign_gets_its_tables_and_its_monthly_report_once(authority, past):
    golden(past)
    nine = [1] * 9
    assert due(past, on("06-30", "08:00")) == nine, "three of each, of the prefecture and both counties"
    assert due(past, on("06-30", "20:00")) == []
    assert due(past, on("07-01", "00:05")) == [2] * 9
    assert due(past, on("07-01", "00:06")) == []
    days = authority.get("/reports").json()["items"]
    assert {row["preliminary"] for row in days} == {False}
    assert {row["due_at"] for row in days} == {"2023-07-01T16:00:00.000Z"}
    (report,) = [row for row in days if row["kind"] == "appendix_1" and row["node"] == past.prefecture]
    assert written(authority.get(f"/reports/{report['report']}").json())["a1"] == "3"


def test_what_a_kill_kept_from_being_made_is_made_with_the_next_look(past):
    assert due(past, on("07-01", "00:05")) == [1] * 9
    newer = past.connection.execute("SELECT count(*) FROM report_version").fetchone()[0]
    assert due(past, on("07-01", "09:00")) == []
    assert past.connection.execute("SELECT count(*) FROM report_version").fetchone()[0] == newer


def test_what_is_not_sent_when_it_is_due_is_late_for_good(authority, past, settings):
    due(past, on("07-01", "00:05"))

    def late(at: dt.datetime) -> set[tuple[int, bool]]:
        telling = Telling(settings=settings, sites={}, now_ms=milliseconds(at))
        remind(past.connection, telling, milliseconds(at))
        return set(past.connection.execute("SELECT reminded, late FROM report").fetchall())

    assert late(on("07-01", "00:05")) == {(1, False)}
    assert late(on("07-01", "08:00")) == {(2, False)}
    assert late(on("07-01", "23:59")) == {(2, False)}
    assert late(on("07-02", "00:00")) == {(3, True)}
