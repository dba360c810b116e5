"""Whom an alarm is told to is kept from one alarm to the next, and is what holds for it all the same."""

import msgspec
import pytest

from cloud.notices import kept
from tests.cloud.notices.test_telling import account, nodes
from tests.cloud.site import raised
from tests.support.waiting import until


@pytest.fixture
def heard(site):
    """Raises one more alarm; who hears of it."""
    site.born()
    raised_so_far: list[str] = []

    def raise_one() -> set[str]:
        alarm = raised(level=4, rule=f"rule-{len(raised_so_far)}")
        raised_so_far.append(alarm.episode)
        site.deliver(alarm)
        rows = site.rows(
            "SELECT name FROM told JOIN told_person USING (told) JOIN account ON account.id = account_id "
            "WHERE episode = %s::uuid AND told.kind = 'alarm'",
            alarm.episode,
        )
        return {name for (name,) in rows}

    return raise_one


@pytest.fixture(autouse=True)
def nothing_is_forgotten_by_itself(monkeypatch):
    monkeypatch.setattr(kept, "_LONGEST_S", 3600.0)


def rota(site, shifts: list[dict], **where) -> int:
    return site.value(
        "INSERT INTO rota (site, node, role, time_zone, week, author, at) "
        "VALUES (%s, %s, 'enforcement_officer', 'UTC', %s, 'test', now()) RETURNING rota",
        where.get("at"),
        where.get("node"),
        msgspec.json.encode(shifts).decode(),
    )


def always(of: int) -> list[dict]:
    return [{"days": list(range(7)), "from": "00:00", "to": "00:00", "account": of}]


def test_a_change_of_roles_and_accounts_holds_for_the_next_alarm(site, heard):
    first = account(site, "甲", "safety_officer", at="demo")
    assert heard() == heard() == {"甲"}
    account(site, "乙", "project_manager", at="demo")
    assert heard() == {"甲", "乙"}
    site.connection.execute("UPDATE account SET disabled_at = now() WHERE id = %s", [first])
    assert heard() == {"乙"}
    site.connection.execute("UPDATE assignment SET valid_until = now()")
    assert heard() == set()


def test_a_role_above_the_site_comes_and_goes_with_where_the_site_is(site, heard):
    city, county, other = nodes(site)
    account(site, "县里", "enforcement_officer", node=county)
    account(site, "邻县", "enforcement_officer", node=other)
    assert heard() == set()
    site.connection.execute("UPDATE site SET territory = %s", [county])
    assert heard() == {"县里"}
    site.connection.execute("UPDATE tree_node SET path = path || 'x/' WHERE node = %s", [county])
    site.connection.execute("UPDATE site SET territory = %s", [city])
    assert heard() == set()


def test_a_change_of_the_rota_holds_for_the_next_alarm(site, heard):
    one, two = (account(site, name, "enforcement_officer", at="demo") for name in ("甲", "乙"))
    assert heard() == {"甲", "乙"}
    made = rota(site, always(one), at="demo")
    assert heard() == {"甲"}
    site.connection.execute(
        "INSERT INTO rota_override (rota, starts_at, ends_at, account_id, reason, author, at) "
        "VALUES (%s, now() - interval '1 h', now() + interval '1 h', %s, '换班', 'test', now())",
        [made, two],
    )
    assert heard() == {"乙"}
    site.connection.execute("UPDATE rota_override SET removed_at = now()")
    assert heard() == {"甲"}
    site.connection.execute("UPDATE rota SET removed_at = now()")
    assert heard() == {"甲", "乙"}


async def test_what_begins_and_ends_by_the_clock_needs_no_change(site, heard):
    ends, begins = (account(site, name, "safety_officer", at="demo") for name in ("止", "始"))
    change = "UPDATE assignment SET {} = now() + interval '400 ms' WHERE account_id = %s"
    site.connection.execute(change.format("valid_from").encode(), [begins])
    site.connection.execute(change.format("valid_until").encode(), [ends])
    assert heard() == {"止"}
    await until(lambda: heard() == {"始"}, what="the other is told")


def test_a_device_that_is_mended_for_the_first_time_is_held_from_the_next_alarm_on(site, heard):
    one, two = (account(site, name, "viewer") for name in ("甲", "乙"))
    heard()
    site.connection.execute(
        """
        INSERT INTO device_maintenance (
                maintenance, site, device, work_order, reason, from_at, until_at, asked_by, asked_by_id,
                asked_at, approved_by, approved_by_id, approved_at)
            VALUES (gen_random_uuid(), 'demo', 'crane-1', '7', '检修', now() - interval '1 h',
                    now() + interval '1 h', '甲', %s, now(), '乙', %s, now() - interval '1 h')
        """,
        [one, two],
    )
    heard()
    assert site.value("SELECT count(*) FROM held_alarm") == 1
