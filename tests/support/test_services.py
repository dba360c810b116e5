"""The services that other tests lean on must be what they say, else every test above them proves less."""

import threading
from contextlib import ExitStack, closing

import psycopg
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.broker import ACCEPTED, Broker, Credentials, connack
from tests.support.postgres import Postgres
from tests.support.waiting import PATIENCE_S

GUESS = "a guess"
REFUSED = 5  # CONNACK: not authorised


def test_a_user_added_to_a_running_broker_can_log_in(broker: Broker) -> None:
    assert connack(broker.port, broker.add_user("site-a/gw-1")) == ACCEPTED


def test_a_wrong_password_and_an_unknown_user_are_refused(broker: Broker) -> None:
    broker.add_user("site-a/gw-1")
    assert connack(broker.port, Credentials(username="site-a/gw-1", password=GUESS)) == REFUSED
    assert connack(broker.port, Credentials(username="nobody", password=GUESS)) == REFUSED


def test_a_killed_broker_comes_back_on_its_port_with_its_users(fresh_broker: Broker) -> None:
    credentials = fresh_broker.add_user("site-a/gw-1")
    port = fresh_broker.port
    fresh_broker.kill()
    assert connack(port, credentials) is None
    fresh_broker.restart()
    assert fresh_broker.port == port
    assert connack(port, credentials) == ACCEPTED


@pytest.mark.parametrize(
    ("user", "topic", "arrives"),
    [
        ("acl/gw-1", "sw/1/live/acl/gw-1/up/alarms", True),
        ("acl/gw-1", "sw/1/test/acl/gw-1/up/readings", True),
        ("acl/gw-1", "sw/1/drill/acl/gw-1/up/status", True),
        ("acl/gw-1", "sw/1/live/acl/gw-2/up/alarms", False),
        ("acl/gw-1", "sw/1/replay/acl/gw-1/up/alarms", False),
        ("replay", "sw/1/replay/acl/gw-1/up/alarms", True),
        ("replay", "sw/1/live/acl/gw-1/up/alarms", False),
    ],
)
def test_the_cloud_hears_a_gateway_only_from_its_own_branch(
    broker: Broker, user: str, topic: str, *, arrives: bool
) -> None:
    assert _heard(broker, broker.cloud, "sw/1/+/+/+/up/#", broker.add_user(user), topic) is arrives


@pytest.mark.parametrize(
    ("reader", "arrives"), [("acl/gw-1", True), ("acl/gw-2", False)], ids=["own", "another gateway's"]
)
def test_a_gateway_hears_receipts_for_itself_alone(broker: Broker, reader: str, *, arrives: bool) -> None:
    topic = "sw/1/live/acl/gw-1/down/receipts"
    assert _heard(broker, broker.add_user(reader), "sw/1/+/+/+/down/#", broker.cloud, topic) is arrives


def test_a_gateway_cannot_listen_to_what_gateways_say(broker: Broker) -> None:
    gateway = broker.add_user("acl/gw-1")
    assert not _heard(broker, gateway, "sw/1/#", gateway, "sw/1/live/acl/gw-1/up/alarms")


def test_each_database_is_separate_and_a_template_is_copied(postgres: Postgres) -> None:
    original = postgres.create_database()
    with psycopg.connect(original) as connection:
        connection.execute("CREATE TABLE reading (x int)")
    copy = postgres.create_database(template=original)
    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    for dsn in (original, copy):
        postgres.drop_database(dsn)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(original)


_WHAT_EMPTYING_ASKS_OF = """
    CREATE TABLE storage (watermark timestamptz, computed_to timestamptz, days_to timestamptz,
                          late_before timestamptz, packed_to timestamptz, raw_from timestamptz);
    CREATE TABLE reading (x int);
"""


def test_a_database_is_emptied_again_also_by_a_connection_that_was_ended(postgres: Postgres) -> None:
    dsn = postgres.create_database()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_WHAT_EMPTYING_ASKS_OF)
        postgres.empty(dsn)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("INSERT INTO reading VALUES (1)")
        postgres.empty(dsn)
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    # It is in nobody's way.
    postgres.drop_database(postgres.create_database(template=dsn))
    postgres.drop_database(dsn)


def test_the_programs_role_has_no_power_over_the_server(postgres: Postgres) -> None:
    dsn = postgres.create_database()
    with psycopg.connect(postgres.app_dsn(dsn)) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = user"
        ).fetchone()
    assert row == (False, False)
    postgres.drop_database(dsn)


class Client:
    """A connected MQTT client that remembers the topics it heard."""

    def __init__(self, broker: Broker, who: Credentials) -> None:
        self.heard: list[str] = []
        self._arrived = threading.Event()
        self._subscribed = threading.Event()
        self._paho = paho.Client(CallbackAPIVersion.VERSION2)
        self._paho.username_pw_set(who.username, who.password)
        self._paho.on_message = self._on_message
        self._paho.on_subscribe = lambda *_: self._subscribed.set()
        self._paho.connect(broker.host, broker.port)
        self._paho.loop_start()
        self._last = ""

    def subscribe(self, pattern: str, *, last: str) -> None:
        self._last = last
        self._paho.subscribe([(pattern, 1), (last, 1)])
        assert self._subscribed.wait(PATIENCE_S)

    def publish(self, topic: str) -> None:
        self._paho.publish(topic, b"x", qos=1).wait_for_publish(PATIENCE_S)

    def wait_for_last(self) -> None:
        assert self._arrived.wait(PATIENCE_S)

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self.heard.append(message.topic)
        if message.topic == self._last:
            self._arrived.set()


def _heard(broker: Broker, reader: Credentials, pattern: str, writer: Credentials, topic: str) -> bool:
    """Whether `reader` hears what `writer` publishes; a last message that surely arrives ends the wait."""
    if reader == broker.cloud:
        last, closer = "sw/1/live/last/gw-1/up/last", broker.add_user("last/gw-1")
    else:
        last, closer = f"sw/1/live/{reader.username}/down/last", broker.cloud
    with ExitStack() as stack:
        listener, speaker, ender = (
            stack.enter_context(closing(Client(broker, who))) for who in (reader, writer, closer)
        )
        listener.subscribe(pattern, last=last)
        speaker.publish(topic)
        ender.publish(last)
        listener.wait_for_last()
        return topic in listener.heard
