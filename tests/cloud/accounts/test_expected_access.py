"""Every route, every role, own site and foreign: who gets through stands in expected_access.yaml.

A new route, or a role that may suddenly do more, fails here until somebody has read and written it down:
`PYTHONPATH=. python -m tests.cloud.accounts.test_expected_access` prints the file as the roles have it now.
"""

import re
import sys
from pathlib import Path

import pytest
import yaml

from cloud.accounts.permissions import COOKIE, PUBLIC, SIGNED_IN, declared_permissions
from cloud.accounts.roles import roles, roles_with
from cloud.app import make_app
from cloud.settings import Settings
from tests.cloud.web.serving import new_account, new_session

FILE = Path(__file__).with_name("expected_access.yaml")
EXPECTED = yaml.safe_load(FILE.read_text(encoding="utf-8"))
DECLARED = declared_permissions(make_app(Settings.nowhere(), ""))
ASKED = sorted(name for name, permission in DECLARED.items() if permission not in (PUBLIC, SIGNED_IN))
NOBODY_S = "00000000-0000-0000-0000-000000000000"


def test_every_route_has_its_expectation_and_no_other_has():
    assert set(EXPECTED) == {name for name, permission in DECLARED.items() if permission != PUBLIC}
    signed_in = {name for name, permission in DECLARED.items() if permission == SIGNED_IN}
    assert {name for name, expected in EXPECTED.items() if expected == "whoever is signed in"} == signed_in


def path_of(template: str, site: str) -> str:
    """Of a site that there is, and otherwise of nothing: what is looked for is who gets so far."""
    path = template.replace("{site}", site).replace("{tree}", "territory").replace("{what}", "devices")
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: _nothing(found[1]), path)


NUMBERED = {"node", "account", "assignment", "session", "token", "version", "rota", "override"}


def _nothing(name: str) -> str:
    return "999999" if name in NUMBERED else NOBODY_S


def test_each_role_is_expected_to_get_exactly_as_far_as_its_permissions_go():
    differing = {name for name in ASKED if EXPECTED[name] != roles_with(DECLARED[name])}
    assert not differing


@pytest.mark.timeout(400)
def test_every_route_lets_in_whom_it_should_and_nobody_else(web, site):
    """For each route a role that gets through, one that does not, and all roles of the site next door."""
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    every = sorted(roles().roles)
    tokens = {
        role: new_session(site.connection, new_account(site.connection, role, role, site="north"))
        for role in every
    }
    foreign = new_session(site.connection, new_account(site.connection, "都是", *every, site="north"))
    wrong = []
    for turn, name in enumerate(ASKED):
        method, template = name.split(" ")
        permitted = EXPECTED[name]
        for role in (_one(permitted, turn), _one([role for role in every if role not in permitted], turn)):
            if role is not None:
                status, missing = asked(web, tokens[role], method, path_of(template, "north"))
                # Whoever is let in may still be told that his request makes no sense.
                if (status not in {401, 403} and missing != "site") != (role in permitted):
                    wrong.append(f"{role} {name}: {status}")
        if "{site}" in template:
            status, missing = asked(web, foreign, method, path_of(template, "demo"))
            if missing != "site":
                wrong.append(f"from next door {name}: {status}")
    assert not wrong, "\n".join(wrong)


def _one(among: list[str], turn: int) -> str | None:
    """Another one for each route, so that all have their turn."""
    return among[turn % len(among)] if among else None


def asked(web, token: str, method: str, path: str) -> tuple[int, str]:
    """The status, and what is not there."""
    headers = {"Cookie": f"{COOKIE}={token}"}
    content = None if method in {"GET", "HEAD"} else b"{}"
    with web.client.stream(method, path, headers=headers, content=content) as answer:
        if answer.status_code != 404:
            return answer.status_code, ""
        if method == "HEAD":
            # It has no words of its own.
            return asked(web, token, "GET", path)
        return 404, "site" if "no such site" in answer.read().decode() else "other"


def as_it_is() -> str:
    """The file."""
    lines = [
        "# Which roles get through a route. Read every change of it: it opens or closes something to people."
    ]
    for name, permission in sorted(DECLARED.items(), key=lambda one: one[0].split(" ")[::-1]):
        if permission == SIGNED_IN:
            lines.append(f"{name}: whoever is signed in")
        elif permission != PUBLIC:
            lines.append(f"{name}: [{', '.join(roles_with(permission))}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_it_is())
