"""A server that ends leaves nothing behind, at whatever moment its peers came."""

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from sitewarden import conversations
from sitewarden.conversations import Conversations, Talk
from tests.support.waiting import PATIENCE_S, until

TURNS = range(8)
"""Of the loop, in which a connection is taken in and its talk begins; some more than that."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """A socket or transport that nobody closed warns here, where it fails its own test."""
    yield
    gc.collect()


@contextlib.asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[Conversations]:
    served = Conversations(talk)
    await served.listen(lambda take_in: asyncio.start_server(take_in, "127.0.0.1", 0))
    try:
        yield served
    finally:
        await served.end()
        assert conversing() == []


def conversing() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("conversation")]


def connected(served: Conversations) -> socket.socket:
    """By a call of the system: the loop has had no turn since."""
    return socket.create_connection(("127.0.0.1", served.port), PATIENCE_S)


def is_sent_away(peer: socket.socket) -> bool:
    try:
        while peer.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return True


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()


async def shout(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes(65536))
        await writer.drain()


async def think(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.get_running_loop().create_future()


async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")


async def leave(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    raise ConnectionResetError


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("talk", [echo, shout, think, greet, leave])
async def test_whoever_connected_at_whatever_moment_is_closed(talk, turns):
    async with listening(talk) as served:
        with connected(served) as peer:
            for _ in range(turns):
                await asyncio.sleep(0)
            await served.end()
            assert is_sent_away(peer)


@pytest.mark.parametrize("turns", TURNS[1:])
async def test_an_end_that_is_cancelled_leaves_nothing_either(turns):
    async with listening(echo) as served:
        with connected(served) as first:
            first.sendall(b"there")
            assert await asyncio.to_thread(first.recv, 100) == b"there"
            with connected(served) as second:
                ending = asyncio.create_task(served.end())
                for _ in range(turns):
                    await asyncio.sleep(0)
                ending.cancel()
                await asyncio.wait([ending])
                assert await asyncio.to_thread(is_sent_away, first)
                assert await asyncio.to_thread(is_sent_away, second)


async def test_whoever_is_thrown_out_may_come_again_while_the_door_is_open():
    async with listening(echo) as served:
        with connected(served) as peer:
            peer.sendall(b"there")
            assert await asyncio.to_thread(peer.recv, 100) == b"there"
            served.break_off()
            assert await asyncio.to_thread(is_sent_away, peer)
        with connected(served) as peer:
            peer.sendall(b"again")
            assert await asyncio.to_thread(peer.recv, 100) == b"again"


async def test_a_server_that_has_ended_may_begin_again_at_its_port():
    async with listening(greet) as served:
        port = served.port
        await served.end()
        await served.end()
        await served.listen(lambda take_in: asyncio.start_server(take_in, "127.0.0.1", port))
        with connected(served) as peer:
            assert await asyncio.to_thread(peer.recv, 100) == b"hello"


async def test_what_was_said_last_arrives():
    async def say_much(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(1_000_000))

    async with listening(say_much) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert len(await reader.read()) == 1_000_000
        writer.close()
        await writer.wait_closed()


async def test_a_peer_that_does_not_take_what_was_said_last_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(conversations, "FAREWELL_S", 0.0)

    async def say_too_much(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(50_000_000))

    async with listening(say_too_much) as served:
        with connected(served) as deaf:
            assert await asyncio.to_thread(deaf.recv, 1)
            await until(lambda: not conversing(), what="it is let go")


async def test_a_mistake_of_ours_is_told_and_ends_only_that_conversation(caplog):
    async def stumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"bad\n":
            raise KeyError("nothing of that name")
        writer.write(b"good")

    async with listening(stumble) as served:
        with connected(served) as one, connected(served) as other:
            one.sendall(b"bad\n")
            assert await asyncio.to_thread(is_sent_away, one)
            other.sendall(b"fine\n")
            assert await asyncio.to_thread(other.recv, 100) == b"good"
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "ended by a mistake peer=127.0.0.1" in record.getMessage()
