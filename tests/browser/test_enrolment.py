"""An administrator lets a gateway in with a code and shuts it out, on the page; two of one name are shown."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.accounts.permissions import COOKIE
from cloud.enrolment.roster import Roster
from cloud.migrate import migrate
from cloud.settings import Enrolment
from tests.browser.visiting import PHONE, visit
from tests.cloud.site import BOOT, TestSite, birth, delivery, make_settings, now_ms
from tests.cloud.web.serving import Web
from tests.support.plain import plain_client
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def served(built_pages: Path, postgres: Postgres) -> Iterator[tuple[Web, TestSite, Roster]]:
    """The web server over a site with two gateways, an administrator, and a broker's file of passwords."""
    dsn = postgres.create_database()
    migrate(dsn)
    with tempfile.TemporaryDirectory() as folder:
        passwords = Path(folder) / "passwords"
        passwords.touch()
        enrolment = Enrolment(host="broker.example.org", port=8883, ca=None, password_file=passwords)
        settings = make_settings(Path(folder), enrolment=enrolment)
        site = TestSite(settings, dsn)
        web = Web(settings, dsn)
        web.sign_in(site.connection)
        yield web, site, Roster(enrolment, dsn)
        web.close()
        site.close()


@pytest.fixture
def come(browser: Browser, served):
    """Opens the page of gateways, signed in as the administrator."""
    visits = []

    def open_page(path: str = "/sites/demo/registry/gateways", **choices) -> Page:
        web, site, roster = served
        roster.look(site.connection, now_ms())
        made = visit(browser, web.address, **choices)
        visits.append(made)
        token = web.client.cookies[COOKIE]
        made.page.context.add_cookies([{"name": COOKIE, "value": token, "url": web.address}])
        made.page.add_init_script("localStorage.setItem('sitewarden.signed-in', '1')")
        return made.open(path)

    yield open_page
    for one in visits:
        one.close()


def row(page: Page, gateway: str = "gw-1"):
    return page.locator(f"[data-access] [data-gateway={gateway}]")


def test_a_gateway_is_let_in_with_the_code_that_the_page_shows_and_shut_out_again(come, served):
    web, _, _ = served
    page = come()
    row(page).locator("[data-make]").click()
    shown = page.locator("[data-code]")
    expect(shown.locator("[data-left]")).to_have_text(re.compile(r"14:\d\d"))
    code = shown.locator(".code").inner_text().split()[-1]
    assert f"edge enrol {web.address} {code}" in shown.locator("code").inner_text()

    with plain_client(f"{web.address}/api/v1") as gateway:
        enrolled = gateway.post("/enrol", json={"code": code}).json()
        named = {name: enrolled[name] for name in ("site", "gateway", "password")}
        assert gateway.post("/enrol/seen", json=named).status_code == 204
    expect(shown.locator(".used")).to_be_visible()
    assert code not in page.content()
    expect(row(page).locator(".standing .mark")).to_have_text("已接入")

    row(page).locator("[data-revoke]").click()
    expect(row(page).get_by_role("alertdialog")).to_contain_text("现场的判断和声光报警不受影响")
    row(page).locator("[data-sure]").click()
    expect(row(page).locator(".standing .mark")).to_have_text("已吊销")
    expect(row(page, "gw-2").locator(".standing .mark")).to_have_text("未用接入码")


def test_two_machines_under_one_name_are_shown_on_both_pages(come, served):
    _, site, _ = served
    for ago_ms, boot in ((60_000, BOOT), (40_000, "c" * 32), (1_000, BOOT)):
        at = now_ms() - ago_ms
        status = msgspec.structs.replace(birth(boot), at=at)
        site.deliver(delivery(status, gateway="gw-2")._replace(received_ms=at))
    expect(row(come(), "gw-2").locator("[data-cloned]")).to_contain_text("两台设备在用同一个网关身份")
    page = come("/sites/demo", language="en")
    expect(page.locator("[data-gateway=gw-2] [data-cloned]")).to_contain_text("Two machines use this name")


def test_the_page_fits_a_phone(come):
    page = come(size=PHONE, language="en")
    row(page, "gw-2").locator("[data-make]").click()
    expect(page.locator("[data-code] .code")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator("[data-access] button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
