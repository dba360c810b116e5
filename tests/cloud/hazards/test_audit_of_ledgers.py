"""The chains of incidents and of enforcement are walked as those of the records are."""

import psycopg
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.database import instant
from cloud.hazards.audit import verify
from tests.cloud.enforcement.test_enforcement import penalty, recorded
from tests.cloud.incidents.test_incidents import SIGNED, acted, filed, given
from tests.cloud.registry.test_scope import trees
from tests.cloud.site import now_ms, raised
from tests.cloud.web.serving import new_account, new_session

__all__ = ["trees"]


@pytest.fixture
def filled(site, web, trees):
    """An incident out of a hazard with its details handed in, another one, and a penalty."""
    site.born().deliver(raised())
    account = new_account(site.connection, "赵局长", "county_authority", node=trees["first"])
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    made = web.post(f"/hazards/{site.value('SELECT id FROM hazard')}/incidents", json=given()).json()
    acted(web, made, "submit_details", course="断裂", measures="停用", **SIGNED)
    filed(web, kind="near_miss")
    recorded(web, **penalty(trees["first"]))
    return site


def found(site) -> list[tuple[str, int | None, str]]:
    breaks = verify(site.connection, instant(now_ms() + 600_000)).breaks
    return [(one.of.split()[0], one.seq, one.what) for one in breaks]


def test_all_holds_though_an_incident_is_filed_without_a_password(filled):
    verdict = verify(filled.connection, instant(now_ms() + 600_000))
    assert (verdict.records, verdict.signatures, verdict.breaks) == (4, 2, [])


@pytest.mark.parametrize(
    ("statement", "breaks"),
    [
        (
            "UPDATE ledger_event SET record = replace(record, '12345.67', '45.67')",
            [("enforcement", 1, "breaks the chain")],
        ),
        (
            "UPDATE ledger_event SET record = replace(record, '断裂', '完好') WHERE kind = 'submit_details'",
            [("incident", 2, "breaks the chain")],
        ),
        (
            "DELETE FROM ledger_event WHERE kind = 'submit_details'",
            [("incident", None, "has 1 events, its row says 2")],
        ),
        ("DELETE FROM ledger_event WHERE ledger = 'enforcement'", [("enforcement", None, "has no events")]),
        (
            "DELETE FROM enforcement",
            [("enforcement", None, "has 1 events, its row says None")],
        ),
        (
            "DELETE FROM ledger_signature WHERE ledger = 'incident'",
            [("incident", 2, "a person did it, and it is not signed")],
        ),
    ],
)
def test_what_was_changed_with_the_triggers_off_is_named(filled, statement, breaks):
    with psycopg.connect(filled.dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(statement.encode())
    assert found(filled) == breaks
