"""A hazard's page: the record that a machine opened, with what it rests on."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visiting import until

pytestmark = pytest.mark.timeout(400)


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
    chart = page.locator("[data-part=plot]")
    expect(chart).to_have_attribute("data-limits", "110")
    until(page, lambda: int(chart.get_attribute("data-readings") or 0) > 50, "the curve has readings")
    # Drawn, in sight, and in the colours that their names have in this theme.
    drawn = """() => ['[data-limit]', 'path[data-line=bundle]'].map((name) => {
        const one = document.querySelector(`[data-part=plot] ${name}`)
        return one.checkVisibility() && one.getTotalLength() > 100 ? getComputedStyle(one).stroke : ''
    })"""
    wanted = """() => ['--l4-fill', '--c2'].map((name) => {
        const probe = document.body.appendChild(document.createElement('i'))
        probe.style.color = `var(${name})`
        const colour = getComputedStyle(probe).color
        probe.remove()
        return colour
    })"""
    until(
        page,
        lambda: page.evaluate(drawn) == page.evaluate(wanted),
        "limit line and evidence are both drawn",
    )
    expect(page.locator("[data-part=plot] [data-mark]")).to_contain_text("最不利")
    expect(page.locator("[data-part=plot] [data-moment]").first).to_contain_text("报警")
    expect(page.locator("[data-part=plot] [data-alarm]").first).to_be_attached()


def test_a_hazards_curve_is_told_by_its_cursor_looked_at_nearer_and_reset(
    arrive: Arrive, overload: dict[str, Any]
) -> None:
    worst = _worst(overload)
    page = arrive().open(f"/hazards/{overload['id']}?episode={worst['id']}")
    plot = page.locator("[data-part=plot]")
    until(page, lambda: int(plot.get_attribute("data-readings") or 0) > 50, "the curve has readings")
    plot.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-legend=series] [data-value]")).to_contain_text("%")
    opened = plot.get_attribute("data-from")
    page.keyboard.press("+")
    page.wait_for_url("**from=*to=*")
    expect(plot).not_to_have_attribute("data-from", str(opened))
    near = plot.get_attribute("data-from")
    page.reload()
    expect(plot).to_have_attribute("data-from", str(near))
    page.click("[data-action=reset]")
    until(page, lambda: "from=" not in page.url, "the curve is as it opened")
    assert f"episode={worst['id']}" in page.url


def test_a_link_to_a_moment_of_a_hazard_shows_just_that(arrive: Arrive, overload: dict[str, Any]) -> None:
    chosen = overload["episodes"][0]
    start, end = "2026-01-01T00:00:00.000Z", "2026-01-01T00:02:00.000Z"
    page = arrive().open(f"/hazards/{overload['id']}?episode={chosen['id']}&from={start}&to={end}")
    expect(page.locator("button[data-episode][aria-pressed=true]")).to_have_attribute(
        "data-episode", chosen["id"]
    )
    chart = page.locator("[data-part=plot]")
    expect(chart).to_have_attribute("data-from", "1767225600000")
    expect(chart).to_have_attribute("data-to", "1767225720000")


def test_choosing_a_span_puts_it_into_the_address(arrive: Arrive, overload: dict[str, Any]) -> None:
    page = arrive().open(f"/hazards/{overload['id']}")
    page.get_by_role("button", name="±30 分钟").click()
    page.wait_for_url("**episode=*from=*to=*")
    address = page.url
    shown = page.locator("[data-part=plot]").get_attribute("data-from")
    page.goto(address)
    expect(page.locator("[data-part=plot]")).to_have_attribute("data-from", str(shown))


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
