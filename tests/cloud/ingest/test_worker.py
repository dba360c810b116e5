"""What one lane's thread does when everything about a batch goes wrong."""

import psycopg
import pytest

from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.worker import Batching, Surroundings, Worker
from cloud.sites.registry import Registry
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.site import delivery, raised

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
        self.acknowledged.append(told.mid)

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
