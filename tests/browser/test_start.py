"""From nothing to a site that is watched and to people who are told: on the pages, every program real."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import Visit, barriers_on, visit
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.notices.others import Letters, mail_server
from tests.cloud.test_run import Cloud
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE_S

PROGRAM = Path(sys.executable).with_name("sitewarden")
PASSWORD = "crane hook anchor beam"
SCENARIO = """\
scenario: first-day
seed: 1
buses:
  - bus: crane-1
    devices:
      - device: crane-1
        profile: reference-tower-crane
        unit: 1
        load_chart: tc5610-like
        physics: {kind: crane, jib_m: 56, mast_m: 40, start: {radius_m: 30, hook_height_m: 10}}
        watch: {load_ratio: [90, 100, 110], wind: [10.8]}
"""
GATEWAY = """\
mode: live
data_dir: data
outputs: [{{driver: log, file: outputs.jsonl}}]
rules: [tower-crane]
buses:
  - bus: crane-1
    modbus: {{transport: tcp, host: 127.0.0.1, port: {port}, timeout_ms: 200}}
    devices:
      - {{device: crane-1, profile: reference-tower-crane, unit: 1, load_chart: tc5610-like}}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's account can be let into; pytest's are locked again by other sessions."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as path:
        Path(path).chmod(0o711)
        yield Path(path)


@pytest.fixture
def cloud(folder: Path, fresh_broker: Broker) -> Iterator[Cloud]:
    """A cloud in which there is nothing, and that may send mail to this machine."""
    (folder / "cloud.password").write_text(fresh_broker.cloud.password)
    where = {"host": fresh_broker.host, "port": fresh_broker.port}
    files = {"password_file": str(fresh_broker.password_file), "pid_file": str(fresh_broker.pid_file)}
    document = {
        "listen": "127.0.0.1:0",
        "data_dir": "data",
        "broker": {**where, "username": "cloud", "password_file": "cloud.password"},
        "enrolment": {**where, **files},
        "notices": {"networks": ["127.0.0.0/8"]},
    }
    (folder / "cloud.yaml").write_text(yaml.safe_dump(document))
    running = Cloud(folder / "cloud.yaml")
    yield running
    assert running.end() == 0


@pytest.fixture
def crane(tmp_path: Path) -> Iterator[int]:
    """A simulated tower crane; the port of its Modbus server."""
    scenario, ports = tmp_path / "scenario.yaml", tmp_path / "ports.json"
    scenario.write_text(SCENARIO)
    process = subprocess.Popen([PROGRAM, "sim", "run", scenario, "--ports-file", ports])
    wait_for(ports.exists, "the simulator to listen")
    yield json.loads(ports.read_text())["crane-1"]
    process.terminate()
    process.wait(PATIENCE_S)


@pytest.fixture
def config(tmp_path: Path, crane: int) -> Path:
    """What an engineer wrote on the gateway: what is connected, and nothing of the cloud."""
    config = tmp_path / "box" / "gateway.yaml"
    config.parent.mkdir()
    config.write_text(GATEWAY.format(port=crane))
    return config


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    with mail_server() as made:
        yield made


@pytest.fixture
def visitor(browser: Browser, built_pages: Path, cloud: Cloud) -> Iterator[Visit]:
    assert built_pages.is_dir()
    come = visit(browser, cloud.address)
    yield come
    # One address is refused on purpose.
    come.complaints = [said for said in come.complaints if "status of 422" not in said]
    come.close()


def step(page: Page, name: str):
    return page.locator(f"[data-step={name}]")


def choose(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).fill(value)


@pytest.mark.timeout(400)
def test_from_the_first_account_to_a_live_value_and_a_mail_that_arrived(
    visitor: Visit, cloud: Cloud, config: Path, letters: tuple[Letters, int], axe: str
) -> None:
    page = visitor.page
    make_account(visitor, cloud)
    describe_site(page)
    agent = let_gateway_in(page, cloud, config)
    try:
        check_points(visitor)
        expect(page.locator("form.channel")).to_be_visible()
        assert barriers_on(page, axe) == []
        be_told(page, *letters)
    finally:
        agent.terminate()
        agent.wait(PATIENCE_S)


