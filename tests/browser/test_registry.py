"""A real site from nothing: made on the pages by an administrator, heard at once, seen by whoever may."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.accounts.permissions import COOKIE
from cloud.migrate import migrate
from tests.browser.visiting import PHONE, SMALL_TARGETS, barriers_on, visit
from tests.cloud.registry.records import (
    CHART,
    CRANE,
    OPERATOR,
    PIT,
    POINT,
    WORK,
    Registry,
    day,
    png,
)
from tests.cloud.site import TestSite, birth, make_settings, readings
from tests.cloud.web.serving import Web
from tests.support.postgres import Postgres

pytestmark = pytest.mark.timeout(400)
TABLE = "设备编号,类型,名称,型号\ncrane-1,塔机,1号塔机,TC5610\ncrane-2,塔机,2号塔机,TC6013\n"


@pytest.fixture(scope="module")
def served(built_pages: Path, postgres: Postgres) -> Iterator[tuple[Web, TestSite]]:
    """The web server over an empty database, with an administrator."""
    dsn = postgres.create_database()
    migrate(dsn)
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder), sites={})
        site = TestSite(settings, dsn)
        web = Web(settings, dsn)
        web.sign_in(site.connection)
        yield web, site
        web.close()
        site.close()


@pytest.fixture
def come(browser: Browser, served: tuple[Web, TestSite]):
    """Opens a page, signed in as the administrator."""
    visits = []

    def open_page(path: str, **choices) -> Page:
        web, _ = served
        made = visit(browser, web.address, **choices)
        visits.append(made)
        token = web.client.cookies[COOKIE]
        made.page.context.add_cookies([{"name": COOKIE, "value": token, "url": web.address}])
        made.page.add_init_script("localStorage.setItem('sitewarden.signed-in', '1')")
        return made.open(path)

    yield open_page
    for one in visits:
        # The browser notes each refusal; those of the registry are what a test wanted to see.
        one.complaints[:] = [complaint for complaint in one.complaints if "409 (Conflict)" not in complaint]
        one.close()


def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        field = page.locator("form.record .field").filter(has_text=label).first
        control = field.locator("select, input:not([type=checkbox]), textarea").first
        if control.evaluate("element => element.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)


def save(page: Page) -> None:
    page.click("form.record button[type=submit]")
    expect(page.locator("form.record")).to_have_count(0)


@pytest.fixture
def made(served: tuple[Web, TestSite]) -> TestSite:
    """The site `north` with a gateway, whichever test comes first."""
    web, site = served
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    web.post("/sites/north/registry/gateways", json={"id": "gw-1"})
    return site


def test_a_site_is_made_and_its_gateway_is_heard_without_a_restart(come, served):
    _, site = served
    page = come("/new-site")
    for label, text in {"工地编号": "south", "名称": "南区", "英文名称": "South"}.items():
        page.get_by_label(label, exact=True).fill(text)
    page.click("button[type=submit]")
    page.wait_for_url("**/sites/south/registry/gateways")
    assert site.deliver(birth(), site="south").dead
    page.click("[data-add=gateways]")
    fill(page, 编号="gw-1")
    save(page)
    assert not site.deliver(birth(), site="south").dead
    page.click("header nav a >> nth=0")
    expect(page.locator("main")).to_contain_text("1号塔机")


@pytest.mark.usefixtures("made")
def test_a_device_gets_its_file_and_its_life(come):
    page = come("/sites/north/registry")
    page.click("[data-add=devices]")
    fill(page, 编号="crane-9", 类型="crane", 名称="9号塔机")
    save(page)
    page.click("[data-record=crane-9] a >> nth=0")
    for step, until in (("filed", ""), ("installed", ""), ("inspected", day(0))):
        page.click("[data-add=steps]")
        fill(page, 环节=step, 办理或出证单位="某检测中心", 有效期止=until)
        save(page)
        expect(page.locator(f"[data-step={step}]")).to_be_visible()
    page.click("[data-step=filed] button")
    page.click(".editing .removal")
    expect(page.locator("main [role=alert]")).to_contain_text("之前要先有")


def test_a_table_shows_its_differences_before_it_is_written(come, made):
    page = come("/sites/north/registry/import")

    def bring(text: str) -> None:
        table = {"name": "t.csv", "mimeType": "text/csv", "buffer": text.encode("gb18030")}
        page.set_input_files("input[type=file]", files=[table])
        page.click("form.asked button[type=submit]")

    bring(TABLE + "crane-3,飞机,3号,\n")
    errors = page.locator("[data-import=errors] tbody tr")
    expect(errors).to_have_count(1)
    expect(errors).to_contain_text("飞机")
    expect(page.locator("[data-import=apply]")).to_have_count(0)
    bring(TABLE)
    expect(page.locator("[data-import=added] tbody tr")).to_have_count(2)
    assert made.value("SELECT count(*) FROM device_file WHERE device = 'crane-2'") == 0
    page.click("[data-import=apply]")
    expect(page.locator("[data-import=done]")).to_be_visible()
    assert made.value("SELECT count(*) FROM device_file WHERE device = 'crane-2'") == 1
    bring(TABLE.replace("TC6013", "TC7013"))
    expect(page.locator("[data-import=changed] del")).to_have_text("TC6013")
    expect(page.locator("[data-import=changed] ins")).to_have_text("TC7013")


def test_a_work_that_nothing_watches_says_so_until_its_device_speaks(come, served, made):
    web, _ = served
    web.post(
        "/sites/north/registry/devices",
        json={"id": "crane-5", "kind": "crane", "name": {"zh": "5号", "en": "5"}},
    )
    page = come("/sites/north/registry/works", size=PHONE)
    page.click("[data-add=works]")
    fill(page, 名称="5号塔机安装", 类别="lifting", 进度="under_way")
    page.check("form.record input[value=crane-5]")
    save(page)
    work = page.locator("[data-kind=works] tr").filter(has_text="5号塔机安装")
    expect(work).to_contain_text("未接入监测")
    made.deliver(birth(points={"crane-5/load": "crane.load"}), site="north")
    made.deliver(readings(1.0, point="crane-5/load"), site="north")
    page.reload()
    expect(work).to_contain_text("已接入监测")


def test_a_zone_is_outlined_on_its_plan(come, served, made, tmp_path):
    page = come("/sites/north/registry/zones")
    page.click("[data-add=zones]")
    fill(page, 编号="east", 名称="东区")
    save(page)
    image = tmp_path / "plan.png"
    image.write_bytes(png(300, 600))
    form = page.locator("form.adding")
    form.locator("input").nth(0).fill("plan-1")
    form.locator("input").nth(1).fill("总图")
    form.locator("input[type=file]").set_input_files(image)
    form.locator("button").click()
    page.click("[data-plan=plan-1] button")
    drawing = page.locator("[data-plan=plan-1] svg")
    box = drawing.bounding_box()
    assert box is not None
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.5, 0.75)):
        drawing.click(position={"x": box["width"] * x, "y": box["height"] * y})
    page.click("[data-plan=plan-1] .button.primary")
    expect(page.locator("[data-zone=east] polygon")).to_be_visible()
    ((plan, corners),) = made.rows("SELECT plan, polygon FROM zone WHERE zone = 'east'")
    assert plan == "plan-1"
    for found, meant in zip(corners, ([0.25, 0.25], [0.75, 0.25], [0.5, 0.75]), strict=True):
        assert found == pytest.approx(meant, abs=0.01)


PATHS = [
    *(
        f"/sites/full/registry/{part}"
        for part in ("site", "devices", "pits", "works", "operators", "zones", "import")
    ),
    "/sites/full/registry/devices/crane-1",
    "/new-site",
]


@pytest.fixture(scope="module")
def full(served: tuple[Web, TestSite]) -> None:
    """The site `full`, with something of everything."""
    web, _ = served
    web.post("/sites", json={"id": "full", "name": {"zh": "全", "en": "Full"}})
    web.post("/trees/territory", json={"kind": "county", "name": {"zh": "甲县", "en": "County A"}})
    registry = Registry(web, "full")
    registry.make("gateways", {"id": "gw-1"})
    registry.make("devices", CRANE)
    registry.make(
        "steps",
        {"device": "crane-1", "step": "filed", "done_on": day(-9), "body": "甲", "valid_until": day(-1)},
    )
    registry.make("charts", CHART)
    registry.make("operators", OPERATOR, devices=["crane-1"])
    registry.make("pits", PIT)
    registry.make("points", POINT)
    registry.make("works", WORK)


def each(page: Page) -> Iterator[str]:
    """Every path of the registry, open and loaded."""
    address = page.url.removesuffix("/new-site")
    for path in PATHS:
        page.goto(f"{address}{path}")
        page.wait_for_selector(".panel table, .panel form, .panel dl, .card form")
        yield path


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_of_the_registry_has_a_serious_barrier(come, axe, theme):
    page = come("/new-site", theme=theme)
    for path in each(page):
        if page.locator("[data-add]").count():
            page.locator("[data-add]").first.click()
        barriers = barriers_on(page, axe)
        assert not barriers, f"{path}: {barriers}"


@pytest.mark.usefixtures("full")
def test_on_a_phone_nothing_scrolls_sideways_and_everything_can_be_touched(come):
    page = come("/new-site", size=PHONE, language="en")
    for path in each(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        assert not page.evaluate(SMALL_TARGETS), path
