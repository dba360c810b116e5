"""Ready is who has what its work needs; otherwise it says which part is missing."""

import psycopg

from cloud.readiness import Readiness, newest


def test_the_ingest_is_ready_with_database_schema_and_broker(dsn):
    hears = [False]
    readiness = Readiness(dsn, lambda: hears[0])
    assert readiness.parts() == {"database": True, "migrations": True, "broker": False}
    hears[0] = True
    assert all(readiness.parts().values())


def test_without_its_schema_nobody_is_ready(dsn, web):
    last = "FROM migration WHERE number = (SELECT max(number) FROM migration)"
    with psycopg.connect(dsn, autocommit=True) as owner:
        row = owner.execute(f"SELECT number, name, checksum {last}").fetchone()
        owner.execute(f"DELETE {last}")
        try:
            behind = Readiness(dsn, lambda: True).parts()
            answer = web.client.get("/readyz")
        finally:
            owner.execute("INSERT INTO migration (number, name, checksum) VALUES (%s, %s, %s)", row)
    assert behind == {"database": True, "migrations": False, "broker": True}
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "migrate" in answer.json()["detail"]
    assert row[0] == newest()
    assert web.client.get("/readyz").json() == {
        "status": "ok",
        "parts": {"database": True, "migrations": True},
    }


def test_without_a_database_nothing_of_it_is_there():
    parts = Readiness("host=127.0.0.1 port=1 dbname=none", lambda: True).parts()
    assert parts == {"database": False, "migrations": False, "broker": True}
