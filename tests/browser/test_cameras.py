"""The pages of cameras: alarms judged before their picture by key and button, zones outlined in the text."""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from cloud.cameras import exporting
from cloud.migrate import migrate
from sitewarden.messages import (
    ConfigurationNow,
    ConfigurationReport,
    DeviceBirth,
    MediaKind,
    MediaOffer,
    MediaOffered,
    PointBirth,
    Status,
)
from sitewarden.text import Text
from tests.browser.test_alarms import signed_in
from tests.browser.visiting import PHONE, SMALL_TARGETS, Visit, barriers_on, visit
from tests.cloud.site import BOOT, TestSite, make_settings, now_ms, raised
from tests.cloud.web.serving import Web, new_account, new_session
from tests.support.postgres import Postgres

cv2 = pytest.importorskip("cv2")
pytestmark = pytest.mark.timeout(400)

POINT, EPISODES = "gate/hook.bare_1", [digit * 32 for digit in "abc"]
HOOK = {"zone": "hook", "outline": [[0.1, 0.9], [0.9, 0.9], [0.8, 0.4], [0.2, 0.4]], "kind": "hook"}
TEXT = "# 大门的摄像机\n" + yaml.safe_dump(
    {"cameras": [{"camera": "gate", "zones": [HOOK]}]}, allow_unicode=True
)
QUEUE, ZONES = "/sites/demo/cameras", "/sites/demo/gateways/gw-1/configuration"
CAMERA = "/sites/demo/devices/gate"
IMAGES = {"queue": "[data-alarm] img", "zones": "[data-part=zone-editor] img", "camera": ".scene img"}


def picture(shade: int) -> bytes:
    """A view of a yard: ground, sky, somebody whose head is covered."""
    made = np.full((360, 640, 3), (150, 170, shade), np.uint8)
    made[:140] = (210, 190, 160)
    cv2.rectangle(made, (300, 170), (340, 300), (60, 90, 200), -1)
    cv2.rectangle(made, (305, 140), (335, 170), (120, 140, 170), -1)
    return bytes(cv2.imencode(".jpg", made)[1])


def bring(site: TestSite, web: Web, kind: MediaKind, content: bytes, episode: str | None = None) -> None:
    """As a gateway does: offered, and brought by the token of the answer."""
    item = MediaOffered(
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        media_type="image/jpeg",
        kind=kind,
        camera="gate",
        at=now_ms(),
        episode=episode,
    )
    [(_, answers)] = site.deliver(MediaOffer(boot=BOOT, media=[item])).answers
    headers = {"Authorization": f"Bearer {answers.media[0].token}", "Upload-Offset": "0"}
    brought = web.put(f"/media/{item.sha256}", content=content, headers=headers)
    assert brought.status_code == 200, brought.text


def fill(site: TestSite, web: Web) -> None:
    """A camera with a zone, three alarms, of which two have pictures, and a configuration from the cloud."""
    camera = DeviceBirth(
        device="gate",
        kind="camera",
        label=Text("大门", "Gate"),
        profile="camera",
        layout={"zones": [{**HOOK, "label": {"zh": "吊装区", "en": "Under the hook"}, "duties": ["helmet"]}]},
        points=[PointBirth(p=POINT, kind="vision.bare_head.hook")],
    )
    now = ConfigurationNow()
    site.deliver(Status(state="online", boot=BOOT, at=now_ms(), devices=[camera], configuration=now))
    report = ConfigurationReport(
        boot=BOOT, at=now_ms(), state="in_force", version=0, files={"gateway.yaml": TEXT}
    )
    assert not site.deliver(report).dead
    for at, episode in enumerate(EPISODES):
        alarm = raised(
            episode=episode,
            device="gate",
            point=POINT,
            kind="vision.bare_head.hook",
            rule="helmet-missing-hook",
            family="helmet",
            level=3,
            label=Text("未戴安全帽", "No helmet"),
            raised_at=now_ms() - 60_000 * (at + 1),
            no_picture="disk_full" if episode == EPISODES[-1] else None,
        )
        site.deliver(alarm)
    for at, episode in enumerate(EPISODES[:-1]):
        bring(site, web, "snapshot", picture(60 + 60 * at), episode)
    bring(site, web, "still", picture(200))


@pytest.fixture(scope="module")
def cameras(built_pages: Path, postgres: Postgres) -> Iterator[tuple[Web, str]]:
    """The cloud's pages over a site with a camera, and an administrator's session."""
    dsn = postgres.create_database()
    migrate(dsn)
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as folder:
        settings = make_settings(Path(folder))
        site, web = TestSite(settings, dsn), Web(settings, dsn)
        try:
            fill(site, web)
            token = new_session(site.connection, new_account(site.connection, "安全员", "admin"))
            yield web, token
        finally:
            web.close()
            site.close()


@pytest.fixture
def come(browser: Browser, cameras: tuple[Web, str]) -> Iterator[Callable[..., Visit]]:
    """Visits of the administrator; each must have left no complaint."""
    web, token = cameras
    visits: list[Visit] = []

    def coming(**choices: Any) -> Visit:
        visitor = visit(browser, web.address, **choices)
        visits.append(visitor)
        return signed_in(visitor, token)

    yield coming
    for one in visits:
        one.close()


def expect_drawn(page: Page, image: str) -> None:
    """Wait until the picture has come and is one."""
    page.wait_for_function(
        "image => (one => one?.complete && one.naturalWidth > 0)(document.querySelector(image))",
        arg=image,
    )


