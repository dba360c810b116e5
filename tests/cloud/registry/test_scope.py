"""What is out of an account's scope does not exist for it, on every route and behind every route."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.registry.kinds import KINDS
from cloud.registry.trees import TREE_LOCK
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.registry.records import PIT, Registry, problem, words
from tests.cloud.site import raised
from tests.cloud.web.serving import new_account, new_session


@pytest.fixture
def trees(web):
    """A province with two counties, `demo` in the first and `north` in the second."""

    def node(zh: str, parent: int | None = None, **more) -> int:
        given = {"kind": "county" if parent else "province", "name": words(zh), "parent": parent, **more}
        answer = web.post("/trees/territory", json=given)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    province = node("某省")
    first, second = node("甲县", province), node("乙县", province)
    web.post("/sites", json={"id": "north", "name": words("北区"), "territory": second})
    seen = web.get("/sites/demo/registry").json()
    given = {"name": seen["name"], "time_zone": seen["time_zone"], "territory": first}
    assert web.put("/sites/demo/registry", json=given, headers={"If-Match": '"2"'}).status_code == 200
    return {"province": province, "first": first, "second": second}


def become(web, site, role: str, /, **scope) -> int:
    """Sign in as an account that sees only that; without any scope it has no role at all."""
    account = new_account(site.connection, "乙县监督员", *([role] if scope else []), **scope)
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    return account


def sites(web) -> list[str]:
    return [item["id"] for item in web.get("/sites").json()["items"]]


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ({}, []),
        ({"node": "first"}, ["demo"]),
        ({"node": "second"}, ["north"]),
        ({"node": "province"}, ["demo", "north"]),
        ({"site": "north"}, ["north"]),
    ],
    ids=str,
)
def test_an_account_sees_the_sites_below_its_nodes(web, site, trees, scope, seen):
    become(web, site, "viewer", **{column: trees.get(value, value) for column, value in scope.items()})
    assert sites(web) == seen


def test_what_is_out_of_scope_is_not_there(web, site, trees):
    site.born()
    site.deliver(raised())
    hazard = web.get("/sites/demo/hazards").json()["items"][0]["id"]
    Registry(web).make("pits", PIT)
    become(web, site, "admin", node=trees["second"])
    below = ["", "/alarms", "/hazards", "/values", "/statistics", "/rules", "/live", "/work-cycles"]
    registry = ["", "/changes", "/pits/pit-a", *(f"/{kind.path}" for kind in KINDS)]
    for path in [*below, *(f"/registry{path}" for path in registry)]:
        assert web.get(f"/sites/demo{path}").status_code == 404, path
    for path in (f"/hazards/{hazard}", f"/hazards/{hazard}/pack"):
        assert web.get(path).status_code == 404, path
    assert Registry(web).tries("pits", PIT, id="pit-b").status_code == 404
    assert Registry(web).change("pits", "pit-a", PIT, 1).status_code == 404
    assert Registry(web, "north").tries("pits", PIT).status_code == 201


def test_nobody_makes_or_moves_a_site_to_where_he_cannot_see_it(web, site, trees):
    become(web, site, "admin", node=trees["second"])
    new = {"id": "south", "name": words("南区")}
    assert problem(web.post("/sites", json=new)) == (422, "out-of-scope", ["territory"])
    assert web.post("/sites", json={**new, "territory": trees["second"]}).status_code == 201
    moved = {"name": words("南区"), "territory": trees["first"]}
    answer = web.put("/sites/south/registry", json=moved, headers={"If-Match": '"1"'})
    assert problem(answer) == (422, "unknown-reference", ["territory"])
    moved = {"name": words("南区"), "territory": trees["province"]}
    answer = web.put("/sites/south/registry", json=moved, headers={"If-Match": '"1"'})
    assert problem(answer) == (422, "out-of-scope", ["territory"])
    assert sites(web) == ["north", "south"]


def test_nobody_takes_a_site_out_of_the_sight_of_those_above_it(web, site, trees):
    """A contractor would rid himself of the county that watches him."""
    group = web.post("/trees/enterprise", json={"kind": "group", "name": words("某集团")}).json()["id"]
    given = {"name": words("北区"), "territory": trees["second"], "enterprise": group}

    def put(version: int, **changed):
        match = {"If-Match": f'"{version}"'}
        return web.put("/sites/north/registry", json={**given, **changed}, headers=match)

    assert put(1).status_code == 200

    def act_as(role: str, **scope):
        token = new_session(site.connection, new_account(site.connection, role, role, **scope))
        web.client.cookies.set(COOKIE, token)

    act_as("safety_director", node=group)
    assert problem(put(2, territory=None)) == (403, "not-yours-to-move", ["territory"])
    act_as("project_manager", site="north")
    for territory in (None, trees["province"]):
        assert problem(put(2, territory=territory)) == (403, "not-yours-to-move", ["territory"])
    assert problem(put(2, enterprise=None)) == (403, "not-yours-to-move", ["enterprise"])
    assert put(2, name=words("北二区")).status_code == 200
    act_as("county_authority", node=trees["second"])
    assert put(3, enterprise=None).status_code == 200, "the county says of which enterprise it is"


def test_what_is_made_below_a_node_that_moves_meanwhile_moves_with_it(web, site, trees, dsn):
    """Else whoever may see where the node was would see what hangs from it for ever."""
    first, second = trees["first"], trees["second"]
    given = {"kind": "town", "name": words("某镇"), "parent": second}
    waiting = b"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with (
        ThreadPoolExecutor(1) as other,
        psycopg.connect(dsn, autocommit=True) as looking,
        site.connection.transaction(),
    ):
        site.connection.execute("SELECT set_config('sitewarden.author', '甲', true)")
        site.connection.execute("SELECT pg_advisory_xact_lock(%s)", [TREE_LOCK])
        site.connection.execute(
            """
            UPDATE tree_node SET parent = %(to)s,
                   path = (SELECT path FROM tree_node WHERE node = %(to)s) || node || '/'
             WHERE node = %(node)s
            """,
            {"to": first, "node": second},
        )
        made = other.submit(web.post, "/trees/territory", json=given)
        wait_for(lambda: made.done() or looking.execute(waiting).fetchone() != (0,), "the other to wait")
    path = site.value("SELECT path FROM tree_node WHERE node = %s", second)
    assert made.result().json()["path"] == f"{path}{made.result().json()['id']}/"


def test_nobody_hangs_a_site_from_a_node_that_he_cannot_see(web, site, trees):
    """Else he would read its name, and those above it, one number after the other."""
    given = {"kind": "group", "name": words("某集团")}
    group = web.post("/trees/enterprise", json=given).json()["id"]
    become(web, site, "admin", node=trees["second"])
    new = {"id": "south", "name": words("南区"), "territory": trees["second"]}
    unseen = problem(web.post("/sites", json={**new, "enterprise": group}))
    assert unseen == (422, "unknown-reference", ["enterprise"])
    assert unseen == problem(web.post("/sites", json={**new, "enterprise": 10**6}))


def test_the_database_itself_shows_a_scoped_account_nothing_else(web, site, trees):
    Registry(web).make("pits", PIT)
    account = become(web, site, "viewer", node=trees["second"])
    with site.connection.transaction():
        site.connection.execute("SELECT set_config('sitewarden.account', %s, true)", [str(account)])
        assert site.rows("SELECT site FROM site") == [("north",)]
        assert site.rows("SELECT pit FROM pit") == []
        assert site.rows("SELECT id FROM registry_change WHERE site = 'demo'") == []
    assert site.rows("SELECT pit FROM pit") == [("pit-a",)]


def test_what_was_changed_is_final(site):
    for statement in ("UPDATE registry_change SET author = 'me'", "DELETE FROM registry_change"):
        with pytest.raises(Exception, match="permission denied"):
            site.connection.execute(statement)


class TestTrees:
    """A node moves with all that hangs below it."""

    def nodes(self, web) -> dict[str, dict]:
        return {item["name"]["zh"]: item for item in web.get("/trees/territory").json()["items"]}

    def move(self, web, node: dict, parent: int | None):
        given = {"kind": node["kind"], "name": node["name"], "parent": parent}
        headers = {"If-Match": f'"{node["version"]}"'}
        return web.put(f"/trees/territory/{node['id']}", json=given, headers=headers)

    def test_paths_follow(self, web, trees):
        web.post("/trees/territory", json={"kind": "town", "name": words("丙镇"), "parent": trees["first"]})
        assert self.move(web, self.nodes(web)["甲县"], trees["second"]).status_code == 200
        found = self.nodes(web)
        assert found["丙镇"]["path"] == f"{found['甲县']['path']}{found['丙镇']['id']}/"
        assert found["甲县"]["path"].startswith(found["乙县"]["path"])

    def test_no_node_hangs_below_itself(self, web, trees):
        province = self.nodes(web)["某省"]
        for parent in (trees["province"], trees["first"]):
            assert problem(self.move(web, province, parent)) == (409, "loop", ["parent"])

    @pytest.mark.usefixtures("trees")
    def test_a_node_from_which_something_hangs_stays(self, web):
        for node in ("某省", "乙县"):
            found = self.nodes(web)[node]
            headers = {"If-Match": f'"{found["version"]}"'}
            answer = web.delete(f"/trees/territory/{found['id']}", headers=headers)
            assert problem(answer) == (409, "in-use", [])

    def test_a_site_hangs_in_a_territory_by_that_name_only(self, web, trees):
        new = {"id": "south", "name": words("南"), "enterprise": trees["first"]}
        assert problem(web.post("/sites", json=new)) == (422, "unknown-reference", ["enterprise"])

    def test_a_scoped_account_sees_its_branch_and_changes_nothing_above(self, web, site, trees):
        become(web, site, "admin", node=trees["second"])
        found = self.nodes(web)
        assert set(found) == {"某省", "乙县"}
        assert self.move(web, found["某省"], None).status_code == 404
        new = {"kind": "county", "name": words("丁县"), "parent": trees["province"]}
        assert problem(web.post("/trees/territory", json=new)) == (422, "out-of-scope", ["parent"])
