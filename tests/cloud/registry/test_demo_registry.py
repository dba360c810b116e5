"""What the demo enters of its site is what the registry takes, by the road that an operator goes."""

import datetime as dt
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.registry.images import image_of
from cloud.settings import Settings
from firmware_sim.demo.listeners import ApiClient
from firmware_sim.demo.plan import Frame, Mark, draw
from firmware_sim.demo.registering import ACCOUNT, PASSWORD_FILE, dated, demo_registration, register
from tests.cloud.site import TestSite
from tests.cloud.web.serving import Web

INVENTED = ("示例", "DEMO", "虚构", "合成")


@pytest.fixture
def untouched(dsn: str, settings: Settings, site: TestSite) -> Iterator[Web]:
    """The web server of a cloud in which nobody has an account yet."""
    assert site.settings is settings
    served = Web(settings, dsn)
    yield served
    served.close()


@pytest.fixture
def cloud_file(dsn: str, tmp_path: Path) -> Path:
    file = tmp_path / "cloud.yaml"
    file.write_text(f"database: {{dsn: '{dsn}'}}\n")
    return file


def test_the_demos_registry_is_entered_once_and_shows_what_a_page_has_to_mark(
    untouched: Web, cloud_file: Path, tmp_path: Path
) -> None:
    api = ApiClient("127.0.0.1", untouched.listening.getsockname()[1])
    assert register(api, "demo", tmp_path, cloud_file) > 40
    assert register(api, "demo", tmp_path, cloud_file) == 0
    secret = tmp_path / PASSWORD_FILE
    name, password = secret.read_text().splitlines()
    assert name == ACCOUNT
    assert secret.stat().st_mode & 0o077 == 0
    untouched.client.headers["Origin"] = untouched.address
    assert untouched.post("/session", json={"name": name, "password": password}).status_code == 200

    def shown(kind: str) -> dict[str, dict]:
        items = untouched.get(f"/sites/demo/registry/{kind}", params={"limit": 200}).json()["items"]
        return {item["id"]: item for item in items}

    site = untouched.get("/sites/demo/registry").json()
    assert site["territory"]
    assert site["enterprise"]
    devices = shown("devices")
    assert {name for name, device in devices.items() if device["is_in_use"]} == {
        "crane-1",
        "crane-2",
        "pit-1",
    }
    assert devices["crane-1"]["has_chart"]
    assert {"expiring", "valid"} == {operator["validity"] for operator in shown("operators").values()}
    works = list(shown("works").values())
    assert [work["name"]["en"] for work in works if work["lacks_review"]] == ["High formwork of the lobby"]
    # Here no gateway has announced anything; one of them nothing ever watches.
    assert [work["devices"] for work in works if work["monitoring"] == "not_connected"].count([]) == 1
    assert all(point["parameters"]["control_cumulative_mm"] == 20 for point in shown("points").values())
    assert shown("plans")["general"]["media_type"] == "image/png"
    assert {zone["plan"] for zone in shown("zones").values()} == {"general"}


def test_no_person_firm_or_number_of_the_demo_could_be_a_real_one() -> None:
    said = demo_registration()
    words = [party["name"] for device in said.devices for party in device["parties"]]
    words += [step["body"] for steps in said.steps.values() for step in steps]
    words += [step["document_no"] for steps in said.steps.values() for step in steps if "document_no" in step]
    words += [operator[key] for operator in said.operators for key in ("name", "certificate_no")]
    words += [device[key] for device in said.devices for key in ("maker", "serial_no")]
    words += [node["name"]["zh"] for branch in said.trees.values() for node in branch]
    assert [word for word in words if not any(mark in word for mark in INVENTED)] == []


def test_days_are_counted_from_today_and_nothing_else_is_touched() -> None:
    record = {"done_on": -1, "valid_until": 30, "depth_m": 4, "note": "x"}
    assert dated(record, dt.date(2026, 3, 1)) == {
        "done_on": "2026-02-28",
        "valid_until": "2026-03-31",
        "depth_m": 4,
        "note": "x",
    }


def test_a_plan_is_an_image_in_which_a_mark_lies_where_its_metres_are() -> None:
    frame = Frame((0, 0), (100, 50))
    drawn = draw(frame, [Mark(fill="pit", box=((50, 25), (100, 50)))])
    assert image_of(drawn)[:3] == ("image/png", 1080, 540)
    start = drawn.index(b"IDAT") + 4
    pixels = zlib.decompress(drawn[start : drawn.index(b"IEND") - 8])
    rows = [pixels[i + 1 : i + 1081] for i in range(0, len(pixels), 1081)]
    assert (rows[100][1000], rows[100][100], rows[500][1000]) == (5, 0, 0)  # north-east, west, south
    assert frame.fraction((25, 50)) == (0.25, 0.0)
