"""What has reached nobody stands on the pages, until somebody has it or says that he knows."""

from uuid import UUID

import psycopg
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.database import as_app
from cloud.notices import acknowledging
from tests.cloud.notices.others import Robot
from tests.cloud.registry.test_scope import become
from tests.cloud.site import acknowledged, raised
from tests.cloud.web.serving import new_account, new_session
from tests.support.plain import plain_client


@pytest.fixture
def broken():
    made = Robot()
    made.answers(errcode=310000, errmsg="no")
    yield made
    made.close()


def aged(site) -> None:
    site.rows("UPDATE notice SET created_at = created_at - interval '10 minutes' RETURNING 1")


def shown(web, query: str = "") -> tuple:
    found = web.get(f"/notices/undelivered{query}").json()
    return found["n"], found["level"], found["sites"], found["may_have_arrived"]


def test_a_grave_notice_that_reached_nobody_is_shown_until_somebody_knows(site, web, channel, notify, broken):
    channel(url=broken.url)
    site.born()
    alarm = raised(level=4, hazard=None)
    site.deliver(alarm, raised(level=2, family="mild", hazard=None))
    notify()
    assert shown(web) == (0, None, [], False), "not at once"
    aged(site)
    assert shown(web) == shown(web, "?site=demo") == (1, 4, ["demo"], False)
    assert shown(web, "?site=north")[0] == 0
    site.deliver(acknowledged(alarm))
    assert shown(web)[0] == 0


def test_a_siren_that_somebody_silenced_hides_nothing_from_who_must_know(site, web, channel, notify, broken):
    channel(url=broken.url)
    officer = new_account(site.connection, "小张", "safety_officer", site="demo")
    site.born()
    alarm = raised(level=4, hazard=None)
    site.deliver(alarm)
    notify()
    aged(site)
    site.deliver(acknowledged(alarm))
    assert shown(web) == (1, 4, ["demo"], False)
    cookies = {COOKIE: new_session(site.connection, officer)}
    with plain_client(f"{web.address}/api/v1", cookies=cookies) as client:
        assert client.post(f"/sites/demo/alarms/{UUID(alarm.episode)}/acknowledge").status_code == 202
    assert shown(web)[0] == 0


def test_what_any_channel_got_there_has_reached_somebody(site, web, channel, notify, broken):
    channel(url=broken.url)
    channel(name="works")
    site.born()
    site.deliver(raised())
    notify()
    aged(site)
    assert shown(web)[0] == 0


def test_what_may_have_arrived_is_said_to_be_so_and_nobody_sees_what_is_not_his(
    site, web, channel, notify, broken
):
    channel(url=broken.url)
    broken.is_silent = True
    site.born()
    site.deliver(raised())
    notify()
    aged(site)
    assert shown(web) == (1, 3, ["demo"], True)
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    become(web, site, "admin", site="north")
    assert shown(web) == shown(web, "?site=demo") == (0, None, [], False)


def test_who_was_told_of_an_alarm_is_found_without_reading_all_that_was_ever_told(site):
    """Much of that is kept for good."""
    with psycopg.connect(as_app(site.dsn)) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("EXPLAIN " + acknowledging._OF_ALARM, {"account": 1, "episode": UUID(int=1)})
        plan = [line for (line,) in cursor.fetchall()]
    assert [line for line in plan if "Seq Scan on told" in line] == []
