"""What the web server listens on."""

import socket

from cloud.server import listen


def test_answers_in_two_pieces_do_not_wait_for_the_first_to_be_acknowledged():
    """That costs 40 ms an answer, on a connection that is kept."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.proto == socket.IPPROTO_TCP  # asyncio asks for it
