"""The back-test's page: change a limit, see what the past would have been."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visiting import PHONE, Visit, until

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def overloaded(witness: Visit) -> dict[str, Any]:
    """A hazard of crane 2, whose load has passed 110 %."""
    found: list[dict[str, Any]] = []

    def passed() -> bool:
        alarms = witness.ask("/sites/demo/alarms?state=all&limit=200")["items"]
        hazards = witness.ask("/sites/demo/hazards?status=all&limit=200")["items"]
        found[:] = [hazard for hazard in hazards if hazard["device"] == "crane-2"]
        rules = {alarm["rule"] for alarm in alarms if alarm["point"] == "crane-2/load_ratio"}
        return bool(found) and "crane-load-110" in rules

    until(witness.page, passed, "crane 2 is overloaded", within_s=90)
    return found[0]


def test_a_lower_limit_is_tried_on_the_overload_that_was(arrive: Arrive, overloaded: dict[str, Any]) -> None:
    page = arrive().open("/sites/demo/backtest")
    page.get_by_role("button", name="6 小时").click()
    page.get_by_label("设备").select_option(label="2号塔机")
    rule = page.locator("[data-rule='crane-load-110']")
    rule.locator("[data-field=limit]").fill("95")
    rule.locator("[data-field=limit]").blur()
    expect(rule).to_contain_text("现行 110")
    page.get_by_role("button", name="开始回测").click()
    expect(page.locator("[data-count=unchanged] dd")).not_to_have_text("0")
    row = page.locator("[data-change=moved]").first
    expect(row).to_contain_text("起重量达到额定的 110 %")
    row.click()
    chart = page.locator("[data-part=plot]")
    expect(chart).to_have_attribute("data-limits", "110 95")
    until(page, lambda: int(chart.get_attribute("data-readings") or 0) > 50, "the curve has readings")
    # The alarms of the rules in force are the very ones that the gateway raised.
    expect(page.locator("[data-check=recorded]")).to_contain_text("完全一致")


def test_a_rule_that_cannot_be_meant_is_refused_in_words(arrive: Arrive) -> None:
    visit = arrive()
    page = visit.open("/sites/demo/backtest")
    rule = page.locator("[data-rule='crane-load-90']")
    rule.get_by_role("button", name="编辑文本").click()
    text = rule.get_by_role("textbox")
    text.fill(text.input_value().replace("crane.load_ratio", "crane.lod_ratio"))
    text.blur()
    page.get_by_role("button", name="开始回测").click()
    expect(page.get_by_role("alert")).to_contain_text("did you mean `crane.load_ratio`")
    # The browser itself notes a refused request; nothing else may be there.
    assert len(visit.complaints) == 1
    assert "status of 422" in visit.complaints.pop()
    rule.locator("[data-act=undo]").click()
    page.get_by_role("button", name="开始回测").click()
    expect(page.locator("[data-count=added] dd")).to_have_text("0")


def test_on_a_phone_in_english_nothing_is_wider_than_the_screen(arrive: Arrive) -> None:
    page = arrive(size=PHONE, language="en").open("/sites/demo/backtest")
    page.locator("[data-rule='crane-load-90'] button").first.click()
    page.locator("[data-rule='crane-load-90'] [data-field=limit]").fill("40")
    page.locator("[data-rule='crane-load-90'] [data-field=limit]").blur()
    page.get_by_role("button", name="Run the back-test").click()
    expect(page.locator("[data-count=added] dd")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_hazards_page_gives_its_case_pack(arrive: Arrive, overloaded: dict[str, Any]) -> None:
    page = arrive().open(f"/hazards/{overloaded['id']}")
    with page.expect_download() as download:
        page.locator("[data-action=pack]").click()
    assert download.value.suggested_filename == f"{overloaded['number']}.swpack"
