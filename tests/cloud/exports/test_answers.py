"""A file that is sent is closed afterwards, whatever became of whoever asked for it."""

import asyncio
import tempfile
from typing import IO

import pytest

from cloud.exports.answers import Attachment, in_a_thread
from tests.support.waiting import PATIENCE_S, until


def written() -> IO[bytes]:
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  it is what is sent
    file.write(b"all of it")
    return file


async def never() -> dict[str, str]:
    await asyncio.Event().wait()
    return {}


async def test_it_is_closed_once_it_is_sent() -> None:
    file, sent = written(), []

    async def take(message) -> None:
        sent.append(message)

    await Attachment.of(file, {})({"type": "http", "method": "GET"}, never, take)
    assert b"".join(message.get("body", b"") for message in sent) == b"all of it"
    assert file.closed


async def test_it_is_closed_where_the_line_broke_before_the_first_byte() -> None:
    file = written()

    async def refuse(message) -> None:
        raise OSError("the line is down")

    with pytest.raises(Exception):  # noqa: B017, PT011  whatever the server makes of it
        await Attachment.of(file, {})(
            {"type": "http", "method": "GET", "asgi": {"spec_version": "2.4"}}, never, refuse
        )
    assert file.closed


async def test_who_goes_away_while_it_is_written_leaves_no_file_open() -> None:
    begun, go_on, made = asyncio.Event(), asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def write() -> IO[bytes]:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(PATIENCE_S)
        made.append(written())
        return made[0]

    asking = asyncio.create_task(in_a_thread(write))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    await until(lambda: bool(made) and made[0].closed)
