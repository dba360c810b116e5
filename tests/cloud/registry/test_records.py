"""Records are made, seen, changed and taken out, and every change is kept with its author."""

import asyncio
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from cloud.database import as_app
from cloud.registry import store
from tests.cloud.registry.records import (
    CHART,
    CRANE,
    OPERATOR,
    PIT,
    POINT,
    WORK,
    Registry,
    day,
    png,
    problem,
    words,
)
from tests.cloud.site import birth, raised, readings

PLAN = {"id": "p-1", "name": words("总图")}
ZONE = {"id": "z-1", "name": words("东区"), "polygon": [[0, 0], [1, 0], [0.5, 1]]}


@pytest.fixture
def registry(web):
    return Registry(web)


def test_a_site_made_here_is_there_and_its_gateway_is_heard(web, site):
    new = {"id": "north", "name": words("北区", "North"), "code": "1404-2026-01", "address": "某路 1 号"}
    made = web.post("/sites", json=new)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert "north" in [item["id"] for item in web.get("/sites").json()["items"]]
    assert site.deliver(birth(), site="north").dead
    Registry(web, "north").make("gateways", {"id": "gw-1"})
    assert not site.deliver(birth(), site="north").dead
    assert [gateway["id"] for gateway in web.get("/sites/north").json()["gateways"]] == ["gw-1"]


def test_a_retired_gateway_is_gone_from_the_site_and_heard_no_more(registry, site):
    answer = registry.change("gateways", "gw-2", {"retired_on": day(0)}, 1)
    assert answer.status_code == 200, answer.text
    assert [gateway["id"] for gateway in registry.web.get("/sites/demo").json()["gateways"]] == ["gw-1"]
    assert site.deliver(birth(), gateway="gw-2").dead
    assert registry.web.delete(f"{registry.base}/gateways/gw-2").status_code == 405


def test_a_gateway_that_is_to_be_retired_one_day_is_not_silenced_today(registry, site):
    answer = registry.change("gateways", "gw-2", {"retired_on": day(1)}, 1)
    assert problem(answer) == (422, "invalid", ["retired_on"])
    assert not site.deliver(birth(), gateway="gw-2").dead


def test_who_changes_a_site_holds_up_none_of_its_alarms(site, dsn):
    """What is stored of an alarm refers to the site, and must not wait for whoever is at it."""
    site.born()
    site.connection.execute("SET lock_timeout = '2s'")

    async def alarm_while_it_is_locked() -> None:
        async with await psycopg.AsyncConnection.connect(as_app(dsn)) as changing:
            assert await store.read(
                changing, store.Table(name="site", key="site"), "demo", "demo", locked=True
            )
            assert not site.deliver(raised()).dead

    asyncio.run(alarm_while_it_is_locked())
    assert site.value("SELECT count(*) FROM hazard") == 1


def test_steps_of_one_device_at_once_are_all_kept(registry):
    registry.make("devices", {"id": "wind-1", "kind": "weather", "name": words("风速仪")})
    step = {"device": "wind-1", "step": "installed", "done_on": day(-9), "body": "某单位"}
    registry.make("steps", step)
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: registry.tries("steps", step, step="maintained"), range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8


def test_a_record_reads_as_it_was_given(registry):
    made = registry.make("devices", CRANE)
    assert made["geometry"] == {**CRANE["geometry"], "base_m": 0}
    assert made["parties"][1] == {**CRANE["parties"][1], "credit_code": ""}
    plain = ("id", "kind", "name", "maker", "model", "property_no")
    assert {name: made[name] for name in plain} == {name: CRANE[name] for name in plain}
    assert registry.read("devices", "crane-1") == made
    assert registry.items("devices") == [made]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("zones", ZONE),
        ("pits", PIT),
        ("operators", OPERATOR),
        ("works", WORK),
    ],
)
def test_each_kind_is_made_changed_and_taken_out(registry, kind, given):
    made = registry.make(kind, given)
    changed = registry.change(kind, made["id"], {**given, "note": "改"}, made["version"])
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert registry.read(kind, made["id"])["note"] == "改"
    assert registry.remove(kind, made["id"], 2).status_code == 204
    assert registry.items(kind) == []
    assert [
        (c["author"], c["before"] is None, c["after"] is None) for c in registry.changes(key=made["id"])
    ] == [
        ("安全员", False, True),
        ("安全员", False, False),
        ("安全员", True, False),
    ]


def test_a_change_of_something_newer_is_refused_and_so_is_one_that_does_not_say(registry):
    made = registry.make("pits", PIT)
    registry.change("pits", "pit-a", {**PIT, "depth_m": 13}, made["version"])
    late = registry.change("pits", "pit-a", {**PIT, "depth_m": 14}, made["version"])
    assert (late.headers["etag"], problem(late)) == ('"2"', (412, "changed-meanwhile", []))
    assert problem(registry.change("pits", "pit-a", PIT, None)) == (428, "version-missing", ["If-Match"])
    assert registry.read("pits", "pit-a")["depth_m"] == 13


