"""What people do with a hazard record on its page, from alarm to closing, each in his role and signing."""

import datetime as dt
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cloud.accounts.permissions import COOKIE
from cloud.database import instant
from cloud.hazards.chain import Event
from cloud.hazards.store import append_event
from cloud.instants import rfc3339
from cloud.migrate import migrate
from sitewarden.rules.model import Clause
from tests.browser.visiting import DESKTOP, PHONE, SMALL_TARGETS, barriers_on, visit
from tests.cloud.hazards.people import Somebody
from tests.cloud.site import PROPOSAL, TestSite, cleared, make_settings, now_ms, raised, readings
from tests.cloud.web.serving import PASSWORD, Web
from tests.support.postgres import Postgres

pytestmark = pytest.mark.timeout(400)
SUSPECTED = msgspec.structs.replace(
    PROPOSAL,
    level="major_proposed",
    clause=Clause(edition="2024", id="8-4", text="建筑起重机械的安全装置不齐全、失效或者被违规拆除、破坏"),
)
ROLES = {
    "王经理": "project_manager",
    "李监理": "supervision_engineer",
    "张执法": "enforcement_officer",
    "赵局长": "county_authority",
}
SAID_OF_IT = ("the server responded with", "net::ERR_INTERNET_DISCONNECTED")
"""What the browser says on its console where the server refuses, or a test has cut the line."""
DAY, STEP = 86_400_000, 300_000
STATION = "station-1"
PLAN: dict[str, Any] = {
    "type": "timed",
    "person": "王五",
    "measures": "更换限制器",
    "funds_wan": 2.5,
    "emergency_plan": "停用塔机",
}


class Town:
    """One server over a site with a crane, and the people around it."""

    def __init__(self, web: Web, site: TestSite, browser: Browser) -> None:
        self.web, self.site, self.browser = web, site, browser
        self.people = {name: Somebody(web, site.connection, name, role) for name, role in ROLES.items()}
        self.pages: list[Any] = []

    def danger(self, family: str, *, is_over: bool = False) -> str:
        """A crane beyond its limit, with its record."""
        alarm = raised(family=family, hazard=SUSPECTED, level=4, value=112.0, peak=112.0, limit=110.0)
        self.site.deliver(alarm)
        if is_over:
            self.site.deliver(cleared(alarm, 1000))
        return str(self.site.value("SELECT hazard_id FROM episode WHERE id = %s", alarm.episode))

    def past_danger(self, family: str) -> str:
        """One of two days ago, over and watched since; judged major, its rectification planned."""
        at = now_ms() - 2 * DAY
        where = {"device": STATION, "point": f"{STATION}/load_ratio", "family": family}
        alarm = raised(at=at, clock="synced", hazard=SUSPECTED, level=4, **where)
        self.site.deliver(alarm, cleared(alarm, 5000))
        count = 25 * 12
        values = readings(
            *[80.0] * count, point=where["point"], at=now_ms() - (count - 1) * STEP, step_ms=STEP
        )
        self.site.deliver(values)
        hazard = str(self.site.value("SELECT hazard_id FROM episode WHERE id = %s", alarm.episode))
        clause = {"edition": "2024", "id": "8-4"}
        self.acts("张执法", hazard, "confirm", level="major", clause=clause, reason="属实")
        self.acts("王经理", hazard, "plan", **PLAN, due=f"{local(days=5)}:00+08:00")
        self.acts("李监理", hazard, "accept_plan")
        return hazard

    def acts(self, name: str, hazard: str, act: str, **fields: Any) -> None:
        """Somebody acts at another desk."""
        answer = self.people[name].act(hazard, act, **fields)
        assert answer.status_code == 200, answer.text

    def look(self, name: str, path: str, *, size: tuple[int, int] = DESKTOP) -> Page:
        """The page as that person has it before him."""
        seen = visit(self.browser, self.web.address, size=size)
        token = self.people[name].client.cookies[COOKIE]
        seen.page.context.add_cookies([{"name": COOKIE, "value": token, "url": self.web.address}])
        seen.page.context.add_init_script("localStorage.setItem('sitewarden.signed-in', '1')")
        self.pages.append(seen)
        return seen.open(path)

    def leave(self) -> None:
        for seen in self.pages:
            # A browser says on its console what a server refuses; here that is part of the journey.
            seen.complaints = [one for one in seen.complaints if not any(said in one for said in SAID_OF_IT)]
            seen.close()
        self.pages.clear()


