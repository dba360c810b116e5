"""The editions of the judgement standard: which of them holds on a day, and what of them is shown."""

import datetime as dt

import msgspec
import pytest

from sitewarden.rules.clauses import UnknownClauseError, editions, standing

OLD, NEW = "2022", "2024"


def on(day: str) -> dt.date:
    return dt.date.fromisoformat(day)


def test_an_edition_holds_from_its_first_day_until_a_newer_one_does():
    confirmed = dict(editions())
    confirmed[NEW] = msgspec.structs.replace(confirmed[NEW], in_force_from="2025-01-01")
    assert standing(OLD, on("2022-04-18"), confirmed) == "not_yet"
    assert standing(OLD, on("2022-04-19"), confirmed) == "in_force"
    assert standing(OLD, on("2024-12-31"), confirmed) == "in_force"
    assert standing(OLD, on("2025-01-01"), confirmed) == "replaced"
    assert standing(NEW, on("2024-12-31"), confirmed) == "not_yet"
    assert standing(NEW, on("2025-01-01"), confirmed) == "in_force"


def test_an_edition_whose_first_day_is_not_confirmed_is_allowed_and_ends_no_other():
    assert editions()[NEW].begins is None
    assert standing(NEW, on("2026-01-01")) == "unconfirmed"
    assert standing(OLD, on("2026-01-01")) == "in_force"


def test_an_edition_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(UnknownClauseError, match=r"2019.*2024, 2022"):
        standing("2019", on("2026-01-01"))


def test_whoever_is_signed_in_reads_them_with_how_sure_they_are(web):
    answer = web.get("/clauses", params={"on": "2022-04-18"})
    assert answer.status_code == 200
    newest, older = answer.json()["editions"]
    assert (newest["edition"], newest["standing"], newest["in_force_from"]) == (NEW, "unconfirmed", None)
    assert (older["edition"], older["standing"], older["in_force_from"]) == (OLD, "not_yet", "2022-04-19")
    pit = next(item for item in newest["items"] if item["id"] == "5-4")
    assert pit["two_part"]
    assert "且未及时处理" in pit["text"]
    web.client.cookies.clear()
    assert web.get("/clauses").status_code == 401
