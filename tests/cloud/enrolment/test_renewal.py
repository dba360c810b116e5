"""The gateway's side against the real web server: enrolled by the command, renewed by the agent itself."""

import asyncio
import contextlib
from pathlib import Path

import pytest
import yaml

from edge import clock
from edge.config.model import Broker
from edge.enrolment.keys import Identity
from edge.enrolment.renewing import Renewal
from edge.login import before
from sitewarden.cli import main
from tests.cloud.enrolment.conftest import Asking
from tests.cloud.enrolment.test_certificates import ca, listed, settings  # noqa: F401  fixtures
from tests.cloud.enrolment.test_http import access
from tests.support.waiting import until

DAY_MS = 86_400_000


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a gateway whose folder is there."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (tmp_path / "own").mkdir()
    file = folder / "gateway.yaml"
    file.write_text(f"mode: test\ndata_dir: {tmp_path / 'own'}\n")
    return file


def enrol(web, gateway: Asking, config: Path) -> Broker:
    """By the command; what the agent makes of its file."""
    assert main(["edge", "enrol", web.address, gateway.code(), "--config", str(config)]) == 0
    told = yaml.safe_load(config.read_text())["broker"]
    return Broker(
        host=told["host"],
        port=told["port"],
        username=None,
        password=None,
        ca_file=config.parent / told["ca_file"],
        certificate_file=Path(told["certificate_file"]),
        cloud=told["cloud"],
    )


@contextlib.asynccontextmanager
async def renewing(broker: Broker, in_use):
    task = asyncio.create_task(Renewal(broker, in_use, look_s=0.02).run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_command_puts_key_and_certificate_where_the_agent_alone_can_read_them(
    web, gateway: Asking, config: Path, tmp_path, capsys
):
    broker = enrol(web, gateway, config)
    assert broker.certificate_file == tmp_path / "own" / "broker.pem"
    assert broker.certificate_file.stat().st_mode & 0o777 == 0o600
    identity = Identity.read(broker.certificate_file)
    assert identity.username == "demo/gw-1"
    assert access(web)["standing"] == "enrolled", "the command has said that it is there"
    assert access(web)["certificate_ends_at"] is not None
    said = "".join(capsys.readouterr())
    assert "an agent that runs takes it over by itself" in said
    assert "PRIVATE" not in said
    assert {file.name for file in config.parent.iterdir()} == {"gateway.yaml", "broker-ca.crt"}


async def test_the_agent_renews_after_two_thirds_and_the_old_one_ends_when_the_new_one_works(  # noqa: PLR0917
    web,
    gateway: Asking,
    config: Path,
    monkeypatch,
    roster,
    listed,  # noqa: F811
):
    broker = await asyncio.to_thread(enrol, web, gateway, config)
    file = broker.certificate_file
    assert file is not None
    old = Identity.read(file)
    in_use, days = [old.serial], [59]
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + days[0] * DAY_MS)
    async with renewing(broker, lambda: in_use[0]):
        await until(lambda: access(web)["certificate_ends_at"])
        assert Identity.read(file).serial == old.serial, "not before it is time"
        days[0] = 61
        await until(lambda: Identity.read(file).serial != old.serial)
        new = Identity.read(file)
        assert Identity.read(before(file)).serial == old.serial, "kept until the new one works"
        roster()
        assert listed() == set()
        in_use[0] = new.serial
        await until(lambda: not before(file).exists())
    roster()
    assert listed() == {old.serial}
    assert file.stat().st_mode & 0o777 == 0o600


async def test_where_the_cloud_refuses_the_certificate_stays_and_the_log_says_why(
    web, gateway: Asking, config: Path, monkeypatch, caplog
):
    broker = await asyncio.to_thread(enrol, web, gateway, config)
    file = broker.certificate_file
    assert file is not None
    old = file.read_bytes()
    web.post("/sites/demo/gateways/gw-1/revocation")
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + 61 * DAY_MS)
    async with renewing(broker, lambda: None):
        await until(lambda: "The gateway was revoked" in caplog.text)
    assert file.read_bytes() == old
