"""What an account may not see is shown by no route; they are the application's own, so none is forgotten."""

import re
from uuid import uuid4

import pytest

from cloud.accounts.permissions import COOKIE, PUBLIC, declared_permissions
from cloud.accounts.roles import roles
from cloud.app import make_app
from cloud.live import routes as live
from cloud.settings import Settings
from tests.cloud.registry.records import CRANE, PIT, Registry
from tests.cloud.site import birth, raised, readings
from tests.cloud.web.serving import assign, changing, new_account, new_session

DECLARED = declared_permissions(make_app(Settings.nowhere(), ""))
ROUTES = [name.split(" ") for name, permission in sorted(DECLARED.items()) if permission != PUBLIC]
SECRET = "不可外传"
"""In the name of everything of the county next door."""
NO_SITE_S = {"what", "profile"}
"""Parameters of what is the same for everybody: tables' templates, profiles."""
ASKED = {"/api/v1/reports/{report}/records": "?cell=a1"}
"""What a route must be asked with: else the question is refused before its object is looked for."""


@pytest.fixture
def next_door(web, site, trees) -> dict[str, str]:
    """A site with something of everything; what its objects are called in addresses."""
    node = web.get(f"/trees/territory/{trees['first']}").json()
    words = {"zh": SECRET, "en": SECRET}
    renamed = {"kind": node["kind"], "name": words, "parent": node["parent"]}
    etag = {"If-Match": f'"{node["version"]}"'}
    assert web.put(f"/trees/territory/{node['id']}", json=renamed, headers=etag).status_code == 200
    seen = web.get("/sites/demo/registry").json()
    given = {"name": words, "time_zone": "Asia/Shanghai", "territory": trees["first"]}
    etag = {"If-Match": f'"{seen["version"]}"'}
    assert web.put("/sites/demo/registry", json=given, headers=etag).status_code == 200
    registry = Registry(web)
    registry.make("devices", {**CRANE, "name": words})
    registry.make("pits", {**PIT, "name": words})
    site.born().deliver(readings(3.0))
    site.deliver(raised())
    theirs = new_account(site.connection, SECRET, "enforcement_officer", node=trees["first"])
    place = {"role": "enforcement_officer", "node": trees["first"], "reason": SECRET}
    web.post(f"/accounts/{theirs}/assignments", json=place)
    channel = {"name": SECRET, "kind": "webhook", "url": "https://example.com/x", "site": "demo"}
    return {
        "site": "demo",
        "hazard": web.get("/sites/demo/hazards").json()["items"][0]["id"],
        "episode": web.get("/sites/demo/alarms").json()["items"][0]["id"],
        "channel": web.post("/channels", json=channel).json()["id"],
        "account": str(theirs),
        "assignment": "1",
        "session": "999999",
        "token": "999999",
        "tree": "territory",
        "node": str(trees["first"]),
        "gateway": "gw-1",
        "device": "crane-1",
        "record": "crane-1",
        "denied": "0" * 32,
        "item": _photo(web),
        "incident": _incident(web),
        "measure": str(uuid4()),
        "report": str(uuid4()),
        "inspection": _inspection(web, trees["first"]),
        "sha256": "0" * 64,
        "indicator": "increment",
        "tip": _tip(web),
        "duty": str(uuid4()),
        "month": "2026-11-01",
        "code": "1",
        "day": "2026-11-20",
        "draw": str(uuid4()),
        "dossier": web.post(f"/incidents/{_incident(web)}/packages").json()["id"],
        "no": "1",
        "package": str(uuid4()),
        "connector": str(uuid4()),
        "rota": _rota(web),
        "override": "1",
        "way": str(uuid4()),
        "told_id": str(uuid4()),
        "exposure": str(uuid4()),
    }


def _rota(web) -> str:
    """On which somebody there is on duty."""
    made = web.post("/rotas", json={"site": "demo", "role": "enforcement_officer", "week": []})
    return str(made.json()["id"])


def _tip(web) -> str:
    """What somebody reported there."""
    gate = web.get("/sites/demo/report-gate").json()["gate"]
    assert web.post("/public-reports", json={"gate": gate, "content": SECRET, "name": SECRET}).is_success
    return web.get("/tips").json()["items"][0]["id"]


def _photo(web) -> str:
    """Evidence of theirs, which says so in its name."""
    hazard = web.get("/sites/demo/hazards").json()["items"][0]
    path = f"/hazards/{hazard['id']}/evidence?stage=found&name={SECRET}"
    return web.post(path, content=f"%PDF-1.7 {SECRET}".encode()).json()["id"]


def _incident(web) -> str:
    given = {"kind": "near_miss", "what": SECRET, "occurred_at": "2026-11-20T08:00:00Z"}
    return web.post("/sites/demo/incidents", json=given).json()["id"]


def _inspection(web, county: int) -> str:
    given = {"kind": "authority_check", "acting_level": "county", "territory": county, "site": "demo"}
    answer = web.post("/inspections", json={**given, "note": SECRET, "started_at": "2026-11-20T08:00:00Z"})
    return answer.json()["id"]


def path_of(template: str, named: dict[str, str]) -> str:
    """Raises `KeyError` for a parameter that this test does not know: add what it is next door."""
    known = {**{name: name for name in NO_SITE_S}, **named}
    return re.sub(
        r"\{(\w+)(:path)?\}", lambda found: known.get(found[1]) or _new(found[1], template), template
    )


def _new(name: str, template: str) -> str:
    # Below a site every address is judged by its site alone.
    if "{site}" in template:
        return "1"
    raise KeyError(f"{name} in {template}")


