"""A device that is mended calls nobody, if a second person has approved it; what stands afterwards counts."""

import datetime as dt

import pytest

from cloud.accounts.permissions import COOKIE
from cloud.hazards.clearing import clearance_of
from cloud.ingest.duties import Duties
from cloud.upkeep.tasks import open_task
from tests.cloud.site import cleared, now_ms, raised
from tests.cloud.web.serving import new_account, new_session

PATH = "/sites/demo/devices/crane-1/upkeep"


class People:
    """Two who may maintain."""

    def __init__(self, web, site):
        self.web, self.site = web, site
        self.tokens = {
            name: new_session(site.connection, new_account(site.connection, name, role))
            for name, role in (
                ("经理", "project_manager"),
                ("监理", "supervision_engineer"),
                ("看", "viewer"),
            )
        }

    def post(self, who: str, path: str, body: dict | None = None):
        self.web.client.cookies.set(COOKIE, self.tokens[who])
        return self.web.post(f"{PATH}{path}", json=body)

    def ask(self, who: str = "经理", hours: float = 2, **changes):
        now = dt.datetime.now(dt.UTC)
        times = {"start": now.isoformat(), "end": (now + dt.timedelta(hours=hours)).isoformat()}
        return self.post(
            who, "/maintenance", {"work_order": "WX-7", "reason": "换力矩传感器", **times, **changes}
        )

    def mend(self) -> str:
        (one, *_) = self.ask().json()["maintenance"]
        answer = self.post("监理", f"/maintenance/{one['id']}/approval")
        assert answer.json()["maintenance"][0]["state"] == "under_way", answer.text
        return one["id"]


@pytest.fixture
def people(web, site) -> People:
    site.born()
    return People(web, site)


def duties(site) -> Duties:
    return Duties(site.settings, site.dsn, site.registry)


def hazards(site) -> int:
    return site.value("SELECT count(*) FROM hazard")


def test_nobody_approves_what_he_has_asked_for_himself(people):
    (one,) = people.ask().json()["maintenance"]
    assert (one["state"], one["is_own"], one["approved_by"]) == ("asked", True, None)
    own = people.post("经理", f"/maintenance/{one['id']}/approval")
    assert (own.status_code, own.json()["type"]) == (409, "/problems/own-maintenance")
    assert people.post("看", f"/maintenance/{one['id']}/approval").status_code == 403
    approved = people.post("监理", f"/maintenance/{one['id']}/approval").json()["maintenance"][0]
    assert (approved["state"], approved["approved_by"], approved["is_own"]) == ("under_way", "监理", False)
    assert people.post("监理", f"/maintenance/{one['id']}/approval").status_code == 409


def test_it_has_an_end_and_lasts_no_longer_than_three_days(people):
    for hours in (-1, 73):
        assert people.ask(hours=hours).json()["errors"][0]["field"] == "body.end"
    assert people.ask(work_order=" ").status_code == 422


@pytest.mark.parametrize("start", ["9999-12-31T12:00:00Z", "9999-12-30T00:00:00-14:00"])
def test_what_no_clock_has_is_refused(people, start):
    answer = people.ask(start=start, end="9999-12-31T23:00:00Z")
    assert answer.json()["errors"][0]["code"] == "not-of-our-time"


def test_alarms_in_it_are_kept_and_open_nothing_and_what_is_over_never_does(people, site):
    maintenance = people.mend()
    test = raised(clock="synced")
    site.deliver(test)
    site.deliver(cleared(test))
    assert (hazards(site), site.value("SELECT count(*) FROM episode")) == (0, 1)
    people.post("监理", f"/maintenance/{maintenance}/end", {"note": "换好"})
    duties(site).release(site.connection, now_ms() + 1000)
    assert hazards(site) == 0


def test_what_still_stands_after_it_opens_its_record(people, site):
    maintenance = people.mend()
    site.deliver(raised(clock="synced"))
    look = duties(site)
    look.release(site.connection, now_ms() + 1000)
    assert hazards(site) == 0
    people.post("经理", f"/maintenance/{maintenance}/end", {"note": "换好"})
    look.release(site.connection, now_ms() + 1000)
    assert site.rows("SELECT status, signal FROM hazard") == [("candidate", "active")]
    assert site.value("SELECT hazard_id IS NOT NULL FROM episode")
    look.release(site.connection, now_ms() + 2000)
    assert hazards(site) == 1


def test_a_record_that_cannot_be_read_keeps_nothing_else_from_being_done(people, site):
    """Of a later version, say, to which the cloud was updated and from which it was put back."""
    site.deliver(raised(device="crane-7", point="crane-7/load"))
    unread = site.value("SELECT id FROM hazard")
    # Nothing watches it, which is to be noted in it.
    site.connection.execute('UPDATE hazard SET record = \'{"seq": "one"}\'')
    site.connection.execute("UPDATE evidence_window SET frozen_at = now()")
    site.deliver(raised(clock="synced"))
    duties(site).look(site.connection, now_ms() + 1000)
    kept = site.rows("SELECT DISTINCT hazard_id FROM evidence_item")
    assert kept != []
    assert (unread,) not in kept


def test_it_ends_by_itself(people, site):
    people.mend()
    site.deliver(raised(clock="synced"))
    duties(site).release(site.connection, now_ms() + 3 * 3_600_000)
    assert hazards(site) == 1


def test_before_its_approval_and_after_its_end_alarms_open_records_as_ever(people, site):
    people.ask()
    site.deliver(raised(clock="synced"))
    assert hazards(site) == 1


def test_a_danger_that_is_on_record_already_is_not_touched_by_a_test(people, site):
    before = raised(clock="synced")
    site.deliver(before)
    people.mend()
    site.deliver(cleared(before))
    site.deliver(raised(clock="synced"))
    assert site.rows("SELECT signal, episodes FROM hazard") == [("cleared", 1)]
    found = clearance_of(site.connection, site.value("SELECT id FROM hazard"), now_ms() + 1000)
    assert found is not None
    assert "maintenance" in found.why


def test_a_task_is_opened_once_a_record_listed_and_closed_by_a_person_with_a_note(people, site):
    site.deliver(raised())
    hazard = site.value("SELECT id FROM hazard")
    fields = {
        "site": "demo",
        "device": "crane-1",
        "kind": "repair",
        "hazard_id": hazard,
        "reason": "传感器故障",
    }
    task = open_task(site.connection, **fields, author="经理", account_id=None, now_ms=now_ms())
    assert open_task(site.connection, **fields, author="经理", account_id=None, now_ms=now_ms()) is None
    people.web.client.cookies.set(COOKIE, people.tokens["看"])
    shown = people.web.get(PATH).json()
    assert (shown["tasks"][0]["hazard"], shown["may_maintain"]) == (str(hazard), False)
    assert people.post("看", f"/tasks/{task}/closing", {"note": "x"}).status_code == 403
    closed = people.post("经理", f"/tasks/{task}/closing", {"note": "已换传感器"}).json()["tasks"][0]
    assert (closed["closed_by"], closed["note"]) == ("经理", "已换传感器")
    assert people.post("经理", f"/tasks/{task}/closing", {"note": "again"}).status_code == 409


def test_of_a_device_that_the_site_has_not_there_is_nothing(people):
    people.web.client.cookies.set(COOKIE, people.tokens["经理"])
    assert people.web.get("/sites/demo/devices/crane-99/upkeep").status_code == 404
