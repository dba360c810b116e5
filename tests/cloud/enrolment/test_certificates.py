"""Certificates over HTTP: for a key that stays on the gateway, renewed, and on the list when revoked."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.enrolment.authority import Authority, new_authority
from cloud.enrolment.certifying import MOST_A_DAY
from cloud.settings import Certificates, Enrolment, Settings
from sitewarden.cli import main
from tests.cloud.enrolment.conftest import HAND_MADE, Asking
from tests.cloud.enrolment.keys import new_key, request_of
from tests.cloud.enrolment.test_http import access, changed, problem
from tests.cloud.site import make_settings
from tests.support.broker import free_port


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    folder = tmp_path / "ca"
    assert main(["cloud", "ca", "create", str(folder)]) == 0
    return folder


@pytest.fixture
def settings(tmp_path: Path, passwords: Path, ca: Path) -> Settings:
    certificates = Certificates(
        ca_file=ca / "ca.crt",
        key_file=ca / "ca.key",
        crl_file=ca / "revoked.crl",
        days=90,
        host="127.0.0.1",
        port=free_port(),
    )
    enrolment = Enrolment(
        host="broker.example.org",
        port=8883,
        ca=(ca / "ca.crt").read_text(),
        password_file=passwords,
        reload_command=("touch", str(tmp_path / "told")),
        certificates=certificates,
    )
    return make_settings(tmp_path, enrolment=enrolment)


@pytest.fixture
def listed(ca: Path):
    """The serial numbers on the broker's list."""

    def read() -> set[str]:
        found = x509.load_pem_x509_crl((ca / "revoked.crl").read_bytes())
        assert found.is_signature_valid(
            x509.load_pem_x509_certificate((ca / "ca.crt").read_bytes()).public_key()
        )
        return {f"{entry.serial_number:X}" for entry in found}

    return read


def certificate(issued: dict) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued["certificate"].encode())


def shifted(site, assignment: str) -> None:
    with site.connection.transaction():
        site.connection.execute("SELECT set_config('sitewarden.author', 'a test', true)")
        site.connection.execute(f"UPDATE gateway_certificate SET {assignment}")


def test_a_code_gives_a_certificate_for_the_gateway_s_own_key_and_name(gateway: Asking, ca, web):
    key = new_key()
    enrolled = gateway.enrol_key(key)
    assert enrolled["password"] is None
    made = certificate(enrolled["certificate"])
    made.verify_directly_issued_by(x509.load_pem_x509_certificate((ca / "ca.crt").read_bytes()))
    assert made.public_key() == key.public_key()
    assert [name.value for name in made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["demo/gw-1"]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    alternative = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.UniformResourceIdentifier) == [
        "urn:sitewarden:gateway:demo/gw-1"
    ]
    life = made.not_valid_after_utc - made.not_valid_before_utc
    assert dt.timedelta(days=90) <= life <= dt.timedelta(days=90, hours=2)
    assert access(web)["standing"] == "handed_out"
    serial = enrolled["certificate"]["serial"]
    assert gateway.seen_certificate(serial, key).status_code == 204
    assert gateway.seen_certificate(serial, key).status_code == 204, "said again, nothing happens"
    assert access(web)["standing"] == "enrolled"
    assert access(web)["certificate_ends_at"] == enrolled["certificate"]["ends_at"]


def test_a_gateway_that_comes_by_certificate_has_no_password_any_more(gateway: Asking, passwords, roster):
    key = new_key()
    enrolled = gateway.enrol_key(key)
    roster()
    assert passwords.read_text() == HAND_MADE, "as long as nobody knows that it has its certificate"
    gateway.seen_certificate(enrolled["certificate"]["serial"], key)
    roster()
    assert passwords.read_text().splitlines() == HAND_MADE.splitlines()[:1]


def test_without_a_request_or_with_a_bad_one_no_code_is_used_up(gateway: Asking):
    code = gateway.code()
    assert problem(gateway.enrol(code)) == (409, "certificate-wanted")
    assert problem(gateway.enrol(code, request="no request")) == (422, "request-wrong")
    weak = request_of(rsa.generate_private_key(65537, 2048))
    assert problem(gateway.enrol(code, request=weak)) == (422, "request-wrong")
    assert gateway.enrol(code, request=request_of(new_key())).status_code == 200


