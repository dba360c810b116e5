"""Versions over HTTP: proposed of what was seen, kept for good, sent until the gateway has spoken."""

import msgspec
import psycopg
import pytest

from cloud.configuration import service, store
from cloud.configuration.sending import ConfigurationSender
from cloud.paging import KeyCursor, cursor_text
from sitewarden.bundle import digest
from sitewarden.messages import (
    BusLoad,
    Configuration,
    ConfigurationFault,
    ConfigurationNow,
    ConfigurationReport,
    decode,
)
from sitewarden.text import Text
from tests.cloud.registry.records import CHART, CRANE, PIT, POINT, Registry, problem
from tests.cloud.site import BOOT, birth, heartbeat, now_ms

BASE = "/sites/demo/gateways/gw-1/configuration"
OWN = {"gateway.yaml": "rules: [crane]\nbuses: []\n"}
FIRST = {"gateway.yaml": "rules: [crane]\nbuses: [] # one\n"}
SECOND = {"gateway.yaml": "rules: [crane]\nbuses: [] # two\n", "charts/a.yaml": "chart: a\n"}


class Gateway:
    """What gw-1 says, and what it would be sent now."""

    def __init__(self, site):
        self._site = site
        self.now = ConfigurationNow()

    def comes(self):
        self._site.deliver(birth(configuration=self.now))
        self.reports("in_force", files=OWN)

    def says(self, **now):
        self.now = ConfigurationNow(**now)
        self._site.deliver(heartbeat(configuration=self.now))

    def reports(self, state, version=0, files=None, **more):
        report = ConfigurationReport(
            boot=BOOT, at=now_ms(), state=state, version=version, files=files, **more
        )
        assert not self._site.deliver(report).dead

    def sent(self, after_ms=0):
        return [due.configuration for due in store.due(self._site.connection, now_ms() + after_ms)]


@pytest.fixture
def gateway(site):
    made = Gateway(site)
    made.comes()
    return made


def put(web, files, seen, reason="新的塔机"):
    headers = {} if seen is None else {"If-Match": f'"{seen}"'}
    return web.put(BASE, json={"files": files, "reason": reason}, headers=headers)


def read(web):
    return web.get(BASE).json()


def test_a_version_goes_out_until_the_gateway_says_what_became_of_it(web, gateway):
    assert read(web)["own_file"] == OWN
    answer = put(web, FIRST, 0)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"'), answer.text
    assert (answer.json()["state"], answer.json()["author"]) == ("waiting", "安全员")
    [sent] = gateway.sent()
    assert (sent.version, sent.hash, sent.files) == (1, digest(FIRST), FIRST)
    assert gateway.sent() == []
    load = [BusLoad(bus="crane", percent=12.5, requests_per_s=5)]
    gateway.says(version=1, hash=digest(FIRST), on_probation=True)
    gateway.reports("probation", 1, hash=digest(FIRST), load=load)
    assert gateway.sent(after_ms=16_000) == []
    assert read(web)["newest"]["load"] == [{"bus": "crane", "percent": 12.5, "requests_per_s": 5.0}]
    gateway.says(version=1, hash=digest(FIRST))
    assert [again.version for again in gateway.sent(after_ms=16_000)] == [1], "its last word got lost"
    gateway.reports("in_force", 1, hash=digest(FIRST), load=load)
    shown = read(web)
    assert (shown["newest"]["state"], shown["in_force"]["version"]) == ("in_force", 1)


def test_what_was_rolled_back_says_why_and_is_not_sent_again(web, gateway):
    put(web, FIRST, 0)
    gateway.sent()
    why = Text("总线无应答", "The bus is silent")
    gateway.reports("rolled_back", 1, hash=digest(FIRST), why=why)
    assert gateway.sent(after_ms=16_000) == []
    newest = read(web)["newest"]
    assert (newest["state"], newest["why"]) == (
        "rolled_back",
        {"zh": "总线无应答", "en": "The bus is silent"},
    )


