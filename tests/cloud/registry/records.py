"""Records as a page would send them, and a client that sends them."""

import datetime as dt
import struct
import zlib
from typing import Any

import httpx

from tests.cloud.web.serving import Web

TODAY = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=8))).date()
"""On the calendar of the test's site."""


def day(offset: int) -> str:
    """So many days from today."""
    return (TODAY + dt.timedelta(days=offset)).isoformat()


def words(zh: str, en: str = "") -> dict[str, str]:
    return {"zh": zh, "en": en or zh}


def png(width: int = 4, height: int = 3) -> bytes:
    """A grey image."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


CRANE = {
    "id": "crane-1",
    "kind": "crane",
    "name": words("1号塔机", "Tower crane 1"),
    "maker": "某重工",
    "model": "TC5610",
    "property_no": "晋A-T00001",
    "parties": [
        {"role": "lessor", "name": "某租赁公司"},
        {"role": "installer", "name": "某安装公司", "certificate_no": "D1-001"},
    ],
    "geometry": {"x_m": 20, "y_m": 30, "mast_m": 40, "jib_m": 56, "counter_jib_m": 12},
}
PIT = {
    "id": "pit-a",
    "name": words("甲坑", "Pit A"),
    "pit_class": 1,
    "support": "diaphragm-wall",
    "depth_m": 12,
}
POINT = {
    "id": "pit-1/hd_1",
    "pit": "pit-a",
    "kind": "pit.displacement.horizontal.cumulative",
    "name": words("甲坑顶 1", "Top 1"),
    "parameters": {"control_cumulative_mm": 25},
    "design_document": "JK-2026-03",
}
CHART = {"id": "crane-1", "source": "TC5610 manual", "falls": {"2": [[14, 6], [30, 2.35], [56, 1.0]]}}
OPERATOR = {
    "name": "张三",
    "trade": "crane_operator",
    "certificate_no": "T-0001",
    "valid_until": day(400),
    "devices": [],
}
WORK = {
    "name": words("甲坑开挖", "Excavation of pit A"),
    "category": "pit",
    "dimensions": {"depth_m": 12},
    "status": "under_way",
}


class Registry:
    """The registry of site `demo`, by kind of record."""

    def __init__(self, web: Web, site: str = "demo") -> None:
        self.web, self.base = web, f"/sites/{site}/registry"

    def make(self, kind: str, given: dict[str, Any], **changes) -> dict[str, Any]:
        answer = self.web.post(f"{self.base}/{kind}", json={**given, **changes})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def tries(self, kind: str, given: dict[str, Any], **changes) -> httpx.Response:
        return self.web.post(f"{self.base}/{kind}", json={**given, **changes})

    def read(self, kind: str, key: str) -> dict[str, Any]:
        answer = self.web.get(f"{self.base}/{kind}/{key}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, kind: str, **asked) -> list[dict[str, Any]]:
        return self.web.get(f"{self.base}/{kind}", params=asked).json()["items"]

    def change(self, kind: str, key: str, given: dict[str, Any], version: int | None) -> httpx.Response:
        given = {name: value for name, value in given.items() if name != "id"}
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self.web.put(f"{self.base}/{kind}/{key}", json=given, headers=headers)

    def remove(self, kind: str, key: str, version: int) -> httpx.Response:
        return self.web.delete(f"{self.base}/{kind}/{key}", headers={"If-Match": f'"{version}"'})

    def changes(self, **asked) -> list[dict[str, Any]]:
        return self.web.get(f"{self.base}/changes", params=asked).json()["items"]


def problem(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, the stable word, and the fields complained of."""
    body = answer.json()
    word = body["type"].removeprefix("/problems/")
    return answer.status_code, word, [error["field"] for error in body.get("errors", [])]
