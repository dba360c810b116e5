"""Back-tests over HTTP: rules to start from, a trial, its bounds, and a pack of a hazard."""

import threading
from pathlib import Path

import httpx
import msgspec
import pytest

from cloud.backtest import trying
from cloud.backtest.proposal import text_of
from cloud.database import instant
from sitewarden.casepack import open_pack, run_pack
from sitewarden.rules.packs import load_pack
from tests.cloud.backtest.past import (
    BARE,
    LOAD,
    RATIO,
    SECOND,
    T0,
    announced,
    born,
    camera,
    crane,
    hill,
    pit,
    told,
)
from tests.cloud.site import cleared, raised
from tests.support.waiting import PATIENCE_S


def trial(**changes) -> dict:
    asked = {"from": instant(T0).isoformat(), "to": instant(T0 + 600 * SECOND).isoformat()}
    return {**asked, **changes}


def tried(web, **changes) -> dict:
    answer = web.post("/sites/demo/backtests", json=trial(**changes))
    assert answer.status_code == 200, answer.text
    return answer.json()


def text(web, rule: str) -> str:
    rules = web.get("/sites/demo/rules").json()["rules"]
    return next(one["text"] for one in rules if one["rule"] == rule)


def test_the_rules_in_force_are_those_that_the_gateways_announced(site, web):
    born(site, crane(announced(RATIO, "crane-load-100", 100.0), announced(RATIO, "our-own", 80.0)))
    shown = web.get("/sites/demo/rules").json()
    assert {rule["pack"] for rule in shown["rules"]} == {"tower-crane"}
    assert {"crane-load-90", "crane-load-100", "crane-load-110"} <= {r["rule"] for r in shown["rules"]}
    # Nothing here has a moment: rules that watch it say nothing of this site.
    assert "crane.moment_ratio" not in {rule["watch"] for rule in shown["rules"]}
    assert shown["unknown"] == ["our-own (version 1)"]


def test_a_changed_limit_shows_what_it_would_have_done(site, web):
    told(born(site), RATIO, [*hill(95.0), *hill(105.0)])
    changed = text(web, "crane-load-100").replace("limit: 100.0", "limit: 94.0")
    found = tried(web, rules=[changed])
    assert found["rule_changes"] == [
        {
            "rule": "crane-load-100",
            "change": "changed",
            "fields": [{"field": "condition.limit", "before": 100.0, "after": 94.0}],
        }
    ]
    (added,) = found["changes"]["added"]
    assert (added["raised_at"], added["cleared_at"]) == (T0 + 7 * SECOND, T0 + 27 * SECOND)
    assert added["label"]["zh"] == "起重量超过额定值"
    assert found["changes"]["unchanged_count"] == 3
    assert {(x["rule"], x["limit"]) for x in found["proposed"]["limits"]} >= {("crane-load-100", 94.0)}
    assert found["in_force"]["false_alarms"] == {"judged": 0, "false": 0, "rate": None}


def test_a_removed_rule_takes_its_alarms_with_it(site, web):
    told(born(site), RATIO, hill(105.0))
    found = tried(web, removed=["crane-load-90"], device="crane-1")
    assert [a["rule"] for a in found["changes"]["removed"]] == ["crane-load-90"]


def test_what_a_camera_said_is_judged_anew(site, web):
    """Somebody bare-headed for eight seconds, and for two; a delay of five leaves the first."""
    bare = [0.0] * 5 + [1.0] * 8 + [0.0] * 20 + [1.0] * 2 + [0.0] * 20
    told(born(site, camera()), BARE, bare)
    told(site, "yard/state", [0.0] * len(bare))
    shown = web.get("/sites/demo/rules").json()["rules"]
    assert {rule["pack"] for rule in shown} == {"helmets"}
    slower = text(web, "helmet-missing-hook").replace("on_delay_s: 0.0", "on_delay_s: 5.0")
    found = tried(web, rules=[slower], device="yard")
    (change,) = found["rule_changes"]
    assert [field["field"] for field in change["fields"]] == ["on_delay_s"]
    assert found["in_force"]["alarms"] == 2
    (moved,) = found["changes"]["moved"]
    (gone,) = found["changes"]["removed"]
    assert moved["after"]["raised_at"] - moved["before"]["raised_at"] == 5 * SECOND
    assert gone["raised_at"] == T0 + 33 * SECOND


