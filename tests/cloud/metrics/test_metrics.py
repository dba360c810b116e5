"""What Prometheus reads: the numbers are true, they stay there without a database, strangers get none."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.worker import Batching, Surroundings, Worker
from cloud.metrics import ingest
from cloud.metrics.access import may_read
from cloud.metrics.exposing import Exposed
from cloud.metrics.machine import DiskCollector
from cloud.metrics.server import Asked, MetricsServer
from cloud.metrics.stored import StoredCollector
from cloud.notices.model import Outcome as Sent
from cloud.settings import Metrics, Settings
from cloud.sites.registry import Registry
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.metrics.reading import samples, told
from tests.cloud.site import delivery, heartbeat, make_settings, now_ms, raised, readings
from tests.support.plain import plain_client

TOKEN = "a token that nobody guesses"
LOCAL = {"host": "127.0.0.1:8080"}


def counted() -> dict[tuple[str, ...], float]:
    return told(Exposed(ingest.CATALOGUE.registry, []))


class Broker:
    """Takes acknowledgements and receipts."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    def acknowledge(self, what) -> None:
        self.acknowledged += [one.mid for one in what]

    def publish(self, *_) -> None:
        pass


def test_an_alarm_s_way_through_its_lane_is_counted(site):
    site.born()
    before = counted()
    surroundings = Surroundings(settings=site.settings, dsn=site.dsn, registry=Registry())
    worker = Worker("alarms", AlarmsLane, surroundings, Batching(messages=50, linger_s=0.0, queued=2))
    alarm, broker = raised(at=now_ms() - 3_000), Broker()
    for mid in (1, 2, 3):  # the same again, and one for which there is no room
        worker.deliver(delivery(alarm)._replace(mid=mid))
    assert (
        counted()["ingest_queue_messages", "alarms"]
        == counted()["ingest_queue_limit_messages", "alarms"]
        == 2
    )
    worker.start(broker)
    try:
        wait_for(lambda: len(broker.acknowledged) == 2, "the batch")
    finally:
        worker.stop()
        worker.join()
    after = counted()
    gained = {key: value - before.get(key, 0) for key, value in after.items()}
    assert gained["ingest_turned_away_total", "alarms"] == 1
    assert gained["ingest_messages_total", "alarms"] == 2
    assert gained["ingest_rows_total", "alarms", "accepted"] == 1
    assert gained["ingest_rows_total", "alarms", "duplicate"] == 1
    assert gained["alarm_commit_seconds_count",] == 1
    assert gained["alarm_commit_seconds_sum",] >= 3
    assert 3 <= after["ingest_lag_seconds", "alarms"] < 60


