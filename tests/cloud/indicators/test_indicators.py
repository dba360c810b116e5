"""Indicators against worlds that were computed by hand, and as of instants that nothing later changes."""

import datetime as dt
import uuid

import pytest

from cloud.duties.due import Span
from cloud.duties.sources import is_declared
from cloud.indicators.description import descriptions
from cloud.indicators.exporting import columns, lines
from cloud.indicators.formulas import World, measure, months_before
from cloud.indicators.lives import Life
from cloud.indicators.measured import Measured
from cloud.indicators.service import Place, indicators
from cloud.instants import rfc3339
from cloud.ledger.chain import Event
from cloud.ledger.store import append_by_machine
from tests.cloud.duties.conftest import aged
from tests.cloud.indicators.stories import AT, DAY, Story, day
from tests.cloud.registry.records import Registry
from tests.cloud.site import cleared, raised
from tests.cloud.web.serving import new_account, new_session

SHANGHAI = "Asia/Shanghai"


def life(**changes) -> Life:
    at = changes.pop("at", AT - 10 * DAY)
    return Life(**{"id": uuid.uuid4(), "opened_at": at, "detected_at": at, "major_at": at, **changes})


def one(name: str, *lives: Life, **known) -> Measured:
    world = World(at=AT, zone=SHANGHAI, lives=lives, **known)
    return next(found for found in measure(world) if found.id == name)


def part(measured: Measured, name: str):
    return next(found for found in measured.parts if found.name == name)


def test_every_indicator_that_is_described_is_measured_and_none_besides():
    assert [found.id for found in measure(World(at=AT, zone=SHANGHAI))] == list(descriptions().indicators)


def test_without_anything_known_nothing_is_a_share_of_nothing():
    empty = {found.id: found.value for found in measure(World(at=AT, zone=SHANGHAI))}
    assert empty.pop("stock") == empty.pop("increment") == 0
    assert set(empty.values()) == {None}


def test_stock_is_what_was_found_before_2024_on_site_and_is_still_open():
    last_moment = dt.datetime(2023, 12, 31, 15, 59, tzinfo=dt.UTC)
    old, new = life(at=last_moment), life(at=last_moment + dt.timedelta(minutes=1))
    closed = life(at=last_moment, status="closed", closed_at=AT - DAY)
    suspected = life(at=last_moment, level="major_proposed")
    found = one("stock", old, new, closed, suspected)
    assert (found.value, found.light, list(found.records)) == (1, "red", [str(old.id)])


def test_zero_is_dynamic_where_nothing_is_overdue():
    found = one("increment", life(), life(status="closed", overdue=True), projects=4)
    assert (found.value, found.light) == (0, "green")
    assert (part(found, "open").value, part(found, "new_this_month").value) == (1, 2)
    assert part(found, "new_per_ten_projects").value == 5
    assert one("increment", life(overdue=True)).light == "red"


@pytest.mark.parametrize(
    ("looked", "warning"),
    [
        ({"inspections_now": 1, "inspections_before": 9}, "fewer_looked"),
        ({"heard_now": 0.5, "heard_before": 1.0}, "fewer_looked"),
        ({"inspections_now": 9, "inspections_before": 9, "heard_now": 1.0, "heard_before": 1.0}, ""),
        ({"inspections_now": None, "inspections_before": None}, ""),
    ],
)
def test_fewer_found_where_less_was_looked_is_no_success(looked, warning):
    lives = [
        life(at=AT - 40 * DAY, status="closed"),
        life(at=AT - 41 * DAY, status="closed"),
        life(status="closed"),
    ]
    found = one("increment", *lives, looked=looked)
    assert (found.warning, found.light) == (warning, "amber" if warning else "green")
    assert one("increment", *lives[1:], lives[2], looked=looked).warning == ""


def test_rectified_by_an_extension_is_not_rectified_in_time():
    due = AT - 5 * DAY
    in_time = life(verified=True, verified_at=due - DAY, due_original=due, first_review="pass_review")
    extended = life(
        verified=True, verified_at=due + DAY, due_original=due, extended=True, first_review="fail_review"
    )
    not_done, not_due = life(due_original=due), life(due_original=AT + DAY)
    found = one("rectification", in_time, extended, not_done, not_due)
    assert (found.value, found.count, found.of) == (0.5, 2, 4)
    assert (part(found, "in_time").value, part(found, "in_time").of) == (pytest.approx(1 / 3), 3)
    assert list(part(found, "in_time_by_extension").records) == [str(extended.id)]
    assert part(found, "median_days").value == 5
    assert part(found, "first_review_passed").value == 0.5


