"""A vendor's crane that nobody ships comes into use, page by page, and nothing wrong gets it there sooner."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.accounts.permissions import COOKIE
from cloud.embedded import EmbeddedPostgres
from firmware_sim.demo.running import RunningSite, prepare_folder
from firmware_sim.demo.site import SiteConfiguration
from tests.browser.visiting import until, visit
from tests.cloud.registry.records import CHART, CRANE, day
from tests.cloud.web.serving import new_account, new_session
from tests.support.plain import plain_client
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.timeout(400)

TRUTH = """\
profile: acme-crane
version: 3
device_kind: crane
products:
  - {brand: Acme, model: TC-9}
source: "TC-9 manual, version 1.3, page 14."
verified: simulator
driver: modbus
modbus: {transports: [tcp], word_order: little}
groups:
  main: {interval_ms: 200}
points:
  load: {kind: crane.load, unit: t, register: 0, type: float32, range: [0, 20]}
  radius: {kind: crane.radius, unit: m, register: 2, scale: 0.01, range: [0, 80]}
  falls: {kind: crane.falls, unit: "1", register: 3, range: [1, 8]}
  slew: {kind: crane.slew, unit: °, register: 4, type: float32, range: [0, 360]}
"""
"""By which the device really speaks."""
FIRST = (
    TRUTH.replace("version: 3", "version: 1").replace(", word_order: little", "").replace(" scale: 0.01,", "")
)
"""As somebody typed it who knew neither the order of the words nor that the radius comes in centimetres."""
WRITES = FIRST.replace("register: 0,", "register: 0, function: 16,")
SECOND = TRUTH.replace("version: 3", "version: 2").replace(" scale: 0.01,", "")
SCENARIO = """\
scenario: north
seed: 7
profiles: [truth]
buses:
  - bus: mast
    devices:
      - {device: crane-1, profile: reference-tower-crane, unit: 1, physics: {kind: simple}}
      - device: crane-9
        profile: acme-crane
        unit: 9
        physics:
          kind: simple
          points:
            load: {form: constant, value: 3}
            radius: {form: constant, value: 40}
            falls: {form: constant, value: 2}
            slew: {form: constant, value: 90}
"""
GATEWAY = """\
site: north
gateway: gw-1
mode: live
data_dir: gw-1-data
broker: {host: 127.0.0.1, port: ${broker_port}, username: north/gw-1, password_file: gw-1.password}
outputs: [{driver: log, file: outputs.jsonl}]
configuration: {owner: cloud, probation_s: 5}
rules: [tower-crane]
buses:
  - bus: mast
    modbus: {transport: tcp, host: 127.0.0.1, port: ${bus_mast_port}}
    devices:
      - {device: crane-1, profile: reference-tower-crane, unit: 1, load_chart: tc5610-like}
"""
CLOUD = """\
listen: 127.0.0.1:${web_port}
data_dir: cloud-data
broker: {host: 127.0.0.1, port: ${broker_port}, username: cloud, password_file: cloud.password}
sites:
  - {site: north, name: {zh: 北区, en: North}, time_zone: Asia/Shanghai, gateways: [gw-1]}
"""
STEPS = ("filed", "installed", "inspected", "accepted")


class Site(NamedTuple):
    """The programs, and two people's sessions."""

    running: RunningSite
    engineer: str
    witness: str


