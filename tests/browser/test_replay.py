"""A replay in the browser: nobody takes it for the present, and its controls do what they say."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from firmware_sim.demo.running import prepare_folder
from firmware_sim.replay.place import place_of
from firmware_sim.replay.run import Playback
from firmware_sim.replay.site import ReplayingSite
from sitewarden.history import write_history
from sitewarden.text import Text
from tests.browser.conftest import Arrive
from tests.browser.visiting import PHONE, Visit, until, visit
from tests.support.histories import (
    STEP_MS,
    T0,
    camera_past,
    camera_tracks,
    crane_past,
    crane_tracks,
    history_of,
)

pytestmark = pytest.mark.timeout(400)
MINUTES = 30
LAYOUT = {"kind": "crane", "x_m": 20, "y_m": 20, "jib_m": 56, "counter_jib_m": 13, "mast_m": 40}


@pytest.fixture(scope="module")
def replaying_site(built_pages: Path) -> Iterator[ReplayingSite]:
    """Half an hour of a crane that is overloaded now and then, and of a camera, at 60 times the speed."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-replay-") as made:
        folder = Path(made).resolve()
        prepare_folder(folder, wipe=False)
        loads = ([1.0] * 40 + [3.3] * 40) * (MINUTES * 60_000 // STEP_MS // 80)
        past = msgspec.structs.replace(crane_past(), label=Text("1号塔机", "Crane 1"), layout=LAYOUT)
        file = folder / "history.parquet"
        tracks = {**crane_tracks("crane-1", loads), **camera_tracks()}
        rules = ["tower-crane", "weather", "helmets"]
        write_history(file, history_of(tracks, past, camera_past(), rules=rules))
        playback = Playback(file=file, speed=60, is_looping=True)
        with ReplayingSite(folder, place_of(file, None, []), playback) as site:
            yield site


@pytest.fixture
def come(browser: Browser, replaying_site: ReplayingSite) -> Iterator[Arrive]:
    visits: list[Visit] = []

    def come(**choices: Any) -> Visit:
        visits.append(visit(browser, replaying_site.url, **choices))
        return visits[-1]

    yield come
    for one in visits:
        one.page.request.post(f"{one.address}/api/v1/replay", data={"do": "resume"})
        one.close()


def recorded_ms(page: Page) -> int:
    return int(page.locator("[data-replay] time").get_attribute("data-at") or 0)


def steers(page: Page, what: str) -> Callable[[], None]:
    return page.locator(f"[data-replay-do={what}]").click


def test_every_page_of_a_replay_stands_in_a_violet_frame_and_nothing_calls_itself_live(come: Arrive) -> None:
    page = come().open("/")
    page.wait_for_url("**/sites/past")
    expect(page.locator("[data-replay=running]")).to_contain_text("历史回放")
    expect(page.locator("[data-replay] time")).to_contain_text("2025-11-20 10:")
    for path in ("/sites/past", "/sites/past/alarms", "/sites/past/hazards"):
        page.goto(f"{page.url.split('/sites')[0]}{path}")
        expect(page.locator("[data-connection=open]")).to_have_text("回放")
        frame = page.locator(".frame").evaluate("it => [getComputedStyle(it).borderTopWidth, it.offsetWidth]")
        assert frame == ["6px", page.viewport_size["width"]]  # type: ignore[index]
        expect(page.locator("body")).not_to_contain_text("实时")
        assert page.title().startswith("回放 · ")


def test_values_of_the_past_are_fresh_at_sixty_times_the_speed(come: Arrive) -> None:
    page = come().open("/sites/past")
    value = "[data-device='crane-1'] [data-point='crane-1/load'] .value"
    page.wait_for_selector(f"{value}[data-state=good]")
    first = page.locator(value).get_attribute("data-at")
    until(page, lambda: page.locator(value).get_attribute("data-at") != first, "the value moves on")
    expect(page.locator(value)).to_have_attribute("data-state", "good")


def test_a_camera_of_the_past_has_its_numbers_and_no_picture_and_none_is_asked_for(come: Arrive) -> None:
    visited = come()
    asked: list[str] = []
    visited.page.on("request", lambda request: asked.append(request.url))
    page = visited.open("/sites/past/devices/yard")
    expect(page.locator("[data-device=yard] figcaption")).to_contain_text("回放")
    page.wait_for_selector("[data-device=yard] [data-camera-state=sees]")
    expect(page.locator("[data-device=yard] [data-zone=hook]")).to_be_visible()
    until(page, lambda: visited.ask("/sites/past/camera-alarms?state=all")["items"], "the bare head's alarm")
    page.goto(f"{visited.address}/sites/past/cameras?state=all")
    expect(page.locator("[data-alarm]").first).to_contain_text("回放中的报警，没有抓拍")
    assert not [url for url in asked if "/still" in url or "/watch" in url]


def test_pause_holds_time_a_step_moves_it_by_one_instant_and_it_goes_on(come: Arrive) -> None:
    visited = come()
    page = visited.open("/sites/past")
    page.wait_for_selector("[data-replay=running]")
    steers(page, "toggle")()
    page.wait_for_selector("[data-replay=paused]")
    stood = visited.ask("/replay")
    until(page, lambda: recorded_ms(page) == stood["at_ms"], "it stands where it says")
    steers(page, "step")()
    until(page, lambda: visited.ask("/replay")["step"] == stood["step"] + 1, "one instant further")
    stands = visited.ask("/replay")
    # The camera tells between two polls of the crane.
    assert stood["at_ms"] < stands["at_ms"] <= stood["at_ms"] + STEP_MS
    until(page, lambda: recorded_ms(page) == stands["at_ms"], "the page shows it")
    steers(page, "toggle")()
    page.wait_for_selector("[data-replay=running]")
    until(page, lambda: recorded_ms(page) > stood["at_ms"] + 10 * STEP_MS, "time goes on")


def test_the_slider_jumps_back_and_the_page_follows(come: Arrive) -> None:
    page = come().open("/sites/past")
    page.wait_for_selector("[data-replay=running]")
    steers(page, "toggle")()
    page.wait_for_selector("[data-replay=paused]")
    slider = page.locator("[data-replay-do=seek]")
    slider.fill(str(T0 + 20 * 60_000))
    until(page, lambda: recorded_ms(page) == T0 + 20 * 60_000, "it jumped forward")
    slider.fill(str(T0 + 60_000))
    until(page, lambda: recorded_ms(page) == T0 + 60_000, "it jumped back")
    value = page.locator("[data-device='crane-1'] [data-point='crane-1/load'] .value")
    expect(value).to_have_attribute("data-at", str(T0 + 60_000))
    expect(value).to_have_attribute("data-state", "good")


def test_another_speed_is_chosen_and_what_it_comes_to_is_shown(come: Arrive) -> None:
    visited = come()
    page = visited.open("/sites/past")
    page.locator("[data-replay-do=speed]").select_option("max")
    until(page, lambda: visited.ask("/replay")["speed"] is None, "as fast as possible")
    expect(page.locator("[data-replay] .state")).to_contain_text("×")
    page.locator("[data-replay-do=speed]").select_option("60")
    until(page, lambda: visited.ask("/replay")["speed"] == 60, "60 times the speed")


def test_on_a_phone_nothing_is_cut_off_and_everything_can_be_touched(come: Arrive) -> None:
    page = come(size=PHONE, language="en", theme="dark").open("/sites/past")
    expect(page.locator("[data-replay=running]")).to_contain_text("Replay")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    for button in page.locator("[data-replay] button, [data-replay] select").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