def test_each_of_what_came_back_most_leads_to_its_own_records():
    often = life(danger="a", repeat_no=3, content={"zh": "限位失效", "en": "Limiter"})
    twice, closed = life(danger="b", repeat_no=2), life(status="closed", closed_at=AT - DAY)
    parts = one("repeats", twice, often, closed).parts
    assert [(one.key, one.value, list(one.records)) for one in parts] == [
        ("a", 3, [str(often.id)]),
        ("b", 2, [str(twice.id)]),
    ]
    assert parts[0].about == {"zh": "限位失效", "en": "Limiter"}


def test_lines_of_a_spreadsheet_say_each_number_and_why_one_is_unknown():
    found = measure(World(at=AT, zone=SHANGHAI, lives=[life(overdue=True)]))
    months = months_before(AT, SHANGHAI)
    told = list(lines(found, months))
    assert len(told) == sum(1 + len(measured.parts) for measured in found)
    late = next(line for line in told if line[0] == "F-02")
    assert (late[3], late[7]) == (1, "超标 bad")
    assert all(len(line) <= len(columns(months)) for line in told)
    assert [line[3] for line in told if line[0] == "F-03"] == ["—"]
    assert "自查" in next(str(line[8]) for line in told if line[0] == "F-07" and line[2])


def test_a_report_counts_where_it_went_out_in_time_and_withdrawn_ones_are_still_owed():
    quick = life(reported_at=AT - 10 * DAY + dt.timedelta(minutes=2), late=False)
    late = life(reported_at=AT - 8 * DAY, late=True, level="major_proposed", status="rejected")
    never, still_open = life(), life(at=AT - dt.timedelta(hours=1))
    found = one("reported", quick, late, never, still_open)
    assert (found.value, found.count, found.of) == (pytest.approx(1 / 3), 1, 3)


def test_what_an_authority_finds_within_a_week_of_a_self_check_was_missed():
    theirs = life(source="inspection", site="demo")
    checks = {"demo": [theirs.detected_at - 6 * DAY], "other": [theirs.detected_at]}
    found = one("self_check", theirs, life(site="demo"), self_checks=checks)
    assert (found.value, part(found, "missed_by_self_check").value) == (0.5, 1)
    early = {"demo": [theirs.detected_at - 8 * DAY]}
    assert part(one("self_check", theirs, self_checks=early), "missed_by_self_check").value == 0
    unknown = part(one("self_check", theirs), "missed_by_self_check")
    assert (unknown.value, unknown.missing) == (None, "enterprise_checks")


def of(site, at: dt.datetime, **place) -> dict[str, Measured]:
    found = indicators(site.connection, Place(**place), at, AT + 400 * DAY)
    return {measured.id: measured for measured in found}


def test_what_an_indicator_was_of_an_instant_nothing_later_changes(site):
    old = Story(site.connection, at=day(3, 1, year=2023)).confirmed(day(3, 2, year=2023))
    new = (
        Story(site.connection, at=day(10, 5), source="inspection")
        .confirmed(day(10, 5, 6))
        .planned(day(10, 6), day(10, 20))
    )
    before = of(site, day(11, 1))
    new.then(day(11, 2), "overdue", overdue=True)
    assert of(site, day(11, 3))["increment"].value == 1
    new.fixed(day(11, 4)).closed(day(11, 5))
    old.then(day(11, 6), "downgrade", level="general", status="confirmed")
    Story(site.connection, at=day(11, 7)).confirmed(day(11, 7, 6)).then(
        day(11, 8), "reject", status="rejected"
    )
    assert of(site, day(11, 1)) == before
    assert (before["stock"].value, before["rectification"].value, before["self_check"].value) == (1, 0, 0.5)
    after = of(site, AT)
    assert (after["stock"].value, after["rectification"].value, after["increment"].value) == (0, 1, 0)
    assert dict(after["increment"].trend)["2026-11"] == 0
    assert part(after["increment"], "days_since_overdue").value == 16
    assert dict(after["rectification"].trend)["2026-10"] == 0
    assert dict(after["rectification"].trend)["2026-11"] == 1
    assert part(after["rectification"], "in_time").value == 0


def test_what_was_overdue_for_some_hours_was_overdue_that_day(site):
    new = Story(site.connection, at=day(10, 5)).confirmed(day(10, 5, 6)).planned(day(10, 6), day(11, 10))
    assert part(of(site, AT)["increment"], "days_since_overdue").value is None
    new.then(day(11, 10, 5), "overdue", overdue=True).fixed(day(11, 10, 7))
    found = of(site, AT)["increment"]
    assert (found.value, part(found, "days_since_overdue").value) == (0, 10)


