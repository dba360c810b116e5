"""Alarms and lifts as people handle them: states, acknowledging, shelving, and a crane's day."""

import csv
import io
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from cloud.accounts.permissions import COOKIE
from cloud.embedded import EmbeddedPostgres
from firmware_sim.demo.running import RunningSite
from tests.browser.conftest import Arrive
from tests.browser.visiting import Visit, until
from tests.cloud.web.serving import new_account, new_session

pytestmark = pytest.mark.timeout(400)
CREEPING = "pit-1/h4.cumulative"
"""Its level 2 stands for as long as the demo runs, and gets no clearly worse once the wall has crept far."""
CREPT_MM = 18.0


@pytest.fixture(scope="module")
def token(living_site: RunningSite) -> str:
    """The session of an administrator: a demo has none by itself."""
    database = EmbeddedPostgres(living_site.files.folder / "cloud-data")
    with psycopg.connect(database.owner_dsn(), autocommit=True) as owner:
        return new_session(owner, new_account(owner, "zhang.wei", "admin"))


def signed_in(visitor: Visit, token: str) -> Visit:
    """The same visitor as the administrator."""
    context = visitor.page.context
    context.add_cookies([{"name": COOKIE, "value": token, "url": visitor.address}])
    context.add_init_script("localStorage.setItem('sitewarden.signed-in', '1')")
    return visitor


@pytest.fixture(scope="module")
def standing(witness: Visit) -> dict[str, Any]:
    """An alarm that stands."""
    found: list[dict[str, Any]] = []

    def stands() -> bool:
        alarms = witness.ask("/sites/demo/alarms?limit=200")["items"]
        found[:] = [alarm for alarm in alarms if alarm["point"] == CREEPING]
        value = witness.ask("/sites/demo/values")["values"].get(CREEPING, {}).get("value")
        return bool(found) and value is not None and value >= CREPT_MM

    until(witness.page, stands, "the pit raises an alarm", within_s=120)
    return found[0]


def handle(page: Page, alarm: dict[str, Any]) -> Locator:
    """Open what can be done with an alarm."""
    page.locator(f"tr[data-episode='{alarm['id']}'] [data-action=handle]").click()
    return page.locator("dialog[open]")


def test_an_alarm_is_acknowledged_shelved_and_taken_from_the_shelf_by_its_gateway(
    arrive: Arrive, standing: dict[str, Any], token: str
) -> None:
    page = signed_in(arrive(), token).open("/sites/demo/alarms")
    dialog = handle(page, standing)
    expect(dialog.locator("[data-state=unacknowledged]")).to_be_visible()
    dialog.locator("[data-action=acknowledge]").click()
    expect(dialog.locator("[data-state=acknowledged]")).to_be_visible()
    expect(dialog.locator(".history")).to_contain_text("zhang.wei 请求确认")

    expect(dialog.locator("[data-action=shelve]")).to_be_disabled()
    dialog.locator("[data-field=reason]").fill("传感器校准")
    dialog.locator("[data-action=shelve]").click()
    expect(dialog.locator("[data-state=shelved]")).to_be_visible()
    page.keyboard.press("Escape")

    shelf = page.locator(f"[data-shelf='{CREEPING}']")
    expect(shelf).to_contain_text("传感器校准")
    expect(page.locator("[data-filter=shelved]")).to_contain_text("1")
    shelf.get_by_role("button", name="取消搁置").click()
    expect(shelf).to_have_count(0)
    expect(page.locator(f"tr[data-episode='{standing['id']}'] [data-state=acknowledged]")).to_be_visible()


def ids(listed: Any) -> set[str]:
    """Of a list of alarms."""
    return {one["id"] for one in listed["items"]}


def test_states_filter_the_alarms(arrive: Arrive, witness: Visit, overload: dict[str, Any]) -> None:
    ended = next(one for one in overload["episodes"] if one["level"] == 4)
    until(
        witness.page,
        lambda: ended["id"] in ids(witness.ask("/sites/demo/alarms?state=returned&limit=200")),
        "the overload is over",
        within_s=60,
    )
    page = arrive().open("/sites/demo/alarms?state=returned-unacknowledged")
    row = page.locator(f"tr[data-episode='{ended['id']}']")
    expect(row.locator("[data-state=returned-unacknowledged]")).to_be_visible()
    page.locator("[data-filter=active]").click()
    expect(row).to_have_count(0)


def test_a_viewer_sees_what_was_done_and_can_ask_for_nothing(
    arrive: Arrive, standing: dict[str, Any]
) -> None:
    visitor = arrive()
    page = visitor.open("/sites/demo/alarms")
    dialog = handle(page, standing)
    expect(dialog).to_contain_text("您的账户只能查看")
    expect(dialog.locator("[data-action]")).to_have_count(0)
    answer = page.request.post(f"{visitor.address}/api/v1/sites/demo/alarms/{standing['id']}/acknowledge")
    assert answer.status == 403


def test_a_cranes_lifts_of_today_are_one_click_away_and_come_as_a_table(
    arrive: Arrive, witness: Visit
) -> None:
    def has_lifted() -> bool:
        return bool(witness.ask("/sites/demo/work-cycles?device=crane-2")["items"])

    until(witness.page, has_lifted, "crane 2 has lifted something", within_s=120)
    page = arrive().open("/sites/demo")
    page.locator("[data-device=crane-2] h2 a").click()
    page.locator("[data-device=crane-2] [data-link=cycles]").click()
    page.wait_for_url("**/sites/demo/cycles?device=crane-2")
    rows = page.locator("tr[data-cycle]")
    expect(rows.first).to_contain_text("t·m")
    with page.expect_download() as download:
        page.locator("[data-action=table]").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    _, *lifts = csv.reader(io.StringIO(text))
    assert len(lifts) >= 1
    assert download.value.suggested_filename.endswith(".csv")
    page.locator("[data-day=previous]").click()
    expect(page.locator(".none")).to_contain_text("没有记录到工作循环")
