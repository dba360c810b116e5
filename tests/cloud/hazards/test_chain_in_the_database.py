"""The history of a hazard can only grow: by rights, by triggers, and provably."""

import psycopg
import pytest
from psycopg import sql

from cloud.hazards.chain import digest
from tests.cloud.site import raised


@pytest.fixture
def hazard(site):
    site.born().deliver(raised())
    return site.value("SELECT id FROM hazard")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE hazard_event SET record = '{}'", "DELETE FROM hazard_event", "TRUNCATE hazard_event CASCADE"],
)
@pytest.mark.usefixtures("hazard")
def test_neither_the_programs_nor_the_owner_can_change_it(site, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.connection.execute(statement)
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute(statement)


@pytest.mark.parametrize("broken", ["hash", "prev_hash", "seq"])
def test_an_event_that_does_not_fit_the_chain_is_refused(site, hazard, broken):
    (prev_hash,) = site.rows("SELECT hash FROM hazard_event")[0]
    fields = {"seq": 2, "prev_hash": prev_hash, "hash": digest(prev_hash, "{}")}
    fields[broken] = 3 if broken == "seq" else b"\x00" * 32
    insert = """
        INSERT INTO hazard_event VALUES (
            %s, %s, '{}', %s, %s, now(), 'signal', NULL,
            'candidate', 'general', 'not_due', 'none', 0, false, false)
    """
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        site.connection.execute(insert, [hazard, *fields.values()])
    site.connection.execute(insert, [hazard, 2, prev_hash, digest(prev_hash, "{}")])


@pytest.mark.usefixtures("hazard")
def test_the_programs_cannot_remove_a_hazard_or_an_alarm(site):
    for table in (
        "hazard",
        "episode",
        "alarm_transition",
        "reading_open",
        "reading_packed",
        "point",
        "account",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            site.connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