def test_a_gateway_with_a_new_disk_gets_the_newest_that_was_not_turned_down(web, gateway):
    put(web, FIRST, 0)
    gateway.reports("in_force", 1, hash=digest(FIRST))
    put(web, SECOND, 1)
    fault = ConfigurationFault(file="gateway.yaml", line=3, field="buses", message="x", mend="y")
    gateway.reports("refused", 2, hash=digest(SECOND), errors=[fault])
    assert read(web)["newest"]["errors"][0]["line"] == 3
    gateway.says()
    assert [sent.version for sent in gateway.sent()] == [1]


def test_a_version_is_made_of_what_was_seen(web, gateway):
    put(web, FIRST, 0)
    assert problem(put(web, SECOND, 0))[:2] == (412, "changed-meanwhile")
    assert problem(put(web, SECOND, None))[:2] == (428, "version-missing")
    assert put(web, SECOND, 1).status_code == 200
    states = [item["state"] for item in web.get(f"{BASE}/versions").json()["items"]]
    assert states == ["waiting", "superseded"]
    part = web.get(f"{BASE}/versions", params={"limit": 1}).json()
    rest = web.get(f"{BASE}/versions", params={"after": part["next"]}).json()
    assert [item["version"] for item in (*part["items"], *rest["items"])] == [2, 1]
    beyond = cursor_text(KeyCursor(key="9" * 30))
    assert web.get(f"{BASE}/versions", params={"after": beyond}).json()["items"][0]["version"] == 2
    assert web.get(f"{BASE}/versions/{'9' * 30}").status_code == 404


def test_a_probation_that_a_newer_version_cut_short_is_over(web, gateway):
    put(web, FIRST, 0)
    gateway.reports("probation", 1, hash=digest(FIRST))
    put(web, SECOND, 1)
    gateway.reports("probation", 2, hash=digest(SECOND))
    states = [item["state"] for item in web.get(f"{BASE}/versions").json()["items"]]
    assert states == ["probation", "superseded"]


def test_an_older_version_is_proposed_anew_and_versions_are_compared(web, gateway):
    put(web, FIRST, 0)
    put(web, SECOND, 1)
    diff = web.get(f"{BASE}/versions/2/diff").json()
    assert [file["file"] for file in diff["files"]] == ["charts/a.yaml", "gateway.yaml"]
    assert "-buses: [] # one" in diff["files"][1]["lines"]
    back = web.post(f"{BASE}/versions/1/rollback", json={"reason": "回退"}, headers={"If-Match": '"2"'})
    assert (back.json()["version"], back.json()["files"]) == (3, FIRST)
    assert web.get(f"{BASE}/versions/3/diff", params={"against": 1}).json()["files"] == []
    assert web.get(f"{BASE}/versions/9").status_code == 404


def test_texts_that_are_no_bundle_are_refused_here(web, gateway):
    assert problem(put(web, {"../x.yaml": "", **FIRST}, 0)) == (422, "no-bundle", ["../x.yaml"])
    assert problem(put(web, {"a.yaml": ""}, 0))[:2] == (422, "no-bundle")


def test_the_gateway_is_asked_what_it_thinks_and_nothing_changes(web, gateway):
    asked = web.post(f"{BASE}/check", json={"files": SECOND})
    assert (asked.status_code, asked.json()["state"]) == (202, None)
    [sent] = gateway.sent()
    assert (sent.version, sent.check, sent.files) == (0, asked.json()["id"].replace("-", ""), SECOND)
    gateway.reports("checked", hash=sent.hash, check=sent.check, load=[])
    answered = web.get(f"{BASE}/checks/{asked.json()['id']}").json()
    assert answered["state"] == "checked"
    assert gateway.sent(after_ms=16_000) == []
    assert read(web)["newest"] is None


def test_why_a_gateway_does_not_tell_its_own_file_is_logged_once(site, caplog):
    gateway, why = Gateway(site), Text("没有上报", "camera gate: a login is written out there")
    for _ in range(2):
        gateway.reports("in_force", why=why)
    gateway.reports("refused", version=3, why=Text("不行", "another thing"))
    assert caplog.text.count("own file is not told gateway=demo/gw-1: camera gate: a login") == 1
    assert "another thing" not in caplog.text


