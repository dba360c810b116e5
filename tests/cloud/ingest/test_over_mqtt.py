"""Ingest on a real broker: receipts only for what is committed, whatever dies in between."""

import os
import signal
import subprocess
import sys
import threading
import uuid

import msgspec
import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cloud.ingest.service import Ingest
from cloud.settings import Broker as BrokerSettings
from cloud.settings import Metrics
from sitewarden.messages import DeviceBirth, MediaOffer, MediaOffered, PointBirth, Status
from sitewarden.text import Text
from tests.cloud.ingest.over_mqtt import Gateway, wait_for
from tests.cloud.site import BOOT, birth, cleared, now_ms, raised, readings
from tests.cloud.web.serving import Web
from tests.support.broker import Broker
from tests.support.plain import plain_client

COMMITTED = {
    "readings": "SELECT 1 FROM reading WHERE value = %s",
    "alarms": "SELECT 1 FROM alarm_transition WHERE seq = %s",
}
"""Each reading's stored value is its message's number, so that a receipt can be held against the table."""


class Running:
    """Ingest in a thread of this process."""

    def __init__(self, settings, dsn: str) -> None:
        self.ingest, self._stopping = Ingest(settings, dsn), threading.Event()
        self._thread = threading.Thread(target=self.ingest.run, args=(self._stopping,))
        self._thread.start()
        assert self.ingest.wait_until_subscribed(20)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(45)
        assert not self._thread.is_alive()


@pytest.fixture
def on_broker(settings, broker):
    """The settings of a cloud on the broker; the site has a name of the test's own."""
    name = f"s{uuid.uuid4().hex[:12]}"
    (demo,) = settings.sites.values()
    return msgspec.structs.replace(
        settings,
        broker=BrokerSettings(host=broker.host, port=broker.port, username=broker.cloud.username),
        broker_password=broker.cloud.password,
        sites={name: msgspec.structs.replace(demo, site=name)},
    )


@pytest.fixture
def name(on_broker):
    return next(iter(on_broker.sites))


@pytest.fixture
def ingest(on_broker, dsn, site):
    running = Running(on_broker, dsn)
    yield running
    running.stop()


@pytest.fixture
def gateway(broker, name):
    gateway = Gateway(broker, name)
    yield gateway
    gateway.close()


def spread(count: int, seq=lambda _: None) -> list:
    """So many messages of one reading each, no two of the same instant."""
    at = now_ms() - 60_000
    return [readings(1.0, seq=seq(n), at=at - n) for n in range(count)]


@pytest.mark.usefixtures("ingest")
def test_receipts_name_exactly_what_was_committed(gateway, site):
    gateway.say(birth(), retain=True)
    batch = spread(100, seq=lambda n: 10 + 2 * n)
    gateway.say(*batch)
    gateway.wait_for_receipt(*batch)
    assert gateway.receipted() == {message.seq for message in batch}
    assert {boot for boot, _, _ in gateway.receipts} == {BOOT}
    assert site.value("SELECT count(*) FROM reading") == 100


@pytest.mark.usefixtures("ingest")
def test_a_message_sent_again_is_receipted_again(gateway, site):
    gateway.say(birth(), retain=True)
    gateway.say(message := readings(1.0))
    gateway.wait_for_receipt(message)
    gateway.say(message)
    wait_for(lambda: len(gateway.receipts) == 2, "the second receipt")
    assert site.value("SELECT count(*) FROM reading") == 1


@pytest.mark.usefixtures("ingest", "site")
def test_records_before_the_birth_ask_for_it_once_and_wait_here(gateway):
    gateway.say(alarm := raised(), *(batch := [readings(float(n)) for n in range(5)]))
    wait_for(lambda: len(gateway.commands) == 2, "one question a lane")
    gateway.say(birth(), retain=True)
    gateway.wait_for_receipt(alarm)
    gateway.wait_for_receipt(*batch)
    assert gateway.commands == ["rebirth", "rebirth"]


