"""Signing in at a provider of identities: whom it lets in, and everything that must not pass for that."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from cloud.accounts.oidc import Begun, Seal
from cloud.settings import Oidc
from sitewarden.text import Text
from tests.cloud.accounts.provider import CLIENT, SECRET, IdentityProvider, providing
from tests.cloud.site import make_settings
from tests.cloud.web.serving import Web, changing, new_account
from tests.support.plain import plain_client
from tests.support.waiting import PATIENCE_S

BEGIN = "/api/v1/session/oidc"


@pytest.fixture(scope="module")
def running() -> Iterator[IdentityProvider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(running: IdentityProvider) -> IdentityProvider:
    running.claims = {"sub": "u-1", "preferred_username": "王监督"}
    running.changes = {}
    return running


@pytest.fixture
def served(dsn, tmp_path, site, provider) -> Iterator[Web]:
    """A server that lets people sign in there."""
    oidc = Oidc(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        back="http://pages.invalid" + BEGIN + "/back",
        account_claim="preferred_username",
        scopes=("openid", "profile"),
        ca_file=None,
        label=Text("统一认证", "single sign-on"),
    )
    web = Web(make_settings(tmp_path, oidc=oidc), dsn)
    yield web
    web.close()


@pytest.fixture
def account(site) -> int:
    return new_account(site.connection, "王监督", "enforcement_officer")


def to_provider(client: httpx.Client, page: str = "/") -> httpx.Response:
    """Begins, and does at the provider what a browser does: the address that leads back, not yet followed."""
    begun = client.get(f"{BEGIN}?page={page}")
    assert begun.status_code == 303
    return httpx.get(begun.headers["location"], timeout=PATIENCE_S)


def back(client: httpx.Client, answer: httpx.Response, **changes: str) -> str:
    """Comes back; where that leads."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    came = client.get(f"{BEGIN}/back", params={**asked, **changes})
    assert came.status_code == 303
    return came.headers["location"]


def sign_in(client: httpx.Client) -> str:
    return back(client, to_provider(client))


def refused(why: str) -> str:
    return f"/sign-in?problem=oidc-{why}"


def test_whoever_has_an_account_comes_back_signed_in_to_the_page_that_he_wanted(served, account):
    assert served.get("/server").json()["oidc"] == {"zh": "统一认证", "en": "single sign-on"}
    assert back(served.client, to_provider(served.client, "/sites/demo")) == "/sites/demo"
    session = served.get("/session").json()
    assert session["account"] == {"name": "王监督"}
    assert [one["method"] for one in served.get("/sessions").json()["items"]] == ["oidc"]
    assert account


def test_nobody_gets_an_account_by_being_known_there(served, provider, account):
    provider.claims["preferred_username"] = "别人"
    assert sign_in(served.client) == refused("no-account")
    provider.claims = {"sub": "u-2"}
    assert sign_in(served.client) == refused("no-account")
    assert served.get("/session").status_code == 401


def test_who_gets_the_name_of_somebody_who_has_left_does_not_get_his_account(served, site, provider, account):
    assert sign_in(served.client) == "/"
    provider.claims["preferred_username"] = "王主任"
    assert sign_in(served.client) == "/", "the person is the same, whatever he is called now"
    provider.claims = {"sub": "u-9", "preferred_username": "王监督"}
    assert sign_in(served.client) == refused("other-person")
    served.sign_in(site.connection)
    forgotten = served.post(f"/accounts/{account}/identity/forget", json={"reason": "换人"})
    assert (forgotten.status_code, forgotten.json()["is_bound"]) == (200, False)
    assert sign_in(served.client) == "/"


def test_a_disabled_account_stays_shut_out(served, site, account):
    assert sign_in(served.client) == "/"
    with changing(site.connection):
        site.connection.execute("UPDATE account SET disabled_at = now() WHERE id = %s", [account])
    assert sign_in(served.client) == refused("no-account")