def test_a_key_gets_one_certificate_and_no_gateway_another_s(gateway: Asking):
    key = new_key()
    gateway.enrol_key(key)
    code = gateway.code("gw-2")
    assert problem(gateway.enrol(code, request=request_of(key))) == (409, "key-known")
    assert gateway.enrol(code, request=request_of(new_key())).status_code == 200, "the code was not used up"


def test_a_gateway_renews_by_the_key_that_it_has_and_the_old_one_holds_until_the_new_is_seen(
    gateway: Asking, roster, listed
):
    old_key, new, stranger = new_key(), new_key(), new_key()
    old = gateway.enrol_key(old_key)["certificate"]["serial"]
    gateway.seen_certificate(old, old_key)
    request = request_of(new)
    assert problem(gateway.renew(old, stranger, request)) == (403, "certificate-wrong")
    assert problem(gateway.renew("ABCDEF", old_key, request)) == (403, "certificate-wrong")
    issued = gateway.renew(old, old_key, request).json()
    assert gateway.renew(old, old_key, request).json() == issued, "where the answer was lost, the same again"
    roster()
    assert listed() == set()
    assert problem(gateway.seen_certificate(issued["serial"], old_key)) == (403, "certificate-wrong")
    assert gateway.seen_certificate(issued["serial"], new).status_code == 204
    roster()
    assert listed() == {old}
    assert problem(gateway.renew(old, old_key, request_of(new_key()))) == (403, "replaced")


def test_a_stolen_key_fills_no_database(gateway: Asking, site):
    key, request = new_key(), request_of(new_key())
    serial = gateway.enrol_key(key)["certificate"]["serial"]
    issued = gateway.renew(serial, key, request).json()
    for _ in range(MOST_A_DAY - 2):
        assert gateway.renew(serial, key, request_of(new_key())).status_code == 200
    assert problem(gateway.renew(serial, key, request_of(new_key()))) == (429, "too-many-attempts")
    assert gateway.renew(serial, key, request).json() == issued, "what it has it is told again"
    shifted(site, "issued_at = issued_at - interval '1 day'")
    assert gateway.renew(serial, key, request_of(new_key())).status_code == 200


def test_a_revoked_gateway_is_on_the_list_and_renews_nothing_until_it_is_enrolled_again(
    gateway: Asking, web, roster, listed, site
):
    key, other = new_key(), new_key()
    serial = gateway.enrol_key(key)["certificate"]["serial"]
    gateway.seen_certificate(serial, key)
    neighbour = gateway.enrol_key(other, "gw-2")["certificate"]["serial"]
    gateway.seen_certificate(neighbour, other)
    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    roster()
    assert listed() == {serial}
    assert access(web)["standing"] == "revoked"
    assert problem(gateway.renew(serial, key, request_of(new_key()))) == (403, "revoked")
    assert problem(gateway.seen_certificate(serial, key)) == (403, "revoked")
    again = new_key()
    fresh = gateway.enrol_key(again)["certificate"]["serial"]
    gateway.seen_certificate(fresh, again)
    roster()
    assert access(web)["standing"] == "enrolled"
    assert listed() == {serial}, "for as long as it would have held"
    ended = web.get("/sites/demo/gateways/gw-1/certificates").json()["items"]
    assert [(one["serial"], one["ended_by"]) for one in ended] == [(fresh, None), (serial, "revoked")]


def test_who_was_revoked_and_enrolled_again_is_heard_after_ten_minutes_also_without_a_word(
    gateway: Asking, web, roster, site
):
    web.post("/sites/demo/gateways/gw-1/revocation")
    gateway.enrol_key(new_key())
    roster()
    assert site.value("SELECT revoked_at IS NOT NULL FROM gateway_access")
    changed(site, "revoked_at = revoked_at - interval '10 minutes'")
    shifted(site, "issued_at = issued_at - interval '10 minutes'")
    roster()
    assert not site.value("SELECT revoked_at IS NOT NULL FROM gateway_access")


def test_a_retired_gateway_is_on_the_list_for_as_long_as_it_is_retired(gateway: Asking, roster, listed, site):
    key = new_key()
    serial = gateway.enrol_key(key)["certificate"]["serial"]
    for retired, expected in (("current_date", {serial}), ("NULL", set())):
        with site.connection.transaction():
            site.connection.execute("SELECT set_config('sitewarden.author', 'a test', true)")
            site.connection.execute(f"UPDATE site_gateway SET retired_on = {retired} WHERE gateway = 'gw-1'")
        roster()
        assert listed() == expected


