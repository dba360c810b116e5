"""A clause in two parts: the danger opens a general record; not handled in time, it is suspected major."""

import threading

import msgspec
import psycopg
import pytest

from cloud.database import connect, instant
from cloud.hazards.chain import Link, first_broken
from cloud.hazards.store import hazards_by_id
from cloud.hazards.timers import run_due
from cloud.instants import rfc3339
from cloud.migrate import shipped
from sitewarden.rules import HazardProposal
from sitewarden.rules.model import Clause
from sitewarden.text import Text
from tests.cloud.site import acknowledged, cleared, now_ms, raised

HANDLING_S = 7200
PIT = HazardProposal(
    category=Text("基坑", "Foundation pit"),
    level="general",
    potential_accident=Text("坍塌", "Collapse"),
    clause=Clause(edition="2024", id="5-4", text="有坍塌预兆之一且未及时处理"),
    also=[Clause(edition="2022", id="5-4", text="预兆之一且未及时处理")],
    handling_clock_s=HANDLING_S,
)


def alarm(**changes):
    """A displacement at its control value."""
    fields = {"level": 4, "family": "pit-displacement", "hazard": PIT, "clock": "synced"}
    return raised(**{**fields, **changes})


def chain(site) -> list[Link]:
    rows = site.rows("SELECT seq, record, prev_hash, hash FROM hazard_event ORDER BY seq")
    return [Link(seq=s, record=r, prev_hash=p, hash=h) for s, r, p, h in rows]


def events(site) -> list[str]:
    return [msgspec.json.decode(link.record)["kind"] for link in chain(site)]


def expire_clocks(connection, at_ms: int) -> list[object]:
    """The records of which a clock of handling has run out, and nothing else that is late meanwhile."""
    told: list[object] = []
    run_due(connection, at_ms, lambda _, news, __: told.extend(one for one in news if one.kind == "major"))
    return told


def level(site) -> str:
    return site.value("SELECT level FROM hazard")


@pytest.fixture
def began(site) -> int:
    """When the danger began; its record is open."""
    at = now_ms() - 60_000
    site.born().deliver(alarm(at=at), now=at + 900)
    return at


def test_the_danger_alone_is_a_general_hazard_with_a_clock(site, began):
    assert level(site) == "general"
    (shown,) = hazards_by_id(site.connection, [row[0] for row in site.rows("SELECT id FROM hazard")])
    assert shown.clause is not None
    assert (shown.clause.id, [c.edition for c in shown.also]) == ("5-4", ["2022"])
    assert shown.handling_due_at == rfc3339(instant(began + 1000 * HANDLING_S))
    assert events(site) == ["opened", "handling_clock"]


def test_before_the_time_is_over_nothing_changes(site, began):
    assert expire_clocks(site.connection, began + 1000 * HANDLING_S - 1) == []
    assert level(site) == "general"


def test_not_handled_in_time_it_is_suspected_major_and_the_chain_says_so(site, began):
    before = site.value("SELECT count(*) FROM live_event")
    assert len(expire_clocks(site.connection, began + 1000 * HANDLING_S)) == 1
    assert level(site) == "major_proposed"
    assert events(site) == ["opened", "handling_clock", "handling_expired", "report"]
    assert first_broken(chain(site)) is None
    said = msgspec.json.decode(chain(site)[-2].record)
    assert (said["actor"], said["body"]["from"], said["body"]["to"]) == (
        "sitewarden",
        "general",
        "major_proposed",
    )
    assert site.value("SELECT count(*) FROM live_event") == before + 1
    assert expire_clocks(site.connection, began + 2000 * HANDLING_S) == []


def test_an_acknowledgement_is_no_handling_and_neither_is_a_clear(site, began):
    again = alarm(at=began + 1000)
    site.deliver(again, acknowledged(again), cleared(again))
    expire_clocks(site.connection, began + 1000 * HANDLING_S)
    assert level(site) == "major_proposed"


