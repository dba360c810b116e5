"""`sitewarden edge enrol` against servers that refuse, are none, or cannot be trusted."""

import contextlib
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from sitewarden.cli import FOUND, UNREACHABLE, USAGE, main
from tests.support.broker import free_port
from tests.support.certificates import NOW, certify
from tests.support.visited import VisitedServer

CODE = "K7QF-3M9X-PW4T"
ENROLLED = {
    "site": "my-site",
    "gateway": "gw-1",
    "username": "my-site/gw-1",
    "password": "a-secret-of-24-bytes-or-so",
    "broker": {"host": "broker.example.org", "port": 8883, "ca": "the broker's issuer\n"},
    "in_force_at": "2026-11-20T10:00:00.000Z",
}


class Cloud(VisitedServer):
    """Answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: dict[str, tuple[int, object]] = {
            "/api/v1/server": (200, {}),
            "/api/v1/enrol": (200, ENROLLED),
            "/api/v1/enrol/seen": (204, None),
        }
        self.ahead_s = 0.0
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, object]] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class Answering(http.server.BaseHTTPRequestHandler):
    server: Cloud

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.path, body))
        status, said = self.server.answers.get(self.path, (404, "<html>"))
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + self.server.ahead_s, usegmt=True))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        text = b"" if status == 204 else json.dumps(said).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815  as the library names them

    def log_message(self, *_) -> None:
        """Quiet."""


@contextlib.contextmanager
def serving(cloud: Cloud) -> Iterator[Cloud]:
    thread = threading.Thread(target=cloud.serve_forever, daemon=True)
    thread.start()
    yield cloud
    cloud.shutdown()
    cloud.server_close()
    thread.join(45)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with serving(Cloud()) as cloud:
        yield cloud


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "gateway.yaml"


def enrol(cloud: Cloud, config: Path, *more: str, scheme: str = "http") -> int:
    config.parent.mkdir(exist_ok=True)
    where = f"{scheme}://localhost:{cloud.port}" if scheme == "https" else f"http://127.0.0.1:{cloud.port}"
    return main(["edge", "enrol", where, CODE, "--config", str(config), *more])


def files(config: Path) -> set[str]:
    return {path.name for path in config.parent.iterdir()} if config.parent.exists() else set()


def test_name_password_and_broker_are_written_and_the_password_is_not_printed(cloud, config, capsys):
    assert enrol(cloud, config) == 0
    password, ca = config.with_name("broker.password"), config.with_name("broker-ca.crt")
    assert password.read_text() == ENROLLED["password"] + "\n"
    assert password.stat().st_mode & 0o777 == 0o600
    assert ca.read_text() == "the broker's issuer\n"
    assert files(config) == {"gateway.yaml", "broker.password", "broker-ca.crt"}
    text = config.read_text()
    assert "site: my-site" in text
    assert "password_file: broker.password" in text
    assert ENROLLED["password"] not in text
    said = "".join(capsys.readouterr())
    assert ENROLLED["password"] not in said
    assert "my-site/gw-1 is enrolled" in said
    assert cloud.asked[-1] == (
        "/api/v1/enrol/seen",
        {name: ENROLLED[name] for name in ("site", "gateway", "password")},
    )


def test_it_is_confirmed_only_when_everything_lies_on_the_disk(cloud, config):
    config.parent.mkdir()
    config.with_name("broker.password").mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match=r"broker\.password"):
        enrol(cloud, config)
    assert [path for path, _ in cloud.asked] == ["/api/v1/server", "/api/v1/enrol"]
    assert files(config) == {"broker.password", "broker-ca.crt"}


def test_a_gateway_says_who_it_is_so_that_another_s_code_is_not_used_up(cloud, config):
    config.parent.mkdir()
    config.write_text("site: my-site\ngateway: gw-1\n")
    enrol(cloud, config)
    path, asked = cloud.asked[1]
    assert path == "/api/v1/enrol"
    assert asked.pop("request").startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert asked == {"code": CODE, "site": "my-site", "gateway": "gw-1"}


def test_where_systemd_shows_the_password_it_is_written_beside_the_configuration(cloud, config):
    shown = "/run/credentials/sitewarden-edge.service/broker.password"
    config.parent.mkdir()
    config.write_text(f"broker: {{host: x, username: y, password_file: {shown}}}\n")
    assert enrol(cloud, config) == 0
    assert f"password_file: {shown}" in config.read_text()
    assert config.with_name("broker.password").read_text().strip() == ENROLLED["password"]


def test_an_earlier_password_file_keeps_its_group_s_right_and_nobody_else_s(cloud, config):
    config.parent.mkdir()
    password = config.with_name("broker.password")
    password.write_text("old\n")
    password.chmod(0o644)
    assert enrol(cloud, config) == 0
    assert password.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("title", "detail"),
    [
        ("The code is wrong", "It may be tried 4 times more."),
        ("The code has been used", "It works once. Ask for a new one."),
        ("The code has expired", "It ended at 2026-11-20T10:00:00.000Z. Ask for a new one."),
    ],
)
def test_a_refusal_is_told_in_the_cloud_s_words_and_nothing_is_written(cloud, config, capsys, title, detail):
    cloud.answers["/api/v1/enrol"] = 403, {"type": "/problems/x", "title": title, "detail": detail}
    assert enrol(cloud, config) == FOUND
    assert f"{title}. {detail}" in capsys.readouterr().err
    assert files(config) == set()


def test_a_confirmation_that_is_lost_is_said(cloud, config, capsys):
    cloud.answers["/api/v1/enrol/seen"] = 503, {"title": "The database is away"}
    assert enrol(cloud, config) == 0
    assert "holds from 2026-11-20T10:00:00.000Z on" in capsys.readouterr().out


@pytest.mark.parametrize(("ahead_s", "direction"), [(86_400, "behind"), (-86_400, "ahead of")])
def test_a_wrong_clock_is_said_before_the_code_is_used_up(cloud, config, capsys, ahead_s, direction):
    cloud.ahead_s = ahead_s
    assert enrol(cloud, config) == FOUND
    assert f"{direction} the cloud's" in capsys.readouterr().err
    assert [path for path, _ in cloud.asked] == ["/api/v1/server"]


def test_a_server_that_is_no_sitewarden_is_said_to_be_none(cloud, config, capsys):
    cloud.answers.clear()
    assert enrol(cloud, config) == FOUND
    assert "there is no SiteWarden" in capsys.readouterr().err


def test_a_code_is_not_sent_on_to_another_address(cloud, config, capsys):
    cloud.answers["/api/v1/server"] = 307, "elsewhere"
    cloud.headers["Location"] = "https://elsewhere.example.org/"
    assert enrol(cloud, config) == FOUND
    assert "it sends to https://elsewhere.example.org/" in capsys.readouterr().err
    assert len(cloud.asked) == 1


def test_nobody_there_is_said(config, capsys):
    config.parent.mkdir()
    where = f"http://127.0.0.1:{free_port()}"
    assert main(["edge", "enrol", where, CODE, "--config", str(config)]) == UNREACHABLE
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://cloud.example.org", "cloud.example.org", "ftp://x", "https://"])
def test_a_password_does_not_travel_in_the_clear(config, capsys, address):
    config.parent.mkdir()
    assert main(["edge", "enrol", address, CODE, "--config", str(config)]) == USAGE
    assert "https://" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said_before_the_code_is_used_up(cloud, tmp_path, capsys):
    config = tmp_path / "nowhere" / "gateway.yaml"
    where = f"http://127.0.0.1:{cloud.port}"
    assert main(["edge", "enrol", where, CODE, "--config", str(config)]) == USAGE
    assert "Make the folder" in capsys.readouterr().err
    assert cloud.asked == []


PAST = ("20200101000000Z", "20200102000000Z")
FUTURE = ("20480101000000Z", "20491231000000Z")


@pytest.mark.parametrize(("valid", "state"), [(PAST, "expired"), (FUTURE, "not valid yet")])
def test_a_certificate_of_another_time_makes_one_look_at_the_clock(tmp_path, config, capsys, valid, state):
    with over_tls(tmp_path, "localhost", valid) as cloud:
        trusted = ["--ca-file", str(tmp_path / "cert.pem")]
        assert enrol(cloud, config, *trusted, scheme="https") == UNREACHABLE
    assert f"its certificate is {state}. Is this clock right?" in capsys.readouterr().err
    assert cloud.asked == []


def test_a_certificate_of_an_unknown_issuer_says_so(tmp_path, config, capsys):
    with over_tls(tmp_path, "localhost", NOW) as cloud:
        assert enrol(cloud, config, scheme="https") == UNREACHABLE
    assert "Give its issuer's with --ca-file" in capsys.readouterr().err


def test_a_certificate_of_another_name_says_so(tmp_path, config, capsys):
    with over_tls(tmp_path, "elsewhere.example.org", NOW) as cloud:
        trusted = ["--ca-file", str(tmp_path / "cert.pem")]
        assert enrol(cloud, config, *trusted, scheme="https") == UNREACHABLE
    assert "for another name" in capsys.readouterr().err


def test_a_certificate_that_is_believed_lets_it_through(tmp_path, config):
    with over_tls(tmp_path, "localhost", NOW) as cloud:
        assert enrol(cloud, config, "--ca-file", str(tmp_path / "cert.pem"), scheme="https") == 0


@contextlib.contextmanager
def over_tls(folder: Path, name: str, valid: tuple[str, str]) -> Iterator[Cloud]:
    """A cloud with a certificate of its own making."""
    certify(folder, name, valid)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    cloud = Cloud()
    cloud.socket = context.wrap_socket(cloud.socket, server_side=True)
    with serving(cloud):
        yield cloud