def test_a_silence_is_of_the_point_of_which_the_gateway_says_it(site, web):
    """Of a rule on a device as a whole: the one that was announced first."""
    born(site, camera())
    for since in (T0, T0 + 300 * SECOND):
        told(site, "yard/state", [0.0] * 30, since=since)
        told(site, "yard/shed", [0.0] * 30, since=since)
    found = tried(web, device="yard")
    assert [(one["rule"], one["point"]) for one in found["recorded"]["added"]] == [
        ("camera-silent", "yard/state")
    ]


def test_the_pack_of_a_camera_s_hazard_gives_its_alarm_again(site, web, tmp_path):
    told(born(site, camera()), BARE, [0.0] * 5 + [1.0] * 8 + [0.0] * 20)
    alarm = raised(
        at=T0 + 5 * SECOND,
        device="yard",
        point=BARE,
        kind="vision.bare_head.hook",
        rule="helmet-missing-hook",
        family="helmet",
        level=3,
    )
    site.deliver(alarm)
    site.deliver(cleared(alarm, after_ms=13 * SECOND))
    answer = web.get(f"/hazards/{site.value('SELECT id FROM hazard')}/pack")
    assert answer.status_code == 200, answer.text
    (tmp_path / "x.swpack").write_bytes(answer.content)
    outcome = run_pack(open_pack(tmp_path / "x.swpack"))
    assert outcome.differences == []
    assert [a.rule for a in outcome.alarms] == ["helmet-missing-hook"]


def test_lead_times_and_what_could_not_be_judged_are_told(site, web):
    told(born(site, crane(), pit()), RATIO, [50.0] * 5 + [92.0] * 5 + [105.0] * 5 + [50.0] * 5)
    found = tried(web)
    (lead, *_) = [x for x in found["proposed"]["leads"] if x["rule"] == "crane-load-90"]
    assert (lead["reached"], lead["least_ms"], lead["of_rule"]) == (1, 3000, "crane-load-100")
    whys = {(n["where"], n["reason"]) for n in found["proposed"]["not_judged"]}
    assert ("pit-1", "missing_parameter") in whys


def test_what_happened_is_laid_beside_what_the_rules_give(site, web):
    told(born(site), RATIO, hill(105.0))
    site.deliver(up := raised(at=T0 + 7 * SECOND))
    site.deliver(cleared(up, after_ms=20 * SECOND))
    found = tried(web)
    assert found["recorded"]["unchanged_count"] == 1
    assert [a["rule"] for a in found["recorded"]["added"]] == ["crane-load-90"]


