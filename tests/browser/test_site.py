"""The pages of a site and its machines: alive, right, honest about what they do not know."""

import os
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from firmware_sim.demo.running import RunningSite
from tests.browser.conftest import Arrive
from tests.browser.programs import halted, process_of
from tests.browser.visiting import DESKTOP, Visit, until

pytestmark = pytest.mark.timeout(400)
DAY_MS = 86_400_000
SHOWN_VALUES = """
    (device) => Object.fromEntries([...document.querySelectorAll(`[data-device="${device}"] [data-point]`)]
      .map((place) => [place.dataset.point, place.querySelector('.value')])
      .filter(([, value]) => value)
      .map(([point, value]) => [point, {
        text: value.querySelector('.number').textContent.trim(),
        at: Number(value.dataset.at), state: value.dataset.state,
        struck: !!value.querySelector('s'), colour: getComputedStyle(value.querySelector('.number')).color,
        words: value.textContent,
      }]))
"""


def shown(page: Page, device: str) -> dict[str, Any]:
    """By point: what the page shows of it."""
    values: dict[str, Any] = page.evaluate(SHOWN_VALUES, device)
    return values


def is_fresh(page: Page) -> bool:
    """Whether crane 1 is there, with a good load."""
    return bool(shown(page, "crane-1").get("crane-1/load", {}).get("state") == "good")


OWN = ("load", "radius", "hook_height", "slew", "wind_speed", "load_ratio", "moment_ratio")
"""What the crane says itself, and what is made of it at every poll."""


def states(page: Page, device: str) -> set[str]:
    """How the values of a crane's own sensors are shown: good, stale, bad or none."""
    return {one["state"] for one in own(page, device)}


def own(page: Page, device: str) -> list[dict[str, Any]]:
    """What the page shows of them."""
    values = shown(page, device)
    return [values.get(f"{device}/{key}", {"state": "absent"}) for key in OWN]


def test_a_viewer_of_the_demo_is_signed_in_by_itself(arrive: Arrive) -> None:
    page = arrive().open("/")
    page.wait_for_url("**/sites/demo")
    expect(page.locator("[data-switch=own-account]")).to_contain_text("demo")
    expect(page.locator("[data-connection=open]")).to_be_visible()


