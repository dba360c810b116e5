"""A site whose notices may go to this machine, and a robot that gets them."""

import ipaddress
import time
from collections.abc import Callable, Iterator

import pytest

from cloud.notices.notifier import Notifier
from cloud.settings import Notices, Settings
from tests.cloud.notices.others import Robot
from tests.cloud.site import TestSite, make_settings, now_ms
from tests.cloud.web.serving import Web


@pytest.fixture
def settings(tmp_path) -> Settings:
    own = ipaddress.ip_network("127.0.0.0/8")
    return make_settings(tmp_path, notices=Notices(pages="https://safety.example.com", networks=(own,)))


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()
    yield made
    made.close()


@pytest.fixture
def channel(web: Web, robot: Robot) -> Callable[..., dict]:
    """Sets a channel up as an administrator does."""

    def make(**changes) -> dict:
        given = {"name": "值班群", "kind": "dingtalk", "site": "demo", "url": robot.url, **changes}
        answer = web.post("/channels", json=given)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def notify(settings: Settings, site: TestSite) -> Callable[..., None]:
    """Looks as ingest does, `later_ms` from now, until nothing more is to be sent then."""
    notifier = Notifier(settings, "")

    def look(later_ms: int = 0) -> None:
        until_s, then_ms = time.monotonic() + 45, now_ms() + later_ms
        while True:
            notifier.look(site.connection, then_ms)
            if notifier.is_idle:
                return
            assert time.monotonic() < until_s, "it does not come to an end"
            time.sleep(0.005)

    return look
