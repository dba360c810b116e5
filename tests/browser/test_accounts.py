"""Somebody is let in: invited on the page, in by his link, sees what he was given, and is shut out again."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.accounts.permissions import COOKIE
from cloud.migrate import migrate
from tests.browser.visiting import PHONE, SMALL_TARGETS, Visit, barriers_on, visit
from tests.cloud.registry.records import words
from tests.cloud.site import TestSite, birth, make_settings
from tests.cloud.web.serving import Web
from tests.support.postgres import Postgres

pytestmark = pytest.mark.timeout(400)
NEW = "four words in a row"


@pytest.fixture(scope="module")
def served(built_pages: Path, postgres: Postgres) -> Iterator[tuple[Web, TestSite]]:
    """Two counties with a site each, and an administrator."""
    dsn = postgres.create_database()
    migrate(dsn)
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder))
        site = TestSite(settings, dsn)
        web = Web(settings, dsn)
        web.sign_in(site.connection)
        province = web.post("/trees/territory", json={"kind": "province", "name": words("某省", "Province")})
        for name, own in (("甲县", "south"), ("乙县", "north")):
            given = {"kind": "county", "name": words(name), "parent": province.json()["id"]}
            county = web.post("/trees/territory", json=given).json()["id"]
            web.post("/sites", json={"id": own, "name": words(f"{name}工地"), "territory": county})
        site.deliver(birth())
        yield web, site
        web.close()
        site.close()


def as_administrator(browser: Browser, web: Web, **choices) -> Visit:
    made = visit(browser, web.address, **choices)
    context = made.page.context
    context.add_cookies([{"name": COOKIE, "value": web.client.cookies[COOKIE], "url": web.address}])
    context.add_init_script("localStorage.setItem('sitewarden.signed-in', '1')")
    return made


def picture(page: Page, name: str) -> None:
    """For who wants to look: `SITEWARDEN_PICTURES` names a folder."""
    if folder := os.environ.get("SITEWARDEN_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_somebody_is_invited_comes_in_and_is_shut_out(browser: Browser, served):
    web, _ = served
    boss = as_administrator(browser, web)
    page = boss.open("/")
    page.get_by_role("link", name="账号与权限").click()
    page.click("[data-action=invite]")
    page.get_by_label("用户名", exact=True).fill("wang.jiandu")
    page.locator("[data-field=role]").select_option("enforcement_officer")
    page.get_by_role("button", name="行政区划").click()
    page.locator("[data-field=node]").get_by_text("乙县").click()
    page.locator("[data-field=reason]").fill("新到岗")
    picture(page, "invite")
    page.get_by_role("button", name="创建账号").click()
    link = page.locator("[data-link] code").inner_text()
    picture(page, "invited")

    guest = visit(browser, web.address)
    theirs = guest.open(link.removeprefix(web.address))
    expect(theirs.locator("main")).to_contain_text("wang.jiandu")
    picture(theirs, "welcome")
    for label in ("密码", "再次输入密码"):
        theirs.get_by_label(label, exact=True).fill(NEW)
    theirs.get_by_role("button", name="设置并登录").click()
    theirs.wait_for_url("**/sites/north")
    expect(theirs.locator("header.bar")).to_contain_text("乙县工地")
    theirs.goto(f"{web.address}/sites/south")
    expect(theirs.locator("main")).to_contain_text("没有这个页面")
    theirs.goto(f"{web.address}/account")
    expect(theirs.locator("main")).to_contain_text("本次登录")
    picture(theirs, "own")

    page.reload()
    card = page.locator("[data-account='wang.jiandu']")
    card.locator("[data-action=disable]").click()
    card.locator("[data-field=why]").fill("调离")
    card.locator("[data-action=confirm]").click()
    expect(card).to_contain_text("已停用")
    expect(page.locator("[data-list=changes]")).to_contain_text("调离")
    theirs.goto(f"{web.address}/sites/north")
    theirs.wait_for_url("**/sign-in**")
    # The browser notes what was refused; that is what this test wanted to see.
    guest.complaints[:] = [one for one in guest.complaints if "404" not in one and "401" not in one]
    guest.close()
    boss.close()


def test_the_page_can_be_used_by_anybody_in_either_language_and_on_a_phone(browser: Browser, served, axe):
    web, _ = served
    given = {"role": "safety_officer", "site": "south", "reason": "任命"}
    web.post("/accounts", json={"name": "li.gong", "note": "项目部", "assignments": [given]})
    for size, language, theme in (((1440, 900), "zh", "light"), (PHONE, "en", "dark")):
        boss = as_administrator(browser, web, size=size, language=language, theme=theme)
        page = boss.open("/accounts")
        page.click("[data-action=invite]")
        page.locator("[data-field=role]").select_option("equipment_operator")
        page.get_by_role("button", name="Devices" if language == "en" else "设备").click()
        page.locator("[data-field=site]").select_option("demo")
        expect(page.get_by_label("crane-1")).to_be_visible()
        picture(page, f"{language}-{theme}")
        assert barriers_on(page, axe) == []
        if size == PHONE:
            assert page.evaluate(SMALL_TARGETS) == []
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        boss.close()
