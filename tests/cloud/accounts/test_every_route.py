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
        "tip": _tip(web),
        "no": "1",
