"""A database that is backed up, lost and restored is the one it was; what does not go together is named."""

import stat
from pathlib import Path

import msgspec
import psycopg
import pytest

from cloud.database import connect
from cloud.migrate import shipped
from cloud.registry.seeding import seed_sites
from cloud.storage.backup import back_up, look_at, restore
from cloud.storage.checks import check
from cloud.storage.manifest import append, read
from cloud.storage.modes import Mode
from cloud.storage.programs import KeepingError
from cloud.storage.state import lines, state_of
from sitewarden.quality import Quality
from tests.cloud.site import make_settings
from tests.cloud.storage.databases import empty_database
from tests.cloud.storage.history import DAY, NOON, History
from tests.support.postgres import Postgres


def filled(history: History) -> None:
    """Packed days, an hour that is dirty, a late reading, and today."""
    for day in range(5):
        readings = {(1, NOON + day * DAY + k * 60_000): (k, Quality.GOOD) for k in range(90)}
        history.store(readings, now_ms=NOON + day * DAY + 6_000_000)
    history.keep(NOON + 5 * DAY)
    history.store({(1, NOON + 17): (5, Quality.GOOD)}, now_ms=NOON + 5 * DAY)


def exported(history: History, folder: Path) -> None:
    """A file of a history that waits to be saved."""
    seed_sites(history.connection, make_settings(folder).sites)
    history.rows(
        "INSERT INTO history_export (id, site, mode, author, points, from_at, to_at, level, form, state,"
        "                            asked_at, tries, estimated)"
        " VALUES (gen_random_uuid(), 'demo', 'live', 'w', '{p}', 'epoch', now(), 'raw', 'csv', 'done',"
        "         now(), 1, 1) RETURNING id"
    )
    history.rows(
        "INSERT INTO history_export_part SELECT id, 1, 0, '\\x00' FROM history_export RETURNING export"
    )


def test_what_is_restored_goes_on_as_if_nothing_had_been(
    history: History, mode: Mode, postgres: Postgres, tmp_path: Path
):
    filled(history)
    exported(history, tmp_path)
    file = tmp_path / "of-today.backup"
    assert back_up(history.dsn, file, print) == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(KeepingError, match="nothing is overwritten"):
        back_up(history.dsn, file, print)
    with pytest.raises(KeepingError, match="not empty"):
        restore(history.dsn, file, print)
    with empty_database(mode, postgres) as dsn:
        assert restore(dsn, file, print).mode == mode
        history.connection.close()
        history.connection = connect(dsn)
        history.check()
        assert list(check(history.connection)) == []
        assert history.rows("SELECT count(*) FROM history_export") == [(1,)]
        assert history.rows("SELECT count(*) FROM history_export_part") == [(0,)], "it can be made again"
        history.store({(2, NOON + DAY): (5, Quality.GOOD)}, now_ms=NOON + 6 * DAY)
        history.keep(NOON + 9 * DAY)
        history.check()
        history.connection.close()


def test_a_backup_is_looked_at_without_being_restored(history: History, mode: Mode, tmp_path: Path):
    filled(history)
    file = tmp_path / "of-today.backup"
    back_up(history.dsn, file, print)
    contents, broken = look_at(file)
    assert (contents.schema, contents.mode, broken) == (len(shipped()), mode, [])
    whole, found = file.read_bytes(), read(file)
    assert found is not None
    manifest, size = found

    # A byte of a later table, as a disk loses it.
    spoilt = bytearray(whole)
    spoilt[size - 3_000] ^= 0x40
    file.write_bytes(spoilt)
    assert "SHA-256" in look_at(file)[1][0]
    with pytest.raises(KeepingError, match="SHA-256"):
        restore(history.dsn, file, print)
    file.write_bytes(whole[:-1_000])
    assert "cut off" in look_at(file)[1][0]

    file.write_bytes(whole[:size])
    append(file, msgspec.structs.replace(manifest, rows={**manifest.rows, "gateway": 7}))
    assert look_at(file)[1] == ["table gateway has 1 rows, the database had 7"]


def test_a_file_that_is_no_backup_is_named_and_changes_nothing(postgres: Postgres, tmp_path: Path):
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"no backup")
    with empty_database("plain", postgres) as dsn:
        with pytest.raises(KeepingError, match="is no backup"):
            restore(dsn, file, print)
        file.write_bytes(b"PGDMP cut off")
        with pytest.raises(KeepingError, match="cannot be read"):
            restore(dsn, file, print)


def test_the_state_of_a_database_and_what_is_amiss(history: History, mode: Mode):
    filled(history)
    state = state_of(history.connection, len(shipped()))
    assert (state.mode, state.schema, state.dirty_hours) == (mode, len(shipped()), 1)
    assert [day.form for day in state.days[:3]] == ["packed"] * 3
    assert any("oldest reading 2025-11-20" in line for line in lines(state))
    history.keep(NOON + 5 * DAY)
    assert list(check(history.connection)) == []
    with psycopg.connect(history.dsn, autocommit=True) as owner:
        if mode == "plain":
            owner.execute("DELETE FROM reading_packed WHERE hour = (SELECT min(hour) FROM reading_packed)")
            assert [line for line in check(owner) if "2025-11-20T12 of point 1 is not" in line]
        owner.execute("UPDATE gateway SET readings_committed = 0")
        assert [line for line in check(owner) if line.startswith("gateway 1 has")]
