"""The doctor on a cloud: its database, its broker, its zones."""

import datetime as dt
from pathlib import Path

import pytest
import yaml

from cloud.database import connect
from cloud.doctor import examine
from cloud.doctor.registry import Ending, certificates_result
from cloud.migrate import Migration, migrate, pending, shipped
from tests.support.authority import TestAuthority
from tests.support.broker import Broker, free_port

CLOUD = {
    "listen": "127.0.0.1:0",
    "data_dir": "data",
    "broker": {"host": "127.0.0.1", "port": 1},
    "sites": [
        {
            "site": "demo",
            "name": {"zh": "示范工地", "en": "Demo site"},
            "time_zone": "Asia/Shanghai",
            "gateways": ["gw-1"],
        }
    ],
}


@pytest.fixture
def empty(postgres):
    dsn = postgres.create_database()
    yield dsn
    postgres.drop_database(dsn)


def written(folder: Path, **changed) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    file = folder / "cloud.yaml"
    file.write_text(yaml.safe_dump({**CLOUD, **changed}, allow_unicode=True), encoding="utf-8")
    return file


def told(file: Path):
    return {result.check: result for result in examine(file)}


def test_a_cloud_that_runs_is_well(tmp_path, migrated, broker: Broker):
    secret = tmp_path / "cloud.password"
    secret.touch(mode=0o600)
    secret.write_text(broker.cloud.password)
    login = {"username": "cloud", "password_file": secret.name}
    address = {"host": broker.host, "port": broker.port}
    results = told(written(tmp_path, database={"dsn": migrated}, broker={**address, **login}))
    this_machine = {"clock.sync", "clock.offset", "disk.free", "disk.write"}
    assert {name for name, result in results.items() if result.status != "ok"} <= this_machine
    assert "UTC+0800" in results["zone.data"].what
    assert {"database.reached", "database.migrated", "broker.own-branch", "broker.foreign-branch"} <= set(
        results
    )


def test_a_database_without_this_programs_schema_is_found_and_left_as_it_is(tmp_path, empty):
    file = written(tmp_path, database={"dsn": empty})
    missing = told(file)["database.migrated"]
    assert missing.status == "finding"
    assert missing.mend == f"sitewarden cloud migrate {file}"
    assert pending(empty) == shipped(), "the doctor changed something"
    migrate(empty)
    assert told(file)["database.migrated"].status == "ok"


def test_a_newer_database_is_found(tmp_path, empty):
    more = Migration(number=len(shipped()) + 1, name="9999_later.sql", text="CREATE TABLE later ()")
    migrate(empty, [*shipped(), more])
    newer = told(written(tmp_path, database={"dsn": empty}))["database.migrated"]
    assert (newer.status, "install the newer program" in newer.what) == ("finding", True)


def test_a_database_that_does_not_answer_is_unreachable(tmp_path):
    results = told(written(tmp_path, database={"dsn": f"host=127.0.0.1 port={free_port()} dbname=x"}))
    assert results["database.reached"].status == "unreachable"
    assert results["broker.reached"].status == "unreachable"


def test_the_embedded_database_of_a_cloud_that_does_not_run_is_unreachable_and_not_started(tmp_path):
    results = told(written(tmp_path))
    assert results["database.reached"].status == "unreachable"
    assert "sitewarden cloud run" in results["database.reached"].mend
    assert list((tmp_path / "data").iterdir()) == []


def test_a_file_that_cannot_be_meant_is_told(tmp_path):
    results = told(written(tmp_path, listen="nowhere"))
    assert results["configuration"].status == "finding"
    assert "listen" in results["configuration"].what


def test_every_site_of_the_database_is_counted_and_not_only_the_file_s(tmp_path, empty):
    migrate(empty)
    with connect(empty) as connection, connection.transaction():
        connection.execute("SELECT set_config('sitewarden.author', 'a test', true)")
        for site, zone in (("one", "Asia/Shanghai"), ("two", "Mars/Olympus")):
            connection.execute(
                """INSERT INTO site (site, name, time_zone) VALUES (%s, '{"zh": "一", "en": "One"}', %s)""",
                [site, zone],
            )
            for gateway in ("gw-1", "gw-2"):
                insert = "INSERT INTO site_gateway (site, gateway) VALUES (%s, %s)"
                connection.execute(insert, [site, gateway])
        connection.execute("UPDATE site_gateway SET retired_on = current_date WHERE site = 'two'")
        connection.execute(
            "INSERT INTO gateway_access (site, gateway, revoked_at) VALUES ('one', 'gw-1', now())"
        )
    results = list(examine(written(tmp_path, database={"dsn": empty})))
    (counted,) = (result for result in results if result.check == "registry.gateways")
    assert counted.what == "2 sites, 4 gateways (2 retired, 1 revoked)"
    zones = {result.subject: result.status for result in results if result.check == "zone.data"}
    assert zones == {"demo": "ok", "one": "ok", "two": "finding"}


def test_a_certificate_that_was_not_renewed_and_an_authority_that_ends_are_found(tmp_path, empty):
    authority = TestAuthority(tmp_path / "ca")
    (tmp_path / "passwords").touch(mode=0o600)
    certificates = {"ca_file": "ca/ca.crt", "key_file": "ca/ca.key", "crl_file": "ca/revoked.crl"}
    enrolment = {
        "host": "127.0.0.1",
        "ca_file": "ca/ca.crt",
        "password_file": "passwords",
        "certificates": certificates,
    }
    migrate(empty)
    file = written(tmp_path, database={"dsn": empty}, enrolment=enrolment)
    results = told(file)
    assert results["certificate.authority"].status == results["certificate.list"].status == "ok"
    assert results["registry.certificates"].status == "ok"
    authority.crl.unlink()
    assert told(file)["certificate.list"].status == "finding"
    authority.key.chmod(0o644)
    assert "chmod 600" in told(file)["configuration"].mend


def test_those_that_end_soon_are_named():
    now = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    ending = [Ending(f"demo/gw-{n}", now + dt.timedelta(days=n - 1, hours=-1)) for n in range(1, 8)]
    result = certificates_result(ending, now)
    assert result.status == "finding"
    assert "demo/gw-1 (ended), demo/gw-2 (0 days left), demo/gw-3 (1 days left)" in result.what
    assert result.what.endswith("and 2 more")