@pytest.fixture
def site(built_pages: Path) -> Iterator[Site]:
    """Cloud, broker, gateway and devices, each a process."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-vendor-") as made:
        folder = Path(made).resolve()
        prepare_folder(folder, wipe=False)
        (folder / "truth").mkdir()
        (folder / "truth" / "acme-crane.yaml").write_text(TRUTH, encoding="utf-8")
        texts = SiteConfiguration(
            site="north", gateway_id="gw-1", scenario=SCENARIO, gateway=GATEWAY, cloud=CLOUD
        )
        with RunningSite(folder, texts) as running:
            dsn = EmbeddedPostgres(folder / "cloud-data").owner_dsn()
            with psycopg.connect(dsn, autocommit=True) as connection:
                people = [new_account(connection, name, "admin") for name in ("李工", "王监理")]
                yield Site(running, *(new_session(connection, person) for person in people))


@pytest.fixture
def come(browser: Browser, site: Site) -> Iterator:
    """Opens the pages as one of the two; what is refused on purpose is no complaint."""
    visits = []

    def open_pages(token: str, path: str) -> Page:
        made = visit(browser, site.running.url)
        visits.append(made)
        made.page.context.add_cookies([{"name": COOKIE, "value": token, "url": site.running.url}])
        made.page.add_init_script("localStorage.setItem('sitewarden.signed-in', '1')")
        return made.open(path)

    yield open_pages
    for one in visits:
        one.complaints = [said for said in one.complaints if not re.search(r"status of (409|422)", said)]
        one.close()


@pytest.fixture
def files(site: Site) -> Iterator[httpx.Client]:
    """The registry over the interface: its pages have tests of their own."""
    with plain_client(f"{site.running.url}/api/v1/sites/north") as client:
        client.cookies.set(COOKIE, site.engineer)
        made = {**CRANE, "id": "crane-9", "maker": "Acme", "model": "TC-9", "serial_no": "A-7"}
        assert client.post("/registry/devices", json=made).status_code == 201
        assert client.post("/registry/charts", json={**CHART, "id": "crane-9"}).status_code == 201
        for i, step in enumerate(STEPS):
            record(client, step, day(i - 9))
        yield client


def record(client: httpx.Client, step: str, on: str, **more) -> None:
    given = {"device": "crane-9", "step": step, "done_on": on, "body": "某检测站", **more}
    answer = client.post("/registry/steps", json=given)
    assert answer.status_code == 201, answer.text


def standing(page: Page, step: str):
    return page.locator(f"[data-step={step}]")


def is_(page: Page, step: str, word: str, within_s: float = 45) -> None:
    expect(standing(page, step)).to_have_attribute("data-standing", word, timeout=within_s * 1000)


def keep(page: Page, text: str, reason: str) -> None:
    page.fill("[data-text]", text)
    page.click("[data-check]")
    page.fill("[data-reason]", reason)
    page.click("[data-keep]")


def bind(page: Page, version: int) -> None:
    page.fill("[name=version]", str(version))
    page.click("[data-bind]")
    expect(standing(page, "profile")).to_contain_text(f"acme-crane 第 {version} 版")
    expect(page.locator("[data-bind]")).to_have_count(0)


def new_version(page: Page, text: str, reason: str) -> None:
    """Edited on the page of the profile, then bound."""
    page.goto(re.sub(r"/registry/.*", "/profiles/acme-crane", page.url))
    page.click("[data-edit]")
    keep(page, text, reason)
    version = int(re.search(r"version: (\d+)", text)[1])
    page.wait_for_selector(f"[data-version='{version}']")
    page.goto(page.url.replace("/profiles/acme-crane", "/registry/devices/crane-9/commissioning"))
    page.click("[data-rebind]")
    bind(page, version)


def conformance(page: Page) -> None:
    standing(page, "conformance").locator("select").select_option("5")
    page.click("[data-conformance]")
    expect(standing(page, "conformance").locator("[data-trial=done]")).to_be_visible(timeout=40_000)


def test_from_an_unknown_crane_to_one_in_use_whose_alarm_opens_a_hazard(come, site, files):
    page = come(site.engineer, "/sites/north/profiles")
    until(page, lambda: "online" in files.get("/gateways").text, "the gateway is heard")
    brought(page)
    tried_until_it_fits(page, site)
    run_on_trial(page, files)
    witnessed(page, come(site.witness, "/sites/north/registry/devices/crane-9/commissioning"))
    commissioned(page, files)
    alarmed(page, site, files)


def brought(page: Page) -> None:
    """Refused for writing, then kept."""
    page.click("[data-bring]")
    page.fill("[data-text]", WRITES)
    page.click("[data-check]")
    expect(page.locator("[data-read-only]")).to_contain_text("只读")
    expect(page.locator("[data-found] [data-line='13']")).to_contain_text("points.load.function")
    keep(page, FIRST, "按说明书第14页录入")
    page.wait_for_url("**/profiles/acme-crane")


def tried_until_it_fits(page: Page, site: Site) -> None:
    """Words in the wrong order, then a wrong unit: each is found, told, and mended by a new version."""
    page.goto(f"{site.running.url}/sites/north/registry/devices/crane-9/commissioning")
    page.fill("[name=bus]", "mast")
    page.fill("[name=unit]", "9")
    bind(page, 1)
    page.click("[data-read]")
    is_(page, "read", "blocked")
    load = standing(page, "read").locator("[data-point=load]")
    expect(load).to_contain_text("0000 4040")
    expect(load).to_contain_text("word_order: little")

    new_version(page, SECOND, "字序更正")
    conformance(page)
    is_(page, "conformance", "blocked")
    expect(standing(page, "conformance").locator("[data-point=radius]")).to_contain_text("scale: 0.01")

    new_version(page, TRUTH, "幅度单位为厘米")
    conformance(page)
    is_(page, "conformance", "done")


def run_on_trial(page: Page, files: httpx.Client) -> None:
    """Its overload is marked, and opens nothing."""
    page.fill("[name=trial-reason]", "安装完毕")
    page.click("[data-trial-run]")
    is_(page, "trial", "done")
    expect(page.locator("[data-runs]")).to_contain_text("试运行")
    alarms = "/alarms?state=active"
    until(
        page,
        lambda: any(its["device"] == "crane-9" for its in files.get(alarms).json()["items"]),
        "its alarm",
    )
    assert all(its["test"] for its in files.get(alarms).json()["items"] if its["device"] == "crane-9")
    assert files.get("/hazards?status=all").json()["items"] == []


def witnessed(page: Page, other: Page) -> None:
    """Signed by the one once it speaks, approved by the other and not by himself."""
    expect(page.locator("[data-live] [data-point='crane-9/load']")).not_to_have_class(re.compile("old"))
    page.select_option("[name=point]", "crane-9/load")
    page.fill("[name=reference]", "3")
    page.fill("[name=tolerance]", "0.1")
    page.fill("[name=method]", "3 t 标准砝码")
    page.click("[data-sign]")
    page.click("[data-approve]")
    expect(standing(page, "witness").get_by_role("alert")).to_contain_text("不能自己批准")
    other.reload()
    other.click("[data-approve]")
    is_(other, "witness", "done")


def commissioned(page: Page, files: httpx.Client) -> None:
    """Not before its use is registered."""
    page.fill("[name=use-reason]", "验收合格")
    page.click("[data-use]")
    expect(page.locator("[data-refused]")).to_contain_text("缺使用登记证号")
    record(files, "registered", day(-1), document_no="使-2026-009")
    is_(page, "file", "done")
    page.click("[data-use]")
    is_(page, "commission", "done")
    expect(page.locator("[data-runs]")).to_contain_text("投用")


def alarmed(page: Page, site: Site, files: httpx.Client) -> None:
    """The danger that stood all the while is told anew, now for all to hear."""

    def hazards() -> list:
        return [its for its in files.get("/hazards").json()["items"] if its["device"] == "crane-9"]

    until(page, hazards, "the overload opens a hazard")
    read_by = httpx.get(
        f"{site.running.url}/api/v1/hazards/{hazards()[0]['id']}",
        cookies={COOKIE: site.engineer},
        timeout=PATIENCE_S,
    ).json()
    assert (read_by["profile"], read_by["profile_version"]) == ("acme-crane", 3)
    page.goto(f"{site.running.url}/sites/north")
    value = page.locator("[data-device='crane-9'] [data-point='crane-9/load'] .value")
    expect(value).to_have_attribute("data-state", "good")
