"""The doctor against a real broker: the deployed rights hold, and each way of losing them is found."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sitewarden.doctor.broker import Target, broker_results, cloud_target, gateway_target
from sitewarden.doctor.model import Result
from sitewarden.doctor.mqtt import Session
from tests.support.broker import Broker, free_port
from tests.support.certificates import make_certificate

SITE, GATEWAY = "doctor-site", "gw-1"
LISTEN_S = 0.2

MakeBroker = Callable[..., Broker]


@pytest.fixture
def make_broker(mosquitto: str, tmp_path: Path) -> Iterator[MakeBroker]:
    """A broker on the deployed configuration but for what is given."""
    made: list[Broker] = []

    def make(**changed: Any) -> Broker:
        folder = tmp_path / f"broker-{len(made)}"
        folder.mkdir()
        made.append(Broker(folder, program=mosquitto, **changed))
        made[-1].start()
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


def as_gateway(broker: Broker, **changed: Any) -> Target:
    user = broker.add_user(f"{SITE}/{GATEWAY}")
    login = user.username, user.password
    target = gateway_target((broker.host, broker.port), login, None, ("live", SITE, GATEWAY))
    return target._replace(**changed)


def told(target: Target) -> dict[str, Result]:
    """By check and subject of the branches; the rest by check alone."""
    return {
        f"{r.check} {r.subject}" if r.check == "broker.foreign-branch" else r.check: r
        for r in broker_results(target, listen_s=LISTEN_S)
    }


def wrong(target: Target) -> set[str]:
    return {name for name, result in told(target).items() if result.status != "ok"}


def test_a_gateway_on_the_deployed_broker_is_well(broker: Broker) -> None:
    results = told(as_gateway(broker))
    assert {name for name, result in results.items() if result.status != "ok"} == set()
    assert results["broker.foreign-branch write"].what == "refuses each of 4 foreign topics"
    assert {"broker.reached", "broker.login", "broker.own-branch", "broker.anonymous"} <= set(results)


def test_the_cloud_on_the_deployed_broker_is_well(broker: Broker) -> None:
    target = cloud_target((broker.host, broker.port), (broker.cloud.username, broker.cloud.password))
    assert wrong(target) == set()


def test_what_the_doctor_says_to_the_broker_reaches_neither_cloud_nor_agents(broker: Broker) -> None:
    target = as_gateway(broker)
    with Session(broker.host, broker.port) as cloud:
        cloud.log_in(broker.cloud.username, broker.cloud.password)
        for channel in ("alarms", "readings", "status"):
            cloud.subscribe(f"sw/1/+/{SITE}/+/up/{channel}")
        assert told(target)
        cloud.fence()
        assert list(cloud.listen(0.0)) == []


def test_a_broker_without_rights_takes_foreign_messages_and_lets_everybody_listen(
    make_broker: MakeBroker, tmp_path: Path
) -> None:
    (tmp_path / "acl").write_text("pattern readwrite #\n")
    results = told(as_gateway(make_broker(instead={"acl_file": str(tmp_path / "acl")})))
    written = results["broker.foreign-branch write"]
    assert written.status == "finding"
    assert "sw/1/live/doctor-nobody/doctor-nobody/up/doctor" in written.what
    assert f"sw/1/live/{SITE}/doctor-nobody/up/doctor" in written.what
    assert results["broker.foreign-branch read"].status == "finding"
    assert "acl_file" in written.mend


def test_a_gateway_that_hears_its_neighbours_is_found_where_it_may_write_nothing_of_theirs(
    make_broker: MakeBroker, tmp_path: Path
) -> None:
    (tmp_path / "acl").write_text("pattern write sw/1/live/%u/up/#\npattern read sw/1/#\n")
    assert wrong(as_gateway(make_broker(instead={"acl_file": str(tmp_path / "acl")}))) == {
        "broker.foreign-branch read"
    }


def test_a_name_that_is_not_the_gateways_is_told_that_nothing_of_it_would_arrive(broker: Broker) -> None:
    other = broker.add_user("doctor-site/another")
    results = told(as_gateway(broker, username=other.username, password=other.password))
    assert results["broker.own-branch"].status == "finding"
    assert "reason 135" in results["broker.own-branch"].what


def test_a_wrong_password_is_found_and_nothing_more_is_claimed(broker: Broker) -> None:
    results = told(as_gateway(broker, password=broker.cloud.password))
    assert results["broker.login"].status == "finding"
    assert "broker.own-branch" not in results


def test_a_password_that_cannot_be_read_is_no_wrong_password(broker: Broker) -> None:
    results = {r.check: r.status for r in broker_results(as_gateway(broker), knows_password=False)}
    assert results["broker.login"] == "unknown"


def test_a_broker_that_lets_anybody_in_is_found(make_broker: MakeBroker) -> None:
    assert "broker.anonymous" in wrong(as_gateway(make_broker(instead={"allow_anonymous": "true"})))


def test_a_broker_that_does_not_answer_is_unreachable(mosquitto: str) -> None:
    target = gateway_target(("127.0.0.1", free_port()), ("a/b", "x"), None, ("live", "a", "b"))
    (result,) = broker_results(target)
    assert (result.check, result.status) == ("broker.reached", "unreachable")


@contextlib.contextmanager
def answering(body: bytes) -> Iterator[int]:
    """A port where everybody is told the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = server.accept()
                    with link:
                        link.recv(1024)
                        link.sendall(body)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "check", "status"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "broker.reached", "unreachable"),
        (b"\x20\xff\xff\xff\xff\xff", "broker.reached", "unreachable"),
        (b"", "broker.reached", "unreachable"),
        (b"\x20\x02\x00\x01", "broker.login", "unknown"),  # it knows MQTT 3.1.1 alone
        (b"\x20\x03\x00\x86\x00", "broker.login", "finding"),
    ],
)
def test_whatever_answers_is_borne(answer: bytes, check: str, status: str) -> None:
    with answering(answer) as port:
        target = gateway_target(("127.0.0.1", port), ("a/b", "x"), None, ("live", "a", "b"))
        results = {result.check: result.status for result in broker_results(target)}
    assert results[check] == status


