"""The socket beside what is played: who may open it, what it answers, and that it leaves nothing behind."""

import asyncio
import gc
import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware_sim.control_socket import LONGEST_LINE, ControlSocket
from sitewarden.errors import UnreachableError


class Said(msgspec.Struct):
    heard: str


def answer(line: bytes) -> Said:
    return Said(line.decode().strip())


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "control"
    # A socket that nobody closed warns here, where it fails its own test.
    gc.collect()


def connected(file: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(file))
    return client


async def asked(file: Path, sent: bytes) -> list[Any]:
    """What comes until the other side hangs up."""
    reader, writer = await asyncio.open_unix_connection(file)
    try:
        writer.write(sent)
        writer.write_eof()
        return [json.loads(line) for line in (await reader.read()).splitlines()]
    finally:
        writer.close()
        await writer.wait_closed()


async def test_each_line_is_answered_by_one(file):
    async with ControlSocket(file, answer):
        assert await asked(file, b"one\ntwo\n") == [{"heard": "one"}, {"heard": "two"}]
    assert not file.exists()


async def test_only_its_owner_may_open_it(file):
    async with ControlSocket(file, answer):
        assert stat.filemode(file.stat().st_mode) == "srw-------"


async def test_whoever_sends_no_line_is_not_answered(file):
    async with ControlSocket(file, answer):
        assert await asked(file, bytes(LONGEST_LINE + 1)) == []
        assert await asked(file, b"one\n") == [{"heard": "one"}]


@pytest.mark.parametrize("turns", range(8))
async def test_a_client_that_came_at_whatever_moment_is_sent_away_at_the_end(file, turns):
    async with ControlSocket(file, answer):
        client = connected(file)
        client.sendall(b"one\n")
        for _ in range(turns):
            await asyncio.sleep(0)
    with client:
        try:
            while client.recv(100):
                pass
        except ConnectionResetError:
            assert turns < 6, "it was served by then"


async def test_a_file_that_was_left_behind_is_no_hindrance(file):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(file))
    async with ControlSocket(file, answer):
        assert await asked(file, b"one\n") == [{"heard": "one"}]


async def test_one_that_somebody_listens_on_is_left_to_him(file):
    async with ControlSocket(file, answer):
        with pytest.raises(UnreachableError, match="another simulator listens on"):
            async with ControlSocket(file, answer):
                pass
        assert await asked(file, b"one\n") == [{"heard": "one"}]


@pytest.mark.parametrize("place", ["nowhere/control", "x" * 120])
async def test_a_place_that_cannot_be_had_is_told(tmp_path, place):
    with pytest.raises(UnreachableError, match=f"cannot listen on {tmp_path / place}: "):
        async with ControlSocket(tmp_path / place, answer):
            pass


async def test_a_file_that_is_no_socket_is_not_touched(file):
    file.write_text("mine")
    with pytest.raises(UnreachableError, match="in use"):
        async with ControlSocket(file, answer):
            pass
    assert file.read_text() == "mine"
