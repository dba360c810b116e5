"""The site with a broker's file of passwords beside it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.enrolment.roster import Roster
from cloud.ingest.service import Ingest
from cloud.settings import Enrolment, Settings
from tests.cloud.enrolment.keys import Key, request_of, signature_of
from tests.cloud.site import TestSite, make_settings, now_ms
from tests.cloud.web.serving import Web
from tests.support.plain import plain_client

HAND_MADE = "cloud:$7$101$c2FsdA==$aGFzaA==\ndemo/gw-1:$7$101$c2FsdA==$aGFzaA==\n"


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    """The broker's file, in which gw-1 stands by hand and gw-2 does not."""
    file = tmp_path / "passwords"
    file.write_text(HAND_MADE)
    return file


@pytest.fixture
def settings(tmp_path: Path, passwords: Path) -> Settings:
    told = ("touch", str(tmp_path / "told"))
    enrolment = Enrolment(
        host="broker.example.org", port=8883, ca=None, password_file=passwords, reload_command=told
    )
    return make_settings(tmp_path, enrolment=enrolment)


@pytest.fixture
def roster(settings: Settings, site: TestSite) -> Callable[[], None]:
    """Look once, as ingest does every second."""
    assert settings.enrolment is not None
    made = Roster(settings.enrolment, "")
    return lambda: made.look(site.connection, now_ms())


@pytest.fixture
def ingest(settings: Settings, dsn: str, site: TestSite) -> Iterator[Ingest]:
    """The whole ingest, as a thread."""
    stopping = threading.Event()
    made = Ingest(settings, dsn)
    thread = threading.Thread(target=made.run, args=(stopping,))
    thread.start()
    assert made.wait_until_subscribed(20)
    yield made
    stopping.set()
    thread.join(45)
    assert not thread.is_alive()


@pytest.fixture
def gateway(web: Web) -> Iterator["Asking"]:
    """Whoever has a code and no account."""
    asking = Asking(web)
    yield asking
    asking.close()


class Asking:
    """The requests that a gateway makes."""

    def __init__(self, web: Web) -> None:

        self._client = plain_client(web.address)
        self._web = web

    def code(self, gateway: str = "gw-1") -> str:
        """A new code, from an administrator."""
        answer = self._web.post(f"/sites/demo/gateways/{gateway}/code")
        assert answer.status_code == 201, answer.text
        return answer.json()["code"]

    def enrol(self, code: str, **more):
        return self._client.post("/api/v1/enrol", json={"code": code, **more})

    def seen(self, enrolled: dict):
        named = {name: enrolled[name] for name in ("site", "gateway", "password")}
        return self._client.post("/api/v1/enrol/seen", json=named)

    def enrol_key(self, key: Key, gateway: str = "gw-1") -> dict:
        """By a code, with a request for that key."""
        answer = self.enrol(self.code(gateway), request=request_of(key))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def seen_certificate(self, serial: str, key: Key):
        signature = signature_of(key, f"sitewarden seen\n{serial}")
        seen = {"serial": serial, "signature": signature}
        return self._client.post("/api/v1/enrol/seen-certificate", json=seen)

    def renew(self, serial: str, key: Key, request: str):
        signature = signature_of(key, f"sitewarden renewal\n{serial}\n{request}")
        asked = {"serial": serial, "request": request, "signature": signature}
        return self._client.post("/api/v1/enrol/renewal", json=asked)

    def close(self) -> None:
        self._client.close()
