"""The doctor on a gateway's own certificate."""

import datetime as dt
import os
from pathlib import Path

import msgspec
import pytest

from edge.config import Gateway
from edge.doctor.certificate import certificate_results
from edge.doctor.service import Account
from tests.support.authority import TestAuthority

DAY = dt.timedelta(days=1)
ME = Account("me", os.geteuid(), frozenset())
NOBODY = Account("sitewarden", 54321, frozenset())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("authority") / "ca")


def told(gateway: Gateway, file: Path, account: Account = ME, cloud: str | None = "https://cloud"):
    broker = msgspec.structs.replace(gateway.broker, cloud=cloud)
    gateway = msgspec.structs.replace(gateway, site="demo", name="gw-1", broker=broker)
    return {result.check: result for result in certificate_results(file, gateway, account)}


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, ("ok", "holds for 9")),
        (59, ("ok", "holds for 3")),
        (75, ("finding", "was not renewed")),
        (91, ("finding", "has ended on")),
    ],
)
def test_one_that_should_have_been_renewed_is_found(gateway, authority, tmp_path, age, expected):
    status, what = expected
    file = authority.identity(tmp_path / "own.pem", "gw-1", age=age * DAY, life=(90 - age) * DAY)
    own = told(gateway, file)["certificate.own"]
    assert (own.status, what in own.what) == (status, True), own
    assert status == "ok" or "sitewarden edge enrol" in own.mend


def test_that_of_another_gateway_or_of_none_is_found(gateway, authority, tmp_path):
    other = told(gateway, authority.identity(tmp_path / "other.pem", "gw-2"))["certificate.own"]
    assert (other.status, other.what) == ("finding", "is of demo/gw-2, and this is demo/gw-1")
    (tmp_path / "broken.pem").write_text("broken")
    assert told(gateway, tmp_path / "broken.pem")["certificate.own"].status == "finding"


def test_one_that_the_agent_cannot_renew_is_found(gateway, authority, tmp_path):
    file = authority.identity(tmp_path / "own.pem", "gw-1")
    assert told(gateway, file)["certificate.renewable"].status == "ok"
    assert told(gateway, file, cloud=None)["certificate.renewable"].status == "finding"
    strange = told(gateway, file, NOBODY)["certificate.renewable"]
    assert (strange.status, strange.mend) == ("finding", f"sudo chown sitewarden {file.parent} {file}")
