"""The doctor on a cloud: its database, its broker, its zones."""

from pathlib import Path

import pytest
import yaml

from cloud.doctor import examine
from cloud.migrate import Migration, migrate, pending, shipped
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
