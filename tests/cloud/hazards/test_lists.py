"""Lists over all sites, what waits for whom, and what was before: through the web server."""

import itertools
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from cloud.accounts.permissions import COOKIE
from cloud.hazards.inbox import DUTIES, told
from cloud.hazards.transitions import TRANSITIONS
from tests.cloud.registry.records import words
from tests.cloud.registry.test_scope import trees
from tests.cloud.web.serving import new_account, new_session

__all__ = ["trees"]

_NUMBERS = itertools.count(1)
DONE = ("closed", "rejected", "merged")


def become(web, site, role: str, /, **scope) -> None:
    """Sign in as somebody who has that role there alone."""
    account = new_account(site.connection, f"某人{next(_NUMBERS)}", role, **scope)
    web.client.cookies.set(COOKIE, new_session(site.connection, account))


def file(site, of: str, status: str = "candidate", *, level: str = "general", ago_h: int = 0, **more) -> str:
    """A record straight into the table, as the acts would leave it."""
    fields = {
        "site": of,
        "device": None,
        "category": Jsonb({"zh": "基坑", "en": "Foundation pit"}),
        "family": "x",
        "fingerprint": f"{next(_NUMBERS)}".encode(),
        "level": level,
        "status": status,
        "content": Jsonb(words("裂缝")),
        "potential_accident": Jsonb(words("坍塌")),
        "signal": "none",
        "episodes": 0,
        "worst_level": 3,
        "record": Jsonb({}),
        **more,
    }
    number = f"{of}-{next(_NUMBERS)}"
    names, marks = ", ".join(fields), ", ".join(f"%({name})s" for name in fields)
    ended = "now()" if status in DONE else "NULL"
    closed = "now()" if status == "closed" else "NULL"
    at = f"now() - interval '{ago_h} hours'"
    query = f"""
        INSERT INTO hazard (id, number, opened_at, detected_at, last_episode_at, ended_at, closed_at,
                            verified_at, {names})
        VALUES (gen_random_uuid(), %(number)s, {at}, {at}, {at}, {ended}, {closed}, {closed}, {marks})
    """
    site.connection.execute(query.encode(), {**fields, "number": number})
    return number


def numbers(web, query: str = "") -> list[str]:
    answer = web.get(f"/hazards{query}")
    assert answer.status_code == 200, answer.text
    return [item["number"] for item in answer.json()["items"]]


def test_the_list_goes_over_all_sites_that_one_sees_and_no_other(web, site, trees):
    here, there = file(site, "demo", ago_h=1), file(site, "north")
    assert numbers(web) == [there, here]
    become(web, site, "enforcement_officer", node=trees["second"])
    assert numbers(web) == [there]
    become(web, site, "enforcement_officer", node=trees["province"])
    assert numbers(web) == [there, here]
    become(web, site, "equipment_company", node=trees["province"])
    assert web.get("/hazards").status_code == 403, "a role that sees no hazards"


def test_a_driver_of_one_crane_sees_its_hazards(web, site):
    own = file(site, "demo", device="crane-1")
    file(site, "demo", device="crane-7")
    file(site, "demo")
    become(web, site, "viewer", site="demo", devices=["crane-1"])
    assert numbers(web) == [own]


def test_filters_narrow_it_and_the_totals_say_what_there_is(web, site, trees):
    pit = file(site, "demo", level="major", overdue=True, supervision="listed", ago_h=1)
    crane = file(site, "north", category=Jsonb({"zh": "起重机械", "en": "Lifting machinery"}), ago_h=2)
    closed = file(site, "demo", "closed", ago_h=3)
    drill = file(site, "demo", mode="drill", ago_h=4)
    expected = {
        "": [pit, crane],
        "?status=all": [pit, crane, closed],
        "?status=closed": [closed],
        "?level=major": [pit],
        "?site=north": [crane],
        "?category=起重机械": [crane],
        "?overdue=true": [pit],
        "?overdue=false": [crane],
        "?listed=true": [pit],
        "?listed=false": [crane],
        "?mode=drill": [drill],
        "?level=major&site=north": [],
    }
    assert {query: numbers(web, query) for query in expected} == expected
    totals = web.get("/hazards?level=major").json()["totals"]
    assert {name: totals[name] for name in ("general", "major_proposed", "major", "overdue", "listed")} == {
        "general": 1, "major_proposed": 0, "major": 1, "overdue": 1, "listed": 1,
    }  # fmt: skip
    assert {(one["category"]["zh"], one["n"]) for one in totals["categories"]} == {
        ("基坑", 1),
        ("起重机械", 1),
    }


def test_pages_follow_one_another_without_loss_and_only_the_first_counts(web, site):
    filed = [file(site, "demo", ago_h=hours) for hours in range(5)]
    seen, after = [], ""
    while True:
        page = web.get(f"/hazards?limit=2{after}").json()
        seen += [item["number"] for item in page["items"]]
        assert (page["totals"] is None) == bool(after)
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == filed


