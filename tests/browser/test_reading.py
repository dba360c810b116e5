"""The pages for whoever reads them: both languages, both themes, a phone, a screen reader."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from firmware_sim.demo.running import RunningSite
from tests.browser.conftest import Arrive
from tests.browser.visiting import PHONE, SMALL_TARGETS, Visit, barriers_on, until, visit

pytestmark = pytest.mark.timeout(400)
HAN = re.compile("[\u4e00-\u9fff]+")
KEY = re.compile(
    r"\b(?:app|demo|nav|session|setup|now|crane|pit|alarms|hazards|hazard|gateway|quality|age)\.[a-z][\w.]*"
)
VISIBLE_TEXT = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const found = []
    while (walker.nextNode()) {
        const around = walker.currentNode.parentElement
        if (around.closest('code, script, style, details:not([open]) > :not(summary)')) continue
        found.push([walker.currentNode.textContent.trim(), around.closest('[lang]').lang])
    }
    return found.filter(([text]) => text)
}"""


def main_paths(overload: dict[str, Any]) -> list[str]:
    return [
        "/sites/demo",
        "/sites/demo/devices/crane-1",
        "/sites/demo/gateways/gw-1",
        "/sites/demo/alarms?state=all",
        "/sites/demo/cycles?device=crane-2",
        "/sites/demo/hazards",
        f"/hazards/{overload['id']}",
    ]


def settled(visitor: Visit, path: str) -> Page:
    """Open a page and wait until what it loads is there."""
    page = visitor.open(path)
    page.wait_for_selector(".panel, .card, .nowhere")
    if "/devices/" in path or path.startswith("/hazards"):
        until(
            page,
            lambda: page.locator("[data-part=plot]:not([data-readings='0'])").count(),
            "curves",
        )
    return page


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a page says to its readers."""

    language: str
    texts: list[tuple[str, str]]
    """Each visible text with its language."""
    labels: list[str]
    """What a screen reader is told instead."""
    note: str


@pytest.fixture(scope="module", params=["zh", "en"])
def read(
    request: pytest.FixtureRequest, browser: Browser, living_site: RunningSite, overload: dict[str, Any]
) -> dict[str, Read]:
    """Every page, by its path, in one language."""
    visitor = visit(browser, living_site.url, language=request.param)
    found = {}
    for path in [*main_paths(overload), "/sign-in", "/setup#x", "/no/such/page"]:
        page = settled(visitor, path)
        found[path] = Read(
            language=page.evaluate("document.documentElement.lang"),
            texts=page.evaluate(VISIBLE_TEXT),
            labels=page.evaluate(
                "[...document.querySelectorAll('[aria-label]')].map((one) => one.getAttribute('aria-label'))"
            ),
            note=page.locator("[role=note]").inner_text(),
        )
    visitor.close()
    return found


def test_every_page_of_the_demo_says_that_its_data_are_made_up(read: dict[str, Read]) -> None:
    for path, page in read.items():
        assert ("Demo data" if page.language == "en" else "演示数据") in page.note, path


def test_no_page_shows_the_key_of_a_missing_text(read: dict[str, Read]) -> None:
    for path, page in read.items():
        assert not [text for text, _ in page.texts if KEY.search(text)], path


def test_the_english_pages_have_no_chinese_left_but_what_is_marked_as_such(read: dict[str, Read]) -> None:
    for path, page in read.items():
        if page.language == "en":
            assert not [text for text, language in page.texts if language == "en" and HAN.search(text)], path
            assert not [text for text in page.labels if HAN.search(text)], path


def test_the_language_switches_at_once_and_stays(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("[data-device=crane-1] h2")).to_have_text("1号塔机")
    page.locator("[data-switch=language]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("[data-device=crane-1] h2")).to_have_text("Tower crane 1")
    page.reload()
    expect(page.locator("[data-device=crane-1] h2")).to_have_text("Tower crane 1")


def test_the_dark_theme_is_dark_and_stays(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo")
    brightness = """() => getComputedStyle(document.body).backgroundColor
        .match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b)"""
    assert page.evaluate(brightness) > 600
    page.locator("[data-switch=theme]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(brightness) < 120
    page.reload()
    page.wait_for_selector(".now")
    assert page.evaluate(brightness) < 120


def test_on_a_phone_nothing_scrolls_sideways_and_everything_can_be_touched(
    arrive: Arrive, overload: dict[str, Any]
) -> None:
    visitor = arrive(size=PHONE)
    for path in main_paths(overload):
        page = settled(visitor, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        assert not page.evaluate(SMALL_TARGETS), path


def test_on_a_phone_alarms_come_first_and_one_drawing_at_a_time(
    arrive: Arrive, overload: dict[str, Any]
) -> None:
    page = settled(arrive(size=PHONE), "/sites/demo")
    tops = page.evaluate(
        "['.now', '[data-device=crane-1]', '[data-device=pit-1]']"
        ".map((one) => document.querySelector(one).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollHeight") < 3200
    page.locator("[data-device=crane-1] h2 a").click()
    page.wait_for_url("**/sites/demo/devices/crane-1")
    crane = page.locator("[data-device=crane-1]")
    expect(crane.locator("svg.drawn")).to_have_count(1)
    expect(crane.locator(".hook")).to_have_count(1)
    crane.get_by_role("button", name="平面").click()
    expect(crane.locator(".boom")).to_have_count(1)
    expect(crane.locator(".hook")).to_have_count(0)


def test_on_a_phone_every_limit_is_in_sight_without_scrolling_sideways(arrive: Arrive) -> None:
    page = settled(arrive(size=PHONE), "/sites/demo/devices/crane-1")
    edges = page.evaluate(
        "[...document.querySelectorAll('[data-part=limits] tbody :is(th, td)')]"
        ".map((one) => one.getBoundingClientRect().right)"
    )
    assert edges
    assert max(edges) <= PHONE[0]


def test_a_tab_says_which_page_it_is_and_every_page_has_one_heading(
    arrive: Arrive, overload: dict[str, Any]
) -> None:
    visitor = arrive()
    names = {
        "/sites/demo/alarms": "报警 · ",
        "/sites/demo/devices/crane-1": "1号塔机 · ",
        f"/hazards/{overload['id']}": f"{overload['number']} · ",
        "/sites/demo": "",
    }
    for path, name in names.items():
        page = settled(visitor, path)
        expect(page).to_have_title(re.compile(rf"^(\(\d+\) )?{re.escape(name)}示范工地 · 工地卫士$"))
        expect(page.locator("h1")).to_have_count(1)


def test_an_address_that_leads_nowhere_says_so(arrive: Arrive) -> None:
    page = arrive().open("/no/such/page")
    expect(page.locator("main")).to_contain_text("没有这个页面")
    page.get_by_role("link", name="返回首页").click()
    page.wait_for_url("**/sites/demo")
    for path in ("/sites/demo/devices/nothing", "/sites/demo/gateways/nothing"):
        page.goto(f"{page.url.split('/sites')[0]}{path}")
        expect(page.locator("main")).to_contain_text("没有这个页面")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_main_pages_have_no_serious_barrier(
    arrive: Arrive, overload: dict[str, Any], axe: str, theme: str
) -> None:
    visitor = arrive(theme=theme)
    for path in main_paths(overload):
        page = settled(visitor, path)
        barriers = barriers_on(page, axe)
        assert not barriers, f"{path}: {barriers}"
