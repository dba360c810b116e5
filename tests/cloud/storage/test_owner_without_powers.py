"""An owner who is no superuser migrates, keeps readings and backs up, given what a refusal has asked for."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.migrate import MigrationError, migrate, shipped
from cloud.storage.backup import back_up, look_at, restore
from cloud.storage.modes import Mode
from cloud.storage.programs import KeepingError
from sitewarden.quality import Quality
from tests.cloud.storage.databases import empty_database
from tests.cloud.storage.history import DAY, NOON, History
from tests.support.postgres import Postgres, database_of


@pytest.fixture
def owner(mode: Mode, postgres: Postgres) -> Iterator[str]:
    """A role without powers, which may become the programs' role; gone afterwards."""
    with empty_database(mode, postgres) as anywhere, psycopg.connect(anywhere, autocommit=True) as connection:
        migrate(anywhere, [], wish=mode)  # the programs' role is there
        name = f"owner_{secrets.token_hex(6)}"
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        try:
            connection.execute(sql.SQL("GRANT sitewarden_app TO {}").format(sql.Identifier(name)))
            yield name
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_it_migrates_once_a_superuser_has_run_what_the_refusal_says(
    owner: str, mode: Mode, postgres: Postgres, tmp_path: Path
):
    with empty_database(mode, postgres) as dsn, psycopg.connect(dsn, autocommit=True) as superuser:
        names = sql.Identifier(database_of(dsn)), sql.Identifier(owner)
        superuser.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*names))
        theirs = make_conninfo(dsn, options=f"-c role={owner}")
        with pytest.raises(MigrationError, match="no superuser") as refused:
            migrate(theirs, wish=mode)
        assert superuser.execute("SELECT count(*) FROM migration").fetchone() == (0,)
        superuser.execute(str(refused.value).partition("run: ")[2].encode())
        assert migrate(theirs, wish=mode) == shipped()
        may = "SELECT has_schema_privilege('sitewarden_app', 'public', 'CREATE')"
        assert superuser.execute(may).fetchone() == (False,)
        history = History(dsn)
        history.store({(1, NOON + k * 60_000): (k, Quality.GOOD) for k in range(90)}, now_ms=NOON + 6_000_000)
        assert history.keep(NOON + 5 * DAY)
        history.check()
        history.close()
        file = tmp_path / "whole.backup"
        with pytest.raises(KeepingError, match="BYPASSRLS") as refusal:
            back_up(theirs, file, print)
        superuser.execute(str(refusal.value).partition("run: ")[2].encode())
        back_up(theirs, file, print)
        assert list(look_at(file)[1]) == []
        # Whoever restores a plain one needs no more; TimescaleDB's own catalogue only a superuser writes.
        with empty_database(mode, postgres) as other:
            names = sql.Identifier(database_of(other)), sql.Identifier(owner)
            superuser.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*names))
            empty = make_conninfo(other, options=f"-c role={owner}")
            if mode == "plain":
                restore(empty, file, print)
            else:
                with pytest.raises(KeepingError, match="superuser alone"):
                    restore(empty, file, print)
