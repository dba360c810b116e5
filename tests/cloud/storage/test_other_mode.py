"""A backup of one mode is restored in the other, and says the same there; back again it still does."""

from pathlib import Path

import pytest

from cloud.database import connect, instant
from cloud.migrate import migrate, shipped
from cloud.storage.backup import back_up, look_at, restore
from cloud.storage.checks import check
from cloud.storage.modes import Mode
from cloud.storage.programs import KeepingError
from cloud.storage.state import state_of
from cloud.storage.transfer import transfer
from sitewarden.quality import Quality
from tests.cloud.storage.databases import empty_database
from tests.cloud.storage.history import DAY, HOUR, NOON, History
from tests.cloud.storage.test_keeping_a_database import exported, filled
from tests.support import timescale
from tests.support.left_out import leave_out_optional
from tests.support.postgres import Postgres
from tests.support.timescale import NO_SERVER

OTHER: dict[Mode, Mode] = {"plain": "timescale", "timescale": "plain"}
_BESIDE = "SELECT count(*), max(id) FROM point UNION ALL SELECT sum(accepted), sum(late) FROM reading_count"


def test_in_the_other_mode_it_says_the_same_and_back_again(
    history: History, mode: Mode, postgres: Postgres, tmp_path: Path
):
    """A plain backup is for any server; of a database on TimescaleDB it is made for that."""
    if timescale.server() is None:
        leave_out_optional(NO_SERVER)
    filled(history)
    # Raw readings of the first day are gone, and what is kept of it stays.
    history.keep(NOON + 5 * DAY, raw_days=4)
    gone = {key: value for key, value in history.truth.items() if key[1] < NOON + DAY // 2}
    before = [history.rolled(level) for level in ("reading_minute", "reading_hour", "reading_day")]
    beside = history.rows(_BESIDE)
    file, other = tmp_path / "of-today.backup", OTHER[mode]
    assert back_up(history.dsn, file, print, "plain") == file.stat().st_size
    contents, broken = look_at(file)
    assert (contents.mode, broken) == ("plain", [])
    with empty_database(other, postgres) as dsn:
        assert restore(dsn, file, print, other).mode == other
        history.connection.close()
        history.connection = connect(dsn)
        assert [
            history.rolled(level) for level in ("reading_minute", "reading_hour", "reading_day")
        ] == before
        assert history.rows(_BESIDE) == beside
        assert history.rows("SELECT mode FROM storage") == [(other,)]
        assert list(check(history.connection)) == []
        # And goes on there: late into a closed day, and new.
        for key in gone:
            del history.truth[key]
        stored = history.rows("SELECT point_id, at FROM reading ORDER BY 1, 2")
        assert stored == [(p, instant(at)) for p, at in sorted(history.truth)]
        history.store({(2, NOON + 2 * DAY): (5, Quality.GOOD)}, now_ms=NOON + 6 * DAY)
        history.store({(3, NOON + 6 * DAY): (5, Quality.GOOD)}, now_ms=NOON + 6 * DAY)
        history.keep(NOON + 9 * DAY, raw_days=8)
        kept = [row for row in before[1] if row[1] < instant(NOON + DAY // 2)]
        hours = history.rolled("reading_hour")
        assert [row for row in hours if row[1] >= instant(NOON + DAY // 2)] == history.expected(HOUR)
        assert [row for row in hours if row[1] < instant(NOON + DAY // 2)] == kept
        history.check_points()
        assert list(check(history.connection)) == []
        history.connection.close()


@pytest.mark.parametrize("mode", ["plain"], indirect=True)
def test_what_a_server_cannot_hold_is_said_before_anything_is_done(
    history: History, postgres: Postgres, tmp_path: Path
):
    """One that has TimescaleDB can hold both."""
    file = tmp_path / "of-today.backup"
    back_up(history.dsn, file, print)
    with pytest.raises(KeepingError, match="not empty"):
        restore(history.dsn, file, print, "timescale")
    with empty_database("plain", postgres) as dsn, pytest.raises(KeepingError, match="for TimescaleDB, but"):
        restore(dsn, file, print, "timescale")


@pytest.mark.parametrize("mode", ["plain"], indirect=True)
def test_all_is_brought_but_what_can_be_made_again(history: History, postgres: Postgres, tmp_path: Path):
    """Into a database of its own mode, so that it is looked at on any server."""
    filled(history)
    exported(history, tmp_path)
    before = [history.rolled(level) for level in ("reading_minute", "reading_hour", "reading_day")]
    beside = history.rows(_BESIDE)
    with empty_database("plain", postgres) as target:
        transfer(history.dsn, target, "plain", print)
        history.connection.close()
        history.connection = connect(target)
        assert [
            history.rolled(level) for level in ("reading_minute", "reading_hour", "reading_day")
        ] == before
        assert history.rows(_BESIDE) == beside
        held = "SELECT (SELECT count(*) FROM history_export), (SELECT count(*) FROM history_export_part)"
        assert history.rows(held) == [(1, 0)]
        assert list(check(history.connection)) == []
        history.connection.close()


def test_a_database_without_readings_is_brought_there_too(postgres: Postgres, tmp_path: Path):
    if timescale.server() is None:
        leave_out_optional(NO_SERVER)
    file = tmp_path / "of-today.backup"
    with empty_database("plain", postgres) as old, empty_database("timescale", postgres) as new:
        migrate(old)
        back_up(old, file, print)
        restore(new, file, print, "timescale")
        with connect(new) as connection:
            assert list(check(connection)) == []
            assert state_of(connection, len(shipped())).computed_to is None