@pytest.mark.usefixtures("ingest")
def test_what_a_gateway_offers_of_pictures_is_answered(gateway):
    point = PointBirth(p="gate/hook.bare_1", kind="vision.bare_head.hook")
    camera = DeviceBirth(
        device="gate", kind="camera", label=Text("大门", "Gate"), profile="camera", points=[point]
    )
    gateway.say(Status(state="online", boot=BOOT, at=now_ms(), devices=[camera]), retain=True)
    item = MediaOffered(
        sha256="a" * 64, bytes=9, media_type="image/jpeg", kind="snapshot", camera="gate", at=now_ms()
    )

    def is_wanted() -> bool:
        # As a gateway does: until its birth is known nothing is said of it.
        gateway.say(MediaOffer(boot=BOOT, media=[item]))
        return any(answer.state == "wanted" for told in gateway.answers for answer in told.media)

    wait_for(is_wanted, "an answer", every_s=0.2)


@pytest.mark.usefixtures("ingest")
def test_what_somebody_asks_of_an_alarm_comes_to_its_gateway(gateway, on_broker, dsn, site, name):
    gateway.say(birth(), retain=True)
    gateway.say_until_receipted(alarm := raised())
    web = Web(on_broker, dsn)
    try:
        web.sign_in(site.connection)
        assert web.post(f"/sites/{name}/alarms/{alarm.episode}/acknowledge").status_code == 202
    finally:
        web.close()
    wait_for(lambda: "acknowledge" in gateway.commands, "the command")


@pytest.mark.usefixtures("ingest")
def test_a_gateway_registered_meanwhile_is_heard_and_a_retired_one_is_not(broker, on_broker, dsn, site, name):
    late, web = Gateway(broker, name, "gw-9"), Web(on_broker, dsn)
    unheard = "SELECT coalesce(sum(n), 0) FROM dead_letter_count WHERE site = %s AND reason = 'gateway'"
    try:
        web.sign_in(site.connection)
        late.say(birth(), first := readings(1.0))
        wait_for(lambda: site.value(unheard, name) == 2, "both refusals")
        made = web.post(f"/sites/{name}/registry/gateways", json={"id": "gw-9"})
        # It asks for the birth that it would not hear before, as a gateway would answer.
        late.say(first)
        wait_for(lambda: late.commands == ["rebirth"], "the question for the birth")
        late.say(birth())
        late.say_until_receipted(first)
        retired = web.put(
            f"/sites/{name}/registry/gateways/gw-9",
            json={"retired_on": "2026-01-01"},
            headers={"If-Match": made.headers["etag"]},
        )
        assert retired.status_code == 200
        late.say(last := readings(2.0))
        wait_for(lambda: site.value(unheard, name) == 3, "the refusal")
        assert last.seq not in late.receipted()
    finally:
        web.close()
        late.close()


@pytest.mark.usefixtures("site")
def test_a_retained_birth_is_heard_by_an_ingest_that_starts_later(gateway, on_broker, dsn):
    gateway.say(birth(), retain=True)
    running = Running(on_broker, dsn)
    try:
        gateway.say(message := readings(1.0))
        gateway.wait_for_receipt(message)
        assert gateway.commands == []
    finally:
        running.stop()


@pytest.mark.usefixtures("ingest")
def test_two_ingests_share_the_readings_and_nothing_is_doubled(gateway, on_broker, dsn, site):
    second = Running(on_broker, dsn)
    try:
        gateway.say(birth(), retain=True)
        wait_for(lambda: site.value("SELECT count(*) FROM point") == 2, "the birth")
        batch = spread(200)
        gateway.say(*batch)
        gateway.wait_for_receipt(*batch)
        assert len(gateway.receipts) == 200
        assert site.value("SELECT sum(readings_committed) FROM gateway") == 200
    finally:
        second.stop()


@pytest.mark.usefixtures("ingest", "site")
def test_a_backlog_of_readings_does_not_delay_an_alarm(gateway):
    gateway.say(birth(), retain=True)
    base = now_ms() - 3_600_000
    backlog = [readings(*[1.0] * 200, at=base + n * 1000, step_ms=1) for n in range(1500)]
    gateway.say(*backlog)
    wait_for(lambda: gateway.receipted("readings"), "the backlog to flow")
    gateway.say(alarm := raised())
    gateway.wait_for_receipt(alarm)
    assert len(gateway.receipted("readings")) < len(backlog)
    gateway.wait_for_receipt(*backlog)