def test_a_warning_that_ended_by_itself_was_caught_and_one_that_grew_gives_its_lead(site):
    at = int((AT - DAY).timestamp() * 1000)
    site.born()
    quiet = raised(level=2, at=at, raised_at=at)
    grew = raised(level=2, at=at + 600_000, raised_at=at + 600_000)
    worse = raised(level=3, at=at + 900_000, raised_at=at + 900_000)
    site.deliver(quiet, cleared(quiet), grew, worse, now=at + 901_000)
    site.connection.execute("UPDATE episode SET received_at = raised_at")
    found = of(site, AT)["prevention"]
    assert (found.value, found.count, found.of) == (0.5, 1, 2)
    assert part(found, "median_lead_minutes").value == 5
    monitoring = of(site, AT)["monitoring"]
    assert (part(monitoring, "alarms_2").value, part(monitoring, "alarms_3").value) == (2, 1)
    assert (monitoring.value, monitoring.missing) == (None, "gateways_then")


def test_coverage_is_unknown_until_somebody_says_who_keeps_inspections(site, web):
    web.post("/trees/territory", json={"kind": "county", "name": {"zh": "县", "en": "County"}})
    node, path = site.rows("SELECT node, path FROM tree_node")[0]
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    site.connection.execute("UPDATE site SET territory = %s", [node])
    aged(site)
    assert of(site, AT, path=path)["coverage"].missing == "inspections"
    site.connection.execute(
        "INSERT INTO data_source (source, node, since, declared_at, author, account_id)"
        " SELECT 'inspections', %s, '2026-01-01', '2026-01-01', 'a', min(id) FROM account",
        [node],
    )
    assert of(site, AT, path=path)["coverage"].value == 0
    site.connection.execute(
        "INSERT INTO inspection (id, seq, kind, acting_level, site, started_at, ended_at, day, at, author)"
        " VALUES (gen_random_uuid(), 1, 'authority_check', 'county', 'demo', %(at)s, %(at)s,"
        " %(at)s, %(at)s, 'a')",
        {"at": AT - 2 * DAY},
    )
    assert of(site, AT, path=path)["coverage"].value == 1
    assert of(site, AT - 3 * DAY, path=path)["coverage"].value == 0
    # It is finished today; then it was in progress, and before anybody knew of it it was not there.
    site.connection.execute("UPDATE site SET phase = 'finished'")
    assert of(site, AT, path=path)["coverage"].of == 1
    assert of(site, AT - 500 * DAY, path=path)["coverage"].of == 0


def test_an_inspection_that_was_withdrawn_is_no_looking(site, web):
    web.post("/trees/territory", json={"kind": "county", "name": {"zh": "县", "en": "County"}})
    node, path = site.rows("SELECT node, path FROM tree_node")[0]
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    site.connection.execute("UPDATE site SET territory = %s", [node])
    aged(site)
    site.connection.execute(
        "INSERT INTO data_source (source, node, since, declared_at, author, account_id)"
        " SELECT 'inspections', %s, '2026-01-01', '2026-01-01', 'a', min(id) FROM account",
        [node],
    )
    Story(site.connection, at=AT - 40 * DAY).confirmed(AT - 40 * DAY)
    for ago, versions in ((40, [False]), (2, [False, True])):
        its, at = uuid.uuid4(), AT - ago * DAY
        for seq, withdrawn in enumerate(versions, 1):
            site.connection.execute(
                "INSERT INTO inspection (id, seq, kind, acting_level, site, started_at, ended_at, day, at,"
                " author, withdrawn)"
                " VALUES (%s, %s, 'authority_check', 'county', 'demo', %s, %s, %s, %s, 'a', %s)",
                [its, seq, at, at, at, at + (seq - 1) * DAY, withdrawn],
            )
    assert of(site, AT - DAY, path=path)["increment"].warning == ""
    assert of(site, AT, path=path)["increment"].warning == "fewer_looked"


