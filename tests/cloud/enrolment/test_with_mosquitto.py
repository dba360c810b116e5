"""The whole way with a real broker: in by a code, to its own branch only, out when revoked, beside others."""

import threading

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cloud.ingest.service import Ingest
from cloud.settings import Broker as BrokerSettings
from cloud.settings import Enrolment, Settings
from sitewarden import topics
from tests.cloud.enrolment.conftest import Asking
from tests.cloud.ingest.over_mqtt import Gateway, wait_for
from tests.cloud.site import TestSite, birth, make_settings, readings
from tests.support.broker import ACCEPTED, Broker, Credentials, connack
from tests.support.waiting import PATIENCE_S

NOT_AUTHORISED = 5
OUT_S = 60.0


@pytest.fixture
def settings(tmp_path, fresh_broker: Broker) -> Settings:
    broker = BrokerSettings(host=fresh_broker.host, port=fresh_broker.port, username="cloud")
    enrolment = Enrolment(
        host=fresh_broker.host,
        port=fresh_broker.port,
        ca=None,
        password_file=fresh_broker.password_file,
        pid_file=fresh_broker.pid_file,
    )
    return make_settings(
        tmp_path, broker=broker, broker_password=fresh_broker.cloud.password, enrolment=enrolment
    )


class Enrolled(Gateway):
    """A gateway that came by a code; the broker it logs in at is the one that it was told."""

    def __init__(self, broker: Broker, asking: Asking, name: str) -> None:
        answer = asking.enrol(asking.code(name)).json()
        assert asking.seen(answer).status_code == 204
        self.credentials = Credentials(username=answer["username"], password=answer["password"])
        wait_for(lambda: connack(broker.port, self.credentials) == ACCEPTED, "the broker to know it", OUT_S)
        broker._users[answer["username"]] = self.credentials  # known without being written there again
        self.disconnects: list[object] = []
        super().__init__(broker, name=name)
        self._client.on_disconnect = lambda *args: self.disconnects.append(args[3])


def stored(site: TestSite) -> int:
    return site.value("SELECT count(*) FROM reading")


def test_in_by_a_code_and_out_within_a_minute_while_the_neighbour_goes_on(
    fresh_broker: Broker, ingest: Ingest, site: TestSite, web, gateway: Asking
):
    one, neighbour = (Enrolled(fresh_broker, gateway, name) for name in ("gw-1", "gw-2"))
    one.say(birth())
    neighbour.say(birth("c" * 32, points={"crane-2/load": "crane.load"}))
    first = readings(1.0, 2.0)
    one.say_until_receipted(first)
    neighbour.say_until_receipted(readings(1.0, boot="c" * 32, point="crane-2/load"))
    before = len(neighbour.disconnects)

    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    # Of a session that holds, and the cloud does not hear what it says in the meantime either.
    wait_for(lambda: one.disconnects, "the session to end", OUT_S)
    wait_for(lambda: connack(fresh_broker.port, one.credentials) == NOT_AUTHORISED, "the door shut", OUT_S)

    neighbour.say_until_receipted(readings(2.0, boot="c" * 32, point="crane-2/load"))
    assert len(neighbour.disconnects) == before
    one.close()
    neighbour.close()


def test_the_cloud_does_not_hear_a_revoked_gateway_even_where_the_broker_lets_it_in(
    fresh_broker: Broker, site: TestSite, web
):
    """Its messages are refused and not receipted: the gateway keeps them for when it is let in again."""
    site.deliver(birth())
    before = site.deliver(readings(1.0))
    assert before.settled
    web.post("/sites/demo/gateways/gw-1/revocation")
    refused = site.deliver(readings(2.0))
    assert refused.settled == []
    assert [letter.reason for letter in refused.dead] == ["gateway"]
    assert stored(site) == 1


def test_a_gateway_writes_and_reads_its_own_branch_and_no_other(
    fresh_broker: Broker, ingest: Ingest, site: TestSite, web, gateway: Asking
):
    one, neighbour = (Enrolled(fresh_broker, gateway, name) for name in ("gw-1", "gw-2"))
    heard = Listener(fresh_broker)
    spy = Spy(fresh_broker, one.credentials)
    foreign = [
        topics.up("live", "demo", "gw-2", "readings"),
        topics.up("live", "elsewhere", "gw-1", "readings"),
        topics.up("replay", "demo", "gw-1", "readings"),
        topics.down("live", "demo", "gw-1", "receipts"),
        topics.down("live", "demo", "gw-2", "receipts"),
    ]
    for topic in foreign:
        one._client.publish(topic, b"forged", qos=1)
    own = topics.up("live", "demo", "gw-1", "readings")
    one._client.publish(own, b"own", qos=1)
    wait_for(lambda: (own, b"own") in heard.messages, "its own message")
    assert [topic for topic, body in heard.messages if body == b"forged"] == []

    neighbour.say(birth("c" * 32, points={"crane-2/load": "crane.load"}))
    neighbour.say_until_receipted(readings(1.0, boot="c" * 32, point="crane-2/load"))
    one.say(birth())
    one.say_until_receipted(readings(1.0))
    wait_for(lambda: spy.topics, "its own receipts")
    assert {topic.split("/")[4] for topic in spy.topics} == {"gw-1"}
    for client in (one, neighbour, heard, spy):
        client.close()


class Listener:
    """Hears everything, as the cloud's user; also what goes down."""

    filters = ("sw/#",)

    def __init__(self, broker: Broker, credentials: Credentials | None = None) -> None:
        credentials = credentials or broker.cloud
        self.messages: list[tuple[str, bytes]] = []
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(credentials.username, credentials.password)
        self._client.on_connect = lambda client, *_: client.subscribe([(one, 1) for one in self.filters])
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda _client, _data, message: self.messages.append(
            (message.topic, message.payload)
        )
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self.messages]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Spy(Listener):
    """A gateway that asks for more than is its own."""

    filters = ("#", "sw/1/live/demo/gw-2/#", "sw/1/live/demo/gw-2/down/receipts", "sw/1/live/demo/+/down/#")


def test_the_down_branch_is_the_cloud_s_alone(fresh_broker: Broker, gateway: Asking, ingest: Ingest, web):
    """Somebody who listens with the rights of the gateway itself hears no receipt that it forged."""
    one = Enrolled(fresh_broker, gateway, "gw-1")
    own = Spy(fresh_broker, one.credentials)
    one._client.publish(topics.down("live", "demo", "gw-1", "receipts"), b"forged", qos=1)
    one.say(birth())
    one.say_until_receipted(readings(1.0))
    wait_for(lambda: own.messages, "a receipt")
    assert all(body != b"forged" for _, body in own.messages)
    own.close()
    one.close()
