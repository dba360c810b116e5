"""The clients that measure, against a server whose answers are known."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from firmware_sim.demo.listeners import ApiClient, BrokerListener, PageListener
from sitewarden import topics
from sitewarden.errors import SiteWardenError
from sitewarden.messages import Alarm, Receipt, encode
from sitewarden.rules import Basis, HazardProposal
from sitewarden.text import Text
from tests.support.visited import VisitedServer
from tests.support.waiting import PATIENCE_S

PAGES = {
    "/api/v1/sites/demo/alarms?state=all": '{"items": [1, 2], "next": "c2"}',
    "/api/v1/sites/demo/alarms?state=all&after=c2": '{"items": [3], "next": null}',
}
STREAM = (
    b'event: values\ndata: {"values": {}}\n\n'
    b'id: 1\nevent: alarm\ndata: {"id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}\n\n'
    b'id: 2\nevent: alarm\ndata: {"id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}\n\n'
)


class _Cloud(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        allowed = self.path == "/api/v1/session/demo"
        self.send_response(201 if allowed else 403)
        self.send_header("Set-Cookie", "sitewarden_session=abc; HttpOnly; SameSite=Lax")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        body = STREAM if self.path.endswith("/live") else PAGES.get(self.path, "").encode()
        known = body and self.headers["Cookie"] == "sitewarden_session=abc"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body) if known else 0))
        self.end_headers()
        if known:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def api() -> Iterator[ApiClient]:
    server = VisitedServer(("127.0.0.1", 0), _Cloud)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield ApiClient("127.0.0.1", server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_list_is_read_page_by_page_once_signed_in(api: ApiClient) -> None:
    with pytest.raises(SiteWardenError, match="status 401"):
        api.get("/sites/demo/alarms?state=all")
    api.sign_in_to_demo()
    assert list(api.items("/sites/demo/alarms?state=all")) == [1, 2, 3]


def test_an_episode_arrives_when_its_first_event_does(api: ApiClient) -> None:
    api.sign_in_to_demo()
    with PageListener(api, "demo") as page:
        page.join(PATIENCE_S)
    assert list(page.raised) == ["a" * 32]
    assert page.events == {"values": 1, "alarm": 2}
    assert page.failure is None


def test_a_stream_that_is_refused_is_no_silence(api: ApiClient) -> None:
    with pytest.raises(SiteWardenError, match="status 401"), PageListener(api, "demo"):
        pass


def _alarm(seq: int, change: str, *, hazard: bool) -> Alarm:
    proposal = HazardProposal(
        category=Text("起重机械", "Lifting"), level="general", potential_accident=Text("起重伤害", "Injury")
    )
    return Alarm(
        boot="b1",
        seq=seq,
        at=1000,
        change=change,  # type: ignore[arg-type]
        episode=f"{seq:032x}",
        device="crane-1",
        point="crane-1/load_ratio",
        kind="crane.load_ratio",
        rule="crane-load-100",
        rule_version=1,
        family="crane-overload",
        level=3,
        label=Text("超载", "Overload"),
        unit="%",
        value=101.0,
        limit=100.0,
        peak=101.0,
        raised_at=1000,
        basis=Basis(clause="GB", source="standard", confidence="agreed"),
        hazard=proposal if hazard else None,
    )


def test_a_receipt_is_the_arrival_of_the_hazards_that_it_names_and_of_no_other() -> None:
    listener = BrokerListener("127.0.0.1", 1, "x")
    for alarm in (
        _alarm(1, "raised", hazard=True),
        _alarm(2, "raised", hazard=False),
        _alarm(3, "cleared", hazard=True),
        _alarm(4, "raised", hazard=True),
    ):
        listener.hear(topics.up("live", "demo", "gw-1", "alarms"), encode(alarm), 1)
    down = topics.down("live", "demo", "gw-1", "receipts")
    for at_ms, receipt in (
        (50, Receipt(boot="other", lane="alarms", seqs=[(1, 4)])),
        (60, Receipt(boot="b1", lane="readings", seqs=[(1, 4)])),
        (70, Receipt(boot="b1", lane="alarms", seqs=[(1, 3)])),
        (80, Receipt(boot="b1", lane="alarms", seqs=[(1, 1)])),
    ):
        listener.hear(down, encode(receipt), at_ms)
    assert listener.receipts == {f"{1:032x}": 70}
