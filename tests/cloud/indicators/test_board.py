"""The board shows what is worst first, leads down to the record, and no more than one sees."""

import datetime as dt

from cloud.indicators.board import Node, lay
from cloud.indicators.board_routes import targets
from tests.cloud.web.serving import new_account, new_session

NOW = dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC)
NODES = [
    Node(node=1, parent=None, name={"zh": "州", "en": "Prefecture"}, path="/1/"),
    Node(node=2, parent=1, name={"zh": "甲县", "en": "A"}, path="/1/2/"),
    Node(node=3, parent=1, name={"zh": "乙县", "en": "B"}, path="/1/3/"),
]


def row(site: str, path: str | None, **changes) -> dict:
    counts = dict.fromkeys(
        ("open_major", "overdue_major", "proposed", "listed", "general", "alarms", "silent"), 0
    )
    dates = dict.fromkeys(("next_due", "next_hazard", "late_since", "late_hazard"))
    watched = dict.fromkeys(("no_authority", "no_officer", "no_gateway"), False)
    about = {"site": site, "path": path, "name": {"zh": site, "en": site}, "phase": "building", "gateways": 1}
    return {**counts, **dates, **watched, **about, **changes}


def test_a_county_is_red_once_anything_is_overdue_and_stands_first():
    late = row("c", "/1/3/", open_major=1, overdue_major=1, late_since=NOW, late_hazard="a" * 8)
    laid = lay(NODES, [row("a", "/1/2/"), row("b", "/1/2/", open_major=4, next_due=NOW), late], None)
    assert (laid.node, [(tile.name.zh, tile.light, tile.open_major) for tile in laid.tiles]) == (
        1,
        [("乙县", "red", 1), ("甲县", "amber", 4)],
    )
    assert (laid.total.open_major, laid.total.sites, laid.total.light) == (5, 3, "red")
    below = lay(NODES, [row("a", "/1/2/"), row("b", "/1/2/", silent=1), late], 2)
    assert [(tile.site, tile.light) for tile in below.tiles] == [("b", "amber"), ("a", "green")]
    assert [step.node for step in below.way] == [1]


def test_whoever_sees_one_county_begins_there_and_a_site_of_no_territory_is_not_lost():
    assert lay(NODES, [row("a", "/1/2/")], None).node == 2
    laid = lay(NODES, [row("a", "/1/2/"), row("z", None, no_authority=True)], None)
    assert (laid.node, {tile.name.zh for tile in laid.tiles}) == (None, {"州", "z"})
    assert laid.total.blind == 1


def test_a_place_with_nobody_to_hear_is_not_green():
    assert lay(NODES, [row("a", "/1/2/", gateways=0)], 2).tiles[0].light == "unknown"


def test_days_are_counted_back_from_what_the_rules_want():
    shown = targets("default", dt.date(2026, 11, 20))
    last = [one for one in shown if one.on.month == dt.date.max.month][-1]
    assert (last.on.isoformat(), last.days_left) == ("2026-12-31", 41)


def test_the_page_gets_the_sites_of_its_caller_and_who_is_watched_by_nobody(site, web):
    web.post("/trees/territory", json={"kind": "county", "name": {"zh": "县", "en": "County"}})
    node = site.value("SELECT node FROM tree_node")
    shown = web.get("/board").json()
    of_sites = [tile for tile in shown["tiles"] if tile["kind"] == "site"]
    assert [(tile["site"], tile["blind"]) for tile in of_sites] == [("demo", 1)]
    assert web.get("/board?node=999").status_code == 404
    company = {"kind": "company", "name": {"zh": "甲公司", "en": "A company"}}
    other = web.post("/trees/enterprise", json=company).json()["id"]
    assert web.get(f"/board?node={other}").status_code == 404
    (spot,) = web.get("/blind-spots").json()["items"]
    assert web.get("/blind-spots?node=999").status_code == web.get("/ranking?node=999").status_code == 404
    assert web.get(f"/ranking?node={other}&by=enterprise").json()["items"] == []
    assert (spot["no_authority"], spot["no_officer"], spot["no_gateway"]) == (True, True, True)
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    site.connection.execute("UPDATE site SET territory = %s", [node])
    new_account(site.connection, "网格员", "township_officer", node=node)
    site.born()
    assert web.get("/blind-spots").json()["items"] == []
    assert [tile["site"] for tile in web.get(f"/board?node={node}").json()["tiles"]] == ["demo"]
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    theirs = new_account(site.connection, "邻区", "viewer", site="north")
    web.client.cookies.set("sitewarden_session", new_session(site.connection, theirs))
    assert [tile["site"] for tile in web.get("/board").json()["tiles"]] == ["north"]
    assert web.get(f"/board?node={node}").status_code == 404