@pytest.fixture(scope="module")
def served(
    browser: Browser, built_pages: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """A server of this module's own, without any other program."""
    assert built_pages
    dsn = postgres.create_database()
    migrate(dsn)
    settings = make_settings(tmp_path_factory.mktemp("journeys"))
    site = TestSite(settings, dsn)
    points = {f"{device}/load_ratio": "crane.load_ratio" for device in ("crane-1", STATION)}
    site.born(at=now_ms() - 2 * DAY, points={"crane-1/load": "crane.load", **points})
    # A danger of a crane is over after hours of work; of other devices after a quiet day.
    site.connection.execute("UPDATE device SET kind = 'other' WHERE device = %s", [STATION])
    site.connection.execute("UPDATE point SET stale_after_ms = 600000 WHERE device = %s", [STATION])
    web = Web(settings, dsn)
    town = Town(web, site, browser)
    yield town
    for one in town.people.values():
        one.client.close()
    web.close()
    site.close()


@pytest.fixture
def town(served: Town) -> Iterator[Town]:
    """The same, with nobody at a page yet."""
    yield served
    served.leave()


def choose(page: Page, act: str) -> Locator:
    page.locator(f"[data-act={act}]").click()
    return page.locator(f"[data-form={act}]")


def sign(page: Page, password: str = PASSWORD) -> None:
    """Ask to sign, and sign."""
    page.locator("[data-action=sign]").click()
    give(page, password)


def give(page: Page, password: str = PASSWORD) -> None:
    dialog = page.locator("[data-dialog=sign]")
    dialog.locator("input[autocomplete=current-password]").fill(password)
    dialog.locator("[data-action=sign-now]").click()


def is_done(page: Page, status: str) -> None:
    expect(page.locator("[data-done]")).to_be_visible()
    # The news of one's own act is no act of somebody else.
    expect(page.locator("[data-lost]")).to_have_count(0)
    expect(page.locator("[aria-current=step]")).to_have_attribute("data-step", status)


def photo(shade: int) -> dict[str, Any]:
    """As a phone's camera makes one: far larger than anybody looks at."""
    pixels = np.full((2200, 3000, 3), (60, 90, shade), dtype=np.uint8)
    made = cv2.imencode(".jpg", pixels)[1]
    return {"name": f"{shade}.jpg", "mimeType": "image/jpeg", "buffer": made.tobytes()}


def test_a_site_manager_stops_work_and_says_what_he_thinks_but_judges_no_suspicion(town: Town) -> None:
    hazard = town.danger("overload")
    page = town.look("王经理", "/sites/demo")
    since = time.monotonic()
    page.locator(f"a[href='/hazards/{hazard}']").first.click()
    page.locator("[data-action=acknowledge-alarms]").click()
    expect(page.locator("[data-action=acknowledge-alarms]")).to_have_count(0)
    expect(page.locator("[data-act=reject], [data-act=confirm]")).to_have_count(0)

    form = choose(page, "order_control")
    expect(form.locator("[data-field=reason] textarea")).to_have_value(re_content(town, hazard))
    sign(page)
    is_done(page, "candidate")
    expect(page.locator("[data-control=stop_work]")).to_contain_text("王经理")
    print(f"acknowledged and stopped within {time.monotonic() - since:.1f} s, 5 clicks")  # noqa: T201

    # The crane goes on beyond its limit while the password is typed: that keeps nobody from acting.
    form = choose(page, "opinion")
    expect(form.locator("[data-field=reason_code] select")).to_have_value("sensor_fault")
    form.locator("[data-field=text] textarea").fill("力矩传感器零点漂移")
    sign(page, "not my password")
    expect(page.locator("[data-dialog=sign] .error")).to_contain_text("密码不正确")
    town.danger("overload")
    give(page)
    is_done(page, "candidate")
    expect(page.locator("[data-judgement]")).to_contain_text("力矩传感器零点漂移")


def re_content(town: Town, hazard: str) -> str:
    content: str = town.people["王经理"].see(hazard).json()["content"]["zh"]
    return content


def test_an_inspector_judges_on_one_page_and_loses_nothing_when_somebody_was_faster(
    town: Town, axe: str
) -> None:
    hazard = town.danger("limiter", is_over=True)
    page = town.look("张执法", f"/hazards/{hazard}")
    since = time.monotonic()
    for part in ("[data-timeline]", "[data-gallery]", "blockquote", "[data-past]", "[data-part=plot]"):
        expect(page.locator(part).first).to_be_visible()
    form = choose(page, "confirm")
    expect(form.locator("[data-field=clause] blockquote")).to_contain_text("安全装置不齐全")
    form.locator("[data-field=reason] textarea").fill("限制器接线被拆")
    assert barriers_on(page, axe) == []

    page.locator("[data-action=sign]").click()
    town.acts("王经理", hazard, "opinion", reason_code="misread", text="看错了")
    give(page)
    expect(page.locator("[data-lost]")).to_contain_text("王经理 提出意见")
    expect(form.locator("[data-field=reason] textarea")).to_have_value("限制器接线被拆")
    sign(page)
    is_done(page, "confirmed")
    expect(page.locator("[data-judgement]")).to_contain_text("重大隐患")
    expect(page.locator("[data-timeline] [data-kind=confirm] [data-signed]")).to_be_visible()
    print(f"judged and signed within {time.monotonic() - since:.1f} s")  # noqa: T201

    page = town.look("王经理", f"/hazards/{hazard}")
    form = choose(page, "plan")
    page.locator("[data-action=sign]").click()
    for name in ("person", "measures", "funds_wan", "due", "emergency_plan"):
        expect(form.locator(f"[data-field={name}] .wrong")).to_be_visible()
    for name in ("person", "funds_wan"):
        form.locator(f"[data-field={name}] input").fill(str(PLAN[name]))
    for name in ("measures", "emergency_plan"):
        form.locator(f"[data-field={name}] textarea").fill(PLAN[name])
    form.locator("[data-field=due] input").fill("2020-01-01T08:00")
    sign(page)
    expect(form.locator("[data-field=due] .wrong")).to_be_visible()
    form.locator("[data-field=due] input").fill(local(days=5))
    sign(page)
    is_done(page, "confirmed")
    expect(page.locator("[data-handling]")).to_contain_text("监理单位审核整改方案")
    town.acts("李监理", hazard, "accept_plan")
    expect(page.locator("[aria-current=step]")).to_have_attribute("data-step", "rectifying")

    form = choose(page, "submit")
    expect(form.locator("[data-unmet]")).to_be_visible()
    expect(form.locator("[data-clearance=false] [data-check]").first).to_be_visible()
    expect(page.locator("[data-action=sign]")).to_be_disabled()


def local(*, days: int) -> str:
    """As the site's clocks will show it."""
    zone = dt.timezone(dt.timedelta(hours=8))
    return (dt.datetime.now(zone) + dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def test_an_inspector_rejects_only_with_a_reason_and_a_picture(town: Town) -> None:
    hazard = town.danger("drift", is_over=True)
    page = town.look("张执法", f"/hazards/{hazard}")
    form = choose(page, "reject")
    expect(form.locator("[data-unmet]")).to_be_visible()
    form.locator("[data-upload]").set_input_files([photo(40)])
    expect(form.locator("[data-evidence] input")).to_be_checked()
    expect(form.locator("[data-unmet]")).to_have_count(0)
    page.locator("[data-action=sign]").click()
    expect(form.locator("[data-field=reason_code] .wrong")).to_be_visible()
    form.locator("[data-field=reason_code] select").select_option("sensor_fault")
    form.locator("[data-field=reason] textarea").fill("传感器零点漂移，标定后恢复")
    sign(page)
    is_done(page, "rejected")
    (stored,) = [
        one
        for one in town.people["张执法"].client.get(f"hazards/{hazard}/evidence").json()["items"]
        if one["kind"] == "photo"
    ]
    kept = town.people["张执法"].client.get(f"hazards/{hazard}/evidence/{stored['id']}/file").content
    assert max(cv2.imdecode(np.frombuffer(kept, dtype=np.uint8), cv2.IMREAD_COLOR).shape) == 2000


def test_what_was_rectified_is_submitted_from_a_phone_inspected_and_closed(town: Town) -> None:
    hazard = town.past_danger("door")
    town.acts("张执法", hazard, "order_control", control="stop_work", reason="停用")
    page = town.look("王经理", f"/hazards/{hazard}", size=PHONE)
    form = choose(page, "submit")
    form.locator("[data-upload=before]").set_input_files([photo(200)])
    form.locator("[data-upload=after]").set_input_files([photo(90)])
    expect(form.locator("[data-evidence] input:checked")).to_have_count(2)
    expect(form.locator("[data-unmet]")).to_have_count(0)
    page.locator("[data-action=sign]").click()
    expect(form.locator("[data-field=cause] .wrong")).to_be_visible()
    form.locator("[data-field=cause] textarea").fill("接线松动")
    form.locator("[data-field=followup_measures] textarea").fill("每周检查")
    assert page.evaluate(SMALL_TARGETS) == []
    sign(page)
    is_done(page, "rectified")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    town.acts("李监理", hazard, "pass_review", note="已更换", onsite=True)
    page = town.look("张执法", f"/hazards/{hazard}")
    expect(page.locator("[data-gallery] img")).to_have_count(2)
    page.get_by_role("button", name="整改后的曲线").click()
    form = choose(page, "pass_review")
    checks = form.locator("[data-clearance=true] [data-check]")
    expect(checks).to_have_count(3)
    expect(form.locator("[data-clearance]")).to_contain_text("%")
    form.locator("[data-field=note] textarea").fill("现场已复核")
    sign(page)
    is_done(page, "reviewed")

    form = choose(page, "close")
    expect(form.locator("[data-unmet]")).to_contain_text("停工")
    expect(page.locator("[data-action=sign]")).to_be_disabled()
    town.acts("张执法", hazard, "lift_control", reason="复查合格")
    expect(form.locator("[data-unmet]")).to_have_count(0)
    form.locator("[data-field=document] input").fill("长住建销〔2026〕3 号")
    sign(page)
    is_done(page, "closed")
    expect(page.locator("[data-judgement]")).to_contain_text("长住建销〔2026〕3 号")


def test_a_slow_rectification_brings_a_drafted_step_that_the_authority_signs(town: Town) -> None:
    hazard = town.past_danger("slow")
    letter = "函告：请立即完成整改。"
    body = {
        "step": 1,
        "why": "overdue",
        "draft": letter,
        "state": {"escalation_proposed": 1, "overdue": True},
    }
    event = Event(at=rfc3339(instant(now_ms())), actor="sitewarden", kind="escalation_proposed", body=body)
    with town.site.connection.transaction():
        append_event(town.site.connection, UUID(hazard), event)
    page = town.look("赵局长", f"/hazards/{hazard}")
    expect(page.locator("[data-overdue]")).to_be_visible()
    form = choose(page, "take_step")
    expect(form.locator("[data-field=text] textarea")).to_have_value(letter)
    form.locator("[data-field=document] input").fill("长住建函〔2026〕8 号")
    sign(page)
    is_done(page, "rectifying")
    expect(page.locator("[data-judgement]")).to_contain_text("长住建函〔2026〕8 号")


def test_a_hazard_filed_where_the_line_breaks_is_on_the_phone_until_it_has_arrived_once(town: Town) -> None:
    page = town.look("王经理", "/sites/demo/file", size=PHONE)
    content = "东侧临边防护缺失"
    page.locator("[data-field=content]").fill(content)
    page.locator("[data-field=location]").fill("3号楼5层")
    for name in ("category", "accident"):
        page.locator(f"[data-field={name}]").select_option(index=1)
    page.context.set_offline(True)
    page.locator("[data-photo-input=files]").set_input_files([photo(120)])
    expect(page.locator("[data-photo] .wrong")).to_contain_text("等待网络")
    page.locator("input[autocomplete=current-password]").fill(PASSWORD)
    page.locator("[data-action=file]").click()
    expect(page.get_by_text("网络中断，草稿已保存在本机")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.context.set_offline(False)
    page.reload()
    expect(page.locator("[data-field=content]")).to_have_value(content)
    expect(page.locator("[data-photo] img")).to_be_visible()
    page.locator("input[autocomplete=current-password]").fill(PASSWORD)
    page.locator("[data-action=file]").click()
    page.locator("[data-filed] a").click()
    page.wait_for_url("**/hazards/*")
    expect(page.locator("main")).to_contain_text(content)
    expect(page.locator("[data-gallery] img")).to_have_count(1)
    count = "SELECT count(*) FROM hazard WHERE content ->> 'zh' = %s"
    assert town.site.value(count, content) == 1


def test_an_incident_is_filed_with_a_kind_and_a_sentence(town: Town) -> None:
    page = town.look("王经理", "/incidents/new?site=demo", size=PHONE)
    page.locator("[data-kind=non_fatal]").click()
    page.locator("[data-field=what]").fill("吊物坠落，一人受伤")
    page.locator("[data-field=injured]").fill("1")
    page.locator("[data-action=send]").click()
    page.wait_for_url(re.compile(r"/incidents/[0-9a-f-]{36}$"))
    for shown in ("demo-I", "吊物坠落，一人受伤", "首报"):
        expect(page.locator("main")).to_contain_text(shown)