def make_account(visitor: Visit, cloud: Cloud) -> None:
    page = visitor.open(f"/setup#{cloud.setup_token}")
    page.locator("input").nth(0).fill("zhang.wei")
    page.locator("input").nth(1).fill(PASSWORD)
    page.locator("input").nth(2).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/start")


def describe_site(page: Page) -> None:
    page.locator("[data-make-site]").click()
    expect(page.locator(".error", has_text="请填写名称")).to_be_visible()
    choose(page, "名称", "甲塔工地")
    choose(page, "工地编号", "tower-a")
    page.locator("[data-place]").select_option("new")
    choose(page, "新区划名称", "某县")
    page.locator("[data-make-site]").click()
    page.wait_for_url("**/start/tower-a/gateway")
    expect(step(page, "site")).to_have_attribute("data-done", "true")


def let_gateway_in(page: Page, cloud: Cloud, config: Path) -> subprocess.Popen[bytes]:
    page.locator("[data-make-gateway]").click()
    command = page.locator("[data-code] code").inner_text().split()
    assert command[:3] == ["sudo", "/opt/sitewarden/bin/sitewarden", "edge"]
    assert urlsplit(command[4]).netloc == urlsplit(cloud.address).netloc
    wait = page.locator("[data-wait=gw-1]")
    expect(wait).to_have_attribute("data-progress", "code")
    subprocess.run([PROGRAM, *command[2:], "--config", config], check=True, capture_output=True, timeout=60)
    expect(wait).to_have_attribute("data-progress", "enrolled")
    expect(page.locator("[data-code] .used")).to_be_visible()
    expect(page.locator("[data-next]")).to_have_text("跳过")
    agent = subprocess.Popen([PROGRAM, "edge", "run", config], stderr=subprocess.DEVNULL)
    expect(wait).to_have_attribute("data-progress", "online")
    expect(page.locator("[data-next]")).to_have_text("下一步")
    return agent


def check_points(visitor: Visit) -> None:
    """Left and resumed: the address of the site alone leads to where there is something to do."""
    page = visitor.open("/")
    page.wait_for_url("**/sites/tower-a")
    visitor.open("/start/tower-a")
    page.wait_for_url("**/start/tower-a/*")
    step(page, "points").locator("a").click()
    load = page.locator("[data-device=crane-1] [data-point='crane-1/load'] .value")
    expect(load).to_have_attribute("data-state", "good")
    assert int(page.locator("[data-good]").get_attribute("data-good") or 0) > 0
    before = load.get_attribute("data-at")
    expect(load).not_to_have_attribute("data-at", before or "")
    page.locator("[data-next]").click()


def be_told(page: Page, letters: Letters, port: int) -> None:
    form = page.locator("form.channel")
    choose(page, "渠道名称", "项目部邮件")
    choose(page, "邮件服务器", "127.0.0.1")
    page.get_by_label("加密方式").select_option("none")
    choose(page, "端口", str(port))
    choose(page, "发件地址（不填则同账户）", "alarm@example.com")
    form.locator("textarea").fill("zhang.wei")
    form.locator("[data-save]").click()
    expect(form.locator(".wrong")).to_contain_text("完整的邮件地址")
    form.locator("textarea").fill("zhang.wei@example.com")
    form.locator("[data-save]").click()
    result = page.locator("[data-result]")
    expect(result).to_have_attribute("data-result", "sent")
    expect(result).to_contain_text("250")
    assert [letter.rcpt_tos for letter in letters.letters] == [["zhang.wei@example.com"]]
    expect(page.locator(".sum")).to_contain_text("全部完成")
    page.locator("[data-finish]").click()
    page.wait_for_url("**/sites/tower-a")