def test_what_is_wrong_with_a_file_that_was_never_told_is_shown_until_it_is_mended(web, site):
    gateway = Gateway(site)
    site.deliver(birth(configuration=gateway.now))
    fault = ConfigurationFault(file="gateway.yaml", line=7, field="buses.0.baud", message="bad", mend="Mend")
    gateway.reports("in_force", why=Text("没有上报", "not told"), errors=[fault])
    told = read(web)
    assert (told["own_file"], told["untold"]["why"]["en"]) == (None, "not told")
    assert told["untold"]["errors"] == [msgspec.to_builtins(fault)]
    assert store.unheard(site.connection, now_ms()), "it is asked again"
    gateway.reports("refused", version=3, why=Text("不行", "another thing"))
    assert read(web)["untold"] == told["untold"]
    gateway.reports("in_force")  # its file says nothing any more
    assert read(web)["untold"] is None
    gateway.reports("in_force", files=OWN)
    gateway.reports("in_force", why=Text("没有上报", "not told"), errors=[fault])
    told = read(web)
    assert (told["own_file"], told["untold"]["errors"][0]["line"]) == (OWN, 7)
    gateway.reports("in_force", files=OWN)
    assert read(web)["untold"] is None


def test_a_gateway_whose_own_file_says_what_it_does_is_sent_nothing(web, site):
    site.deliver(birth())
    assert put(web, FIRST, 0).status_code == 200
    assert store.due(site.connection, now_ms()) == []
    assert problem(web.post(f"{BASE}/check", json={"files": FIRST}))[:2] == (409, "not-handed-over")
    assert read(web)["now"] is None


def test_what_a_caller_may_not_see_is_not_there(web, gateway):
    assert web.get("/sites/demo/gateways/gw-9/configuration").status_code == 404
    assert web.get("/sites/other/gateways/gw-1/configuration").status_code == 404
    gateway_of_another = web.get("/sites/demo/gateways/gw-2/configuration").json()
    assert gateway_of_another["newest"] is None


def test_a_version_is_never_changed(web, gateway, site):
    put(web, FIRST, 0)
    with pytest.raises(psycopg.errors.IntegrityError):
        site.connection.execute("UPDATE gateway_configuration SET files = '{}'")


PIT_FILE = """\
rules: [gb50497, tower-crane]
buses:
  - bus: pit # 基坑
    modbus: {transport: tcp, host: 10.0.0.3}
    devices:
      - device: pit-1
        profile: reference-pit-logger
        unit: 1
        parameters: {pit_class: 1, support: diaphragm-wall, depth_m: 10} # of the design
        interval_ms: 1000
  - bus: crane
    modbus: {transport: tcp, host: 10.0.0.4}
    devices:
      - device: crane-1 # 1号
        profile: reference-tower-crane
        unit: 1
        load_chart: reference
"""


def test_the_registry_s_values_are_offered_as_a_changed_draft(web, gateway):
    registry = Registry(web)
    registry.make("devices", CRANE)
    registry.make("charts", CHART)
    registry.make("pits", PIT)
    registry.make("points", POINT)
    assert put(web, {"gateway.yaml": PIT_FILE}, 0).status_code == 200
    draft = web.get(f"{BASE}/draft").json()
    assert sorted((change["what"], change["before"]) for change in draft["changes"]) == [
        ("load_chart", "reference"),
        ("parameters.depth_m", "10"),
        ("point_parameters.hd_1.control_cumulative_mm", ""),
    ]
    text = draft["files"]["gateway.yaml"]
    assert "hd_1: {control_cumulative_mm: 25" in text
    assert all(comment in text for comment in ("# 基坑", "# 1号", "# of the design"))
    assert "[14, 6]" in draft["files"]["charts/crane-1.yaml"]
    assert put(web, draft["files"], 1).status_code == 200
    assert web.get(f"{BASE}/draft").json()["changes"] == []
    assert len(gateway.sent()) == 1