_SUPERVISED = {"round": 1, "is_passed": True, "by": {"side": "supervision"}}
_PLANNED = {"plan": {"due": "x"}}
_MAJOR = {"level": "major", "record": {"acknowledged": [{}]}}
WAITS: dict[str, dict[str, Any]] = {
    "judge": {"status": "candidate"},
    "plan": {"status": "confirmed"},
    "accept_plan": {**_MAJOR, "status": "confirmed", "record": {**_PLANNED, "acknowledged": [{}]}},
    "rectify": {"status": "rectifying", "record": _PLANNED},
    "decide_extension": {"status": "rectifying", "record": {"extensions": [{"due": "x"}]}},
    "review": {"status": "rectified"},
    "review_by_supervision": {
        **_MAJOR,
        "status": "rectified",
        "record": {"acknowledged": [{}], "submissions": [{}, {}], "reviews": [_SUPERVISED]},
    },
    "review_by_authority": {
        **_MAJOR,
        "status": "rectified",
        "record": {"acknowledged": [{}], "submissions": [{}], "reviews": [_SUPERVISED]},
    },
    "close": {"status": "reviewed"},
    "list": {**_MAJOR, "status": "confirmed", "supervision": "proposed"},
    "escalate": {**_MAJOR, "status": "confirmed", "escalation_proposed": 1},
    "acknowledge": {"status": "confirmed", "level": "major"},
}
"""By what it waits for: a record that does."""
BESIDE = {"decide_extension": {"rectify"}, "list": {"plan"}, "escalate": {"plan"}, "acknowledge": {"plan"}}
"""What it waits for beside that."""


def test_every_duty_has_a_state_and_acts_of_the_table(site):
    assert set(WAITS) == set(DUTIES)
    assert {act for duty in DUTIES.values() for act in duty.acts} <= set(TRANSITIONS)
    for why, fields in WAITS.items():
        number = file(site, "demo", **{**fields, "record": Jsonb(fields.get("record", {}))})
        (waits,) = site.rows("SELECT waits_for FROM hazard WHERE number = %s", number)[0]
        assert set(waits) == {why} | BESIDE.get(why, set()), why
    for status in DONE:
        number = file(site, "demo", status, supervision="proposed", level="major")
        assert site.value("SELECT waits_for FROM hazard WHERE number = %s", number) == []


@pytest.mark.parametrize(
    ("role", "waits"),
    [
        (
            "county_authority",
            "judge decide_extension review review_by_authority close list escalate",
        ),
        (
            "supervision_engineer",
            "judge accept_plan decide_extension review review_by_supervision close",
        ),
        ("project_manager", "judge plan rectify"),
        ("enterprise_principal", "judge plan acknowledge"),
        ("viewer", ""),
    ],
)
def test_what_waits_is_by_role_and_by_place(web, site, trees, role, waits):
    for fields in WAITS.values():
        for of in ("demo", "north"):
            file(site, of, **{**fields, "record": Jsonb(fields.get("record", {}))})
    become(web, site, role, node=trees["second"])
    inbox = web.get("/inbox").json()
    assert set(inbox["counts"]) == set(waits.split())
    assert {item["hazard"]["site"] for item in inbox["items"]} <= {"north"}
    assert inbox["total"] == len(inbox["items"]) == sum(inbox["counts"].values())
    assert web.get("/inbox?limit=0").json() == {**inbox, "items": []}


def test_of_a_suspected_major_hazard_the_site_judges_nothing():
    judging = {role for role, why, is_major in told() if why == "judge" and is_major}
    assert "enforcement_officer" in judging
    assert not judging & {"project_manager", "safety_officer", "supervision_engineer"}


def test_what_is_due_first_stands_on_top(web, site):
    late = file(site, "demo", "rectifying", ago_h=1)
    soon = file(site, "demo", "rectifying", ago_h=2)
    never = file(site, "demo", "reviewed", ago_h=3)
    due = "UPDATE hazard SET due_at = now() + make_interval(hours => %s) WHERE number = %s"
    site.connection.execute(due, [9, late])
    site.connection.execute(due, [2, soon])
    judged = file(site, "demo")
    site.connection.execute(
        "INSERT INTO hazard_timer (hazard_id, kind, due_at) "
        "SELECT id, 'judge', now() + interval '1 hour' FROM hazard WHERE number = %s",
        [judged],
    )
    items = web.get("/inbox").json()["items"]
    assert [item["hazard"]["number"] for item in items] == [judged, soon, late, never]
    assert items[0]["acts"] == ["confirm", "reject"]
    assert items[-1]["due_at"] is None


def test_what_was_before_is_of_the_device_and_of_the_enterprise_as_far_as_one_sees(web, site, trees):
    company = web.post("/trees/enterprise", json={"kind": "company", "name": words("某公司")}).json()["id"]
    branch = {"kind": "branch", "name": words("分公司"), "parent": company}
    below = web.post("/trees/enterprise", json=branch).json()["id"]
    for name, node, territory in (("demo", below, "first"), ("north", company, "second")):
        seen = web.get(f"/sites/{name}/registry").json()
        given = {
            "name": seen["name"],
            "time_zone": seen["time_zone"],
            "territory": trees[territory],
            "enterprise": node,
        }
        match = {"If-Match": f'"{seen["version"]}"'}
        assert web.put(f"/sites/{name}/registry", json=given, headers=match).status_code == 200
    same = file(site, "demo", "closed", device="crane-1", ago_h=3)
    other = file(site, "demo", device="crane-2", ago_h=2)
    far = file(site, "north", ago_h=1)
    file(site, "demo", device="crane-1", mode="drill", ago_h=1)
    now = file(site, "demo", device="crane-1")
    hazard = site.value("SELECT id::text FROM hazard WHERE number = %s", now)

    def past() -> dict[str, list[str]]:
        found = web.get(f"/hazards/{hazard}/past").json()
        return {name: [item["number"] for item in items] for name, items in found.items()}

    assert past() == {"device": [same], "enterprise": [far, other]}
    become(web, site, "enforcement_officer", node=trees["first"])
    assert past() == {"device": [same], "enterprise": [other]}
    become(web, site, "enforcement_officer", node=trees["second"])
    assert web.get(f"/hazards/{hazard}/past").status_code == 404
