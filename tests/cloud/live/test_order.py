"""Events for viewers: whoever has seen number n will never be given a smaller one later."""

import threading

from cloud.database import connect
from cloud.live import store
from cloud.live.store import NewEvent, forget_old_events, write_events
from tests.cloud.site import now_ms

WRITERS, EACH = 6, 40


def test_ids_ascend_in_the_order_of_commits(site):
    """A reader that asks for what comes after its newest id misses nothing, however writers interleave."""
    done, seen, failures = threading.Event(), [], []

    def write(writer: int) -> None:
        with connect(site.dsn) as connection:
            for n in range(EACH):
                with connection.transaction():
                    connection.execute("SELECT 1")
                    events = [NewEvent("demo", "alarm", f"{writer}/{n}/{part}") for part in range(2)]
                    write_events(connection, events, now_ms())

    def read() -> None:
        last = 0
        with connect(site.dsn) as connection:
            while True:
                finished = done.is_set()
                rows = connection.execute(
                    "SELECT id, body FROM live_event WHERE id > %s ORDER BY id", [last]
                ).fetchall()
                seen.extend(body for _, body in rows)
                last = rows[-1][0] if rows else last
                if finished and not rows:
                    return

    def guarded(work, *args) -> threading.Thread:
        def run() -> None:
            try:
                work(*args)
            except Exception as exc:
                failures.append(exc)
                raise

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    reader = guarded(read)
    for writer in [guarded(write, n) for n in range(WRITERS)]:
        writer.join(45)
    done.set()
    reader.join(45)
    assert failures == []
    assert sorted(seen) == sorted(
        f"{w}/{n}/{p}" for w in range(WRITERS) for n in range(EACH) for p in range(2)
    )


def test_without_the_lock_a_number_could_come_after_a_greater_one(site):
    """The test above would prove nothing if PostgreSQL itself kept the order."""
    insert = "INSERT INTO live_event (site, kind, at, body) VALUES ('demo', 'alarm', now(), 'x') RETURNING id"
    with connect(site.dsn) as slow, slow.transaction():
        ((early,),) = slow.execute(insert).fetchall()
        ((late,),) = site.rows(insert)
        assert late > early
        assert site.rows("SELECT id FROM live_event") == [(late,)]


def test_old_events_are_forgotten(site, monkeypatch):
    monkeypatch.setattr(store, "KEPT_EVENTS", 3)
    with site.connection.transaction():
        write_events(site.connection, [NewEvent("demo", "alarm", str(n)) for n in range(10)], now_ms())
    forget_old_events(site.connection)
    assert [body for (body,) in site.rows("SELECT body FROM live_event ORDER BY id")] == ["7", "8", "9"]