def test_a_certificate_that_has_ended_is_said_to_and_renews_nothing(gateway: Asking, web, site):
    key = new_key()
    serial = gateway.enrol_key(key)["certificate"]["serial"]
    gateway.seen_certificate(serial, key)
    shifted(site, "issued_at = now() - interval '9 days', ends_at = now() - interval '1 second'")
    assert access(web)["standing"] == "expired"
    assert problem(gateway.renew(serial, key, request_of(new_key()))) == (403, "certificate-expired")


def test_a_list_that_somebody_put_back_is_put_right_and_dated_later(gateway: Asking, web, roster, listed, ca):
    key = new_key()
    empty = (ca / "revoked.crl").read_bytes()
    serial = gateway.enrol_key(key)["certificate"]["serial"]
    web.post("/sites/demo/gateways/gw-1/revocation")
    dates = []
    for _ in range(3):
        roster()
        assert listed() == {serial}
        dates.append(x509.load_pem_x509_crl((ca / "revoked.crl").read_bytes()).last_update_utc)
        (ca / "revoked.crl").write_bytes(empty if len(dates) == 1 else b"broken")
    authority = Authority.read(ca / "ca.crt", ca / "ca.key")
    older = authority.listed(ca / "revoked.crl")
    assert older is None, "a broken list is made anew"
    first = authority.list_of({}, dt.datetime.now(dt.UTC), None)
    (ca / "revoked.crl").write_bytes(first)
    listed_first = authority.listed(ca / "revoked.crl")
    second = x509.load_pem_x509_crl(authority.list_of({1: dates[0]}, dt.datetime.now(dt.UTC), listed_first))
    assert listed_first is not None
    assert second.last_update_utc > listed_first.dated, "OpenSSL believes the later of two"
    assert second.next_update_utc == authority.certificate.not_valid_after_utc, (
        "a list that runs out lets nobody in"
    )


def test_an_authority_that_can_sign_no_more_says_so_and_uses_no_code_up(  # noqa: PLR0917
    gateway: Asking, ca, web, roster, site, tmp_path
):
    """Also, whoever has a password is still shut out."""
    code = gateway.code()
    (ca / "ca.key").unlink()
    assert problem(gateway.enrol(code, request=request_of(new_key()))) == (503, "authority-unusable")
    assert site.value("SELECT code_used_at IS NULL FROM gateway_access")
    old = new_authority("old", dt.datetime.now(dt.UTC) - dt.timedelta(days=366), 1)
    (ca / "ca.crt").write_bytes(old.certificate)
    (ca / "ca.key").write_bytes(old.key)
    assert problem(gateway.enrol(code, request=request_of(new_key()))) == (503, "authority-unusable")
    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    roster()
    assert (tmp_path / "told").exists()
    assert "has ended" in web.get("/sites/demo/gateways").json()["broker"]["complaint"]


def test_a_name_that_finds_no_room_is_said_before_a_code_is_made(web, site):
    long = "g" * 60
    with site.connection.transaction():
        site.connection.execute("SELECT set_config('sitewarden.author', 'a test', true)")
        site.connection.execute("INSERT INTO site_gateway (site, gateway) VALUES ('demo', %s)", [long])
    assert problem(web.post(f"/sites/demo/gateways/{long}/code")) == (409, "name-too-long")


def test_an_authority_is_made_once_and_its_key_is_its_owner_s(ca: Path, capsys):
    assert (ca / "ca.key").stat().st_mode & 0o777 == 0o600
    before = (ca / "ca.key").read_bytes()
    assert main(["cloud", "ca", "create", str(ca)]) != 0
    assert "shuts out every gateway" in capsys.readouterr().err
    assert (ca / "ca.key").read_bytes() == before
    assert main(["cloud", "ca", "broker", str(ca), "broker.example.org", "192.0.2.7"]) == 0
    made = x509.load_pem_x509_certificate((ca / "broker.crt").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example.org"]
    assert (ca / "broker.key").stat().st_mode & 0o777 == 0o600