def test_a_gateway_whose_first_word_got_lost_is_asked_what_it_works_from(site):
    published = []
    sender = ConfigurationSender("", lambda topic, body: published.append((topic, body)), lambda: True)
    site.deliver(birth(configuration=ConfigurationNow()))
    for after_ms in (0, 1000, 16_000):
        sender.look(site.connection, now_ms() + after_ms)
    assert len(published) == 2
    asked = decode(published[0][1], Configuration)
    assert (asked.version, asked.check, asked.files) == (0, None, {})
    told = ConfigurationReport(boot=BOOT, at=now_ms(), state="in_force", files=OWN)
    site.deliver(told)
    sender.look(site.connection, now_ms() + 40_000)
    assert len(published) == 2


def test_what_was_replaced_while_it_was_on_probation_is_not_sent_because_its_successor_failed(web, gateway):
    third = {"gateway.yaml": "rules: []\nbuses: []\n"}
    put(web, FIRST, 0)
    gateway.reports("in_force", 1, hash=digest(FIRST))
    put(web, SECOND, 1)
    gateway.reports("probation", 2, hash=digest(SECOND))
    put(web, third, 2)
    gateway.reports("refused", 3, hash=digest(third))
    assert [v["state"] for v in web.get(f"{BASE}/versions").json()["items"]][1] == "probation", "it goes on"
    put(web, third, 3)
    gateway.reports("probation", 4, hash=digest(third))
    gateway.reports("rolled_back", 4, hash=digest(third))
    states = [v["state"] for v in web.get(f"{BASE}/versions").json()["items"]]
    assert states == ["rolled_back", "refused", "superseded", "in_force"]
    gateway.says(version=1, hash=digest(FIRST))
    assert gateway.sent(after_ms=20_000) == []


def test_a_bundle_of_the_size_that_a_gateway_takes_is_taken_here_and_a_larger_one_is_not(web, gateway):
    chart = "# 塔式起重机\n" * 20_000  # three bytes a letter
    large = {**FIRST, "charts/a.yaml": chart}
    assert put(web, large, 0).status_code == 200
    assert web.post(f"{BASE}/check", json={"files": large}).status_code == 202
    assert problem(put(web, {**large, "charts/b.yaml": chart}, 1))[:2] == (422, "no-bundle")


def test_words_that_no_database_takes_do_not_hide_what_became_of_a_version(web, gateway):
    put(web, FIRST, 0)
    faults = [ConfigurationFault(message="a\0b"), ConfigurationFault(message=r"write no \u0000\\ here")]
    gateway.reports("refused", 1, hash=digest(FIRST), errors=faults)
    shown = [fault["message"] for fault in read(web)["newest"]["errors"]]
    assert shown == ["a\N{REPLACEMENT CHARACTER}b", faults[1].message]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "[1]",
        "buses: 5",
        "rules: 5",
        "buses: [",
        "buses: " + "[" * 3000,
        "at: 2026-13-45",
        "x: !!python/object:os.system a",
        "? [a]\n: b",
        "buses: [{devices: [5, {device: crane-1, load_chart: [1]}]}]",
        "buses: [{devices: [{device: crane-1}]}]\nbuses: []",
    ],
)
def test_of_texts_that_nobody_understands_there_is_no_draft_and_no_fault(web, gateway, text):
    registry = Registry(web)
    registry.make("devices", CRANE)
    registry.make("charts", CHART)
    assert put(web, {"gateway.yaml": text}, 0).status_code == 200
    assert web.get(f"{BASE}/draft").status_code in (200, 409)


def test_a_gateway_that_names_an_impossible_version_keeps_no_other_waiting(web, gateway, site):
    put(web, FIRST, 0)
    gateway.says(version=2**63)
    assert [sent.version for sent in gateway.sent()] == [1]
    assert store.unheard(site.connection, now_ms()) == []


def test_however_often_somebody_checks_only_the_newest_are_kept_and_asked(web, gateway, site):
    asked = [
        web.post(f"{BASE}/check", json={"files": {"gateway.yaml": f"# {i}"}}).json()["id"]
        for i in range(service.MOST_CHECKS + 3)
    ]
    assert web.get(f"{BASE}/checks/{asked[-1]}").status_code == 200
    assert web.get(f"{BASE}/checks/{asked[0]}").status_code == 404
    assert len(gateway.sent()) == service.MOST_CHECKS