def test_a_return_is_in_time_by_when_it_was_first_sent_and_nothing_sent_later_counts_then(site):
    ids = [uuid.uuid4() for _ in range(3)]
    for n, report in enumerate(ids):
        site.connection.execute(
            "INSERT INTO report (report, kind, site, cut_off, due_at) VALUES (%s, 'ledger', 'demo', %s, %s)",
            [report, AT - (9 + n) * DAY, AT - 5 * DAY],
        )
    for report, at, kind in (
        (ids[0], AT - 6 * DAY, "sent"),
        (ids[0], AT - 2 * DAY, "corrected"),
        (ids[0], AT - 2 * DAY, "sent"),
        (ids[1], AT - 3 * DAY, "sent"),
    ):
        told = Event(at=rfc3339(at), actor="李四", account=None, role="", kind=kind, body={})
        append_by_machine(site.connection, "report", report, told)

    def counted(at: dt.datetime) -> list:
        found = of(site, at)["returns"]
        return [found.count, found.of, *(one.value for one in found.parts)]

    assert counted(AT) == [1, 3, 1, 1, 1]
    assert counted(AT - 4 * DAY) == [1, 3, 0, 2, 0]
    assert counted(AT - 6 * DAY)[1] == 0


def test_a_machine_counts_as_it_was_on_file_and_stood_then(site, web):
    records = Registry(web)
    aged(site)
    before = dt.datetime.now(dt.UTC)
    records.make("devices", {"id": "crane-1", "kind": "crane", "name": {"zh": "1号", "en": "No. 1"}})
    step = {"device": "crane-1", "done_on": (before - DAY).date().isoformat(), "body": "某单位"}
    for done in ("filed", "installed"):
        records.make("steps", step, step=done)
    standing = dt.datetime.now(dt.UTC)
    records.make("steps", step, step="dismantled")
    counted = [part(of(site, at)["coverage"], "devices").of for at in (before, standing, standing + DAY)]
    assert counted == [0, 1, 0]


def test_a_device_is_there_from_when_its_gateway_names_it_to_when_it_names_it_no_more(site):
    known = "SELECT device, current FROM device_change ORDER BY at, device"
    site.born(points={"crane-1/load": "crane.load", "crane-7/load": "crane.load"})
    site.born(points={"crane-1/load": "crane.load", "crane-7/load": "crane.load"}, boot="2")
    assert site.rows(known) == [("crane-1", True), ("crane-7", True)]
    site.born(points={"crane-1/load": "crane.load"}, boot="3")
    assert site.rows(known)[2:] == [("crane-7", False)]
    site.born(points={"crane-7/load": "crane.load"}, boot="4")
    assert site.rows(known)[3:] == [("crane-1", False), ("crane-7", True)]


def test_what_is_declared_below_a_place_for_all_of_it_is_declared_for_the_place():
    span = Span(since=dt.date(2026, 7, 1), until=dt.date(2026, 7, 31))
    sites = [{"territory_path": f"/1/{node}/", "enterprise_path": None} for node in (2, 3)]

    def told(node: int, since: dt.date = span.since) -> dict:
        return {"source": "inspections", "node": node, "since": since, "until": None}

    assert is_declared([told(1)], "inspections", sites, span)
    assert is_declared([told(2), told(3)], "inspections", sites, span)
    assert not is_declared([told(2)], "inspections", sites, span)
    assert not is_declared([told(2), told(3, span.until)], "inspections", sites, span)
    assert not is_declared([told(1)], "inspections", [], span)


def test_the_pages_show_each_number_with_the_records_behind_it_as_far_as_one_sees(site, web):
    story = (
        Story(site.connection, at=day(10, 5))
        .confirmed(day(10, 5, 6))
        .then(day(10, 9), "overdue", overdue=True)
    )
    at = rfc3339(AT).replace(":", "%3A")
    shown = {item["id"]: item for item in web.get(f"/indicators?at={at}").json()["items"]}
    assert (shown["increment"]["value"], shown["increment"]["records"], shown["increment"]["light"]) == (
        1,
        1,
        "red",
    )
    behind = web.get(f"/indicators/increment/records?at={at}").json()["items"]
    assert [record["id"] for record in behind] == [str(story.id)]
    assert web.get(f"/indicators/increment/records?part=open&at={at}").json()["items"] == behind
    assert web.get("/indicators/nothing/records").status_code == 404
    assert web.get(f"/indicators/increment/records?part=open&key=x&at={at}").status_code == 404
    table = web.get(f"/indicators.csv?at={at}").text
    assert "F-02,增量与动态清零 New ones; none overdue,,1," in table
    assert (
        web.get("/indicators?site=elsewhere").status_code
        == web.get("/indicators?node=999").status_code
        == 404
    )
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    theirs = new_account(site.connection, "邻区", "viewer", site="north")
    web.client.cookies.set("sitewarden_session", new_session(site.connection, theirs))
    shown = {item["id"]: item for item in web.get(f"/indicators?at={at}").json()["items"]}
    assert shown["increment"]["value"] == 0
    assert web.get("/indicators?site=demo").status_code == 404
    assert web.get(f"/indicators/increment/records?at={at}").json()["items"] == []