@pytest.fixture
def tls(make_broker: MakeBroker, tmp_path: Path) -> Callable[..., Target]:
    """A gateway whose broker has a certificate of so many days, for that address."""

    def make(days: int, address: str = "127.0.0.1") -> Target:
        made, port = make_certificate(tmp_path, days=days, address=address), free_port()
        listener = [f"listener {port} 127.0.0.1", f"certfile {made.file}", f"keyfile {made.key}"]
        return as_gateway(make_broker(added=listener), port=port, ca_file=made.file)

    return make


def test_over_tls_the_days_of_both_certificates_are_told(tls: Callable[..., Target]) -> None:
    results = list(broker_results(tls(days=90), listen_s=LISTEN_S))
    days = [result for result in results if result.check == "certificate.days"]
    assert [(result.status, result.what) for result in days] == [("ok", "holds for 89 days")] * 2
    assert {result.status for result in results} == {"ok"}


def test_a_certificate_that_ends_soon_is_found(tls: Callable[..., Target]) -> None:
    ends = told(tls(days=20))["certificate.days"]
    assert (ends.status, ends.what) == ("finding", "ends in 19 days")
    assert "HUP" in ends.mend


def test_a_certificate_of_another_host_is_not_believed(tls: Callable[..., Target]) -> None:
    result = told(tls(days=90, address="192.0.2.1"))["broker.tls"]
    assert result.status == "finding"
    assert "127.0.0.1" in result.what


def test_a_stranger_with_a_certificate_of_his_own_is_not_believed(
    tls: Callable[..., Target], tmp_path: Path
) -> None:
    target = tls(days=90)
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other", days=90)
    results = told(target._replace(ca_file=other.file))
    assert results["broker.tls"].status == "finding"
    assert "broker.login" not in results, "the password was given to a stranger"


def test_a_ca_file_that_is_none_is_found(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    (result,) = broker_results(as_gateway(broker, ca_file=tmp_path / "ca.crt"))
    assert (result.check, result.status) == ("broker.tls", "finding")
