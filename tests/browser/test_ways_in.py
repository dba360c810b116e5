"""One's own ways in, as people meet them: an authenticator reads the picture, signing in asks for a code."""

import os
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pyotp
import pytest
from playwright.sync_api import Page, expect

from cloud.accounts.factors import STEP_S
from cloud.accounts.permissions import COOKIE
from cloud.settings import Oidc
from sitewarden.text import Text
from tests.cloud.accounts.provider import CLIENT, SECRET, providing
from tests.cloud.conftest import dsn, folder, migrated, site
from tests.cloud.site import make_settings, now_ms
from tests.cloud.web.serving import PASSWORD, Web, new_account, new_session

__all__ = ["dsn", "folder", "migrated", "site"]
NAME = "王监督"


@pytest.fixture
def settings(tmp_path):
    return make_settings(tmp_path)


@pytest.fixture
def served(dsn, settings, site):
    with providing() as provider:
        made = Web(settings, dsn)
        oidc = Oidc(
            issuer=provider.issuer,
            client_id=CLIENT,
            client_secret=SECRET,
            back=f"{made.address}/api/v1/session/oidc/back",
            account_claim="preferred_username",
            scopes=("openid",),
            ca_file=None,
            label=Text("统一认证", "single sign-on"),
        )
        made.app.state.serving = _with(made.app.state.serving, oidc)
        yield made
        made.close()


def _with(serving, oidc: Oidc):
    changed = msgspec.structs.replace(serving.settings, oidc=oidc)
    return msgspec.structs.replace(serving, settings=changed)


def picture(page: Page, name: str) -> None:
    """Where somebody wants to look at them."""
    if where := os.environ.get("SITEWARDEN_PICTURES"):
        page.screenshot(path=Path(where) / f"{name}.png", full_page=True)


def code_of(secret: str, steps: int = 0) -> str:
    """Never of a step before: the clock may go on to the next while the page is being filled in."""
    return pyotp.HOTP(secret).at(now_ms() // 1000 // STEP_S + steps)


@pytest.mark.usefixtures("built_pages")
def test_a_second_factor_a_token_and_a_provider(browser, served, site):
    account = new_account(site.connection, NAME, "enforcement_officer")
    context = browser.new_context(viewport={"width": 1180, "height": 900}, locale="zh-CN")
    context.add_cookies(
        [{"name": COOKIE, "value": new_session(site.connection, account), "url": served.address}]
    )
    page = context.new_page()
    page.goto(served.address)
    page.evaluate("localStorage.setItem('sitewarden.signed-in', '1')")
    page.goto(f"{served.address}/account")
    secret = set_up(page)
    make_token(page, site)
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    picture(page, "own-phone-dark")
    context.clear_cookies()
    sign_in(page, served.address, secret)
    context.clear_cookies()
    page.goto(f"{served.address}/sign-in")
    picture(page, "sign-in")
    page.locator("[data-action=elsewhere]").click()
    page.wait_for_url(f"{served.address}/")
    assert [one for (one,) in site.rows("SELECT method FROM session ORDER BY id")] == [
        "password",
        "password",
        "oidc",
    ]
    context.close()


def set_up(page: Page) -> str:
    """Reads the secret out of the picture, as a phone does."""
    panel = page.locator("[data-panel=second-factor]")
    panel.locator("input[type=password]").fill(PASSWORD)
    panel.locator("[data-action=begin]").click()
    shot = panel.locator("svg").screenshot()
    picture(page, "second-factor")
    image = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    image = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    text, *_ = cv2.QRCodeDetector().detectAndDecode(image)
    authenticator = pyotp.parse_uri(text)
    assert (authenticator.name, authenticator.issuer) == (NAME, "SiteWarden")
    panel.get_by_label("验证码").fill(code_of(authenticator.secret))
    panel.locator("[data-action=confirm]").click()
    expect(panel.locator("ol li")).to_have_count(10)
    picture(page, "recovery-codes")
    panel.locator("[data-action=kept]").click()
    return str(authenticator.secret)


def make_token(page: Page, site) -> None:
    panel = page.locator("[data-panel=tokens]")
    panel.locator("[data-action=new-token]").click()
    form = panel.locator("form")
    form.locator("input[type=checkbox]").first.check()
    form.get_by_label("名称").fill("大屏")
    form.locator("input[type=password]").fill(PASSWORD)
    picture(page, "token-form")
    form.locator("button[type=submit]").click()
    expect(panel.locator(".made code")).to_contain_text("swt_")
    expect(panel.locator("[data-token=大屏]")).to_be_visible()
    picture(page, "own")
    assert site.value("SELECT count(*) FROM api_token") == 1


def sign_in(page: Page, address: str, secret: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("用户名").fill(NAME)
    page.get_by_label("密码").fill(PASSWORD)
    page.locator("form button[type=submit]").click()
    form = page.locator("[data-form=code]")
    form.get_by_label("验证码").fill("000000")
    form.locator("button[type=submit]").click()
    expect(page.get_by_text("验证码不正确")).to_be_visible()
    picture(page, "code")
    form.get_by_label("验证码").fill(code_of(secret, 1))
    form.locator("button[type=submit]").click()
    page.wait_for_url(f"{address}/")
