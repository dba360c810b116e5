"""Persons who are told by one server rest with it: one tries it, and who can is told by another meanwhile."""

import pytest

from tests.cloud.notices.others import Robot, mail_server
from tests.cloud.notices.test_calling import CALL
from tests.cloud.notices.test_people import offering, way
from tests.cloud.notices.test_telling import account
from tests.cloud.site import raised

PERSONS = [f"安全员{n}" for n in range(6)]


@pytest.fixture
def busy():
    """A gateway of text messages that takes nothing."""
    made = Robot()
    made.status = 429
    yield made
    made.close()


@pytest.fixture
def by_text(site, channel, busy) -> list[int]:
    """Persons who are told by it alone."""
    made = channel(
        kind="sms", url=busy.url, call={**CALL, "numbers": []}, key="k1", lowest=4, for_people=True
    )
    persons = [account(site, name, "safety_officer", at="demo") for name in PERSONS]
    for n, own in enumerate(persons):
        way(site, own, made["id"], f"1380000000{n}")
    return persons


@pytest.mark.usefixtures("by_text")
def test_a_server_that_takes_nothing_is_tried_by_one_and_all_go_once_it_does(site, busy, notify):
    site.born().deliver(raised(level=3))
    notify()
    first = len(busy.asked)
    assert first <= 3, "as many as were under way when it was found out"
    notify(later_ms=1_000)
    assert len(busy.asked) == first
    notify(later_ms=6_000)
    assert len(busy.asked) == first + 1
    busy.status = 200
    busy.answers(result={"code": 0, "words": ""})
    notify(later_ms=30_000)
    assert len(busy.asked) == first + 1 + len(PERSONS)
    assert site.rows("SELECT DISTINCT state FROM notice WHERE account_id IS NOT NULL") == [("sent",)]


def test_the_gravest_goes_by_everybody_s_next_way_at_once(site, channel, by_text, busy, notify):
    with mail_server() as (letters, port):
        via = offering(channel, port)["id"]
        for n, own in enumerate(by_text):
            way(site, own, via, f"{n}@example.com", 1)
        site.born().deliver(raised(level=4))
        notify()
        reached = {letter.rcpt_tos[0] for letter in letters.letters}
        assert {f"{n}@example.com" for n in range(len(PERSONS))} <= reached
        assert len(busy.asked) <= 4
