"""What a running agent logs in with: newer credentials are taken over, and a refusal is said plainly."""

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge import uplink as uplink_module
from edge.config import Gateway
from edge.login import Logins, before
from tests.edge.cloud import Cloud, listening
from tests.edge.test_uplink import GATEWAY, SITE, at_broker, running
from tests.support.authority import TestAuthority, broker_with_certificates, serial_of
from tests.support.broker import Broker
from tests.support.waiting import until

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "ca")


@pytest.fixture
def fresh_broker(mosquitto: str, tmp_path: Path, authority: TestAuthority) -> Iterator[tuple[Broker, int]]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker, port = broker_with_certificates(folder, mosquitto, authority)
    broker.start()
    yield broker, port
    broker.stop()


@pytest.fixture
def broker_and_port(fresh_broker: tuple[Broker, int]) -> tuple[Broker, int]:
    return fresh_broker


@pytest.fixture
def cloud(broker_and_port: tuple[Broker, int]) -> Iterator[Cloud]:
    with listening(broker_and_port[0], SITE, GATEWAY) as cloud:
        yield cloud


@pytest.fixture
def certified(
    gateway: Gateway,
    broker_and_port: tuple[Broker, int],
    authority: TestAuthority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Gateway:
    """With a certificate in `broker.pem`."""
    monkeypatch.setattr(uplink_module, "LOGIN_LOOK_S", 0.05)
    monkeypatch.setattr(uplink_module, "ASK_WHY_S", 0.2)
    monkeypatch.setattr(uplink_module, "ANSWER_S", 1.0)
    file = authority.identity(tmp_path / "broker.pem", GATEWAY, site=SITE)
    broker = msgspec.structs.replace(
        gateway.broker,
        host=Broker.host,
        port=broker_and_port[1],
        username=None,
        password=None,
        ca_file=authority.ca,
        certificate_file=file,
    )
    gateway.data_dir.mkdir(exist_ok=True)
    return msgspec.structs.replace(gateway, site=SITE, name=GATEWAY, broker=broker)


def files(gateway: Gateway) -> Path:
    assert gateway.broker.certificate_file is not None
    return gateway.broker.certificate_file


def put(authority: TestAuthority, gateway: Gateway, **more) -> str:
    """Another certificate in place of the one that is there, at once; its serial."""
    new = authority.identity(files(gateway).with_name("new"), GATEWAY, site=SITE, **more)
    serial = f"{serial_of(new):X}"
    new.replace(files(gateway))
    return serial


async def test_a_renewed_certificate_is_taken_over_and_no_record_is_lost(
    certified: Gateway, cloud: Cloud, authority: TestAuthority
) -> None:
    async with running(certified) as edge:
        await until(lambda: edge.uplink.serial is not None)
        first = edge.uplink.serial
        edge.read(5)
        serial = put(authority, certified)
        await until(lambda: edge.uplink.serial == serial)
        assert first != serial
        edge.read(5, start=5)
        await until(lambda: len({record.seq for record in cloud.readings}) == 10)
        await until(lambda: len(cloud.states("online")) == 2)


async def test_one_that_does_not_work_is_left_alone_and_the_connection_holds(
    certified: Gateway,
    cloud: Cloud,
    authority: TestAuthority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stranger = TestAuthority(tmp_path / "stranger")
    async with running(certified) as edge:
        await until(lambda: edge.uplink.serial is not None)
        first = edge.uplink.serial
        put(stranger, certified)
        await until(lambda: "does not work yet" in caplog.text)
        edge.read(3)
        await until(lambda: len(cloud.readings) == 3)
        assert (edge.uplink.serial, edge.uplink.refusal) == (first, None)
        assert cloud.states("offline") == []


async def test_after_a_restart_the_one_before_is_good_where_the_newest_is_not(
    certified: Gateway, cloud: Cloud, authority: TestAuthority, tmp_path: Path
) -> None:
    stranger = TestAuthority(tmp_path / "stranger")
    good = files(certified)
    good.replace(before(good))
    stranger.identity(good, GATEWAY, site=SITE)
    async with running(certified) as edge:
        await until(lambda: edge.uplink.serial == f"{serial_of(before(good)):X}")
        edge.read(1)
        await until(lambda: len(cloud.readings) == 1)


async def test_a_revoked_certificate_is_said_to_be_and_a_new_one_lets_it_in(
    certified: Gateway,
    cloud: Cloud,
    authority: TestAuthority,
    broker_and_port: tuple[Broker, int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    authority.revoke(files(certified))
    broker_and_port[0].restart()
    async with running(certified) as edge:
        await until(lambda: edge.uplink.refusal == "revoked")
        assert "was revoked or retired in the cloud" in caplog.text
        edge.read(1)
        put(authority, certified)
        await until(lambda: len(cloud.readings) == 1)
        assert edge.uplink.refusal is None


async def test_an_expired_certificate_is_refused_and_the_log_says_since_when_and_what_mends_it(
    certified: Gateway, cloud: Cloud, authority: TestAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    put(authority, certified, age=3 * HOUR, life=-HOUR)
    async with running(certified) as edge:
        await until(lambda: edge.uplink.refusal == "expired")
        ended = dt.datetime.now(dt.UTC) - HOUR
        assert f"certificate has ended ({ended:%Y-%m-%d}" in caplog.text
        assert "sitewarden edge enrol" in caplog.text
        assert edge.uplink.serial is None


async def test_a_stranger_s_certificate_gets_no_further_than_the_handshake(
    certified: Gateway, cloud: Cloud, tmp_path: Path
) -> None:
    put(TestAuthority(tmp_path / "stranger"), certified)
    async with running(certified) as edge:
        await until(lambda: edge.uplink.refusal == "unknown-issuer")
        assert cloud.heard == []


async def test_a_new_password_is_taken_over_and_a_lost_one_is_said_to_be(
    gateway: Gateway, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_module, "LOGIN_LOOK_S", 0.05)
    here = at_broker(gateway, broker)
    file = tmp_path / "broker.password"
    file.write_text("another password\n")
    here = msgspec.structs.replace(
        here, broker=msgspec.structs.replace(here.broker, password_file=file, password=None)
    )
    with listening(broker, SITE, GATEWAY) as cloud:
        async with running(here) as edge:
            await until(lambda: edge.uplink.refusal == "refused")
            edge.read(1)
            file.write_text(broker.add_user(f"{SITE}/{GATEWAY}").password + "\n")
            await until(lambda: len(cloud.readings) == 1)
            assert edge.uplink.refusal is None


def test_a_file_that_cannot_be_read_leaves_the_last_login_in_its_place(
    gateway: Gateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "broker.password"
    file.write_text("first\n")
    logins = Logins(msgspec.structs.replace(gateway.broker, username="x", password_file=file))
    assert logins.choose().password == "first"
    file.unlink()
    assert logins.choose().password == "first"
    assert "going on with the last" in caplog.text
    with caplog.at_level(logging.WARNING):
        file.write_text("second\n")
    assert logins.choose().password == "second"
