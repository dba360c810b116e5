"""A web server that speaks HTTPS itself: by its certificate alone, and its own supervisor finds it."""

import contextlib
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cloud.app import make_app
from cloud.running import address_of, is_ready
from cloud.server import listen, make_server
from cloud.settings import Tls
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.site import make_settings

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def served(settings, dsn: str) -> Iterator[int]:
    """Its port, while it runs."""
    with listen("127.0.0.1", 0) as listening:
        server = make_server(make_app(settings, dsn), tls=settings.tls)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        wait_for(lambda: server.started, "the web server")
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(45)


def test_a_server_with_a_certificate_speaks_https_and_marks_its_cookies(site, dsn, tmp_path):
    subprocess.run([sys.executable, ROOT / "deploy" / "compose-init", "--root", tmp_path], check=True)
    made = tmp_path / "deploy" / "secrets" / "tls"
    settings = make_settings(tmp_path, demo=True, tls=Tls(certificate=made / "web.crt", key=made / "web.key"))
    with served(settings, dsn) as port:
        address = address_of(settings, port)
        assert address == f"https://127.0.0.1:{port}"
        assert is_ready(address)
        trusting = ssl.create_default_context(cafile=made / "ca.crt")
        with httpx.Client(base_url=address, verify=trusting) as client:
            signed = client.post("/api/v1/session/demo")
            assert signed.status_code < 300
            assert "secure" in signed.headers["set-cookie"].lower()
        with httpx.Client(base_url=address) as distrustful, pytest.raises(httpx.ConnectError):
            distrustful.get("/healthz")
