"""`sitewarden cloud run` whole: real broker, database and processes, and what happens when they die."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cloud.ingest.over_mqtt import Gateway, wait_for
from tests.cloud.notices.others import Robot
from tests.cloud.site import birth, now_ms, raised, readings
from tests.cloud.web.serving import PASSWORD, Stream
from tests.support.plain import plain_client
from tests.support.waiting import PATIENCE_S

pytestmark = [pytest.mark.postgres, pytest.mark.service]


class Cloud:
    """One `cloud run`."""

    def __init__(self, config: Path) -> None:
        self._lines: list[str] = []
        self.log = (config.parent / "cloud.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloud", "run", str(config)],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            wait_for(lambda: self.address, "the line `ready`", 60)
        except AssertionError:
            self.end(signal.SIGKILL)
            raise

    @property
    def address(self) -> str:
        return next((line.split()[1] for line in self._lines if line.startswith("ready ")), "")

    @property
    def setup_token(self) -> str:
        return next(line.rpartition("#")[2] for line in self._lines if "/setup#" in line)

    def descendants(self) -> dict[str, int]:
        """Process id of each child by a word of its command line."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and _parent(folder) == self.process.pid:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                for word in ("--part alarms", "--part readings", "cloud web", "bin/postgres"):
                    if word in command:
                        found[word] = int(folder.name)
        return found

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(45)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(line.strip() for line in iter(self.process.stdout.readline, ""))


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def config(folder, broker, request):
    """A cloud.yaml in a folder of the test's own."""
    here = folder / request.node.name
    here.mkdir()
    (here / "cloud.password").write_text(broker.cloud.password)
    document = {
        "listen": "127.0.0.1:0",
        "data_dir": "data",
        "broker": {
            "host": broker.host,
            "port": broker.port,
            "username": "cloud",
            "password_file": "cloud.password",
        },
        "notices": {"networks": ["127.0.0.0/8"]},
        "sites": [
            {
                "site": "run",
                "name": {"zh": "工地", "en": "Site"},
                "time_zone": "Asia/Shanghai",
                "gateways": ["gw-1"],
            }
        ],
    }
    (here / "cloud.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return here / "cloud.yaml"


@pytest.fixture
def cloud(config):
    cloud = Cloud(config)
    yield cloud
    if cloud.process.poll() is None:
        assert cloud.end() == 0


@pytest.fixture
def gateway(broker):
    gateway = Gateway(broker, "run")
    gateway.say(birth(), retain=True)
    yield gateway
    gateway.close()


@pytest.fixture
def receiver():
    made = Robot()
    yield made
    made.close()


@pytest.fixture
def client(cloud):
    with plain_client(cloud.address) as client:
        yield client


@pytest.mark.timeout(400)
def test_from_the_first_start_through_every_death_to_the_last_stop(cloud, config, gateway, receiver, client):
    def told():
        return len({said["id"] for said in receiver.heard})

    set_up = {"token": cloud.setup_token, "name": "站长", "password": PASSWORD}
    assert client.post("/api/v1/setup", json=set_up).status_code == 201
    channel = {"name": "值班", "kind": "webhook", "site": "run", "url": receiver.url}
    assert client.post("/api/v1/channels", json=channel).status_code == 201

    gateway.say_until_receipted(raised())
    wait_for(lambda: told() == 1, "people to be told")
    (hazard,) = client.get("/api/v1/sites/run/hazards").json()["items"]
    assert hazard["episodes"] == 1

    children = cloud.descendants()
    assert set(children) == {"--part alarms", "--part readings", "cloud web", "bin/postgres"}
    # A notice that was on its way when its program died comes again after two minutes: here none is.
    for n, word in enumerate(children):
        os.kill(cloud.descendants()[word], signal.SIGKILL)
        gateway.say_until_receipted(raised(device=f"crane-{n + 10}"))
        wait_for(lambda: _answers(client), f"the pages after the death of {word}")
        wait_for(lambda n=n: told() == n + 2, f"people to be told after the death of {word}")
    assert len(client.get("/api/v1/sites/run/hazards").json()["items"]) == 5

    second_link = subprocess.run(
        [sys.executable, "-m", "cloud", "setup-link", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second_link.returncode, "an account already" in second_link.stderr) == (1, True)

    everybody = [cloud.process.pid, *cloud.descendants().values()]
    with Stream(client, "run", None) as stream:
        stream.next("values")
        began = time.monotonic()
        assert cloud.end() == 0
        stream.all()
        assert time.monotonic() - began < 20, "open streams hold up the end"
    assert not [pid for pid in everybody if lives(pid)]


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/api/v1/sites/run/values").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(400)
def test_after_a_kill_of_everything_s_parent_the_next_run_takes_over(config, gateway):
    killed, at = Cloud(config), now_ms()
    try:
        gateway.say_until_receipted(readings(1.0, at=at))
        children = killed.descendants()
    finally:
        killed.end(signal.SIGKILL)
    wait_for(
        lambda: not any(lives(pid) for word, pid in children.items() if word != "bin/postgres"),
        "the orphans to notice",
    )
    following = Cloud(config)
    try:
        assert not lives(children["bin/postgres"])
        gateway.say_until_receipted(readings(2.0, at=at + 1))
        link = subprocess.run(
            [sys.executable, "-m", "cloud", "setup-link", str(config)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        assert link.startswith(following.address + "/setup#")
        token = link.rpartition("#")[2]
        with plain_client(following.address) as client:
            client.post("/api/v1/setup", json={"token": token, "name": "a", "password": PASSWORD})
            assert client.get("/api/v1/sites/run/statistics").json()["readings"] == 2
    finally:
        assert following.end() == 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cloud", *arguments], capture_output=True, text=True, check=False
    )


def test_a_configuration_that_cannot_be_meant_ends_it_with_2(config):
    config.write_text(config.read_text().replace("Asia/Shanghai", "Asia/Peking"))
    done = run("run", str(config))
    assert done.returncode == 2
    assert "there is no time zone `Asia/Peking`" in done.stderr


def test_a_database_that_does_not_answer_ends_it_with_3(config):
    config.write_text(config.read_text() + "database: {dsn: 'host=127.0.0.1 port=1 dbname=none user=none'}\n")
    done = run("run", str(config))
    assert done.returncode == 3
    assert "the database does not answer" in done.stderr
    assert run("setup-link", str(config)).returncode == 3


def test_an_address_that_is_taken_ends_it_with_3(config, dsn):
    text = yaml.safe_load(config.read_text())
    from cloud.server import listen  # noqa: PLC0415

    with listen("127.0.0.1", 0) as taken:
        text["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
        text["database"] = {"dsn": dsn}
        config.write_text(yaml.safe_dump(text, allow_unicode=True))
        done = run("web", str(config))
    assert done.returncode == 3
    assert "cannot listen on 127.0.0.1:" in done.stderr


def test_migrate_says_what_it_did(config):
    first, second = run("migrate", str(config)), run("migrate", str(config))
    assert "0001_registry.sql" in first.stdout
    assert second.stdout.strip() == "nothing to do"
