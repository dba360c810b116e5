"""A province with two counties, `demo` in the first and `north` in the second; both of one company."""

import datetime as dt
import uuid

import psycopg
import pytest

from tests.cloud.registry.test_scope import trees

__all__ = ["trees"]

ZONE = dt.timezone(dt.timedelta(hours=8))


@pytest.fixture
def company(web, trees) -> int:
    """Of both sites."""
    given = {"kind": "company", "name": {"zh": "甲公司", "en": "A company"}}
    node = web.post("/trees/enterprise", json=given).json()["id"]
    for site, territory in (("demo", trees["first"]), ("north", trees["second"])):
        seen = web.get(f"/sites/{site}/registry")
        body = {
            "name": seen.json()["name"],
            "time_zone": "Asia/Shanghai",
            "territory": territory,
            "enterprise": node,
        }
        path = f"/sites/{site}/registry"
        answer = web.put(path, json=body, headers={"If-Match": seen.headers["ETag"]})
        assert answer.status_code == 200, answer.text
    return node


def today() -> dt.date:
    return dt.datetime.now(ZONE).date()


def aged(site, days: int = 400) -> None:
    """The sites have been there for so long."""
    with psycopg.connect(site.dsn) as owner:
        # Only so does the trigger let go of what was changed.
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE registry_change SET at = at - make_interval(days => %s) WHERE record = 'site'", [days]
        )


def declare(site, source: str, node: int, since: dt.date) -> None:
    (account,) = site.connection.execute("SELECT min(id) FROM account").fetchone()
    site.connection.execute(
        "INSERT INTO data_source (source, node, since, declared_at, author, account_id) "
        "VALUES (%s, %s, %s, now(), 'test', %s)",
        [source, node, since, account],
    )


def inspect(within, day: dt.date, /, **fields) -> str:
    made = str(uuid.uuid4())
    at = dt.datetime.combine(day, dt.time(10), ZONE)
    row = {
        "id": made,
        "seq": 1,
        "kind": "authority_check",
        "acting_level": "county",
        "started_at": at,
        "ended_at": at,
        "day": day,
        "at": at,
        "author": "test",
        **fields,
    }
    columns = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    within.connection.execute(f"INSERT INTO inspection ({columns}) VALUES ({values})", row)
    return made