@pytest.mark.usefixtures("ingest")
def test_a_poison_alarm_is_set_aside_and_its_neighbours_are_stored(gateway, site):
    """PostgreSQL takes no NUL in a text, JSON does."""
    gateway.say(birth(), retain=True)
    good = [raised(device=f"crane-{n}") for n in range(6)]
    poison = raised(rule="bad\x00rule")
    gateway.say(*good[:3], poison, *good[3:])
    gateway.wait_for_receipt(poison, *good)
    assert site.value("SELECT count(*) FROM episode") == 6
    # The broker is shared: gateways of other tests may be heard too, and are strangers here.
    assert site.rows("SELECT reason, n FROM dead_letter_count WHERE site <> ''") == [("refused", 1)]
    assert site.value("SELECT seq FROM dead_letter WHERE reason = 'refused'") == poison.seq


@pytest.mark.usefixtures("ingest", "site")
def test_while_the_database_is_away_nothing_is_receipted_and_nothing_lost(gateway, dsn, postgres, caplog):
    gateway.say(birth(), retain=True)
    gateway.say(first := readings(1.0))
    gateway.wait_for_receipt(first)
    let_in(postgres, dsn, allowed=False)
    try:
        gateway.say(*(held := spread(20)), alarm := raised())
        away = [f"database away lane={lane}" for lane in ("readings", "alarms")]
        wait_for(
            lambda: all(any(line in m for m in caplog.messages) for line in away), "both lanes to notice"
        )
        assert gateway.receipted("readings") | gateway.receipted("alarms") == {first.seq}
    finally:
        let_in(postgres, dsn, allowed=True)
    gateway.wait_for_receipt(*held)
    gateway.wait_for_receipt(alarm)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (21,)
        assert connection.execute("SELECT count(*) FROM episode").fetchone() == (1,)