def test_of_two_changes_at_once_one_is_refused(registry):
    registry.make("pits", PIT)
    with ThreadPoolExecutor(8) as many:
        answers = list(
            many.map(lambda d: registry.change("pits", "pit-a", {**PIT, "depth_m": d}, 1), range(5, 13))
        )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]


def test_the_same_post_again_makes_nothing_more_and_answers_the_same(registry):
    def send(key: str, **changes):
        return registry.web.post(
            f"{registry.base}/operators", json={**OPERATOR, **changes}, headers={"Idempotency-Key": key}
        )

    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(lambda _: send("k-1"), range(4)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {answer.status_code for answer in answers} == {201}
    assert len(registry.items("operators")) == 1
    assert problem(send("k-1", name="李四")) == (422, "idempotency-key-reused", ["Idempotency-Key"])
    assert problem(send("k-2")) == (409, "already-there", ["certificate_no"])


@pytest.mark.parametrize(
    ("kind", "given", "complaint"),
    [
        ("devices", {**CRANE, "id": "Crane/1"}, (422, "invalid", ["body.id"])),
        ("devices", {**CRANE, "name": {"zh": "塔机"}}, (422, "invalid", ["body.name.en"])),
        ("devices", {**CRANE, "zone": "nowhere"}, (422, "unknown-reference", ["zone"])),
        ("devices", {**CRANE, "kind": "pit"}, (422, "invalid", ["geometry"])),
        ("devices", {**CRANE, "colour": "red"}, (422, "invalid", ["body.colour"])),
        ("points", POINT, (422, "unknown-reference", ["pit"])),
        ("points", {**POINT, "kind": "pit.hope"}, (422, "invalid", ["body.kind"])),
        ("points", {**POINT, "parameters": {"control_mmm": 1}}, (422, "invalid", ["body.parameters"])),
        ("points", {**POINT, "parameters": {"depth_m": 1}}, (422, "invalid", ["body.parameters"])),
        ("pits", {**PIT, "support": "hope"}, (422, "invalid", ["body.support"])),
        ("pits", {**PIT, "pit_class": 4}, (422, "invalid", ["body.pit_class"])),
        ("operators", {**OPERATOR, "devices": ["crane-9"]}, (422, "invalid", ["devices"])),
        ("operators", {**OPERATOR, "valid_from": day(500)}, (422, "invalid", ["valid_until"])),
        ("operators", {**OPERATOR, "id_number": "1"}, (422, "invalid", ["body.id_number"])),
        ("works", {**WORK, "category": "magic"}, (422, "invalid", ["body.category"])),
        ("works", {**WORK, "dimensions": {"span_m": 1}}, (422, "invalid", ["dimensions.span_m"])),
        ("charts", CHART, (422, "unknown-reference", ["device"])),
        ("charts", {**CHART, "falls": {"2": [[14, 2], [30, 3]]}}, (422, "invalid", ["body.falls"])),
        ("charts", {**CHART, "falls": {"2": [[14, 6], [14, 5]]}}, (422, "invalid", ["body.falls"])),
        ("zones", {**ZONE, "polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}, (422, "invalid", ["body.polygon"])),
        ("zones", {**ZONE, "polygon": [[0, 0], [1, 1]]}, (422, "invalid", ["body.polygon"])),
        ("plans", {**PLAN, "image": b64encode(b"<svg/>").decode()}, (422, "invalid", ["image"])),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field(registry, kind, given, complaint):
    assert problem(registry.tries(kind, given)) == complaint
    assert registry.items(kind) == []


def test_lists_go_on_where_the_part_before_ended(registry):
    for n in range(7):
        registry.make("pits", {**PIT, "id": f"pit-{n}"})
    seen, after = [], None
    while True:
        part = registry.web.get(
            f"{registry.base}/pits", params={"limit": 3, **({"after": after} if after else {})}
        )
        seen += [item["id"] for item in part.json()["items"]]
        after = part.json()["next"]
        if after is None:
            break
    assert seen == [f"pit-{n}" for n in range(7)]


def test_a_plan_is_kept_as_it_came_and_zones_lie_on_it(registry):
    image = png()
    made = registry.make("plans", {"id": "p-1", "name": words("总图"), "image": b64encode(image).decode()})
    assert (made["width"], made["height"], made["media_type"]) == (4, 3, "image/png")
    answer = registry.web.get(f"{registry.base}/images/p-1")
    assert (answer.content, answer.headers["content-type"]) == (image, "image/png")
    registry.make(
        "zones", {"id": "z", "name": words("东"), "plan": "p-1", "polygon": [[0, 0], [1, 0], [1, 1]]}
    )
    assert problem(registry.remove("plans", "p-1", 1)) == (409, "in-use", [])
    assert "image" not in registry.changes(record="plan")[0]["after"]


def test_a_point_shows_its_design_values_and_whether_it_is_heard(registry, site):
    registry.make("pits", PIT)
    assert registry.make("points", POINT)["is_announced"] is False
    site.deliver(birth(points={"pit-1/hd_1": "pit.displacement.horizontal"}))
    found = registry.read("points", "pit-1/hd_1")
    assert (found["is_announced"], found["parameters"]) == (True, {"control_cumulative_mm": 25})
    assert registry.items("points", of="pit-b") == []
    assert registry.read("pits", "pit-a")["points"] == 1


def test_certificates_show_when_they_end(registry):
    for number, until in enumerate((-1, 0, 29, 31)):
        registry.make("operators", OPERATOR, certificate_no=f"T-{number}", valid_until=day(until))
    registry.make("operators", OPERATOR, certificate_no="T-9", valid_from=day(1))
    found = {item["certificate_no"]: item["validity"] for item in registry.items("operators")}
    assert found == {
        "T-0": "expired",
        "T-1": "expiring",
        "T-2": "expiring",
        "T-3": "valid",
        "T-9": "not_yet",
    }


class TestDangerousWorks:
    """A pit or crane that is under way without a connected device is marked 未接入监测."""

    def test_one_that_nothing_watches_is_not_connected_until_its_device_speaks(self, registry, site):
        registry.make("devices", CRANE)
        work = registry.make("works", WORK)
        assert work["monitoring"] == "not_connected"
        bound = {**WORK, "devices": ["crane-1"]}
        assert registry.change("works", work["id"], bound, 1).json()["monitoring"] == "not_connected"
        site.born()
        assert registry.read("works", work["id"])["monitoring"] == "silent"
        site.deliver(readings(1.0))
        assert registry.read("works", work["id"])["monitoring"] == "connected"
        assert problem(registry.remove("devices", "crane-1", 1)) == (409, "in-use", [])

    @pytest.mark.parametrize("changes", [{"status": "planned"}, {"category": "formwork", "dimensions": {}}])
    def test_where_nothing_need_be_watched_nothing_is_missing(self, registry, changes):
        assert registry.make("works", WORK, **changes)["monitoring"] == "not_needed"

    @pytest.mark.parametrize(
        ("depth_m", "conclusion", "scale", "lacks"),
        [
            (2.9, "", "below", False),
            (3, "", "dangerous", False),
            (5, "", "over_scale", True),
            (5, "通过", "over_scale", False),
        ],
    )
    def test_over_scale_asks_for_a_review(self, registry, depth_m, conclusion, scale, lacks):
        made = registry.make("works", WORK, dimensions={"depth_m": depth_m}, conclusion=conclusion)
        assert (made["scale"], made["lacks_review"]) == (scale, lacks)


class TestLifeOfADevice:
    """Each step has its time."""

    STEPS = ("filed", "installed", "inspected", "accepted", "registered", "in_use")

    def record(self, registry, step: str, on: int, **more):
        given = {
            "device": "crane-1",
            "step": step,
            "done_on": day(on),
            "body": "某单位",
            "document_no": "1",
            **more,
        }
        return registry.tries("steps", given)

    @pytest.fixture
    def crane(self, registry):
        registry.make("devices", CRANE)
        return registry

    def test_a_crane_comes_into_use_after_its_registration(self, crane):
        for n, step in enumerate(self.STEPS):
            assert self.record(crane, step, n - 10).status_code == 201
        found = crane.read("devices", "crane-1")
        assert (found["standing"], found["is_in_use"]) == ("in_use", True)
        assert "dismantled" in found["following"]

    def test_a_step_before_its_time_is_refused(self, crane):
        self.record(crane, "filed", -9)
        assert problem(self.record(crane, "in_use", -8)) == (409, "out-of-order", ["step"])
        assert crane.read("devices", "crane-1")["following"] == ["filed", "installed"][1:]

    def test_a_step_is_no_promise(self, crane):
        assert problem(self.record(crane, "filed", 1)) == (422, "invalid", ["done_on"])

    def test_a_step_upon_which_others_rest_stays(self, crane):
        first = self.record(crane, "filed", -9).json()
        self.record(crane, "installed", -8)
        assert problem(crane.remove("steps", first["id"], 1)) == (409, "out-of-order", ["step"])
        later = {**first, "done_on": day(-7)}
        later = {name: later[name] for name in ("device", "step", "done_on", "body")}
        assert problem(crane.change("steps", first["id"], later, 1)) == (409, "out-of-order", ["step"])

    def test_an_inspection_that_has_ended_is_marked(self, crane):
        for step, valid in (
            ("filed", None),
            ("installed", None),
            ("inspected", day(-1)),
            ("accepted", day(5)),
        ):
            self.record(crane, step, -9, valid_until=valid)
        found = crane.read("devices", "crane-1")
        assert (found["expired"], found["expires_on"]) == (["inspected"], day(5))