def test_a_token_that_is_not_for_us_now_is_not_believed(served, provider, account):
    for changes in (
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"sub": None},
    ):
        provider.changes = changes
        assert sign_in(served.client) == refused("refused"), changes
        assert served.get("/session").status_code == 401


def test_a_token_signed_by_another_key_is_not_believed_and_a_new_key_is_looked_up(served, provider, account):
    assert sign_in(served.client) == "/"
    first = provider.key
    try:
        provider.key = RSAKey.generate_key(2048, {"kid": "first"})
        assert sign_in(served.client) == refused("refused")
        provider.key = RSAKey.generate_key(2048, {"kid": "second"})
        provider.published.append(provider.key)
        assert sign_in(served.client) == "/"
    finally:
        provider.key, provider.published = first, [first]


def test_only_the_browser_that_began_comes_back_and_a_code_is_good_once(served, account):
    answer = to_provider(served.client)
    with plain_client(served.address) as other:
        assert back(other, answer) == refused("stale")
    assert back(served.client, answer, state="another") == refused("stale")
    assert back(served.client, answer) == refused("stale"), "a failed return takes the cookie away"
    answer = to_provider(served.client)
    cookie = served.client.cookies["sitewarden_oidc"]
    assert back(served.client, answer) == "/"
    served.client.cookies.set("sitewarden_oidc", cookie, domain="127.0.0.1", path=BEGIN)
    assert back(served.client, answer) == refused("refused")


def test_who_says_no_at_the_provider_is_told_so(served):
    begun = served.client.get(BEGIN)
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    came = served.client.get(f"{BEGIN}/back", params={"error": "access_denied", "state": state})
    assert came.headers["location"] == refused("refused")


def test_no_link_leads_a_fresh_session_elsewhere(served, account):
    for page in ("https://evil.example/", "//evil.example", "/\\evil.example", "sites"):
        assert back(served.client, to_provider(served.client, page)) == "/"


def test_where_no_provider_is_configured_there_is_no_such_way(web):
    assert web.get("/server").json()["oidc"] is None
    assert web.get("/session/oidc").status_code == 404
    assert web.get("/session/oidc/back").status_code == 404


def test_a_provider_that_is_away_or_another_is_told_from_a_refusal(served, provider):
    issuer = provider.issuer
    try:
        provider.issuer = "http://127.0.0.1:9/other"
        assert served.client.get(BEGIN).headers["location"] == refused("unreachable")
    finally:
        provider.issuer = issuer


def test_a_sign_in_under_way_is_another_processs_secret_and_grows_old():
    begun = Begun(state="s", nonce="n", verifier="v", page="/", until=100.0)
    seal = Seal()
    closed = seal.close(begun)
    assert seal.open(closed, 100.0) == begun
    assert seal.open(closed, 100.1) is None
    assert Seal().open(closed, 1.0) is None
    for broken in ("", "x", "ä", closed[:-4], closed[:-2] + "AA"):
        assert seal.open(broken, 1.0) is None


def test_an_account_of_the_provider_signs_with_a_password_for_that_alone(served, site, account):
    with changing(site.connection):
        site.connection.execute("UPDATE account SET password_hash = NULL WHERE id = %s", [account])
    sign_in(served.client)
    chosen = served.put("/session/signing-password", json={"new_password": "a password to sign with"})
    assert chosen.status_code == 204
    (key,) = served.get("/session/signing-keys").json()["items"]
    assert (key["ended_at"], key["signatures"], len(key["fingerprint"])) == (None, 0, 16)
    wrong = {"password": "no", "new_password": "another one to sign with"}
    assert served.put("/session/signing-password", json=wrong).status_code == 403
    kept = {**wrong, "password": "a password to sign with"}
    assert served.put("/session/signing-password", json=kept).status_code == 204
    assert [one["key"] for one in served.get("/session/signing-keys").json()["items"]] == [key["key"]]
    site.connection.execute("UPDATE session SET created_at = now() - interval '11 minutes'")
    late = served.put("/session/signing-password", json={"new_password": "a third one to sign with"})
    assert (late.status_code, late.json()["type"]) == (403, "/problems/sign-in-again")
