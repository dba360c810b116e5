"""The demo's site as people describe it, entered as they would: first the set-up link, then each record."""

import base64
import datetime as dt
import secrets
import subprocess
import zoneinfo
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from firmware_sim.demo.listeners import ApiClient
from firmware_sim.demo.plan import Frame, Mark, Place, draw
from firmware_sim.demo.processes import sitewarden
from sitewarden import documents
from sitewarden.charts import load_chart
from sitewarden.errors import SiteWardenError

FILE = "registry.yaml"
ACCOUNT = "demo-admin"
PASSWORD_FILE = "registry-account.txt"  # noqa: S105  # the name of a file
_DATES = ("_on", "valid_from", "valid_until")
_LINK_TIMEOUT_S = 30.0

Record = dict[str, Any]


class _Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: dict[str, str]
    frame_m: tuple[Place, Place]
    draw: list[Mark]


class _Points(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The points of one pit, and what they have in common."""

    pit: str
    kind: str
    design_document: str
    parameters: dict[str, float]
    of: list[Record]


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is entered; see the file."""

    trees: dict[str, list[Record]]
    """Each from its root down, every node below the one before it."""
    site: Record
    plan: _Plan
    zones: list[Record]
    parties: list[Record]
    devices: list[Record]
    steps: dict[str, list[Record]]
    charts: list[dict[str, str]]
    operators: list[Record]
    pits: list[Record]
    points: _Points
    works: list[Record]


def demo_registration() -> Registration:
    """What the shipped file says of the demo's site."""
    with resources.as_file(resources.files("firmware_sim.demo") / FILE) as file:
        return documents.load(file, Registration)


def records(said: Registration, today: dt.date) -> Iterator[tuple[str, Record]]:
    """Every record of the site with the list that it belongs to, in an order in which each may be made."""
    frame = Frame(*said.plan.frame_m)
    image = base64.b64encode(draw(frame, said.plan.draw)).decode()
    yield "plans", {"id": said.plan.id, "name": said.plan.name, "image": image}
    for zone in said.zones:
        outline = [frame.fraction((x, y)) for x, y in zone["outline_m"]]
        rest = {name: value for name, value in zone.items() if name != "outline_m"}
        yield "zones", {**rest, "plan": said.plan.id, "polygon": outline}
    yield from (("devices", dated(device, today)) for device in said.devices)
    for device, steps in said.steps.items():
        yield from (("steps", dated({"device": device, **step}, today)) for step in steps)
    for chart in said.charts:
        falls = {str(n): line for n, line in load_chart(chart["chart"], Path()).falls.items()}
        yield "charts", {"id": chart["id"], "source": chart["source"], "falls": falls}
    yield from (("operators", dated(operator, today)) for operator in said.operators)
    yield from (("pits", pit) for pit in said.pits)
    shared = {name: getattr(said.points, name) for name in ("pit", "kind", "design_document", "parameters")}
    yield from (("points", {**shared, **point}) for point in said.points.of)
    yield from (("works", dated(work, today)) for work in said.works)


def dated(record: Record, today: dt.date) -> Record:
    """The record with dates where the file counts days from today."""
    return {
        name: (today + dt.timedelta(days=value)).isoformat()
        if isinstance(value, int) and name.endswith(_DATES)
        else value
        for name, value in record.items()
    }


def register(api: ApiClient, site: str, folder: Path, cloud: Path) -> int:
    """Enter the site with an account of its own; how many records that was, 0 where it has been done before.

    The account's password goes into a file in `folder`, for whoever wants to edit. Raises `SiteWardenError`.
    """
    if not api.get("/server")["needs_setup"]:
        return 0
    password = secrets.token_urlsafe(18)
    (folder / PASSWORD_FILE).touch(mode=0o600)
    (folder / PASSWORD_FILE).write_text(f"{ACCOUNT}\n{password}\n", encoding="utf-8")
    api.sign_in("/setup", {"token": _setup_token(cloud), "name": ACCOUNT, "password": password})
    said = demo_registration()
    nodes = {tree: _grow(api, tree, branch) for tree, branch in said.trees.items()}
    registry = f"/sites/{site}/registry"
    seen = api.get(registry)
    # Its own record is there already, from cloud.yaml.
    given = {"name": seen["name"], "time_zone": seen["time_zone"], **said.site, **nodes}
    api.send("PUT", registry, given, version=seen["version"])
    today = dt.datetime.now(zoneinfo.ZoneInfo(seen["time_zone"])).date()
    wanted = list(records(said, today))
    for kind, record in wanted:
        api.send("POST", f"{registry}/{kind}", record)
    return len(wanted)


def _setup_token(cloud: Path) -> str:
    """Out of a new set-up link, as an operator gets one."""
    asked = subprocess.run(  # noqa: S603  # our own program
        sitewarden("cloud", "setup-link", cloud),
        capture_output=True,
        text=True,
        check=False,
        timeout=_LINK_TIMEOUT_S,
    )
    _, mark, token = asked.stdout.strip().partition("#")
    if asked.returncode or not mark:
        raise SiteWardenError(f"no set-up link for the demo's registry: {asked.stderr.strip()}")
    return token


def _grow(api: ApiClient, tree: str, branch: list[Record]) -> int | None:
    """Make the nodes; the lowest one."""
    parent: int | None = None
    for node in branch:
        parent = int(api.send("POST", f"/trees/{tree}", {**node, "parent": parent})["id"])
    return parent
