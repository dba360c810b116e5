"""The embedded PostgreSQL starts for everybody, comes back when killed, and guards its folder."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from cloud.embedded import EmbeddedError, EmbeddedPostgres, running

pytestmark = [pytest.mark.postgres, pytest.mark.service]

IS_ROOT = os.geteuid() == 0


def one(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def lives(pid: int) -> bool:
    """A process that has ended but was not yet waited for counts as dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def server(folder):
    with running(folder / "embedded") as server:
        yield server


def test_it_keeps_what_was_committed_over_a_kill_and_starts_again(server):
    with psycopg.connect(server.owner_dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert not server.is_running
    server.start()
    assert one(server.owner_dsn(), "SELECT x FROM kept") == 7


def test_wal_and_fsync_stay_on(server):
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert one(server.app_dsn(), f"SHOW {setting}") == "on"


def test_it_listens_on_no_network_and_asks_for_a_password(server):
    assert one(server.app_dsn(), "SHOW listen_addresses") == ""
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.app_dsn() + " passfile=/dev/null password=guess")


def test_a_second_start_on_its_folder_is_refused(server):
    with pytest.raises(EmbeddedError, match="in use by another running cloud"):
        EmbeddedPostgres(server.folder).start()


def test_the_password_file_is_for_its_owner_alone(server):
    for file in (server.folder / "postgres-secrets").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    assert (server.folder / "postgres-secrets").stat().st_mode & 0o077 == 0


def test_a_folder_with_a_very_long_name_is_no_hindrance(folder):
    folder = folder / ("long" * 25) / ("longer" * 10)
    with running(folder) as server:
        assert one(server.app_dsn(), "SELECT 1") == 1


def test_a_server_left_behind_by_a_killed_run_is_ended_and_its_data_kept(folder):
    folder = folder / "left"
    program = (
        "import sys, os, pathlib; from cloud.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1])); server.start()\n"
        "print(server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False
    )
    left_over = int(done.stdout)
    assert lives(left_over)
    with running(folder) as server:
        assert server.pid != left_over
        assert not lives(left_over)


def test_a_number_that_a_stranger_has_by_now_hinders_nothing_and_hurts_nobody(folder):
    folder = folder / "stranger"
    with running(folder) as server:
        account = Path(f"/proc/{server.pid}").stat().st_uid
    stranger = subprocess.Popen(["sleep", "60"], user=account if IS_ROOT else None)
    try:
        (folder / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n{folder}/postgres\n0\n5432\n")
        with running(folder) as server:
            assert one(server.app_dsn(), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_that_cannot_be_written_is_said(folder):
    (folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be written"):
        EmbeddedPostgres(folder / "file" / "data").start()


def test_it_starts_as_an_ordinary_user(folder):
    folder = folder / "ordinary"
    folder.mkdir()
    # As root the program becomes nobody once it has its modules: they may lie where nobody cannot read.
    program = (
        "import sys, os, pwd, pathlib, psycopg; from cloud.embedded import running\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "if os.geteuid() == 0:\n"
        "    nobody = pwd.getpwnam('nobody')\n"
        "    os.chown(folder, nobody.pw_uid, nobody.pw_gid)\n"
        "    os.setgroups([]), os.setgid(nobody.pw_gid), os.setuid(nobody.pw_uid)\n"
        "with running(folder) as server:\n"
        "    assert os.stat(f'/proc/{server.pid}').st_uid == os.geteuid() != 0\n"
        "    print(psycopg.connect(server.app_dsn()).execute('SELECT current_user').fetchone()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "sitewarden_app", done.stderr


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_started_by_root_it_does_not_run_as_root(server):
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_a_temporary_folder_too_deep_for_a_socket_is_passed_over(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    server = EmbeddedPostgres(deep / "cloud-data")
    socket = Path(conninfo_to_dict(server.app_dsn())["host"])
    assert deep not in socket.parents
    assert len(str(socket / ".s.PGSQL.5432")) <= 107
