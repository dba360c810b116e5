"""A vendor's profile is brought, understood or refused with its line, and kept for ever."""

import psycopg
import pytest

from cloud.profiles.checking import MOST_LETTERS
from cloud.profiles.shipped import shipped
from tests.cloud.profiles.vendor import PROFILE, bring, check, version
from tests.cloud.registry.records import problem
from tests.cloud.registry.test_scope import become


def listed(web) -> dict[str, dict]:
    return {its["profile"]: its for its in web.get("/profiles").json()["items"]}


def test_a_profile_stands_beside_the_shipped_ones(web):
    answer = bring(web)
    assert answer.status_code == 201, answer.text
    all_of_them = listed(web)
    assert all_of_them.keys() == {*shipped(), "acme-crane"}
    ours = all_of_them["acme-crane"]
    assert (ours["origin"], ours["author"], ours["driver"], ours["points"]) == (
        "brought",
        "安全员",
        "modbus",
        5,
    )
    assert all_of_them["reference-tower-crane"]["origin"] == "shipped"
    read = web.get("/profiles/acme-crane").json()
    assert read["text"] == PROFILE
    assert read["points"][0]["place"] == "holding register 0, float32, high word first"
    assert web.get("/profiles/reference-tower-crane").json()["versions"][0]["author"] is None


def test_what_cannot_be_meant_is_told_with_line_field_and_mend(web):
    """… the same by the check as by the upload, which keeps nothing."""
    for wrong, right, line, field in (
        ("unit: m/s", "unit: km/h", 17, "points.wind.unit"),
        ("kind: crane.load,", "kind: crane.weight,", 13, "points.load.kind"),
        ("interval_ms: 200", "interval: 200", 11, "groups.main.interval"),
        ("register: 8, type: float32", "register: 65535, type: float32", 17, "points.wind.register"),
        ("version: 1", "version: 202611270930", 2, "version"),
    ):
        text = PROFILE.replace(wrong, right)
        (complaint,) = check(web, text)["complaints"]
        assert (complaint["line"], complaint["field"]) == (line, field)
        assert complaint["mend"]
        refused = bring(web, text)
        assert problem(refused) == (422, "profile-unsound", [field])
        assert [{name: error[name] for name in complaint} for error in refused.json()["errors"]] == [
            complaint
        ]
    assert "acme-crane" not in listed(web)


def test_everything_that_is_wrong_is_told_at_once(web):
    text = PROFILE.replace("unit: m/s", "unit: km/h").replace("range: [0, 20]", "range: [20, 0]")
    found = check(web, text)
    assert [its["field"] for its in found["complaints"]] == ["points.load.range", "points.wind.unit"]
    assert not found["is_sound"]
    assert not found["points"]


def test_who_asks_to_write_is_told_that_nothing_is_ever_written_to_a_device(web):
    for text, field in (
        (PROFILE.replace("transports: [tcp, rtu]", "transports: [tcp], function: 16"), "modbus.function"),
        (PROFILE.replace("register: 0, ", "register: 0, function: 6, "), "points.load.function"),
        (PROFILE.replace("register: 0, ", "register: 0, write_register: 7, "), "points.load.write_register"),
    ):
        refused = bring(web, text)
        assert problem(refused)[:2] == (422, "read-only")
        assert field in problem(refused)[2]
        assert "never writes to a device" in refused.json()["detail"]


def test_a_sound_profile_is_told_what_it_lacks(web):
    text = PROFILE.replace(", range: [0, 60]", "")
    levels = {its["name"]: its["level"] for its in check(web, text)["checks"]}
    assert levels["units"] == "finding"


def test_a_version_never_changes_and_the_next_one_says_what_it_changed(web, site):
    assert bring(web).status_code == 201
    assert bring(web).status_code == 201, "the same text again is the same version"
    other = PROFILE.replace("[0, 20]", "[0, 25]")
    assert problem(bring(web, other)) == (409, "version-kept", ["version"])
    assert check(web, version(2, text=other))["difference"]
    assert bring(web, version(2, text=other), "量程更正").status_code == 201
    assert problem(bring(web, version(1, text=other)))[:2] == (409, "version-kept")
    read = web.get("/profiles/acme-crane").json()
    assert [(its["version"], its["reason"]) for its in read["versions"]] == [
        (2, "量程更正"),
        (1, "从说明书第14页录入"),
    ]
    assert web.get("/profiles/acme-crane", params={"version": 1}).json()["text"] == PROFILE
    lines = web.get("/profiles/acme-crane/difference", params={"before": 1, "after": 2}).json()["lines"]
    assert [line[:2] for line in lines if line[:1] in "+-" and line[1] not in "+-"] == [
        "-v",
        "+v",
        "- ",
        "+ ",
    ]
    for statement in ("UPDATE profile_version SET text = ''", "DELETE FROM profile_version"):
        with pytest.raises(psycopg.errors.Error):
            site.connection.execute(statement)


def test_the_name_of_a_shipped_profile_is_taken(web):
    text = PROFILE.replace("acme-crane", "reference-tower-crane")
    assert problem(bring(web, text)) == (409, "version-kept", ["profile"])


def test_what_is_not_there_is_not_found(web):
    bring(web)
    for path in ("/nothing", "/acme-crane?version=7", "/reference-tower-crane?version=99"):
        assert web.get(f"/profiles{path}").status_code == 404


def test_a_text_that_is_too_long_is_refused_unread(web):
    assert bring(web, PROFILE + "#" * MOST_LETTERS).status_code == 422


def test_aliases_of_aliases_are_refused_and_hold_nobody_up(web):
    """A few lines that mean a thousand million values."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{of}'] * 10)}]\n"
        for of, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "aliases" in bring(web, bomb).json()["detail"]


def test_a_viewer_reads_and_brings_nothing(web, site):
    bring(web)
    become(web, site, "viewer", site="demo")
    assert "acme-crane" in listed(web)
    assert bring(web, version(2)).status_code == 403