@pytest.mark.parametrize(
    ("changes", "problem", "said"),
    [
        ({"rules": ["rule: [x"]}, "422 bad-rule", "is not YAML"),
        ({"rules": ["rule: x"]}, "422 bad-rule", "rule-1:1: family: is missing"),
        ({"device": "crane-9"}, "404 not-found", "no such device"),
        ({"to": instant(T0).isoformat()}, "422 empty-range", "must lie after"),
        ({"to": instant(T0 + 32 * 86_400_000).isoformat()}, "422 too-much", "at most 31 days"),
        ({"surprise": 1}, "422 invalid", "surprise"),
        ({"device": "crane-1\0"}, "422 invalid", "device"),
        ({"from": "0001-01-01T00:00:00+08:00"}, "422 invalid", "from"),
        ({"from": "9999-12-31T00:00:00Z", "to": "9999-12-31T23:59:59-08:00"}, "422 invalid", "to"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_the_reason(site, web, changes, problem, said):
    born(site)
    answer = web.post("/sites/demo/backtests", json=trial(**changes))
    assert f"{answer.status_code} {answer.json()['type']}" == problem.replace(" ", " /problems/")
    assert said in answer.json()["detail"]


def test_a_rule_that_watches_an_unknown_kind_is_refused_with_its_line(site, web):
    born(site)
    bad = text(web, "crane-load-90").replace("watch: crane.load_ratio", "watch: crane.lod_ratio")
    detail = web.post("/sites/demo/backtests", json=trial(rules=[bad])).json()["detail"]
    assert "rule-1:4: watch: " in detail
    assert "did you mean `crane.load_ratio`" in detail


def test_two_rules_that_hold_each_other_back_are_refused(site, web):
    born(site)
    one, other = "crane-load-100", "crane-moment-100"
    texts = {rule.rule: rule for rule in load_pack("tower-crane", Path()).rules}
    circle = [
        text_of(msgspec.structs.replace(texts[rule], suppressed_by=[by]))
        for rule, by in ((one, other), (other, one))
    ]
    answer = web.post("/sites/demo/backtests", json=trial(rules=circle))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-rule")
    assert f"`{other}` is itself held back by this rule" in answer.json()["detail"]


def test_of_two_rules_the_wrong_one_is_named(site, web):
    born(site)
    right = text(web, "crane-load-90")
    wrong = text(web, "crane-load-100").replace("watch: crane.load_ratio", "watch: crane.lod_ratio")
    detail = web.post("/sites/demo/backtests", json=trial(rules=[right, wrong])).json()["detail"]
    assert "rule-2:" in detail


def test_more_readings_than_may_be_asked_for_are_refused(site, web, monkeypatch):
    monkeypatch.setattr(trying, "MOST_READINGS", 5)
    told(born(site), RATIO, hill(95.0))
    answer = web.post("/sites/demo/backtests", json=trial())
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/too-much")


def test_a_trial_that_takes_too_long_is_given_up(site, web, monkeypatch):
    monkeypatch.setattr(trying, "LONGEST_S", 0.0)
    told(born(site), RATIO, hill(95.0))
    answer = web.post("/sites/demo/backtests", json=trial())
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/too-much")
    assert "it took longer than" in answer.json()["detail"]


def test_the_second_of_two_at_once_is_told_to_come_again_and_the_pages_stay_alive(site, web, monkeypatch):
    pack = f"/hazards/{hazard(site)}/pack"
    entered, leave = threading.Event(), threading.Event()
    judge = trying.judge_trial

    def slow(*asked):
        entered.set()
        assert leave.wait(PATIENCE_S)
        return judge(*asked)

    monkeypatch.setattr(trying, "judge_trial", slow)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(web.post("/sites/demo/backtests", json=trial())))
    first.start()
    assert entered.wait(PATIENCE_S)
    assert web.get("/sites/demo/values").status_code == 200
    busy = web.post("/sites/demo/backtests", json=trial())
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "5")
    # A case pack takes as much of the machine.
    assert web.get(pack).status_code == 429
    leave.set()
    first.join(45)
    assert answers[0].status_code == 200
    assert web.get(pack).status_code == 200


def hazard(site) -> str:
    told(born(site), RATIO, hill(105.0))
    told(site, LOAD, [1.0] * 30)
    site.deliver(up := raised(at=T0 + 7 * SECOND))
    site.deliver(cleared(up, after_ms=20 * SECOND))
    return str(site.value("SELECT id FROM hazard"))


def test_a_hazard_comes_as_a_pack_that_gives_its_alarms_again(site, web, tmp_path):
    answer = web.get(f"/hazards/{hazard(site)}/pack")
    assert answer.status_code == 200, answer.text
    number = site.value("SELECT number FROM hazard")
    assert answer.headers["content-disposition"] == f'attachment; filename="{number}.swpack"'
    file = tmp_path / "x.swpack"
    file.write_bytes(answer.content)
    pack = open_pack(file)
    assert pack.manifest.hazard == number
    assert sorted(pack.history.tracks) == [LOAD, RATIO]
    assert [alarm.rule for alarm in pack.history.header.alarms] == ["crane-load-100"]
    outcome = run_pack(pack)
    assert outcome.differences == []
    assert {a.rule for a in outcome.alarms} == {"crane-load-90", "crane-load-100"}


def test_a_limit_that_the_site_has_changed_is_the_one_in_force(site, web):
    told(born(site, crane(announced(RATIO, "crane-load-100", 92.0, newer=1))), RATIO, hill(95.0))
    found = tried(web)
    assert {x["limit"] for x in found["in_force"]["limits"] if x["rule"] == "crane-load-100"} == {92.0}
    assert found["notes"] == []


def test_a_limit_that_differs_without_a_new_version_is_judged_as_announced_and_told(site, web):
    told(born(site, crane(announced(RATIO, "crane-load-100", 92.0))), RATIO, hill(95.0))
    found = tried(web)
    assert {x["limit"] for x in found["in_force"]["limits"] if x["rule"] == "crane-load-100"} == {92.0}
    (note,) = found["notes"]
    assert "crane-load-100 (crane-1: 92)" in note["en"]


def test_a_gateway_with_an_older_rule_is_judged_by_the_shipped_one_and_the_report_says_so(site, web):
    told(born(site, crane(announced(RATIO, "crane-load-100", 100.0, newer=-1))), RATIO, hill(95.0))
    assert "older versions" in tried(web)["notes"][0]["en"]


def test_no_such_hazard_has_no_pack(site, web):
    born(site)
    answer = web.get(f"/hazards/{'0' * 32}/pack")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
