"""Of several processes on one database one does what must be done once; where it dies, another goes on."""

import threading

import psycopg
import pytest

from cloud.looking import Looking
from tests.cloud.ingest.over_mqtt import wait_for
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.postgres


class Noting(Looking):
    """Says when it was its turn, and where its connection is."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, name="noting", every_s=0.02, is_alone=True)
        self.did, self.backend = threading.Event(), 0

    def look(self, connection, _now_ms) -> None:
        (self.backend,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        self.did.set()


@pytest.fixture
def noting(dsn):
    pair = Noting(dsn), Noting(dsn)
    yield pair
    for one in pair:
        one.stop()


def test_one_looks_and_another_goes_on_once_its_connection_is_gone(noting, dsn):
    first, second = noting
    first.start()
    assert first.did.wait(PATIENCE_S)
    second.start()
    for _ in range(5):
        first.did.clear()
        assert first.did.wait(PATIENCE_S)
    assert not second.did.is_set()

    first.stop()
    assert second.did.wait(PATIENCE_S)

    # Whose connection is cut has no turn before it has one again.
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s)", [cut := second.backend])
    wait_for(lambda: second.backend != cut, "its turn on another connection")
