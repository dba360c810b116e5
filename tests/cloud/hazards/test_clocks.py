"""The clocks of a record: who is late is told, what is suspected reported, what is slow goes up the ladder.

Acts stand here as their events, for what the clocks do follows from those; who may act is another test.
"""

import datetime as dt

import msgspec
import psycopg
import pytest
from psycopg.types.json import Jsonb

from cloud.database import instant, milliseconds
from cloud.hazards import store
from cloud.hazards.chain import Event, Link, first_broken
from cloud.hazards.reporting import end_of_day
from cloud.hazards.timers import KINDS, after_act, after_openings, run_due
from cloud.instants import rfc3339
from sitewarden.rules import HazardProposal
from sitewarden.text import Text
from tests.cloud.site import PROPOSAL, raised
from tests.cloud.web.serving import new_account

MAJOR = HazardProposal(
    category=PROPOSAL.category, level="major_proposed", potential_accident=PROPOSAL.potential_accident
)
NOON = dt.datetime(2026, 3, 10, 4, tzinfo=dt.UTC)
"""12:00 in Shanghai."""
MIDNIGHT = dt.datetime(2026, 3, 10, 16, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def people(site) -> dict[str, int]:
    """An account of each side."""
    return {side: new_account(site.connection, side) for side in ("authority", "supervision", "contractor")}


class Watched:
    """One record under a clock that the test turns."""

    def __init__(self, site, proposal: HazardProposal = MAJOR, at: dt.datetime = NOON) -> None:
        self.site, self.now = site, at
        self.told: list[str] = []
        site.born()
        seen = milliseconds(at)
        site.deliver(raised(at=seen - 800, hazard=proposal, clock="synced"), now=seen)
        self.id = site.value("SELECT id FROM hazard")
        self.people = people(site)

    def wait(self, time: dt.timedelta) -> "Watched":
        """Let time pass, with a look at the clocks at its end."""
        self.now += time
        run_due(
            self.site.connection,
            milliseconds(self.now),
            lambda _, news, __: self.told.extend(one.kind for one in news),
        )
        return self

    def act(self, kind: str, /, side: str = "authority", **body) -> "Watched":
        """What the acting service leaves behind: event and row, then the clocks."""
        connection = self.site.connection
        with connection.transaction():
            before = store.load(connection, self.id, locked=True)
            by = {"account": self.people[side], "role": side, "side": side, "actor": "王工"}
            store.append_event(connection, self.id, Event(at=rfc3339(self.now), kind=kind, body=body, **by))
            told = after_act(connection, self.id, before, now=self.now)
        self.told += [one.kind for one in told]
        return self

    def confirm(self, level: str = "major") -> "Watched":
        return self.act("confirm", level=level, reason="现场核实")

    def plan(self, due_in: dt.timedelta) -> "Watched":
        due = rfc3339(self.now + due_in)
        self.act("plan", "contractor", type="timed", person="李工", measures="加固", due=due)
        return self.act("accept_plan", "supervision") if self.value("level") == "major" else self

    def pass_reviews(self) -> "Watched":
        self.act("submit", "contractor", rectified_at=rfc3339(self.now))
        for side in ("supervision", "authority"):
            self.act("pass_review", side, note="合格", onsite=True)
        return self

    def close(self) -> "Watched":
        self.note("signal", {"from": "active", "to": "cleared"})
        return self.pass_reviews().act("close", document="销〔2026〕1号")

    def note(self, kind: str, body: dict) -> None:
        """Something that the machine does to it elsewhere."""
        event = Event(at=rfc3339(self.now), actor="sitewarden", kind=kind, body=body)
        store.append_event(self.site.connection, self.id, event)

    def value(self, column: str):
        return self.site.value(f"SELECT {column} FROM hazard WHERE id = %s", self.id)

    def events(self) -> list[str]:
        return [kind for (kind,) in self.site.rows("SELECT kind FROM hazard_event ORDER BY seq")]

    def reports(self) -> list[tuple[str, bool]]:
        return self.site.rows("SELECT kind, late FROM hazard_report ORDER BY no")

    def bodies(self, kind: str) -> list[dict]:
        rows = self.site.rows("SELECT record FROM hazard_event WHERE kind = %s ORDER BY seq", kind)
        return [msgspec.json.decode(row[0])["body"] for row in rows]


def test_what_is_suspected_major_is_reported_in_the_transaction_that_opens_it(site):
    record = Watched(site)
    assert record.reports() == [("provisional", False)]
    assert record.value("report") == "provisional"
    assert record.value("report_due_at") == MIDNIGHT
    sent, body = site.rows("SELECT sent_at, body FROM hazard_report")[0]
    assert sent == record.value("opened_at")
    said = msgspec.json.decode(body)
    assert said["verified"] is False
    assert "待核实" in said["title"]
    assert said["content"]["zh"] in record.value("content")["zh"]
    assert said["addressee"] is None
    assert "行政区划" in said["addressee_note"]


def test_a_general_one_is_not_reported_to_anybody(site):
    record = Watched(site, PROPOSAL).wait(3 * DAY)
    assert record.reports() == []
    assert record.value("report") == "not_due"


def test_an_alarm_ten_seconds_before_midnight_is_reported_that_day(site):
    record = Watched(site, at=MIDNIGHT - dt.timedelta(seconds=10)).wait(2 * HOUR)
    assert record.reports() == [("provisional", False)]
    assert record.value("report_due_at") == MIDNIGHT


def test_news_that_came_after_the_day_of_the_danger_are_reported_late_and_it_is_counted(site):
    site.born()
    seen = milliseconds(NOON)
    site.deliver(raised(at=seen, hazard=MAJOR, clock="synced"), now=seen + 86_400_000)
    assert site.rows("SELECT kind, late FROM hazard_report") == [("provisional", True)]
    record = Watched.__new__(Watched)
    record.site, record.now, record.told = site, NOON + DAY + HOUR, []
    record.id, record.people = site.value("SELECT id FROM hazard"), people(site)
    assert record.confirm().value("report") == "reported_late"


def test_nobody_judges_it_the_next_level_is_told_and_the_day_ends_with_an_unverified_report(site):
    record = Watched(site).wait(29 * MINUTE)
    assert record.told == []
    record.wait(MINUTE)
    assert record.told == ["judging"]
    record.wait(3 * DAY)
    assert record.told == ["judging", "report"]
    assert [kind for kind, _ in record.reports()] == ["provisional", "unverified"]
    assert record.value("status") == "candidate"


def test_the_unverified_report_goes_out_before_the_day_ends(site):
    record = Watched(site).wait(HOUR)
    while record.now < MIDNIGHT:
        record.wait(MINUTE)
    assert record.reports() == [("provisional", False), ("unverified", False)]


def test_a_general_candidate_has_four_hours(site):
    record = Watched(site, PROPOSAL).wait(4 * HOUR - MINUTE)
    assert record.told == []
    assert record.wait(MINUTE).told == ["judging"]


def test_judged_in_time_nothing_runs_out(site):
    record = Watched(site, PROPOSAL).wait(HOUR).confirm("general").plan(2 * DAY).wait(5 * HOUR)
    assert "judging" not in record.told


def test_a_general_candidate_that_an_alarm_makes_suspected_is_to_be_judged_sooner_and_reported(site):
    record = Watched(site, PROPOSAL).wait(HOUR)
    later = milliseconds(record.now)
    site.deliver(raised(at=later, hazard=MAJOR, clock="synced", level=4), now=later)
    assert record.value("level") == "major_proposed"
    assert record.reports() == [("provisional", False)]
    assert record.wait(30 * MINUTE).told == ["judging"]


def test_confirmed_major_is_reported_formally_listed_by_proposal_and_the_principal_has_two_hours(site):
    record = Watched(site).wait(10 * MINUTE).confirm()
    assert record.reports() == [("provisional", False), ("formal", False)]
    assert (record.value("report"), record.value("supervision")) == ("reported", "proposed")
    assert record.bodies("supervision_proposed")[0]["why"] == "policy_selected"
    assert record.told == ["report", "listing"]
    record.plan(20 * DAY).wait(2 * HOUR - MINUTE)
    assert "principal" not in record.told
    assert record.wait(MINUTE).told[-1] == "principal"


def test_a_principal_who_has_said_that_he_knows_is_left_alone(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").wait(3 * HOUR)
    assert "principal" not in record.told


def test_confirmed_days_later_it_was_still_reported_on_its_day(site):
    record = Watched(site).wait(2 * DAY).confirm()
    assert record.value("report") == "reported"
    assert [kind for kind, _ in record.reports()] == ["provisional", "unverified", "formal"]


def test_rejected_the_report_is_withdrawn_with_the_reason(site):
    record = Watched(site).act("reject", reason_code="sensor_fault", reason="传感器故障")
    assert record.value("report") == "withdrawn"
    said = msgspec.json.decode(site.value("SELECT body FROM hazard_report WHERE kind = 'withdrawal'"))
    assert said["reason"] == "传感器故障"
    assert record.wait(30 * DAY).told == ["report"]
    assert site.value("SELECT count(*) FROM hazard_timer WHERE settled_at IS NULL") == 0


def test_suspected_and_judged_general_it_is_withdrawn_and_judged_major_later_it_is_reported_anew(site):
    record = Watched(site).confirm("general")
    assert record.value("report") == "withdrawn"
    record.wait(2 * DAY).act("upgrade", reason="复核", clause={"edition": "2024", "id": "5-4"})
    assert record.value("report") == "reported"
    assert record.reports()[-1] == ("formal", False)


def test_a_downgrade_is_corrected_and_a_new_suspicion_is_reported_anew(site):
    record = Watched(site, PROPOSAL).confirm("general")
    record.act("upgrade", reason="复核", clause={"edition": "2024", "id": "5-4"})
    record.act("downgrade", reason="专家论证")
    assert record.value("report") == "reported"
    record.act("downgrade", reason="专家论证，第二人")
    assert [kind for kind, _ in record.reports()] == ["formal", "correction"]
    assert record.value("report") == "withdrawn"
    later = milliseconds(record.wait(2 * DAY).now)
    site.deliver(raised(at=later, hazard=MAJOR, clock="synced", level=4), now=later)
    assert record.reports()[-1] == ("provisional", False)
    assert record.value("report") == "provisional"


def test_a_suspicion_during_rectification_that_an_authority_takes_back_is_withdrawn(site):
    record = Watched(site, PROPOSAL).confirm("general").plan(9 * DAY)
    later = milliseconds(record.now)
    site.deliver(raised(at=later, hazard=MAJOR, clock="synced", level=4), now=later)
    assert record.value("report") == "provisional"
    record.act("downgrade", reason="误判").act("downgrade", reason="误判，第二人")
    assert record.value("report") == "withdrawn"


def test_without_a_plan_for_a_day_it_is_overdue(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").wait(DAY - MINUTE)
    assert not record.value("overdue")
    record.wait(MINUTE)
    assert record.value("overdue")
    assert record.bodies("overdue")[0]["why"] == "plan"
    assert record.value("escalation_proposed") == 1


def test_before_it_is_due_people_are_reminded_twice(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(5 * DAY)
    for _ in range(5 * 24 - 1):
        record.wait(HOUR)
    assert record.told.count("reminder") == 2
    assert [body["left_s"] for body in record.bodies("reminded")] == [86_400, 7_200]


def test_slow_it_goes_up_the_ladder_step_by_step_and_only_by_proposal(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(2 * DAY)
    record.wait(2 * DAY)
    assert record.value("overdue")
    steps = []
    for days in (0, 3, 4, 8, 15):
        record.wait(days * DAY)
        steps.append(record.value("escalation_proposed"))
        record.act("take_step", step=steps[-1], document="函〔2026〕1号")
    assert steps == [1, 2, 3, 4, 5]
    assert record.bodies("overdue")[0]["attendance_trace_months"] == 3
    letter = record.bodies("escalation_proposed")[0]["draft"]
    for word in (record.value("number"), "示范工地", "函告", "整改期限为2026年3月12日"):
        assert word in letter


def test_what_nobody_takes_is_overtaken_by_the_next_step(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(DAY).wait(DAY).wait(3 * DAY)
    assert record.value("escalation_proposed") == 2
    assert record.value("escalation_step") == 0


def test_a_step_that_is_put_off_comes_back(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(DAY).wait(DAY)
    record.act("postpone_step", reason="企业已承诺", until=rfc3339(record.now + 2 * DAY))
    assert record.wait(2 * DAY - MINUTE).value("escalation_proposed") is None
    assert record.wait(MINUTE).value("escalation_proposed") == 1


def test_an_extension_moves_what_is_due_and_takes_the_proposal_back_but_not_the_open_days(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(DAY).wait(DAY)
    record.act("request_extension", "contractor", due=rfc3339(record.now + 5 * DAY), reason="雨天")
    record.act("grant_extension")
    assert record.value("escalation_proposed") is None
    assert record.wait(5 * DAY - MINUTE).value("overdue") is False
    assert record.wait(MINUTE).value("overdue") is True
    assert "至今 6 天" in record.bodies("escalation_proposed")[-1]["draft"]


def test_two_failed_reviews_call_for_the_second_step_and_a_refusal_for_the_last(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(9 * DAY)
    record.act("fail_review", reason="未加固").act("fail_review", reason="仍未加固")
    assert record.value("escalation_proposed") == 2
    record.act("mark_refused", reason="拒签")
    assert record.value("escalation_proposed") == 5
    assert "拒不整改" in record.bodies("escalation_proposed")[-1]["draft"]


def test_a_general_hazard_is_overdue_and_climbs_no_ladder(site):
    record = Watched(site, PROPOSAL).confirm("general").plan(DAY)
    record.wait(40 * DAY)
    assert record.value("overdue")
    assert record.value("escalation_proposed") is None


def test_reviewed_it_is_not_overdue_and_sent_back_it_is(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(2 * DAY)
    record.pass_reviews().wait(3 * DAY)
    assert not record.value("overdue")
    record.note("signal_returned", {"from": "cleared"})
    assert record.wait(2 * HOUR).value("overdue")


def test_closed_no_clock_runs(site):
    record = Watched(site).confirm().plan(2 * DAY)
    record.close()
    events = record.events()
    assert record.wait(400 * DAY).events() == events


def test_reopened_after_its_date_it_is_overdue(site):
    record = Watched(site).confirm().act("acknowledge", "contractor").plan(DAY)
    record.close()
    record.wait(9 * DAY).act("reopen", reason="未根治")
    assert record.wait(MINUTE).value("overdue")


def test_a_drill_goes_through_the_clocks_and_nothing_of_it_is_reported(site):
    record = Watched(site, PROPOSAL)
    site.connection.execute("UPDATE hazard SET mode = 'drill', level = 'major_proposed'")
    after_openings(site.connection, [(record.id, record.now)], record.now)
    record.confirm().wait(2 * DAY)
    assert record.reports() == []
    assert record.value("report") == "not_due"
    assert record.value("overdue")


def test_where_all_majors_are_listed_the_proposal_says_so(site):
    territory(site, "changzhi", "长治市")
    record = Watched(site).confirm()
    assert record.bodies("supervision_proposed")[0]["why"] == "policy_all"


def test_a_report_goes_to_the_nearest_authority_and_not_to_a_grid(site):
    county = territory(site, None, "某县")
    territory(site, None, "某网格", kind="grid", above=county)
    Watched(site)
    said = msgspec.json.decode(site.value("SELECT body FROM hazard_report"))
    assert said["addressee"] == {"name": {"zh": "某县", "en": "某县"}, "node": county}
    assert site.value("SELECT addressee FROM hazard_report") == county


def test_a_report_is_never_changed(site):
    Watched(site)
    with (
        psycopg.connect(site.dsn) as owner,
        pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"),
    ):
        owner.execute("UPDATE hazard_report SET late = late")


def test_a_record_that_is_broken_does_not_stop_the_clocks_of_others(site):
    first = Watched(site)
    seen = milliseconds(NOON)
    site.deliver(raised(at=seen, device="crane-1", family="other", hazard=MAJOR, clock="synced"), now=seen)
    with psycopg.connect(site.dsn) as owner:
        owner.execute("SET session_replication_role = replica")
        # A number after which none comes: nothing more can be said of the record.
        owner.execute("UPDATE hazard_event SET seq = 2147483647 WHERE hazard_id = %s AND seq = 2", [first.id])
    first.wait(HOUR)
    assert first.told == ["judging"]


def test_the_chain_holds_and_every_clock_has_a_handler(site):
    Watched(site).confirm().plan(DAY).wait(40 * DAY)
    rows = site.rows("SELECT seq, record, prev_hash, hash FROM hazard_event ORDER BY seq")
    assert first_broken([Link(seq=s, record=r, prev_hash=p, hash=h) for s, r, p, h in rows]) is None
    allowed = site.value(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'hazard_timer_kind_check'"
    )
    assert {kind for kind in KINDS if f"'{kind}'" in allowed} == KINDS


def territory(
    site, jurisdiction: str | None, name: str, kind: str = "county", above: int | None = None
) -> int:
    """A node above the site."""
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    node = site.value(
        "INSERT INTO tree_node (tree, parent, kind, name, jurisdiction)"
        " VALUES ('territory', %s, %s, %s, %s) RETURNING node",
        above,
        kind,
        Jsonb(Text(name, name)),
        jurisdiction,
    )
    path = f"/{node}/" if above is None else f"/{above}/{node}/"
    site.connection.execute("UPDATE tree_node SET path = %s WHERE node = %s", [path, node])
    site.connection.execute("UPDATE site SET territory = %s", [node])
    return node


def test_a_day_ends_at_midnight_of_the_site():
    assert end_of_day(NOON, "Asia/Shanghai") == MIDNIGHT
    assert end_of_day(MIDNIGHT, "Asia/Shanghai") == MIDNIGHT + DAY
    assert end_of_day(instant(0), "UTC") == instant(86_400_000)
