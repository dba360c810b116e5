"""The line of a speaking device: what is said while it is cut, or just after it came back, arrives."""

import asyncio

from firmware_sim.scenario import Bus, Device
from firmware_sim.speaking.lines import SpeakingLine
from sitewarden.conversations import Conversations
from tests.support.waiting import until


async def test_what_is_said_first_after_the_line_came_back_is_not_lost() -> None:
    heard: list[list[bytes]] = []

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        heard.append(mine)
        while line := await reader.readline():
            mine.append(line)

    ears = Conversations(listen)
    await ears.listen(lambda take_in: asyncio.start_server(take_in, "127.0.0.1", 0))
    device = Device(device="dust-1", profile="any", identity="1")
    bus = Bus(bus="dust", transport="hj212", port=ears.port, devices=[device])
    async with SpeakingLine(bus) as line:
        line.say("dust-1", b"before\n")
        await until(lambda: heard == [[b"before\n"]])
        line.cut(is_cut=True)
        await asyncio.sleep(0)
        line.cut(is_cut=False)
        await until(lambda: len(heard) == 2)
        line.say("dust-1", b"after\n")
        await until(lambda: heard[1] == [b"after\n"])
    await ears.end()
