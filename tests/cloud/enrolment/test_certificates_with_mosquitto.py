"""Certificates at a real broker over TLS: one's own branch only, out when revoked, beside others."""

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cloud.settings import Broker as BrokerSettings
from cloud.settings import Certificates, Enrolment, Settings
from sitewarden import topics
from tests.cloud.enrolment.conftest import Asking
from tests.cloud.enrolment.keys import new_key, pem_of
from tests.cloud.enrolment.test_with_mosquitto import OUT_S, Listener
from tests.cloud.ingest.over_mqtt import Gateway, wait_for
from tests.cloud.site import TestSite, birth, make_settings, readings
from tests.support.authority import TestAuthority, broker_with_certificates
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "ca")


@pytest.fixture
def tls_port() -> list[int]:
    return []


@pytest.fixture
def fresh_broker(
    mosquitto: str, tmp_path: Path, authority: TestAuthority, tls_port: list[int]
) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker, port = broker_with_certificates(folder, mosquitto, authority)
    tls_port.append(port)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def settings(tmp_path, fresh_broker: Broker, authority: TestAuthority, tls_port: list[int]) -> Settings:
    where = {"host": fresh_broker.host, "port": tls_port[0]}
    enrolment = Enrolment(
        **where,
        ca=authority.ca.read_text(),
        password_file=fresh_broker.password_file,
        pid_file=fresh_broker.pid_file,
        certificates=Certificates(
            **where, ca_file=authority.ca, key_file=authority.key, crl_file=authority.crl, days=90
        ),
    )
    broker = BrokerSettings(host=fresh_broker.host, port=fresh_broker.port, username="cloud")
    return make_settings(
        tmp_path, broker=broker, broker_password=fresh_broker.cloud.password, enrolment=enrolment
    )


class Certified(Gateway):
    """A gateway that is at the broker by its certificate."""

    def __init__(self, file: Path, port: int, authority: TestAuthority, name: str = "gw-1") -> None:
        self._site, self._name = "demo", name
        self.receipts: list[tuple[str, str, int]] = []
        self.commands: list[str] = []
        self.on_receipt = lambda _: None
        self.disconnects: list[object] = []
        self.heard: list[str] = []
        self.is_in = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="what it calls itself")
        self._client.tls_set_context(context_of(file, authority))
        self._client.username_pw_set("demo/gw-2", "what it says that it is")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topics.down("live", "demo", name, "receipts"), 1), ("#", 1), ("sw/1/live/demo/+/down/#", 1)]
        )
        self._client.on_subscribe = lambda *_: self.is_in.set()
        self._client.on_disconnect = lambda *args: self.disconnects.append(args[3])
        self._client.connect(Broker.host, port)
        self._client.loop_start()

    def _take(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        self.heard.append(message.topic)
        if message.topic.endswith("/receipts") and message.topic.split("/")[4] == self._name:
            self._on_message(client, data, message)


def context_of(file: Path, authority: TestAuthority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca)
    context.load_cert_chain(file)
    return context


def enrolled(gateway: Asking, folder: Path, name: str, *, is_seen: bool = True) -> Path:
    """By a code: the file with certificate and key."""
    key = new_key()
    issued = gateway.enrol_key(key, name)["certificate"]
    if is_seen:
        assert gateway.seen_certificate(issued["serial"], key).status_code == 204
    file = folder / f"{name}.pem"
    file.write_text(pem_of(key) + issued["certificate"])
    return file


def test_its_own_branch_only_and_out_within_a_minute_while_the_neighbour_goes_on(  # noqa: PLR0917
    tmp_path, fresh_broker, tls_port, authority, ingest, web, gateway: Asking, site: TestSite
):
    mine, theirs = (enrolled(gateway, tmp_path, name) for name in ("gw-1", "gw-2"))
    one = Certified(mine, tls_port[0], authority)
    neighbour = Certified(theirs, tls_port[0], authority, "gw-2")
    assert one.is_in.wait(PATIENCE_S)
    assert neighbour.is_in.wait(PATIENCE_S)
    heard = Listener(fresh_broker)

    # Whatever it says that it is, it is whom its certificate names.
    foreign = [
        topics.up("live", "demo", "gw-2", "readings"),
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
    assert {topic.split("/")[4] for topic in one.heard} == {"gw-1"}, "and it hears nobody else"

    before = len(neighbour.disconnects)
    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    wait_for(lambda: one.disconnects, "the session to end", OUT_S)
    one.is_in.clear()
    wait_for(lambda: len(one.disconnects) >= 3, "it to be refused again and again", OUT_S)
    assert not one.is_in.is_set()
    neighbour.say_until_receipted(readings(2.0, boot="c" * 32, point="crane-2/load"))
    assert len(neighbour.disconnects) == before

    # By a new code it is in before it has said so; revoked again, also long afterwards, it is out again.
    site.connection.execute(
        "UPDATE gateway_disconnected SET first_at = first_at - interval '1 hour', "
        "last_at = last_at - interval '55 minutes'"
    )
    back = Certified(enrolled(gateway, tmp_path, "gw-1", is_seen=False), tls_port[0], authority)
    assert back.is_in.wait(PATIENCE_S)
    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    wait_for(lambda: back.disconnects, "the second session to end", OUT_S)

    # Enrolled anew it is in again, by the new certificate and not by the old one.
    again = Certified(enrolled(gateway, tmp_path, "gw-1"), tls_port[0], authority)
    assert again.is_in.wait(PATIENCE_S)
    again.say_until_receipted(readings(2.0))
    assert not one.is_in.is_set()
    for client in (one, neighbour, back, again, heard):
        client.close()
