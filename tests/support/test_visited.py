import http.server
import socket
import threading
from collections.abc import Callable

import pytest

from tests.support.visited import VisitedServer
from tests.support.waiting import PATIENCE_S


def hung_up_on() -> None:
    raise BrokenPipeError


def stumbles() -> None:
    raise KeyError("a mistake")


@pytest.mark.parametrize(("does", "is_told"), [(hung_up_on, False), (stumbles, True)])
def test_only_a_mistake_is_printed(
    does: Callable[[], None], is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    class Answering(http.server.BaseHTTPRequestHandler):
        def handle(self) -> None:
            does()

    with VisitedServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with socket.create_connection(server.server_address[:2], PATIENCE_S) as visitor:
            assert visitor.recv(1) == b""
        thread.join(PATIENCE_S)
    assert ("a mistake" in capsys.readouterr().err) == is_told