@pytest.mark.timeout(400)
def test_whatever_is_read_shows_nothing_of_the_county_next_door(web, site, trees, next_door):
    """To each role alone, and to all of them at once what is below a site or the same for everybody.

    A role is not asked for what it may do nowhere: that it is refused, the table of expected access shows.
    """
    every = sorted(roles().roles)
    for held in (every, *([role] for role in every)):
        account = new_account(site.connection, "+".join(held)[:80], *held, node=trees["second"])
        web.client.cookies.set(COOKIE, new_session(site.connection, account))
        for template in (template for method, template in ROUTES if method == "GET"):
            named, asked = set(_words(template)), DECLARED[f"GET {template}"]
            if (
                held != every
                and asked in roles().permissions
                and asked not in roles().permissions_of(held[0])
            ):
                continue
            if held != every and ("site" in named or "/profiles" in template or "/registry/" in template):
                continue
            answer = web.client.get(path_of(template, next_door) + ASKED.get(template, ""))
            assert SECRET not in answer.text, (held, template)
            if "site" in named:
                assert answer.status_code == 404, template
            elif named and not named & {"tree", "indicator", *NO_SITE_S}:
                assert answer.status_code in {403, 404}, (held, template)


def test_nothing_of_the_county_next_door_is_changed(web, site, trees, next_door):
    """By the role that may do most."""
    account = new_account(site.connection, "邻县的人", "admin", node=trees["second"])
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    count = "SELECT (SELECT count(*) FROM registry_change), (SELECT count(*) FROM account_change)"
    before = site.rows(count)
    for method, template in ROUTES:
        named = set(_words(template))
        if method == "GET" or not named & {"site", "node", "channel", "account"}:
            continue
        path = path_of(template, next_door)
        answer = web.client.request(method, path, json={}, headers={"If-Match": '"1"'})
        # Outside of sites a request that is not understood is refused before its object is looked for.
        allowed = {404} if "site" in named else {404, 422}
        assert answer.status_code in allowed, (method, template, answer.text)
    assert site.rows(count) == before


def _words(template: str) -> list[str]:
    return re.findall(r"\{(\w+)", template)


def test_an_account_of_one_device_sees_nothing_of_another(web, site, next_door):
    points = {"crane-1/load": "crane.load", "crane-7/load": "crane.load"}
    site.deliver(birth(points=points))
    site.deliver(readings(3.0), readings(4.0, point="crane-7/load"))
    site.deliver(raised(device="crane-7", point="crane-7/load"))
    (own,) = [one for one in web.get("/sites/demo/alarms").json()["items"] if one["device"] == "crane-1"]
    other = next(one for one in web.get("/sites/demo/alarms").json()["items"] if one["device"] == "crane-7")
    hazard = next(one for one in web.get("/sites/demo/hazards").json()["items"] if one["device"] == "crane-7")
    # As the driver of his crane, and as whoever leases it out.
    account = new_account(
        site.connection, "司机", "equipment_operator", "equipment_company", site="demo", devices=["crane-1"]
    )
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    named = {
        **next_door,
        "device": "crane-7",
        "record": "crane-7",
        "episode": other["id"],
        "hazard": hazard["id"],
    }
    for method, template in ROUTES:
        if method == "GET" and not template.endswith("/live"):
            assert "crane-7" not in web.client.get(path_of(template, named)).text, template
    assert [device["id"] for device in web.get("/sites/demo").json()["devices"]] == ["crane-1"]
    assert list(web.get("/sites/demo/values").json()["values"]) == ["crane-1/load"]
    assert [one["id"] for one in web.get("/sites/demo/alarms").json()["items"]] == [own["id"]]
    assert web.post(f"/sites/demo/alarms/{own['id']}/acknowledge").status_code == 202
    assert web.post(f"/sites/demo/alarms/{other['id']}/acknowledge").status_code == 404
    with web.stream(last_id=0) as stream:
        assert list(stream.next("values")["values"]) == ["crane-1/load"]
        assert stream.next("alarm")["device"] == "crane-1"
        site.deliver(raised(device="crane-7", rule="other"), raised(device="crane-1", rule="other"))
        assert stream.next("alarm")["device"] == "crane-1"


def test_a_stream_ends_when_the_role_does_or_is_for_less(web, site, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.05)
    account = new_account(site.connection, "甲")
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    for narrower in (None, ["crane-1"]):
        with changing(site.connection):
            site.connection.execute(
                "UPDATE assignment SET valid_until = now() WHERE account_id = %s", [account]
            )
        assign(site.connection, account, "viewer", site="demo")
        with web.stream() as stream:
            stream.next("values")
            with changing(site.connection):
                site.connection.execute(
                    "UPDATE assignment SET devices = %(devices)s, "
                    "valid_until = CASE WHEN %(devices)s::text[] IS NULL THEN now() END "
                    "WHERE account_id = %(account)s AND valid_until IS NULL",
                    {"devices": narrower, "account": account},
                )
            stream.all()


def test_the_second_fence_holds_for_the_role_that_the_programs_run_as(site):
    """Row-level security is void for a superuser, for BYPASSRLS and for whoever owns the table."""
    query = "SELECT current_user::text, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    (me,) = site.rows(query)
    assert me == ("sitewarden_app", False, False)
    owned = "SELECT relname FROM pg_class WHERE relowner = 'sitewarden_app'::regrole"
    assert site.rows(owned) == []
    fenced = site.rows("SELECT relname::text, row_security_active(oid) FROM pg_class WHERE relrowsecurity")
    assert {"site", "device_file", "registry_change", "gateway_access"} <= {name for name, _ in fenced}
    assert all(active for _, active in fenced)
