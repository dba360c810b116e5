"""A curve is dragged over, reset, and comes back from its address; what was lost is drawn as lost."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.migrate import migrate
from sitewarden.messages import Gap, Readings
from tests.browser.test_accounts import as_administrator, picture
from tests.browser.visiting import PHONE, SMALL_TARGETS, barriers_on, until
from tests.cloud.site import BOOT, TestSite, cleared, make_settings, now_ms, raised, readings
from tests.cloud.web.serving import Web
from tests.support.postgres import Postgres

pytestmark = pytest.mark.timeout(400)
SECOND, MINUTE = 1000, 60_000
PAGE = "/sites/demo/devices/crane-1"


@pytest.fixture(scope="module")
def served(built_pages: Path, postgres: Postgres) -> Iterator[Web]:
    """A crane with ten minutes of readings up to now, of which a gateway gave two up, and an alarm."""
    dsn = postgres.create_database()
    migrate(dsn)
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder))
        site = TestSite(settings, dsn)
        web = Web(settings, dsn)
        web.sign_in(site.connection)
        begin = now_ms() - 10 * MINUTE
        values = [50.0 + n % 40 for n in range(240)]
        site.born(points={"crane-1/load_ratio": "crane.load_ratio", "crane-1/load": "crane.load"})
        for at in (begin, begin + 6 * MINUTE):
            site.deliver(readings(*values, point="crane-1/load_ratio", at=at, step_ms=SECOND))
            site.deliver(readings(*(value / 20 for value in values), at=at, step_ms=SECOND))
        lost = Gap(
            from_at=begin + 4 * MINUTE, to_at=begin + 6 * MINUTE, count=120, reason="evicted", points=[]
        )
        site.deliver(Readings(boot=BOOT, seq=9001, at=begin, series=[], gaps=[lost]))
        site.deliver(up := raised(at=begin + 7 * MINUTE, point="crane-1/load_ratio"))
        site.deliver(cleared(up, at=begin + 8 * MINUTE))
        yield web
        web.close()
        site.close()


def span_of(page: Page) -> tuple[int, int]:
    plot = page.locator("[data-part=plot]")
    return int(plot.get_attribute("data-from") or 0), int(plot.get_attribute("data-to") or 0)


def drag(page: Page, first: float, last: float) -> None:
    """Over these shares of the plot's width."""
    box = page.locator("[data-part=plot] svg[data-lines]").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * first, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (first + last) / 2, y)
    page.mouse.move(box["x"] + box["width"] * last, y)
    expect(page.locator("[data-chosen]")).to_be_visible()
    page.mouse.up()


def swipe(page: Page, first: float, last: float) -> None:
    """The same with a finger."""
    page.locator("[data-part=plot]").scroll_into_view_if_needed()
    box = page.locator("[data-part=plot] svg[data-lines]").bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, share in (("Start", first), ("Move", (first + last) / 2), ("Move", last), ("End", None)):
        points = [] if share is None else [{"x": box["x"] + box["width"] * share, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})


def test_a_curve_is_zoomed_by_dragging_kept_in_its_address_and_reset(browser: Browser, served, axe):
    boss = as_administrator(browser, served)
    page = boss.open(f"{PAGE}?span=15m&points=load_ratio,load")
    lines = page.locator("[data-part=plot] path[data-line]")
    expect(lines).to_have_count(2)
    page.locator("[data-part=history]").scroll_into_view_if_needed()
    hole = page.locator("[data-hole][data-kind=lost]")
    expect(hole).to_have_attribute("data-reason", "evicted")
    expect(hole.locator("title")).to_contain_text("网关缓存已满，被丢弃 · 120 个读数")
    # The line is broken there: two parts of it.
    until(page, lambda: (lines.first.get_attribute("d") or "").count("M") == 2, "the line is broken")
    expect(page.locator("[data-alarm]")).to_have_count(1)
    expect(page.locator("[data-level]")).to_contain_text("每次读数")
    expect(page.locator("[data-action=follow]")).to_have_attribute("aria-pressed", "true")
    first, last = span_of(page)
    assert last - first == 15 * MINUTE

    drag(page, 0.35, 0.55)
    until(page, lambda: "from=" in page.url, "the range stands in the address")
    near = span_of(page)
    assert first < near[0] < near[1] < last
    assert near[1] - near[0] < 6 * MINUTE
    expect(page.locator("[data-action=follow]")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(lines).to_have_count(2)
    assert span_of(page) == near

    plot = page.locator("[data-part=plot]")
    plot.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-cursor]")).to_be_attached()
    expect(page.locator("[data-legend=load_ratio] [data-value]")).to_contain_text("%")
    page.keyboard.press("+")
    until(page, lambda: span_of(page)[1] - span_of(page)[0] < near[1] - near[0], "the keyboard zooms")
    picture(page, "history-zoomed")
    page.click("[data-action=reset]")
    until(page, lambda: span_of(page)[1] - span_of(page)[0] == 15 * MINUTE, "reset")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {"span": ["15m"], "points": ["load_ratio,load"]}
    assert not barriers_on(page, axe)
    boss.close()


def test_on_a_phone_it_is_held_by_fingers_and_exported(browser: Browser, served):
    boss = as_administrator(browser, served, size=PHONE, theme="dark", language="en")
    page = boss.open(f"{PAGE}?span=15m")
    expect(page.locator("[data-part=plot] path[data-line]")).to_have_count(1)
    assert not [one for one in page.evaluate(SMALL_TARGETS) if "History" in one or "min" in one]
    picture(page, "history-phone")
    swipe(page, 0.4, 0.7)
    until(page, lambda: "from=" in page.url, "a finger chooses as a mouse does")
    page.click("[data-action=reset]")
    until(page, lambda: "from=" not in page.url, "reset")
    page.click("[data-action=open-export]")
    dialog = page.locator("[data-dialog=export]")
    dialog.locator("[data-action=export]").click()
    expect(dialog.locator("[data-state=done]")).to_contain_text("480 rows", timeout=30_000)
    with page.expect_download() as saved:
        dialog.locator("[data-action=save]").click()
    content = Path(saved.value.path()).read_text("utf-8-sig")
    assert saved.value.suggested_filename.startswith("demo-raw-")
    assert content.count("crane-1/load_ratio") >= 480
    picture(page, "history-export-phone")
    dialog.locator("[data-action=end]").click()
    expect(dialog.locator("[data-state=expired]")).to_be_visible()
    boss.close()