def test_the_crane_moves_as_its_data_do(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo/devices/crane-1")
    geometry = """() => ['.trolley', '.hook', '.boom'].map((part) => {
        const drawn = document.querySelector(`[data-device="crane-1"] ${part}`)
        return ['x', 'd', 'x2', 'y2'].map((name) => drawn?.getAttribute(name) ?? '').join(' ')
    })"""
    page.wait_for_selector("[data-device='crane-1'] .boom")
    before, first_at = page.evaluate(geometry), shown(page, "crane-1")["crane-1/radius"]["at"]

    def each_part_has_moved() -> bool:
        now = page.evaluate(geometry)
        moved.update(index for index in range(3) if now[index] != before[index])
        return len(moved) == 3

    moved: set[int] = set()
    until(page, each_part_has_moved, "trolley, hook and jib have all moved", within_s=60)
    until(page, lambda: shown(page, "crane-1")["crane-1/radius"]["at"] > first_at, "the data go on")


def test_the_load_ratio_shown_is_the_newest_that_the_interface_has(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo")
    both = f"""async () => {{
        const answer = await (await fetch('/api/v1/sites/demo/values')).json()
        return [answer.values['crane-2/load_ratio'], ({SHOWN_VALUES})('crane-2')['crane-2/load_ratio']]
    }}"""
    compared: list[tuple[float, str]] = []

    def same_instant() -> bool:
        told, seen = page.evaluate(both)
        # A page that has just been opened shows nothing yet.
        if told and seen and told["at_ms"] == seen["at"]:
            compared.append((told["value"], seen["text"]))
        return len(compared) >= 3

    until(page, same_instant, "page and interface are at the same instant")
    for told, seen in compared:
        assert seen == f"{told:.1f}"


def test_an_overload_appears_as_an_alarm_on_a_page_that_is_only_left_open(
    witness: Visit, overload: dict[str, Any]
) -> None:
    critical = [episode["id"] for episode in overload["episodes"] if episode["level"] == 4]
    assert critical
    until(
        witness.page,
        lambda: set(witness.page.evaluate("Object.keys(window.shownAlarms)")) & set(critical),
        "the alarm is shown",
    )
    assert len(witness.loads) == 1, "the page was loaded again"
    assert not witness.complaints


def test_the_pits_curve_has_a_fortnight_its_levels_and_goes_on_live(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo/devices/pit-1")
    page.locator("[data-device='pit-1']").get_by_role("button", name="30 天").click()
    chart = page.locator("[data-device='pit-1'] [data-part=plot]")

    def told(name: str) -> float:
        return float(chart.get_attribute(f"data-{name}") or "nan")

    # The page may be open before the logger's memory has arrived; the next heartbeats tell it to look again.
    until(page, lambda: told("to") - told("oldest") > 13.9 * DAY_MS, "a fortnight of readings")
    assert told("to") - told("from") == 30 * DAY_MS
    assert chart.get_attribute("data-limits") == "14 20"
    newest, count = told("newest"), told("readings")
    until(page, lambda: told("newest") > newest and told("readings") > count, "the curve goes on")
    lengths = page.evaluate("""() => [...document.querySelectorAll('[data-device="pit-1"] path[data-line]')]
        .map((line) => line.checkVisibility() ? line.getTotalLength() : 0)""")
    assert lengths
    assert min(lengths) > 100, "nothing is drawn"


def test_a_pits_curve_is_looked_at_nearer_and_follows_again(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo/devices/pit-1")
    panel = page.locator("[data-device='pit-1']")
    plot = panel.locator("[data-part=plot]")
    until(page, lambda: int(plot.get_attribute("data-readings") or 0) > 50, "the curve has readings")
    expect(panel.locator("[data-legend] [data-value]").first).to_contain_text("mm")
    panel.locator("[data-action=nearer]").click()
    until(page, lambda: _span_of(plot) == 3.5 * DAY_MS, "half as long")
    expect(panel.get_by_role("button", name="7 天")).to_have_attribute("aria-pressed", "false")
    panel.locator("[data-action=reset]").click()
    until(page, lambda: _span_of(plot) == 7 * DAY_MS, "seven days up to now")
    expect(panel.locator("[data-action=reset]")).to_be_disabled()


def _span_of(plot: Locator) -> int:
    return int(plot.get_attribute("data-to") or 0) - int(plot.get_attribute("data-from") or 0)


def test_the_pits_table_names_level_and_share_of_the_control_value(arrive: Arrive) -> None:
    page = arrive().open("/sites/demo/devices/pit-1")
    row = page.locator("[data-device='pit-1'] tbody tr", has_text="H3")
    expect(row).to_contain_text("危急", timeout=60_000)
    expect(row.locator("td.wide")).to_contain_text(re.compile(r"1[01]\d%"))


def test_values_of_a_silent_gateway_turn_old_and_never_look_fresh(
    arrive: Arrive, living_site: RunningSite
) -> None:
    page = arrive().open("/sites/demo/devices/crane-1")
    until(page, lambda: states(page, "crane-1") == {"good"}, "fresh values")
    fresh = shown(page, "crane-1")["crane-1/radius"]
    with halted(process_of("edge", "run", str(living_site.files.gateway))):
        until(page, lambda: states(page, "crane-1") == {"stale"}, "all are old")
        old = shown(page, "crane-1")["crane-1/radius"]
        assert "过期" in old["words"]
        assert old["colour"] != fresh["colour"], "an old value is not grey"
        expect(page.locator("[data-device='crane-1'] svg.drawn.stale")).to_have_count(2)
        expect(page.locator("[data-device='crane-1'] .warning").first).to_be_visible()
        # Whatever else happens meanwhile, nothing becomes fresh again.
        for _ in range(10):
            page.wait_for_timeout(100)
            assert states(page, "crane-1") == {"stale"}
        expect(page.locator(".page-head [data-mark=offline]")).to_contain_text("离线")
    until(page, lambda: is_fresh(page), "fresh again")


def test_values_of_a_silent_device_are_struck_through_with_the_reason(
    arrive: Arrive, living_site: RunningSite
) -> None:
    page = arrive().open("/sites/demo")
    with halted(process_of("sim", "run", str(living_site.files.scenario))):
        until(page, lambda: states(page, "crane-1") == {"bad"}, "all are bad")
        values = own(page, "crane-1")
        assert all(one["struck"] for one in values)
        assert all(
            "设备无应答" in one["words"] or "输入值无效" in one["words"] or "通信中断" in one["words"]
            for one in values
        )
        # What it said last is still there, for what it was: neither gone nor zero.
        assert all(one["text"] != "—" for one in values)
        tile = page.locator("[data-device='crane-1']")
        expect(tile.locator("[data-mark=offline]")).to_contain_text(re.compile(r"离线 \d\d:\d\d"))
        expect(tile.locator(".limiter")).to_contain_text("暂无数据")
        expect(page.locator("[data-count=machines] .bad")).to_be_visible()
        expect(page.locator(".now .blind")).to_be_visible()
    until(page, lambda: is_fresh(page), "fresh again")


def test_a_lost_server_is_said_and_the_page_recovers_when_it_is_back(
    arrive: Arrive, living_site: RunningSite
) -> None:
    visitor = arrive(may_lose_server=True)
    page = visitor.open("/sites/demo")
    expect(page.locator("[data-connection=open]")).to_be_visible()
    until(page, lambda: is_fresh(page), "a fresh value")
    banner = page.locator("[data-banner=connection-lost]")
    cloud = str(living_site.files.cloud)
    with halted(process_of("cloud", "run", cloud)):
        os.kill(process_of("cloud", "web", cloud), signal.SIGKILL)
        expect(banner).to_contain_text("连接中断")
        expect(page.locator("[data-connection=lost]")).to_be_visible()
        # A poll that a busy machine missed may be the last thing that came: then the value stays bad.
        until(page, lambda: states(page, "crane-1") <= {"stale", "bad"}, "nothing looks fresh")
    expect(banner).to_have_count(0, timeout=30_000)
    until(page, lambda: is_fresh(page), "fresh again")
    assert len(visitor.loads) == 1, "the page recovers without being loaded again"


def test_a_page_as_wide_as_a_desk_has_no_horizontal_scroll(arrive: Arrive) -> None:
    page = arrive(size=DESKTOP).open("/sites/demo")
    assert page.evaluate("document.documentElement.scrollWidth") <= DESKTOP[0]
