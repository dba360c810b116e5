"""A hazard's page: the record that a machine opened, with what it rests on."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visiting import until

pytestmark = pytest.mark.timeout(150)


def _worst(overload: dict[str, Any]) -> dict[str, Any]:
    episode: dict[str, Any] = next(
        one for one in overload["episodes"] if one["level"] == 4 and one["point"] == "crane-2/load_ratio"
    )
    return episode


def test_an_overloads_alarm_leads_to_its_hazard(arrive: Arrive, overload: dict[str, Any]) -> None:
    page = arrive().open("/sites/demo/alarms?state=all")
    row = page.locator(f"[data-episode='{_worst(overload)['id']}']")
    expect(row).to_contain_text("2号塔机")
    row.get_by_role("link", name="查看隐患").click()
    page.wait_for_url(f"**/hazards/{overload['id']}?episode={_worst(overload)['id']}")
    expect(page.locator(".number").first).to_have_text(overload["number"])


def test_a_hazards_page_has_number_grade_clause_episodes_and_curve(
    arrive: Arrive, overload: dict[str, Any]
) -> None:
    worst = _worst(overload)
    page = arrive().open(f"/hazards/{overload['id']}?episode={worst['id']}")
    expect(page.locator(".number").first).to_have_text(overload["number"])
    expect(page.locator("header .major_proposed")).to_contain_text("疑似重大")
    expect(page.locator("blockquote")).to_contain_text(overload["clause"]["text"])
    expect(page.locator("blockquote .also")).to_contain_text("8-5 2022")
    expect(page.locator("button[data-episode]")).to_have_count(len(overload["episodes"]))
    expect(page.locator(f"button[data-episode='{worst['id']}'][aria-pressed=true]")).to_contain_text("110")
    chart = page.locator(".chart[role=img]")
    expect(chart).to_have_attribute("data-limits", "110")
    until(page, lambda: int(chart.get_attribute("data-readings") or 0) > 50, "the curve has readings")
    page.wait_for_selector(".chart canvas")
    count_colours = """() => {
        const canvas = document.querySelector('.chart canvas')
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
        const style = getComputedStyle(document.documentElement)
        const wanted = ['--l4-fill', '--c2'].map((name) => style.getPropertyValue(name).trim())
        return wanted.map((colour) => {
            const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
            let count = 0
            for (let at = 0; at < pixels.length; at += 4) {
                const off = [red, green, blue]
                    .reduce((sum, one, part) => sum + Math.abs(pixels[at + part] - one), 0)
                if (off < 60) count += 1
            }
            return count
        })
    }"""
    until(page, lambda: min(page.evaluate(count_colours)) > 100, "limit line and evidence are both drawn")


def test_a_link_to_a_moment_of_a_hazard_shows_just_that(arrive: Arrive, overload: dict[str, Any]) -> None:
    chosen = overload["episodes"][0]
    start, end = "2026-01-01T00:00:00.000Z", "2026-01-01T00:02:00.000Z"
    page = arrive().open(f"/hazards/{overload['id']}?episode={chosen['id']}&from={start}&to={end}")
    expect(page.locator("button[data-episode][aria-pressed=true]")).to_have_attribute(
        "data-episode", chosen["id"]
    )
    chart = page.locator(".chart[role=img]")
    expect(chart).to_have_attribute("data-from", "1767225600000")
    expect(chart).to_have_attribute("data-to", "1767225720000")


def test_choosing_a_span_puts_it_into_the_address(arrive: Arrive, overload: dict[str, Any]) -> None:
    page = arrive().open(f"/hazards/{overload['id']}")
    page.get_by_role("button", name="±30 分钟").click()
    page.wait_for_url("**episode=*from=*to=*")
    address = page.url
    shown = page.locator(".chart[role=img]").get_attribute("data-from")
    page.goto(address)
    expect(page.locator(".chart[role=img]")).to_have_attribute("data-from", str(shown))


def test_the_record_shows_every_event_with_its_hash(arrive: Arrive, overload: dict[str, Any]) -> None:
    page = arrive().open(f"/hazards/{overload['id']}")
    page.locator("[data-timeline] details").first.wait_for()
    # What the machine noted in a row is folded.
    page.evaluate(
        "document.querySelectorAll('[data-timeline] li > details').forEach((one) => (one.open = true))"
    )
    for event in overload["events"]:
        expect(page.locator(f"code[title='{event['hash']}']")).to_be_visible()


def test_a_hazard_that_does_not_exist_is_said_to_be_missing(arrive: Arrive) -> None:
    visitor = arrive()
    page = visitor.open("/hazards/00000000-0000-0000-0000-000000000000")
    expect(page.locator("main")).to_contain_text("找不到")
    visitor.complaints = [said for said in visitor.complaints if "404" not in said]