def test_readings_that_come_twice_or_late_are_told_apart(site):
    site.born()
    late = readings(1.0, 2.0, at=now_ms() - 120_000)
    stored = site.deliver(late)
    assert (stored.rows["accepted"], stored.rows["late"], stored.rows["duplicate"]) == (2, 2, 0)
    again = site.deliver(late, readings(3.0))
    assert (again.rows["accepted"], again.rows["late"], again.rows["duplicate"]) == (1, 0, 2)
    assert again.newest_ms is not None


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Metrics are for whoever has the token."""
    return make_settings(tmp_path, metrics=Metrics(token=TOKEN))


def test_the_web_tells_whoever_has_the_token_what_it_and_the_database_know(site, web):
    site.born()
    said = heartbeat(outbox={"readings": 7, "alarms": 1}, oldest_at=now_ms() - 90_000)
    site.deliver(readings(1.0, 2.0), said)
    site.deliver(delivery(b"no message", channel="readings"))
    refused = web.client.get("/metrics")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    with web.stream() as stream:
        stream.next("values")
        answer = web.client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.text)
    assert found["live_viewers",] == 1
    assert found["database_up",] == 1
    assert found["gateway_outbox_records", "gw-1", "readings", "demo"] == 7
    assert found["gateway_outbox_records", "gw-1", "alarms", "demo"] == 1
    assert 90 <= found["gateway_outbox_oldest_seconds", "gw-1", "demo"] < 150
    assert 0 <= found["gateway_unheard_seconds", "gw-1", "demo"] < 60
    assert found["gateway_readings_committed_total", "gw-1", "demo"] == 2
    assert found["dead_letters_total", "live", "garbage"] == 1
    assert found["notices_waiting",] == found["hazard_clock_late_seconds",] == 0
    assert found["http_request_seconds_count", "4xx"] >= 1


def test_a_database_that_does_not_answer_costs_its_own_numbers_and_no_others(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=none"
        collectors = [DiskCollector(tmp_path), StoredCollector(dsn, patience_s=0.05)]
        found = told(Exposed(ingest.CATALOGUE.registry, collectors))
    assert found["database_up",] == 0
    assert found["disk_free_bytes",] > 0
    assert not [key for key in found if key[0].startswith("gateway_")]
    assert [key for key in found if key[0] == "build_info"]


def test_notices_are_counted_by_their_channel_and_result():
    before = counted()
    for state, seconds in (("sent", 0.4), ("rejected", 9.0)):
        assert state in Sent.__annotations__["state"].__args__
        ingest.note_notice("webhook", state, seconds)
    gained = {key: value - before.get(key, 0) for key, value in counted().items()}
    assert gained["notices_total", "webhook", "sent"] == gained["notices_total", "webhook", "rejected"] == 1
    assert gained["notice_sent_seconds_bucket", "webhook", "0.5"] == 1
    assert gained["notice_sent_seconds_count", "webhook"] == 1, "what was not sent took no time to be sent"


@pytest.mark.parametrize(
    ("token", "peer", "headers", "may"),
    [
        (None, "127.0.0.1", LOCAL, True),
        (None, "::1", {"host": "[::1]:8080"}, True),
        (None, "10.0.0.7", LOCAL, False),
        (None, "127.0.0.1", LOCAL | {"x-forwarded-for": "1.2.3.4"}, False),
        (None, "127.0.0.1", LOCAL | {"forwarded": "for=1.2.3.4"}, False),
        (None, "127.0.0.1", {"host": "safety.example.com"}, False),
        (TOKEN, "10.0.0.7", {"authorization": f"Bearer {TOKEN}"}, True),
        (TOKEN, "10.0.0.7", {"authorization": f"Basic {TOKEN}"}, False),
        (TOKEN, "127.0.0.1", LOCAL, False),
        (TOKEN, "127.0.0.1", {"authorization": "Bearer é"}, False),
    ],
)
def test_metrics_are_for_this_machine_or_for_whoever_has_the_token(token, peer, headers, may):
    assert may_read(token, peer, headers) is may


@given(st.text(), st.dictionaries(st.sampled_from(["host", "authorization", "via"]), st.text(), max_size=3))
def test_whatever_a_stranger_sends_gets_him_nothing(peer, headers):
    assert not may_read(TOKEN, peer, headers)
    assert not may_read(None, f"10.{peer}", headers)


def test_the_ingest_s_port_tells_metrics_whether_it_lives_and_what_it_lacks():
    parts = {"database": True, "migrations": True, "broker": False}
    lives = [True]
    asked = Asked(Exposed(ingest.CATALOGUE.registry, []), lambda: lives[0], lambda: parts)
    server = MetricsServer(Metrics(port=0), asked)
    server.start()
    try:
        with plain_client(f"http://127.0.0.1:{server.port}") as client:
            assert "sitewarden_broker_connected" in client.get("/metrics").text
            assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 401
            assert client.get("/healthz").status_code == 200
            lacking = client.get("/readyz")
            assert (lacking.status_code, lacking.headers["retry-after"]) == (503, "5")
            assert lacking.json()["parts"] == parts
            parts["broker"], lives[0] = True, False
            assert client.get("/readyz").status_code == 200
            assert client.get("/healthz").status_code == 503
            assert client.get("/other").status_code == 404
    finally:
        server.stop()


def test_an_address_that_is_taken_costs_the_metrics_and_nothing_else(caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = Asked(Exposed(ingest.CATALOGUE.registry, []), lambda: True, dict)
        server = MetricsServer(Metrics(port=taken.getsockname()[1]), asked)
        server.start()
        server.stop()
    assert "no metrics" in caplog.text