def looked_at(page: Page, name: str) -> None:
    """For whoever wants to see with his own eyes: pictures of the pages, where a folder is named."""
    folder = os.environ.get("SITEWARDEN_PAGE_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_alarms_are_judged_before_their_pictures_by_key_and_by_button(
    come: Callable[..., Visit], axe: str
) -> None:
    page = come().open(QUEUE)
    first, second, third = (page.locator(f"[data-alarm='{UUID(one)}']") for one in EPISODES)
    expect(page.locator("[data-alarm]")).to_have_count(3)
    expect_drawn(page, f"[data-alarm='{UUID(EPISODES[0])}'] img")
    third.scroll_into_view_if_needed()
    expect(third.locator(".none")).to_contain_text("网关存储已满")

    page.keyboard.press("2")
    expect(first).to_have_attribute("data-verdict", "wrong")
    # The next one is before one's eyes; a slip is put right with the mouse.
    expect(second).to_have_class(re.compile("current"))
    first.locator("[data-judge=right]").click()
    expect(first).to_have_attribute("data-verdict", "right")
    second.locator("[data-judge=wrong]").click()
    expect(second).to_have_attribute("data-verdict", "wrong")
    figures = page.locator("[data-figures=gate] td")
    expect(figures.nth(2)).to_have_text("1")
    expect(figures.nth(5)).to_contain_text("50 %")
    assert barriers_on(page, axe) == []
    looked_at(page, "queue")

    page.get_by_role("radio", name="已核对").or_(page.get_by_role("button", name="已核对")).first.click()
    expect(page.locator("[data-alarm]")).to_have_count(2)


def test_a_zone_is_outlined_upon_the_still_and_stands_in_the_text(
    come: Callable[..., Visit], axe: str
) -> None:
    page = come().open(ZONES)
    editor = page.locator("[data-part=zone-editor]")
    expect_drawn(page, "[data-part=zone-editor] img")
    editor.locator("[data-new-zone]").fill("pit_edge")
    editor.get_by_role("button", name="勾画").click()
    stage = editor.locator("svg")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    for x, y in ((0.1, 0.1), (0.3, 0.1), (0.3, 0.3)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    editor.locator("[data-keep-zone]").click()
    editor.locator("[data-zone-kind]").select_option("pit")

    text = page.locator("textarea").first.input_value()
    assert text.startswith("# 大门的摄像机\n"), "what the editor does not know stays"
    [camera] = yaml.safe_load(text)["cameras"]
    hook, made = camera["zones"]
    assert hook == HOOK
    assert (made["zone"], made["kind"]) == ("pit_edge", "pit")
    # Where was clicked, as shares of the picture: to a pixel.
    drawn = np.array(made["outline"])
    assert np.abs(drawn - [[0.1, 0.1], [0.3, 0.1], [0.3, 0.3]]).max() < 0.01

    editor.locator("[data-corner='0']").focus()
    page.keyboard.press("ArrowRight")
    moved = yaml.safe_load(page.locator("textarea").first.input_value())["cameras"][0]["zones"][1]["outline"]
    assert moved[0][0] == pytest.approx(drawn[0][0] + 0.01)
    assert barriers_on(page, axe) == []
    looked_at(page, "zones")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_everything_is_within_reach(come: Callable[..., Visit], axe: str, theme: str) -> None:
    visitor = come(size=PHONE, theme=theme)
    for name, path in (("queue", f"{QUEUE}?state=all"), ("zones", ZONES), ("camera", CAMERA)):
        page = visitor.open(path)
        page.wait_for_selector("[data-alarm], [data-part=zone-editor], .scene")
        expect_drawn(page, IMAGES[name])
        looked_at(page, f"{name}-{theme}-phone")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        assert page.evaluate(SMALL_TARGETS) == [], path
        assert barriers_on(page, axe) == [], path


def test_on_an_english_phone_no_link_runs_into_the_next_and_every_figure_is_in_sight(
    come: Callable[..., Visit],
) -> None:
    page = come(size=PHONE, language="en").open(f"{QUEUE}?state=all")
    page.wait_for_selector("[data-figures]")
    assert page.locator("header nav a").count() == 6
    spilled = """[...document.querySelectorAll('header nav a')]
        .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
    assert page.evaluate(spilled) == []
    edges = """[...document.querySelectorAll('[data-figures] td')]
        .map((one) => one.getBoundingClientRect().right)"""
    assert max(page.evaluate(edges)) <= PHONE[0]


def test_an_export_that_must_wait_says_why_and_until_when(come: Callable[..., Visit], axe: str) -> None:
    seen = come()
    page = seen.open(QUEUE)
    with exporting._turn:  # somebody else's is being made
        page.locator("[data-action=export]").click()
        refused = page.locator("[data-part=export-refused]")
        expect(refused).to_contain_text("别人正在导出样本")
    expect(refused).to_contain_text(re.compile(r"请在 \d+ 秒后再试|现在可以再试"))
    assert barriers_on(page, axe) == []
    looked_at(page, "export-refused")
    seen.complaints.clear()  # the browser itself notes the refusal
    page.locator("[data-action=looks]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("图像查看记录")
    expect(page.locator(".none, [data-look]").first).to_be_visible()
    assert barriers_on(page, axe) == []
    looked_at(page, "looks")
