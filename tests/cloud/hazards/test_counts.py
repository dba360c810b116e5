"""What was counted of an instant stays what it was, whatever happens after."""

import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from cloud.database import instant
from cloud.hazards.counts import AS_OF, summed
from cloud.instants import rfc3339
from tests.cloud.hazards.test_handling_clock import HANDLING_S, alarm, expire_clocks
from tests.cloud.site import birth, cleared, now_ms, raised
from tests.cloud.web.serving import new_account, new_session

HOUR_MS = 3_600_000


def counted(site, at_ms: int):
    asked = {"account": None, "roles": ["viewer"], "at": instant(at_ms), "site": None}
    cells = site.connection.cursor(row_factory=dict_row).execute(AS_OF, asked).fetchall()
    return summed(instant(at_ms), cells)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["opens", "clears", "expires", "joins"]), min_size=2, max_size=6))
def test_what_was_counted_of_an_instant_never_changes(site, steps):
    site.born()
    at = (site.value("SELECT coalesce(max(extract(epoch FROM at) * 1000), 0)::bigint FROM hazard_event")) or (
        now_ms() - 400 * HOUR_MS
    )
    told, then = [], {}
    for step in steps:
        at += 3 * HOUR_MS
        if step == "opens" or not told:
            told.append(alarm(family=uuid.uuid4().hex, at=at, raised_at=at))
            site.deliver(told[-1], now=at)
        elif step == "joins":
            site.deliver(alarm(family=told[-1].family, at=at, raised_at=at), now=at)
        elif step == "clears":
            site.deliver(cleared(told[-1]), now=at)
        else:
            expire_clocks(site.connection, at + 1000 * HANDLING_S)
        then[at] = counted(site, at)
    assert {at: counted(site, at) for at in then} == then


def test_a_record_counts_from_its_opening_as_what_it_was(site):
    at = now_ms() - 10 * HOUR_MS
    site.born().deliver(alarm(at=at, raised_at=at), now=at)
    expire_clocks(site.connection, at + 1000 * HANDLING_S)
    assert counted(site, at - 1).total == 0
    assert counted(site, at).by_level == {"general": 1}
    assert counted(site, at + 1000 * HANDLING_S).by_level == {"major_proposed": 1}
    assert (counted(site, at).open, counted(site, at).by_source) == (1, {"self": 1})


def test_a_drill_counts_nowhere(site):
    site.deliver(birth(boot="t"), mode="drill")
    site.deliver(raised(boot="t"), mode="drill")
    assert counted(site, now_ms() + 1000).total == 0


def test_whoever_asks_gets_the_numbers_of_what_he_sees(site, web):
    site.deliver(birth(points={"crane-1/load": "crane.load", "crane-7/load": "crane.load"}))
    site.deliver(raised(), raised(device="crane-7", point="crane-7/load"))
    shown = web.get("/hazards/counts").json()
    assert (shown["total"], shown["by_status"], shown["verified"]) == (2, {"candidate": 2}, 0)
    assert web.get("/hazards/counts?at=2020-01-01T00:00:00Z").json()["total"] == 0
    assert web.get("/hazards/counts?site=elsewhere").json()["total"] == 0
    assert web.get("/hazards/counts?at=2020-01-01").status_code == 422
    later = web.get(f"/hazards/counts?at={rfc3339(instant(now_ms() + HOUR_MS)).replace(':', '%3A')}").json()
    assert later["at"] < rfc3339(instant(now_ms() + HOUR_MS // 2))
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    theirs = new_account(site.connection, "邻区", "viewer", site="north")
    web.client.cookies.clear()
    web.client.cookies.set("sitewarden_session", new_session(site.connection, theirs))
    assert web.get("/hazards/counts").json()["total"] == 0