def let_in(postgres, dsn: str, *, allowed: bool) -> None:
    """Close the database to programs, throwing out those that are in, or open it again."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(postgres.dsn, autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                sql.Identifier(name), sql.Literal(allowed)
            )
        )
        if not allowed:
            owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def test_a_broker_that_comes_back_with_nothing_is_served_again_and_live_goes_on(
    mosquitto, tmp_path, settings, dsn, site
):
    """Meanwhile who needs it says so, and what does not need it works; nothing of ours is started anew."""
    (folder := tmp_path / "broker").mkdir()
    broker = Broker(folder, program=mosquitto, instead={"persistence": "false"})
    broker.start()
    there = msgspec.structs.replace(
        settings,
        broker=BrokerSettings(host=broker.host, port=broker.port, username="cloud"),
        broker_password=broker.cloud.password,
        metrics=Metrics(port=0),
    )
    running, gateway, web = Running(there, dsn), Gateway(broker), Web(there, dsn)
    try:
        web.sign_in(site.connection)
        gateway.say(birth(), retain=True)
        gateway.say_until_receipted(first := raised())
        with web.stream() as stream:
            stream.next("values")
            broker.kill()
            wait_for(lambda: ready(running)[0] == 503, "ingest to say that it hears nothing")
            assert ready(running) == (503, "5", {"database": True, "migrations": True, "broker": False})
            asked = web.post(f"/sites/demo/alarms/{first.episode}/acknowledge")
            assert asked.status_code == 202, "it waits in the database"
            site.deliver(unheard := raised(device="crane-2"))
            assert stream.next("alarm")["id"] == unheard.episode
            broker.start()
            gateway.say(birth(), retain=True)
            gateway.say_until_receipted(readings(2.0))
            gateway.say_until_receipted(after := raised(device="crane-3"))
            assert stream.next("alarm")["id"] == after.episode
        wait_for(lambda: "acknowledge" in gateway.commands, "what was asked meanwhile")
        assert ready(running)[0] == 200
    finally:
        web.close()
        gateway.close()
        running.stop()
        broker.stop()


def ready(running: Running) -> tuple[int, str | None, dict[str, bool]]:
    """What the process answers to who asks whether it is ready."""
    with plain_client(f"http://127.0.0.1:{running.ingest._port.port}") as client:
        answer = client.get("/readyz")
    return answer.status_code, answer.headers.get("retry-after"), answer.json()["parts"]


@pytest.mark.usefixtures("name")
def test_killed_at_any_time_it_loses_nothing_that_it_receipted(gateway, on_broker, dsn, site, tmp_path):
    """What has no receipt is sent again; in the end everything is there once, and no receipt ever lied."""
    config = write_config(tmp_path, on_broker, dsn)
    lies: list[int] = []

    def check(receipt) -> None:
        # A receipt must find its rows committed at the moment it arrives.
        with psycopg.connect(dsn) as connection:
            for first, last in receipt.seqs:
                for seq in range(first, last + 1):
                    known = connection.execute(COMMITTED[receipt.lane], [seq]).fetchone()
                    if known is None:
                        lies.append(seq)

    gateway.on_receipt = check
    at = now_ms()
    batch = [readings(seq / 100, seq=seq, at=at - seq) for seq in range(1, 401)]
    alarms = [raised(seq=seq, device=f"crane-{seq}") for seq in range(1, 101)]
    gateway.say(birth(), retain=True)
    for kill_after in (20, 120, 250):
        with started(config) as process:
            wait_for(
                lambda: resend(gateway, batch, alarms) >= kill_after,  # noqa: B023  called before the next round
                "some receipts",
            )
            os.kill(process.pid, signal.SIGKILL)
    with started(config):
        wait_for(lambda: resend(gateway, batch, alarms) == 500, "every receipt")
    assert lies == []
    assert site.value("SELECT count(*) FROM reading") == 400
    assert site.value("SELECT count(*) FROM alarm_transition") == 100
    assert site.value("SELECT count(*) FROM hazard") == 100


def resend(gateway: Gateway, batch: list, alarms: list) -> int:
    """Send what has no receipt yet; how many have one."""
    done = gateway.receipted("readings"), gateway.receipted("alarms")
    waiting = (
        [m for m in batch if m.seq not in done[0]][:40],
        [m for m in alarms if m.seq not in done[1]][:10],
    )
    gateway.say(*waiting[0], *waiting[1])
    threading.Event().wait(0.05)  # the pace of a gateway, not a wait for something
    return len(done[0]) + len(done[1])


def write_config(folder, settings, dsn: str):
    (folder / "cloud.password").write_text(settings.broker_password)
    (site,) = settings.sites.values()
    document = {
        "listen": "127.0.0.1:0",
        "data_dir": "data",
        "database": {"dsn": dsn},
        "broker": {
            "host": settings.broker.host,
            "port": settings.broker.port,
            "username": settings.broker.username,
            "password_file": "cloud.password",
        },
        "sites": [msgspec.to_builtins(site)],
    }
    (folder / "cloud.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return folder / "cloud.yaml"


class started:  # noqa: N801  reads as what it is
    """`cloud ingest` as a process, killed at the end if it still lives."""

    def __init__(self, config) -> None:
        self._config = config

    def __enter__(self) -> subprocess.Popen:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cloud", "ingest", str(self._config)], stderr=subprocess.DEVNULL
        )
        return self._process

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()


@pytest.mark.usefixtures("ingest")
def test_cleared_and_raised_over_the_wire_are_one_episode(gateway, site):
    gateway.say(birth(), retain=True)
    gateway.say(cleared(up := raised()), up)
    gateway.wait_for_receipt(up)
    wait_for(lambda: len(gateway.receipted("alarms")) == 2, "both receipts")
    assert site.rows("SELECT value, cleared_at IS NOT NULL FROM episode") == [(104.2, True)]


def test_a_message_of_quality_0_is_stored_and_does_not_end_the_connection(ingest, gateway):
    """It has no number, and a broker ends the connection of whoever acknowledges number 0."""
    gateway.say(birth(), retain=True)
    connected = [link._number for link in ingest.ingest._links.values()]
    at = now_ms()
    gateway.say(first := readings(1.0, at=at), qos=0)
    gateway.wait_for_receipt(first)
    gateway.say_until_receipted(readings(2.0, at=at + 1))
    assert [link._number for link in ingest.ingest._links.values()] == connected
