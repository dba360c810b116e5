"""One danger, two records: what was known of the one, or running on it, is lost by no merge."""

import concurrent.futures
import datetime as dt

import msgspec
import pytest

from cloud.database import connect, instant, milliseconds
from cloud.hazards import store
from cloud.hazards.acting import Done, Wish, act
from cloud.hazards.audit import verify
from cloud.hazards.timers import run_due
from cloud.registry.service import etag
from sitewarden.rules.model import Clause
from tests.cloud.hazards.lives import form
from tests.cloud.hazards.people import signer_of
from tests.cloud.hazards.test_clocks import HOUR, MINUTE, NOON
from tests.cloud.site import PROPOSAL, cleared, raised
from tests.cloud.web.serving import new_account

MAJOR = msgspec.structs.replace(
    PROPOSAL, level="major_proposed", clause=Clause(edition="2024", id="8-4", text="安全装置失效")
)
TWO_PART = msgspec.structs.replace(PROPOSAL, handling_clock_s=600)
LATE = NOON + 11 * HOUR + 50 * MINUTE
"""23:50 in Shanghai."""


class Two:
    """The record `into`, of an overload, and `from_`, of something else at the same crane."""

    def __init__(self, site, proposal=PROPOSAL, at: dt.datetime = NOON) -> None:
        self.site, self.now = site, at
        site.born()
        self.alarm = self.hears(family="overload")
        self.into = site.value("SELECT id FROM hazard")
        self.other = self.hears(family="another", hazard=proposal)
        self.from_ = site.value("SELECT id FROM hazard WHERE id <> %s", self.into)
        self.account = new_account(site.connection, "officer", "enforcement_officer", site="demo")
        self.signer = signer_of(site.connection, self.account)

    def hears(self, **alarm):
        seen = milliseconds(self.now)
        told = raised(at=seen, clock="synced", **alarm)
        self.site.deliver(told, now=seen)
        return told

    def does(self, hazard, name, **fields) -> Done:
        connection = self.site.connection
        with connection.transaction():
            wish = Wish(
                hazard_id=hazard,
                act=form(name, **fields),
                account=self.account,
                signer=self.signer,
                if_match=etag(self.value("version", hazard)),
                now_ms=milliseconds(self.now),
            )
            return act(connection, wish)

    def merge(self) -> Done:
        return self.does(self.from_, "merge", into=str(self.into))

    def set(self, status: str) -> None:
        """As people bring it there, which is another test."""
        event = store.Event(at=NOON.isoformat(), actor="sitewarden", kind="noted", body={})
        store.append_event(self.site.connection, self.into, event)
        self.site.connection.execute(
            """
            UPDATE hazard SET status = %(status)s, signal = 'cleared',
                   record = record || jsonb_build_object('status', %(status)s::text, 'signal', 'cleared')
             WHERE id = %(id)s
            """,
            {"status": status, "id": self.into},
        )

    def value(self, column: str, hazard=None):
        return self.site.value(f"SELECT {column} FROM hazard WHERE id = %s", hazard or self.into)


def test_a_later_alarm_of_a_merged_record_s_danger_joins_the_record_that_took_it_over(site):
    two = Two(site)
    two.merge()
    again = two.hears(family="another")
    assert site.value("SELECT count(*) FROM hazard") == 2
    assert site.value("SELECT hazard_id FROM episode WHERE id = %s", again.episode) == two.into
    assert two.value("episodes") == 3
    assert verify(site.connection, instant(milliseconds(two.now)) + HOUR).breaks == []


def test_merged_on_and_on_it_joins_the_last_and_after_that_has_ended_it_is_a_record_of_its_own(site):
    two = Two(site)
    two.merge()
    two.hears(family="third")
    third = site.value("SELECT id FROM hazard WHERE family = 'third'")
    two.does(two.into, "merge", into=str(third))
    again = two.hears(family="another")
    assert site.value("SELECT hazard_id FROM episode WHERE id = %s", again.episode) == third
    site.connection.execute("UPDATE hazard SET status = 'rejected', ended_at = now() WHERE id = %s", [third])
    two.hears(family="another")
    assert site.value("SELECT count(*) FROM hazard WHERE ended_at IS NULL") == 1


@pytest.mark.parametrize("status", ["rectified", "reviewed"])
def test_what_is_merged_into_a_rectified_record_sends_it_back(site, status):
    two = Two(site)
    site.deliver(cleared(two.alarm), now=milliseconds(two.now) + 6000)
    two.set(status)
    two.merge()
    assert (two.value("status"), two.value("signal"), two.value("verified_at")) == (
        "rectifying",
        "active",
        None,
    )


def test_the_time_for_the_report_of_what_was_suspected_goes_on(site):
    two = Two(site, MAJOR, at=LATE)
    due = two.value("report_due_at", two.from_)
    two.now += HOUR
    two.merge()
    assert (two.value("level"), two.value("report"), two.value("report_due_at")) == (
        "major_proposed",
        "provisional",
        due,
    )
    assert two.value("clause")["id"] == "8-4"


def test_the_clock_of_what_must_be_handled_in_time_runs_on(site):
    two = Two(site, TWO_PART)
    two.merge()
    run_due(site.connection, milliseconds(two.now + HOUR))
    assert two.value("level") == "major_proposed"


def test_an_order_to_stop_work_is_lost_by_no_merge(site):
    two = Two(site)
    two.does(two.from_, "order_control", control="stop_work")
    two.merge()
    assert two.value("control") == "stop_work"


def test_an_alarm_that_clears_at_the_moment_of_the_merge_goes_first_and_neither_fails(site):
    two = Two(site)
    waits = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
    with connect(site.dsn) as ingest, concurrent.futures.ThreadPoolExecutor(1) as pool:
        with ingest.transaction():
            # What ingest holds first is the alarm; then it asks for the record.
            ingest.execute("UPDATE episode SET late = late WHERE id = %s", [two.other.episode])
            merging = pool.submit(two.merge)
            while not ingest.execute(waits, [site.connection.info.backend_pid]).fetchone()[0]:
                assert not merging.done()
            ingest.execute("SELECT FROM hazard WHERE id = %s FOR UPDATE", [two.from_])
        merging.result()
    assert two.value("status", two.from_) == "merged"
