"""A report from draft to receipt: made by itself, approved by a person, put right by a further version."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.types.json import Jsonb

from cloud.accounts.permissions import COOKIE
from cloud.database import milliseconds
from cloud.notices.opening import Telling
from cloud.reports.due import make_due, remind, turn
from tests.cloud.hazards.people import signer_of
from tests.cloud.registry.records import problem
from tests.cloud.reports.past import CAMPAIGN, MAJOR, Past, golden, on
from tests.cloud.web.serving import PASSWORD, changing, new_session

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
    for name in ("city_authority", "second"):
        signer_of(past.connection, past.people[name])
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


def by_another(web, past, report: dict, version: int):
    """The answer to who has not made it and approves it."""
    become(web, past, "second")
    answer = done(web, report, "approve", version=version, **SIGNED)
    become(web, past, "city_authority")
    return answer


def approved(web, past, report: dict) -> dict:
    answer = by_another(web, past, report, report["versions"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def written(report: dict) -> dict[str, str]:
    return {cell["cell"]: cell["written"] for group in report["shown"]["groups"] for cell in group["cells"]}


def test_a_person_approves_it_with_his_signature_and_says_who_took_it(authority, past):
    golden(past)
    report = made(authority, past)
    assert (report["status"], report["shown"]["title"][:3]) == ("draft", "昌吉州")
    assert written(report)["a3"] == "3（州 1／县 2）"
    assert problem(done(authority, report, "approve", version=1, **SIGNED))[1] == "own-version"
    refused = done(authority, report, "sent", version=1, way="paper", to="省厅", **SIGNED)
    assert problem(refused)[1] == "not-approved"
    report = approved(authority, past, report)
    assert [event["kind"] for event in report["events"]] == ["made", "approved"]
    assert [event["is_signed"] for event in report["events"]] == [False, True]
    sent = {"version": 1, "way": "paper", "to": "自治区厅", "receipt": "收文〔2023〕7号", **SIGNED}
    report = done(authority, report, "sent", **sent).json()
    assert (report["status"], report["events"][-1]["body"]["receipt"]) == ("sent", "收文〔2023〕7号")


def test_what_was_approved_stays_and_a_correction_says_what_it_puts_right(authority, past):
    golden(past)
    report = approved(authority, past, made(authority, past))
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
    behind = authority.get(f"/reports/{report['report']}/records", params={"cell": "a1"}).json()["items"]
    assert str(late.id) in {one["id"] for one in behind}
    before = authority.get(f"/reports/{report['report']}?version=1").json()
    assert (before["shown"]["sha256"], written(before)["a1"]) == (first, "3")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        past.connection.execute("UPDATE report_version SET words = ''")


def test_numbers_that_contradict_the_report_before_are_not_approved_without_words(authority, past):
    found = golden(past)
    approved(authority, past, made(authority, past))
    for name in ("h2", "h8"):
        found[name].act("downgrade", on("07-10"), "city_authority").act("downgrade", on("07-11"))
    report = made(authority, past, day="2023-08-01")
    assert [one["code"] for one in report["shown"]["checks"] if not one["ok"]] == ["cumulative"]
    assert problem(by_another(authority, past, report, 1))[1] == "checks-failed"
    explained = done(authority, report, "versions", words="h2、h8 经复核降为一般隐患").json()
    assert approved(authority, past, explained)["status"] == "approved"


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
        (on("07-01", "00:04"), None, False),
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


def strict(past) -> None:
    """Of a campaign whose returns are wanted before the month is over."""
    past.connection.execute("UPDATE campaign SET changes = %s", [Jsonb({"strict": True})])


def test_a_forecast_that_was_approved_is_counted_again_and_says_so(authority, past):
    strict(past)
    assert due(past, on("06-30", "23:50")) == [1] * 9
    assert due(past, on("06-30", "23:59")) == []
    forecast = next(
        row
        for row in authority.get("/reports").json()["items"]
        if row["kind"] == "appendix_1" and row["node"] == past.prefecture
    )
    report = authority.get(f"/reports/{forecast['report']}").json()
    assert report["preliminary"]
    assert report["due_at"] == report["cut_off"]
    report = approved(authority, past, report)
    assert due(past, on("07-01", "00:01")) == [], "for the final one it is too early"
    assert due(past, on("07-01", "00:05")) == [2] * 9
    report = authority.get(f"/reports/{forecast['report']}").json()
    assert (report["status"], report["preliminary"], report["approved"]) == ("draft", False, 1)
    assert "预报" in report["shown"]["words"]
    assert due(past, on("07-01", "00:06")) == []


def test_words_of_a_program_explain_no_contradiction(authority, past):
    found = golden(past)
    approved(authority, past, made(authority, past))
    for name in ("h2", "h8"):
        found[name].act("downgrade", on("07-10"), "city_authority").act("downgrade", on("07-11"))
    strict(past)
    due(past, on("07-31", "23:50"))
    (report,) = [
        row
        for row in authority.get("/reports").json()["items"]
        if (row["kind"], row["node"]) == ("appendix_1", past.prefecture) and row["preliminary"]
    ]
    past.connection.execute("UPDATE report SET approved = 1 WHERE report = %s", [report["report"]])
    due(past, on("08-01", "00:05"))
    report = authority.get(f"/reports/{report['report']}").json()
    assert report["shown"]["words"]
    assert problem(by_another(authority, past, report, report["versions"]))[1] == "checks-failed"


def test_two_programs_that_look_at_once_make_a_return_once(past):
    ours, theirs = past.connection, psycopg.connect(past.connection.info.dsn, autocommit=True)
    at = milliseconds(on("07-01", "00:05"))
    with theirs, ThreadPoolExecutor(2) as pool:
        both = [pool.submit(make_due, connection, at) for connection in (ours, theirs)]
        assert sum(len(one.result()) for one in both) == 9
    assert ours.execute("SELECT count(*), max(version) FROM report_version").fetchone() == (9, 1)


def test_a_campaign_that_cannot_be_read_keeps_no_other_from_being_reported_for(past):
    past.connection.execute(
        "INSERT INTO campaign (campaign, node, template, changes, made_at, author)"
        " VALUES (%s, %s, %s, %s, now(), 'test')",
        ["a-broken-one", past.prefecture, CAMPAIGN, Jsonb({"since": "2023-02-30"})],
    )
    assert due(past, on("07-01", "00:05")) == [1] * 9


@pytest.mark.parametrize(
    "changes",
    [
        {"since": "2023-02-30"},
        {"since": "0001-01-01"},
        {"until": "2022-01-01"},
        {"titles": {"appendix_1": "a\x00b"}},
        {"since": 5},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_a_campaign_of_which_nothing_could_be_counted_is_not_entered(authority, past, changes):
    given = {"campaign": "ours", "node": past.prefecture, "template": CAMPAIGN, "changes": changes}
    answer = authority.post("/campaigns", json=given)
    assert (answer.status_code, problem(answer)[1]) == (422, "invalid")
    assert [one["campaign"] for one in authority.get("/reports/choices").json()["campaigns"]] == [CAMPAIGN]


def test_a_campaign_is_entered_once(authority, past):
    given = {"campaign": "ours", "node": past.prefecture, "template": CAMPAIGN}
    assert authority.post("/campaigns", json=given).status_code == 201
    assert authority.post("/campaigns", json=given).status_code == 409
    assert authority.post("/campaigns", json={**given, "node": past.province}).status_code == 422


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_of_a_day_that_no_calendar_has_there_is_no_report(authority, past, day):
    given = {"kind": "ledger", "node": past.prefecture, "campaign": CAMPAIGN, "cut_off": day}
    assert authority.post("/reports", json=given).status_code == 422


def declared(past, *sources: str) -> None:
    for source in sources:
        past.connection.execute(
            "INSERT INTO data_source (source, node, since, declared_at, author, account_id)"
            " VALUES (%s, %s, '2023-05-01', now(), 'test', %s)",
            [source, past.prefecture, past.people["city_authority"]],
        )


def inspected(
    web, past, level: str, named: str, day: str, *, enterprise: int | None = None, **answers
) -> dict:
    given = {
        "kind": "enterprise_check",
        "acting_level": level,
        "territory": past.prefecture if level == "prefecture" else past.county,
        "enterprise_name": named,
        "started_at": f"2023-{day}:00+08:00",
        "people": [{"name": "张三", "post": "执法人员", "led": True}],
        "answers": answers,
        "enterprise": enterprise,
        **SIGNED,
    }
    answer = web.post("/inspections", json=given)
    assert answer.status_code == 201, answer.text
    return answer.json()


def punished(web, past, level: str, **given) -> dict:
    fresh = {
        "kind": "penalty",
        "acting_level": level,
        "territory": past.prefecture if level == "prefecture" else past.county,
        "enterprise_name": "甲公司",
        "document_no": "建罚〔2023〕3号",
        "decided_on": "2023-06-20",
    }
    answer = web.post("/enforcement", json={**fresh, **given, **SIGNED})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_what_authorities_found_and_did_is_counted_by_enterprise_person_and_case(authority, past):
    declared(past, "inspections", "enforcement", "guidance")
    first = inspected(
        authority, past, "county", "甲公司", "06-10T10:00", principal_study="no", unlicensed="no"
    )
    inspected(authority, past, "prefecture", "甲公司", "06-30T23:59", principal_study="no", drill="no")
    inspected(authority, past, "county", "乙公司", "06-11T10:00", unlicensed="yes", exit="no", drill="yes")
    inspected(authority, past, "county", "丙公司", "07-01T00:00", principal_study="no")
    inspected(authority, past, "county", "丁公司", "05-24T23:59", principal_study="no")
    case = {"both_punished": True, "case_no": "一号案"}
    fine = punished(authority, past, "county", amount="12345.67", **case)
    punished(authority, past, "county", amount="10000.00", **case)
    punished(authority, past, "prefecture", amount="0.33", decided_on="2023-06-30")
    punished(authority, past, "county", amount="9999.00", decided_on="2023-07-01")
    punished(authority, past, "county", kind="referral", persons=3)
    punished(authority, past, "county", kind="talk")
    punished(authority, past, "prefecture", kind="exposure")
    punished(authority, past, "county", kind="typical_case", crime=True)
    punished(authority, past, "county", kind="typical_case")
    report = made(authority, past)
    says = written(report)
    found = {cell: says[cell].replace("州 ", "").replace("县 ", "") for cell in says if cell[0] in "bc"}
    assert [found[f"b{no}"] for no in range(1, 9)] == [
        "2（1／2）",
        "1（1／1）",
        "0（0／0）",
        "0（0／0）",
        "0（0／0）",
        "1（0／1）",
        "0（0／0）",
        "2（1／1）",
    ]
    assert found["c4"] == "1（0／1）"
    assert (found["c5"], found["c7"]) == ("3（0／3）", "1（1／1）")
    assert "2.23" in found["c3"]
    assert all(one["ok"] for one in report["shown"]["checks"])
    path = f"/reports/{report['report']}/records"
    behind = authority.get(path, params={"cell": "b2"}).json()
    assert (first["id"] in {one["id"] for one in behind["items"]}, behind["hidden"]) == (True, 0)
    behind = authority.get(path, params={"cell": "c3"}).json()["items"]
    assert {fine["id"]} < {one["id"] for one in behind}
    assert {one["what"] for one in behind} == {"enforcement"}


def test_an_enterprise_is_counted_once_whether_it_was_named_or_chosen(authority, past):
    declared(past, "inspections", "enforcement")
    with changing(past.connection):
        (firm,) = past.connection.execute(
            "INSERT INTO tree_node (tree, kind, name, code, path)"
            " VALUES ('enterprise', 'company', %s, '', '/1/') RETURNING node",
            [Jsonb({"zh": "某建设（集团）公司", "en": "Some Construction"})],
        ).fetchone()
        past.connection.execute("UPDATE tree_node SET path = '/' || node || '/' WHERE node = %s", [firm])
        past.connection.execute("UPDATE site SET enterprise = %s WHERE site = 'east'", [firm])
    inspected(authority, past, "county", "某建设(集团) 公司", "06-10T10:00", principal_study="no")
    inspected(authority, past, "county", "", "06-11T10:00", enterprise=firm, principal_study="no")
    punished(authority, past, "county", kind="talk", enterprise_name="某建设（集团）公司")
    punished(authority, past, "county", kind="exposure", enterprise_name="", enterprise=firm)
    punished(authority, past, "county", kind="talk", enterprise_name="别的公司")
    says = written(made(authority, past))
    assert (says["b1"], says["b2"], says["c7"]) == ("1（州 0／县 1）", "1（州 0／县 1）", "2（州 0／县 2）")


def test_every_kind_is_there_as_csv_marked_with_who_took_it(authority, past):
    golden(past)
    for kind, first, says in (
        ("appendix_1", "单元格 cell", "企业自查发现的重大事故隐患（个）"),
        ("appendix_2", "序号", "east 项目"),
        ("ledger", "序号 no.", "h1"),
        ("monthly", "项目 item", "本月认定隐患（个）"),
    ):
        report = made(authority, past, kind=kind)
        answer = authority.get(f"/reports/{report['report']}/table")
        lines = answer.content.decode("utf-8-sig").splitlines()
        assert lines[0].startswith(first), kind
        assert any(says in line for line in lines)
        assert "由 city_authority 于" in lines[-1]