def test_a_second_alarm_gives_no_second_chance(site, began):
    site.deliver(alarm(at=began + 3_600_000), now=began + 3_600_000)
    assert site.value("SELECT count(*) FROM hazard_timer WHERE kind = 'handling'") == 1
    assert events(site).count("handling_clock") == 1
    assert len(expire_clocks(site.connection, began + 1000 * HANDLING_S)) == 1


@pytest.mark.parametrize("order", [(HANDLING_S, 600), (600, HANDLING_S)])
def test_of_two_clocks_of_a_record_the_one_that_ends_first_counts(site, order):
    at = now_ms() - 60_000
    site.born()
    for i, seconds in enumerate(order):
        shorter = msgspec.structs.replace(PIT, handling_clock_s=seconds)
        site.deliver(alarm(at=at + i, hazard=shorter), now=at + 900)
    assert site.value("SELECT handling_clock_s FROM hazard") == 600
    assert expire_clocks(site.connection, at + 599_000) == []
    assert len(expire_clocks(site.connection, at + 601_000)) == 1
    assert first_broken(chain(site)) is None


def test_a_clock_that_has_run_out_is_not_wound_up_again(site, began):
    expire_clocks(site.connection, began + 1000 * HANDLING_S)
    site.deliver(alarm(at=began - 1000), now=began + 1000 * HANDLING_S)
    assert expire_clocks(site.connection, began + 2000 * HANDLING_S) == []


@pytest.mark.parametrize("seconds", [2**31, 2**63, 10**30])
def test_a_number_out_of_bounds_never_costs_the_alarm(site, seconds):
    at = now_ms() - 60_000
    site.born().deliver(alarm(at=at, hazard=msgspec.structs.replace(PIT, handling_clock_s=seconds)))
    assert site.value("SELECT count(*) FROM episode") == 1
    assert site.value("SELECT handling_clock_s FROM hazard") == 30 * 86_400
    assert len(expire_clocks(site.connection, at + 31 * 86_400_000)) == 1


def test_records_that_were_open_before_clocks_ran_get_theirs(site, began):
    (migration,) = [one for one in shipped() if one.name == "0012_open_handling.sql"]
    with psycopg.connect(site.dsn) as owner:
        owner.execute("DELETE FROM hazard_timer WHERE kind = 'handling'")
        owner.execute(migration.text.encode())
    assert site.value("SELECT due_at FROM hazard_timer WHERE kind = 'handling'") == instant(
        began + 1000 * HANDLING_S
    )
    assert len(expire_clocks(site.connection, began + 1000 * HANDLING_S)) == 1


def test_news_that_were_held_up_count_from_when_the_danger_was_seen(site):
    at = now_ms() - 3 * 3_600_000
    site.born().deliver(alarm(at=at))
    assert len(expire_clocks(site.connection, now_ms())) == 1


def test_but_not_by_a_clock_that_nobody_had_set(site):
    at = now_ms() - 3 * 3_600_000
    site.born().deliver(alarm(at=at, clock="unsynced"))
    assert expire_clocks(site.connection, now_ms()) == []


def test_a_record_that_is_suspected_already_is_not_suspected_twice(site, began):
    site.connection.execute("UPDATE hazard SET level = 'major_proposed'")
    assert expire_clocks(site.connection, began + 1000 * HANDLING_S) == []
    assert "handling_expired" not in events(site)
    assert site.value("SELECT settled_at IS NOT NULL FROM hazard_timer WHERE kind = 'handling'")


def test_a_hazard_without_a_second_part_has_no_clock(site):
    site.born().deliver(raised())
    assert site.value("SELECT count(*) FROM hazard_timer WHERE kind = 'handling'") == 0


def test_two_workers_settle_a_clock_once(site, began):
    found: list[list[object]] = []

    def work() -> None:
        with connect(site.dsn) as connection:
            found.append(list(expire_clocks(connection, began + 1000 * HANDLING_S)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(len, found)) == 1
    assert events(site).count("handling_expired") == 1
