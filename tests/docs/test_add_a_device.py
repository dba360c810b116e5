"""A stranger follows the page word by word, and has a live value at its end.

The device is played by a server that knows no profile: its registers are typed from the manual's table.
"""

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from firmware_sim.modbus import Bank, ModbusServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-device.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.yaml)\n")
IN_THE_BACKGROUND = "sitewarden edge run"

# Wind 5.23 m/s, 270°, -1.2 °C, and 1013.25 hPa as a float whose low word comes first.
WORDS = (523, 270, 65524, 0x5000, 0x447D)


class Step(NamedTuple):
    """Something to do, and what must be said about it."""

    does: str
    """A file's text, or command lines."""
    file: str | None
    says: list[str]


def steps() -> Iterator[Step]:
    """Files and commands of the page in their order; the part of the known model is none."""
    blocks = FENCED.findall(PAGE.read_text("utf-8").partition("## Of a new model")[2])
    for i, (kind, text) in enumerate(blocks):
        after = blocks[i + 1] if i + 1 < len(blocks) else ("", "")
        if kind == "yaml":
            named = FILE.match(text)
            assert named, "a YAML block begins with the name of its file"
            yield Step(text, named[1], [])
        elif kind == "sh":
            yield Step(text, None, after[1].splitlines() if after[0] == "text" else [])


@asynccontextmanager
async def device() -> AsyncIterator[int]:
    """The transmitter of the manual, on a port of this machine."""
    unit = Bank(function=4, most=125, words=WORDS)
    async with ModbusServer("127.0.0.1", 0, {5: unit}) as server:
        yield server.port


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def run(line: str, folder: Path) -> str:
    """What a command says, on both outputs; as at a prompt, findings are no failure."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_shell(
        line,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode in {0, 1}, said.decode()
    return said.decode()


async def saying(line: str, folder: Path, wanted: str) -> str:
    """The same, again and again until the agent has its first value."""
    for _ in range(30):
        said = await run(line, folder)
        if wanted in said:
            return said
    raise AssertionError(said)


def squeezed(text: str) -> str:
    return re.sub(r" +", " ", text)


@pytest.mark.service
async def test_the_page_leads_from_the_manual_to_a_live_value(tmp_path: Path) -> None:
    agents: list[asyncio.subprocess.Process] = []
    (tmp_path / "profiles").mkdir()
    async with device() as port:
        here = {
            "host: 192.168.1.50": f"host: 127.0.0.1, port: {port}",
            "192.168.1.50": f"127.0.0.1:{port}",
            "port: 8089": f"port: {free_port()}",
            "broker: {host: 127.0.0.1}": f"broker: {{host: 127.0.0.1, port: {free_port()}}}",
        }
        try:
            for step in steps():
                text = step.does
                for theirs, ours in here.items():
                    text = text.replace(theirs, ours)
                if step.file:
                    (tmp_path / step.file).write_text(text, encoding="utf-8")
                elif text.startswith(IN_THE_BACKGROUND):
                    agents.append(await started(text, tmp_path))
                else:
                    await followed(text, step.says, tmp_path)
        finally:
            for agent in agents:
                agent.terminate()
                await agent.communicate()
    assert agents, "the page starts an agent"


async def started(line: str, folder: Path) -> asyncio.subprocess.Process:
    program = Path(sys.executable).with_name("sitewarden")
    return await asyncio.create_subprocess_exec(
        program, *line.split()[1:], cwd=folder, stderr=asyncio.subprocess.PIPE
    )


async def followed(text: str, says: list[str], folder: Path) -> None:
    """Every command line is run; the last one says what the page shows."""
    said = ""
    for line in text.splitlines():
        is_live = line.startswith("sitewarden edge explain")
        said = await (saying(line, folder, " s old; quality good") if is_live else run(line, folder))
    for shown in says:
        assert squeezed(shown) in squeezed(said), said
