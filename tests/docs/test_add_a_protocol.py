"""The protocol of the how-to is installed as it stands there, and a hoist speaks it to a gateway."""

import asyncio
import copy
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.drivers.registry import talk_maker
from tests.edge.conftest import GATEWAY
from tests.edge.speaking import ear_of, listening, local
from tests.support.waiting import PATIENCE_S

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "add-a-protocol.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```\w+\n# ([^\n]+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


def frame(load_kg: int, height_cm: int, bits: int) -> bytes:
    """Put together by hand from the table of the page."""
    numbers = load_kg.to_bytes(2, "big") + height_cm.to_bytes(2, "big") + bytes([bits])
    data = b"H001" + bytes.fromhex(f"{local():%y%m%d%H%M%S}") + numbers
    return b"\xaa\x55" + bytes([len(data)]) + data + bytes([sum(data) & 0xFF]) + b"\x0d"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As pip leaves it: a module, and beside it what it offers."""
    (tmp_path / "acme_hoist.py").write_text(BLOCKS["acme_hoist.py"], "utf-8")
    entry = re.search(r'^\[project.entry-points."(.*?)"\]\n(.*?)$', BLOCKS["pyproject.toml"], re.MULTILINE)
    assert entry
    info = tmp_path / "acme_hoist-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hoist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{entry[1]}]\n{entry[2].replace(chr(34), '')}\n")
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "acme-hoist.yaml").write_text(BLOCKS["profiles/acme-hoist.yaml"], "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    talk_maker.cache_clear()
    yield tmp_path
    talk_maker.cache_clear()
    sys.modules.pop("acme_hoist", None)


async def test_the_protocol_of_the_page_is_spoken(installed: Path) -> None:
    (bus,) = yaml.safe_load(BLOCKS["in gateway.yaml"])["buses"]
    bus["frames"]["listen"] = "127.0.0.1:0"
    gateway: dict[str, Any] = {**copy.deepcopy(GATEWAY), "rules": [], "profiles": ["profiles"]}
    async with listening(ear_of(installed, gateway, bus)) as ear, ear.connected() as (reader, writer):
        sound = frame(1250, 4200, 1)
        wrong = sound[:-2] + bytes([sound[-2] ^ 1]) + sound[-1:]
        writer.write(b"noise" + wrong + sound[:9])
        await writer.drain()
        writer.write(sound[9:])
        assert await asyncio.wait_for(reader.readexactly(6), PATIENCE_S) == bytes.fromhex("aa550106060d")
        assert ear.came.of("hoist-1/load") == [(1.25, "good")]
        assert ear.came.of("hoist-1/height") == [(42, "good")]
        assert ear.came.of("hoist-1/overload") == [(1, "good")]
        assert ear.traffic.broken > 0


def test_the_code_of_the_page_is_short() -> None:
    assert sum(text.count("\n") for text in BLOCKS.values()) < 150
