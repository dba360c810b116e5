"""Every refusal has one shape; every answer carries the guards."""

import httpx
import pytest

from cloud import pages
from tests.cloud.web.serving import Web


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["type"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nothing/here", (404, "/problems/not-found")),
        ("GET", "/sites/elsewhere", (404, "/problems/not-found")),
        ("GET", "/hazards/" + "0" * 32, (404, "/problems/not-found")),
        ("GET", "/hazards/no-uuid", (422, "/problems/invalid")),
        ("PUT", "/session", (405, "/problems/method-not-allowed")),
        ("GET", "/setup", (405, "/problems/method-not-allowed")),
        ("GET", "/sites/demo/alarms?limit=0", (422, "/problems/invalid")),
        ("GET", "/sites/demo/alarms?state=odd", (422, "/problems/invalid")),
        ("GET", "/sites/demo/alarms?after=!!", (422, "/problems/bad-cursor")),
        ("GET", "/sites/demo/alarms?after=WzEsMl0", (422, "/problems/bad-cursor")),
        ("GET", "/sites/demo/alarms?after=WyL_Il0", (422, "/problems/bad-cursor")),
        ("GET", "/sites/demo/series?point=x", (422, "/problems/invalid")),
        ("GET", "/sites/%00", (422, "/problems/invalid")),
        ("GET", "/sites/demo/registry/devices?of=%00", (422, "/problems/invalid")),
        (
            "GET",
            "/sites/demo/registry/changes?after=WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ",
            (422, "/problems/invalid"),
        ),
        (
            "GET",
            "/sites/demo/series?point=x&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            (422, "/problems/empty-range"),
        ),
        (
            "GET",
            "/sites/demo/series?point=x&from=2026-01-01T00:00:00&to=2026-01-02T00:00:00Z",
            (422, "/problems/invalid"),
        ),
    ],
)
def test_every_refusal_is_a_problem(web, method, path, expected):
    assert problem(web.client.request(method, f"/api/v1{path}")) == expected


def test_a_body_that_is_no_json_is_a_problem(web):
    answer = web.post("/session", content=b"{", headers={"content-type": "application/json"})
    assert problem(answer) == (422, "/problems/invalid")


def test_a_fault_of_ours_tells_a_trace_and_no_secret(web, caplog, monkeypatch):
    with monkeypatch.context() as broken:
        broken.delattr(web.app.state, "serving")
        answer = web.get("/server")
    assert problem(answer) == (500, "/problems/fault")
    assert "serving" not in answer.text
    assert any(answer.json()["trace"] in record.message for record in caplog.records)


def test_a_database_that_is_away_is_no_fault(settings, postgres, migrated):
    copy = postgres.create_database(template=migrated)
    web = Web(settings, copy)
    assert web.client.get("/readyz").status_code == 200
    postgres.drop_database(copy)
    try:
        answer = web.get("/server")
        assert problem(answer) == (503, "/problems/database-away")
        assert answer.headers["retry-after"]
        assert web.client.get("/healthz").status_code == 200
        assert web.client.get("/readyz").status_code == 503
    finally:
        web.close()


@pytest.mark.parametrize("path", ["/", "/api/v1/server", "/api/v1/none", "/healthz", "/assets/none.js"])
def test_every_answer_carries_the_guards(web, path):
    headers = web.client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].replace(
        "style-src 'self' 'unsafe-inline'", ""
    )
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "{address}"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
    ids=str,
)
def test_another_site_s_page_changes_nothing_here(web, headers, allowed):
    headers = {name: value.format(address=web.address) for name, value in headers.items()}
    answer = web.delete("/session", headers=headers)
    assert answer.status_code == (204 if allowed else 403)
    if not allowed:
        assert problem(answer) == (403, "/problems/foreign-origin")


def test_a_body_too_large_or_of_unknown_length_is_not_read(web):
    assert problem(web.post("/session", content=b"x" * 70_000)) == (413, "/problems/too-large")
    assert problem(web.post("/session", content=iter([b"x"]))) == (413, "/problems/too-large")


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A folder of pages as the build leaves it, with a secret beside it."""
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html>the page")
    (root / "assets" / "app-1a2b3c.js").write_text("let it = 1")
    (root / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(pages, "FOLDERS", (root,))
    return root


@pytest.mark.parametrize("path", ["/", "/sites/demo", "/hazards/123", "/setup", "/apiary"])
@pytest.mark.usefixtures("built")
def test_the_page_is_served_under_its_own_addresses(web: Web, path):
    answer = web.client.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>the page")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("built")
def test_files_with_a_hash_in_their_name_are_kept_for_ever(web):
    assert "immutable" in web.client.get("/assets/app-1a2b3c.js").headers["cache-control"]
    assert web.client.get("/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("built")
def test_a_file_that_is_gone_is_not_answered_with_the_page(web):
    assert problem(web.client.get("/assets/app-old.js")) == (404, "/problems/not-found")


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "//etc/passwd"])
@pytest.mark.usefixtures("built")
def test_nothing_outside_the_pages_is_served(web, path):
    assert "secret" not in web.client.get(path).text
    assert "root:" not in web.client.get(path).text


def test_pages_that_were_not_built_say_how(web, monkeypatch):
    monkeypatch.setattr(pages, "FOLDERS", ())
    answer = web.client.get("/")
    assert answer.status_code == 503
    assert "make pages" in answer.text
    assert "网页尚未构建" in answer.text


def test_a_complaint_of_a_field_says_what_it_is_in_a_word_and_what_words_may_name(web):
    device = {"id": "crane-1", "kind": "crane", "name": {"zh": "塔机", "en": ""}, "geometry": {"x_m": 2e6}}
    answer = web.post("/sites/demo/registry/devices", json=device).json()
    said = {error["field"]: (error["code"], error["values"]) for error in answer["errors"]}
    assert said["body.name.en"] == ("string_too_short", {"min_length": 1})
    assert said["body.geometry.x_m"] == ("less_than_equal", {"le": 10000.0})
    assert said["body.geometry.jib_m"] == ("missing", {})
    pit = {"id": "p", "name": {"zh": "坑", "en": "Pit"}, "pit_class": 1, "support": "straw", "depth_m": 1}
    (error,) = web.post("/sites/demo/registry/pits", json=pit).json()["errors"]
    assert error["code"] == "not-among"
    assert "diaphragm-wall" in error["values"]["known"]
