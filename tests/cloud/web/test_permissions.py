"""Every route says who may call it, and means it."""

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from cloud.accounts.permissions import (
    PUBLIC,
    Public,
    Requires,
    UndeclaredPermissionError,
    declared_permissions,
    requires,
)
from cloud.accounts.roles import UnknownPermissionError
from cloud.app import make_app
from cloud.settings import Settings
from tests.support.plain import plain_client

APP = make_app(Settings.nowhere(), "")
DECLARED = declared_permissions(APP)
PROTECTED = sorted(name for name, permission in DECLARED.items() if permission != PUBLIC)

OPEN = {
    "GET /api/v1/server",
    "POST /api/v1/session",
    "POST /api/v1/session/demo",
    "GET /api/v1/session/oidc",
    "GET /api/v1/session/oidc/back",
    "POST /api/v1/setup",
    "POST /api/v1/account-links/look",
    "POST /api/v1/account-links/use",
    "POST /api/v1/enrol",
    "POST /api/v1/enrol/renewal",
    "POST /api/v1/enrol/seen",
    "POST /api/v1/enrol/seen-certificate",
    "GET /api/v1/public-reports/areas",
    "POST /api/v1/public-reports",
    "GET /api/v1/public-reports/own",
    "POST /api/v1/public-reports/own/words",
    "POST /api/v1/told-links/acknowledge",
    "POST /api/v1/told-links/look",
    "GET /api/v1/media/box-key",
    "PUT /api/v1/media/{sha256}",
    "PUT /api/v1/public-reports/own/photos",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET|HEAD /{path:page}",
}


def test_every_route_declares_its_permission():
    assert len(DECLARED) == len(list(iter_route_contexts(APP.routes)))
    assert {name for name, permission in DECLARED.items() if permission == PUBLIC} == OPEN


def test_an_application_with_a_route_that_declares_none_does_not_start():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.get("/fine", dependencies=[Public])(lambda: None)
    assert declared_permissions(app) == {"GET /fine": PUBLIC}
    app.get("/forgotten")(lambda: None)
    with pytest.raises(UndeclaredPermissionError, match="GET /forgotten declares no permission"):
        declared_permissions(app)


def test_a_route_asks_one_thing_and_one_that_there_is():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    both = [requires("live.view"), requires("registry.edit")]
    app.get("/both", dependencies=both)(lambda: None)
    with pytest.raises(UndeclaredPermissionError, match=r"GET /both declares live\.view and registry\.edit"):
        declared_permissions(app)
    with pytest.raises(UnknownPermissionError):
        Requires("registry.edits")


def test_nobody_gets_in_without_signing_in(web):
    with plain_client(web.address) as stranger:
        for name in PROTECTED:
            method, path = name.split(" ")
            for named in ("{hazard}", "{episode}", "{trial}"):
                path = path.replace(named, "0" * 32)
            path = path.replace("{site}", "demo")
            for headers in ({}, {"Cookie": "sitewarden_session=a-guess"}):
                answer = stranger.request(method, path, headers=headers)
                assert answer.status_code == 401, name
                # An answer to HEAD has no body.
                assert method == "HEAD" or answer.json()["type"] == "/problems/not-signed-in", name
