"""The gateway's own page in a browser, without internet, broker or cloud: values, an alarm, and its end."""

import asyncio
import contextlib
import copy
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page

from tests.browser.visiting import PHONE, Visit, until, visit
from tests.edge.conftest import GATEWAY
from tests.support.modbus import Unit, serving
from tests.support.waiting import PATIENCE_S

SITEWARDEN = Path(sys.executable).parent / "sitewarden"
PIN = "246810"
EMPTY, WARNING, CRITICAL = 1000, 2700, 3600

pytestmark = [pytest.mark.browser, pytest.mark.service]


class Site:
    """Devices in a thread, a gateway as a process, and where its page is."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.load = folder, EMPTY
        self.crane = Unit(lambda: {0: self.load, 1: 2500, 2: 100, 3: 0, 4: 4, 5: 50, 6: 0})
        self.pit = Unit({n: 10000 if n % 2 else 0 for n in range(12)})
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[dict[str, Any]]:
        file = self.folder / "outputs.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @contextlib.contextmanager
    def devices(self) -> Iterator[int]:
        """Serve the units; their port."""
        loop, up, down, ports = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[int]()

        async def play() -> None:
            async with serving({1: self.crane, 2: self.pit}) as server:
                ports.append(server.port)
                up.set()
                await down.wait()

        thread = threading.Thread(target=lambda: loop.run_until_complete(play()))
        thread.start()
        assert up.wait(PATIENCE_S)
        try:
            yield ports[0]
        finally:
            loop.call_soon_threadsafe(down.set)
            thread.join(45)
            loop.close()

    @contextlib.contextmanager
    def gateway(self, devices_port: int) -> Iterator[None]:
        configuration = copy.deepcopy(GATEWAY)
        bus = configuration["buses"][0]
        bus["modbus"]["port"] = devices_port
        bus["devices"][0]["interval_ms"] = 100
        pin = self.folder / "page.pin"
        pin.touch(mode=0o600)
        pin.write_text(PIN)
        configuration["page"] = {"port": self.port, "pin_file": "page.pin"}
        file = self.folder / "gateway.yaml"
        file.write_text(yaml.safe_dump(configuration, allow_unicode=True), encoding="utf-8")
        with (self.folder / "agent.log").open("wb") as log:
            process = subprocess.Popen([SITEWARDEN, "edge", "run", file], stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.devices() as port, site.gateway(port):
        yield site


@pytest.fixture
def seen(browser: Browser, site: Site) -> Iterator[Visit]:
    seen = visit(browser, site.address, size=PHONE)
    # The page must not need anything but the gateway; the gateway may still be starting.
    until(seen.page, lambda: "page served" in (site.folder / "agent.log").read_text(), "the page is served")
    seen.open("/")
    yield seen
    seen.close()


def text(seen: Visit, selector: str) -> str:
    return seen.page.locator(selector).inner_text()


def test_a_live_value_an_alarm_and_its_acknowledgement(seen: Visit, site: Site) -> None:
    page = seen.page
    load = '[data-point="crane-1/load"]'
    until(page, lambda: "1.00 t" in text(seen, load), "the load is shown")
    assert "有效" in text(seen, load)
    site.load = CRITICAL
    worst = page.locator(".alarm.l4").first
    worst.wait_for()
    assert "危急" in worst.inner_text()
    assert "限值 110.0 %" in worst.inner_text()
    assert worst.locator("svg.shape").count() == 1
    until(page, lambda: "连续鸣响" in text(seen, "#signal"), "the siren is shown")
    assert page.locator("#test").is_disabled()
    until(page, lambda: page.locator(".alarm").count() == 4, "every alarm stands")
    below = page.locator(".alarm").nth(1)
    place = below.bounding_box()

    # A touch right after the list has moved is not taken for one that was meant.
    until(page, lambda: page.locator("#all").click() or page.locator("#ask[open]").count(), "it asks")
    page.locator("#pin").fill("000000")
    page.get_by_role("button", name="确定").click()
    until(page, lambda: "口令不正确" in text(seen, "#said"), "a wrong PIN is refused")
    seen.complaints.clear()  # the browser itself notes the refusal
    assert not [line for line in site.lines() if line["change"] == "acknowledged"]

    worst.locator("[data-part=acknowledge]").click()
    page.locator("#pin").fill(PIN)
    page.locator("#pin").press("Enter")
    until(page, lambda: "已确认（现场）" in worst.inner_text(), "it says that it is acknowledged")
    assert worst.locator("[data-part=acknowledge]").is_disabled()
    assert below.bounding_box() == place, "the next button came under the finger"
    page.locator("#all").click()
    until(page, lambda: "间断鸣响" in text(seen, "#signal"), "at level 4 the siren is not silent")
    assert "已消音" in text(seen, "#signal-note")
    site.load = EMPTY
    until(page, lambda: page.locator(".alarm").count() == 0, "the alarms clear")
    until(page, lambda: "静音" in text(seen, "#signal"), "the siren is silent")
    told = [line["change"] for line in site.lines()]
    assert told.count("acknowledged") == 4


def test_an_alarm_is_shelved_with_a_reason_and_the_siren_is_silent(seen: Visit, site: Site) -> None:
    page = seen.page
    until(page, lambda: "1.00 t" in text(seen, '[data-point="crane-1/load"]'), "the load is shown")
    site.load = WARNING
    warnings = page.locator(".alarm")
    until(page, lambda: warnings.count() == 2, "load and moment warn")
    until(page, lambda: "间断鸣响" in text(seen, "#signal"), "the siren is shown")
    for asks_pin in (True, False):
        until(page, lambda: _ask_to_shelve(page), "it asks why")
        page.locator("#reason").fill("吊具称重校准")
        page.locator("#reason").press("Enter")
        if asks_pin:
            page.locator("#pin").fill(PIN)
            page.locator("#pin").press("Enter")
        until(page, lambda: not page.locator("#why[open]").count(), "it is said")
        page.wait_for_timeout(1200)
    until(page, lambda: page.locator(".shelf").count() == 2, "both are listed")
    assert "吊具称重校准" in page.locator(".shelf").first.inner_text()
    until(page, lambda: "静音" in text(seen, "#signal"), "the siren is silent")
    assert "已消音" in text(seen, "#signal-note")
    assert warnings.count() == 2, "a shelved alarm still stands"
    page.locator(".shelf [data-part=end]").first.click()
    until(page, lambda: page.locator(".shelf").count() == 1, "one is no longer shelved")
    until(page, lambda: "间断鸣响" in text(seen, "#signal"), "and is heard again")


def _ask_to_shelve(page: Page) -> bool:
    page.locator("[data-part=shelve]:not([disabled])").first.click()
    return bool(page.locator("#why[open]").count())


def test_a_point_that_is_silent_is_shown_as_such_and_the_words_change_with_the_language(
    seen: Visit, site: Site
) -> None:
    page, point = seen.page, '[data-point="pit-1/h1"]'
    until(page, lambda: "100.00 mm" in text(seen, point), "the point is shown")
    site.pit.is_silent = True
    until(page, lambda: "设备无应答" in text(seen, point), "its silence is shown")
    page.locator("#language").click()
    until(page, lambda: "no answer" in text(seen, point), "in English")
    assert page.title().endswith("SiteWarden")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_the_outputs_are_tested_and_the_page_says_that_it_is_a_test(seen: Visit, site: Site) -> None:
    page = seen.page
    page.locator("#test").click()
    page.locator("#pin").fill(PIN)
    page.locator("#pin").press("Enter")
    until(page, lambda: "并非报警" in text(seen, "#signal-note"), "the test is shown")
    until(page, lambda: [line["change"] for line in site.lines()] == ["test"] * 4, "and it ends")
    assert page.locator(".alarm").count() == 0
