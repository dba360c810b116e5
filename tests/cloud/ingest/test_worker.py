"""What one lane's thread does when everything about a batch goes wrong."""

import psycopg
import pytest

from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.worker import Batching, Surroundings, Worker
from cloud.sites.registry import Registry
from sitewarden.messages import Series
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.site import birth, delivery, now_ms, raised, readings

BATCHING = Batching(messages=50, linger_s=0.0, queued=100)


class Stumbling(AlarmsLane):
    """Goes wrong once the table by which it would be set aside is gone too."""

    def commit(self, *_):
        raise RuntimeError("a fault of ours")


class Told:
    """What the broker hears."""

    def __init__(self) -> None:
        self.acknowledged, self.published = [], []

    def acknowledge(self, told) -> None:
        self.acknowledged += [one.mid for one in told]

    def publish(self, topic: str, _body: bytes) -> None:
        self.published.append(topic)


@pytest.fixture
def without_dead_letters(dsn):
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE dead_letter RENAME TO gone")
        yield
        owner.execute("ALTER TABLE gone RENAME TO dead_letter")


@pytest.mark.usefixtures("without_dead_letters")
def test_a_batch_of_which_nothing_can_be_done_makes_no_lane_deaf(settings, dsn):
    """The broker sends on only as long as it is answered; without a receipt the gateway sends all again."""
    told = Told()
    worker = Worker(
        "alarms", Stumbling, Surroundings(settings=settings, dsn=dsn, registry=Registry()), BATCHING
    )
    for mid in range(1, 4):
        worker.deliver(delivery(raised())._replace(mid=mid))
    worker.start(told)
    try:
        wait_for(lambda: set(told.acknowledged) == {1, 2, 3}, "the broker to be answered")
    finally:
        worker.stop()
        worker.join()
    assert told.published == []


def test_a_deadlock_costs_another_try_and_no_reading(site, settings, caplog):
    """Whoever else wants the same rows in another order; the batch is of two days and two gateways."""
    dsn, told = site.dsn, Told()
    around = Surroundings(settings=settings, dsn=dsn, registry=Registry())
    worker = Worker("readings", ReadingsLane, around, BATCHING)
    cranes = (("gw-1", "crane-1/load"), ("gw-2", "crane-2/load"))
    for mid, (gateway, point) in enumerate(cranes, start=1):
        worker.deliver(delivery(birth(points={point: "crane.load"}), gateway=gateway)._replace(mid=mid))
    worker.start(told)
    try:
        wait_for(lambda: set(told.acknowledged) == {1, 2}, "the births")
        with psycopg.connect(dsn) as other, psycopg.connect(dsn, autocommit=True) as owner:
            other.execute("SET deadlock_timeout = '60s'")
            other.execute("UPDATE gateway SET seen_at = seen_at WHERE gateway = 'gw-2'")
            for mid, (gateway, point) in enumerate(cranes, start=3):
                both_days = [Series(p=point, t=[-86_400_000, 0], x=[1.0, 2.0])]
                told_of = readings(series=both_days, at=now_ms())
                worker.deliver(delivery(told_of, gateway=gateway)._replace(mid=mid))
            waiting = (
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            wait_for(lambda: owner.execute(waiting).rowcount, "the worker to wait")
            other.execute("UPDATE gateway SET seen_at = seen_at WHERE gateway = 'gw-1'")
        wait_for(lambda: set(told.acknowledged) == {1, 2, 3, 4}, "the broker to be answered")
        with psycopg.connect(dsn) as owner:
            assert owner.execute("SELECT count(*) FROM reading").fetchone() == (4,)
            assert owner.execute("SELECT sum(accepted), sum(duplicate) FROM reading_count").fetchone() == (
                4,
                0,
            )
    finally:
        worker.stop()
        worker.join()
    assert "deadlock detected" in caplog.text
