"""The first account: made once, by whoever holds the link from the terminal."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from cloud.accounts.setup_link import new_setup_link
from cloud.database import connect
from cloud.migrate import migrate
from cloud.registry.seeding import seed_sites
from tests.browser.visiting import Visit, visit
from tests.cloud.site import make_settings
from tests.cloud.web.serving import Web
from tests.support.postgres import Postgres

pytestmark = pytest.mark.timeout(400)
PASSWORD = "crane hook anchor beam"


@pytest.fixture
def dsn(postgres: Postgres) -> str:
    """A migrated database in which nobody has an account."""
    made = postgres.create_database()
    migrate(made)
    return made


@pytest.fixture
def web(built_pages: Path, dsn: str, tmp_path: Path) -> Iterator[Web]:
    """A cloud's web server that is no demo."""
    assert built_pages.is_dir()
    settings = make_settings(tmp_path)
    with connect(dsn) as connection:
        seed_sites(connection, settings.sites)
    served = Web(settings, dsn)
    yield served
    served.close()


@pytest.fixture
def visitor(browser: Browser, web: Web) -> Iterator[Visit]:
    """Somebody on the first day; a refused link is the test's own doing."""
    come = visit(browser, web.address)
    yield come
    come.complaints = [said for said in come.complaints if "status of 403" not in said]
    come.close()


def _fill_in(visitor: Visit, name: str, password: str) -> None:
    page = visitor.page
    page.locator("input").nth(0).fill(name)
    page.locator("input").nth(1).fill(password)
    page.locator("input").nth(2).fill(password)
    page.get_by_role("button", name="创建账户").click()


def test_the_link_makes_the_first_account_once_and_signs_in(visitor: Visit, web: Web, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        link = new_setup_link(connection, web.address, time.time_ns() // 1_000_000)
    path = link[link.index("/setup#") :].split()[0]
    page = visitor.open("/")
    expect(page.locator("main")).to_contain_text("此系统还没有账户")
    visitor.open(path)
    _fill_in(visitor, "zhang.wei", "short")
    expect(page.locator(".error").first).to_contain_text("12")
    _fill_in(visitor, "zhang.wei", PASSWORD)
    page.wait_for_url("**/sites/demo")
    expect(page.locator("[data-switch=own-account]")).to_contain_text("zhang.wei")

    page.locator("[data-switch=sign-out]").click()
    page.wait_for_url(re.compile("/sign-in"))
    visitor.open(path)
    page.reload()
    _fill_in(visitor, "li.na", PASSWORD)
    expect(page.locator("[role=alert]")).to_contain_text("已失效或已使用过")

    visitor.open("/sign-in")
    page.locator("input").nth(0).fill("zhang.wei")
    page.locator("input").nth(1).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/sites/demo")


def test_a_link_without_its_secret_is_said_to_be_incomplete(visitor: Visit) -> None:
    page = visitor.open("/setup")
    expect(page.locator("main")).to_contain_text("链接不完整")
    expect(page.locator("form")).to_have_count(0)
