"""Models that are not let in: recognised however written, kept out, let in again with a reason."""

import pytest

from cloud.profiles.denied import Product, denies, shipped_denials
from tests.cloud.profiles.vendor import PROFILE, bring, check, version
from tests.cloud.registry.records import problem
from tests.cloud.registry.test_scope import become, trees  # noqa: F401  a fixture
from tests.cloud.web.serving import changing

ENTRY = {
    "brand": "Acme",
    "model": "TC-9",
    "reason": "安全装置不符合现行标准",
    "source": "某省淘汰目录（第1批）第3页",
    "listed_on": "2026-01-01",
}


@pytest.mark.parametrize(
    ("brand", "model", "product", "is_denied"),
    [
        ("Acme", "TC-9", Product("ACME", "tc 9"), True),
        ("", "QTZ25*", Product("某厂", "QTZ-25A"), True),
        ("", "QTZ25", Product("某厂", "QTZ-25A"), False),
        ("Acme", "TC-9", Product("Other", "TC-9"), False),
        ("Acme", "TC-9", Product("", "TC-9"), True),
        ("Acme", "*", Product("Acme", ""), False),
        ("", "[a-z]*", Product("Acme", "TC-9"), False),
    ],
)
def test_a_nameplate_is_recognised_however_it_is_written(brand, model, product, is_denied):
    assert denies(brand, model, product) is is_denied


def test_no_model_is_denied_without_a_source():
    assert all(its.source for its in shipped_denials())


def test_a_denied_model_is_not_brought_until_it_is_let_in_again(web):
    made = web.post("/denied-models", json=ENTRY)
    assert made.status_code == 201, made.text
    assert check(web, PROFILE)["denied"]
    refused = bring(web)
    assert problem(refused) == (409, "model-denied", ["products"])
    assert "淘汰目录" in refused.json()["detail"]
    path = f"/denied-models/{made.json()['id']}/lift"
    assert web.post(path, json={"reason": "厂家已整改，见检测报告 7 号"}).status_code == 204
    assert web.post(path, json={"reason": "again"}).status_code == 409
    assert bring(web).status_code == 201
    (entry,) = web.get("/denied-models").json()["items"]
    assert (entry["lifted_by"], entry["lifted_for"]) == ("安全员", "厂家已整改，见检测报告 7 号")


def test_a_profile_that_was_there_before_is_shown_as_denied(web):
    bring(web)
    web.post("/denied-models", json={**ENTRY, "brand": ""})
    listed = {its["profile"]: its["is_denied"] for its in web.get("/profiles").json()["items"]}
    assert listed["acme-crane"]
    assert not listed["reference-tower-crane"]
    assert bring(web, version(2)).status_code == 409


def test_an_entry_holds_no_further_than_its_author_sees(web, site, trees):  # noqa: F811  the fixture
    become(web, site, "admin", node=trees["second"])
    assert problem(web.post("/denied-models", json=ENTRY)) == (422, "out-of-scope", ["site"])
    assert web.post("/denied-models", json={**ENTRY, "site": "demo"}).status_code == 422
    assert web.post("/denied-models", json={**ENTRY, "node": trees["province"]}).status_code == 422
    assert web.post("/denied-models", json={**ENTRY, "node": 10**6}).status_code == 422
    mine = web.post("/denied-models", json={**ENTRY, "node": trees["second"]})
    assert mine.status_code == 201
    # A model denied in one county may be brought: other counties use it.
    assert bring(web).status_code == 201
    with changing(site.connection):
        site.connection.execute("UPDATE assignment SET node = %s WHERE node IS NOT NULL", [trees["first"]])
    assert web.get("/denied-models").json()["items"] == []
    assert web.post(f"/denied-models/{mine.json()['id']}/lift", json={"reason": "x"}).status_code == 404
