"""The database goes and comes, its disk fills up and empties: nothing of ours need be started again."""

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from cloud.embedded import EmbeddedPostgres
from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.worker import Batching, Surroundings, Worker
from cloud.live import routes
from cloud.migrate import migrate
from cloud.running import Tending
from cloud.sites.registry import Registry
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.site import TestSite, birth, delivery, raised
from tests.cloud.web.serving import PASSWORD, Web, new_account, new_session
from tests.support.left_out import leave_out_optional

BATCHING = Batching(messages=50, linger_s=0.0, queued=1_000)
SMALL_MB = 120
LOG_OPTIONS = {"fsync": "off", "shared_buffers": "16MB", "min_wal_size": "32MB", "max_wal_size": "48MB"}


class Told:
    """What the broker hears."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    def acknowledge(self, deliveries) -> None:
        self.acknowledged += [one.mid for one in deliveries]

    def publish(self, *_) -> None:
        """Receipts are other tests' matter."""


@contextlib.contextmanager
def working(settings, dsn: str, told: Told) -> Iterator[Worker]:
    """The lane of alarms at work."""
    around = Surroundings(settings=settings, dsn=dsn, registry=Registry())
    worker = Worker("alarms", AlarmsLane, around, BATCHING)
    worker.start(told)
    try:
        yield worker
    finally:
        worker.stop()
        worker.join()


def test_a_restart_of_the_database_costs_a_moment_and_no_stream(site, web, settings, postgres, monkeypatch):
    """Asked meanwhile it says when to ask again; what was waiting is stored, and comes by the old stream."""
    monkeypatch.setattr(routes, "HEARTBEAT_S", 0.2)
    web.app.state.serving.pool.timeout = 0.5
    site.born()
    told = Told()
    with working(settings, site.dsn, told) as worker, web.stream() as stream:
        stream.next("gateway")
        postgres.server.stop()
        try:
            away = web.get("/server")
            worker.deliver(delivery(alarm := raised())._replace(mid=7))
        finally:
            postgres.server.start()
        assert (away.status_code, away.json()["type"]) == (503, "/problems/database-away")
        assert away.headers["retry-after"]
        assert stream.next("alarm")["id"] == alarm.episode
        wait_for(lambda: told.acknowledged == [7], "the broker to be answered")
        assert web.get("/server").status_code == 200


@pytest.fixture
def small_disk(postgres, dsn) -> Iterator[tuple[str, Path]]:
    """A database on a disk of its own, and the folder in which that is mounted."""
    if os.geteuid() != 0:
        leave_out_optional("only root can mount a small disk")
    with tempfile.TemporaryDirectory(prefix="sitewarden-disk-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m", "tmpfs", name]
        if subprocess.run(mounting, capture_output=True, check=False).returncode:
            leave_out_optional("nothing can be mounted here")
        space = sql.Identifier(f"small_{secrets.token_hex(4)}")
        try:
            with _space(postgres, folder, space), _database(postgres, dsn, space) as small:
                yield small, folder
        finally:
            subprocess.run(["umount", name], check=True)


@contextlib.contextmanager
def _space(postgres, folder: Path, space: sql.Identifier) -> Iterator[None]:
    data = folder / "data"
    data.mkdir(mode=0o700)
    owner = (postgres.server.folder / "postgres").stat()
    os.chown(data, owner.st_uid, owner.st_gid)
    with psycopg.connect(postgres.dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(space, sql.Literal(str(data))))
        yield
        server.execute(sql.SQL("DROP TABLESPACE {}").format(space))


@contextlib.contextmanager
def _database(postgres, template: str, space: sql.Identifier) -> Iterator[str]:
    dsn = postgres.create_database(template=template)
    name = sql.Identifier(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    try:
        with psycopg.connect(postgres.dsn, autocommit=True) as server:
            server.execute(sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(name, space))
        yield dsn
    finally:
        postgres.drop_database(dsn)


def fill(connection, folder: Path, account: int) -> Path:
    """To the last page, as anything might; returns what to remove."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(65_536)):
            pass
    refused = 0
    while refused < 200:  # one page of an index may be full where another is not
        try:
            new_session(connection, account)
        except psycopg.errors.DiskFull:
            refused += 1
        else:
            refused = 0
    return ballast


def test_a_full_disk_stops_writing_only_and_only_until_there_is_room(small_disk, settings):
    dsn, folder = small_disk
    site, told = TestSite(settings, dsn), Told()
    web = Web(settings, dsn)
    try:
        site.deliver(birth())
        site.deliver(raised(device="crane-1"))
        evidence = f"/hazards/{site.value('SELECT id FROM hazard')}/evidence?stage=found"
        web.sign_in(site.connection)
        account = new_account(site.connection, "li", "admin")
        signing_in = {"name": "li", "password": PASSWORD}
        with web.stream() as stream, working(settings, dsn, told) as worker:
            stream.next("values")
            ballast = fill(site.connection, folder, account)
            assert web.get("/sites/demo/alarms").status_code == 200

            refused = web.post(evidence, content=b"%PDF-1.7 " + secrets.token_bytes(1_000_000))
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/database-away")
            assert refused.headers["content-type"].startswith("application/problem+json")
            assert refused.headers["retry-after"]

            alarms = [raised(device=f"crane-{n}") for n in range(120)]
            for mid, alarm in enumerate(alarms):
                worker.deliver(delivery(alarm)._replace(mid=mid))
            ballast.unlink()
            assert {stream.next("alarm")["id"] for _ in alarms} == {alarm.episode for alarm in alarms}
            wait_for(lambda: set(told.acknowledged) == set(range(120)), "the broker to be answered")
            assert web.post("/session", json=signing_in).status_code == 200
    finally:
        web.close()
        site.close()


@contextlib.contextmanager
def small_log(folder: Path) -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A server whose log lies on a disk of its own, and the folder in which that is mounted."""
    if os.geteuid() != 0:
        leave_out_optional("only root can mount a small disk")
    server = EmbeddedPostgres(folder / "data", options=LOG_OPTIONS)
    server.start()
    server.stop()
    log, kept = folder / "data/postgres/pg_wal", folder / "kept"
    log.rename(kept)
    log.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(log)],
        capture_output=True,
        check=False,
    ).returncode:
        leave_out_optional("nothing can be mounted here")
    try:
        shutil.copytree(kept, log, dirs_exist_ok=True)
        owner = (folder / "data/postgres").stat()
        for path in (log, *log.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        log.chmod(0o700)
        server.start()
        yield server, log
    finally:
        server.stop()
        subprocess.run(["umount", str(log)], check=True)


def fill_log(dsn: str, log: Path) -> Path:
    """Until the server ends of it; returns what to remove."""
    ballast = log / "ballast"
    with psycopg.connect(dsn, autocommit=True) as owner:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(65_536)):
                pass
        writing = (
            "SELECT pg_logical_emit_message(false, '', repeat('x', 1000000))"
            f" FROM generate_series(1, {SMALL_MB})"
        )
        with pytest.raises(psycopg.OperationalError):
            owner.execute(writing)
    return ballast


def test_a_full_disk_of_the_databases_log_is_waited_for(settings):
    """PostgreSQL ends of it, and cannot even start: nobody need do anything but make room."""
    told = Told()
    with tempfile.TemporaryDirectory(prefix="sitewarden-log-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        with small_log(folder) as (server, log):
            migrate(server.owner_dsn())
            tending = Tending(server, again_s=0.2)
            with (
                contextlib.closing(TestSite(settings, server.owner_dsn())) as site,
                contextlib.closing(Web(settings, server.owner_dsn())) as web,
            ):
                web.app.state.serving.pool.timeout = 0.5
                site.deliver(birth())
                web.sign_in(site.connection)
                with working(settings, server.owner_dsn(), told) as worker:
                    ballast = fill_log(server.owner_dsn("postgres"), log)
                    server.wait()
                    worker.deliver(delivery(raised())._replace(mid=7))
                    tending()
                    assert not server.is_running
                    for away in (
                        web.get("/sites/demo/alarms"),
                        web.post("/session", json={"name": "li", "password": "x"}),
                    ):
                        assert (away.status_code, away.json()["type"]) == (503, "/problems/database-away")
                        assert away.headers["retry-after"]
                    assert told.acknowledged == []

                    ballast.unlink()
                    wait_for(lambda: tending() or server.is_running, "the server to start")
                    wait_for(lambda: told.acknowledged == [7], "the broker to be answered")
                    wait_for(lambda: web.get("/sites/demo/alarms").status_code == 200, "the pages to be back")


def test_a_stream_is_taken_up_at_another_web_process(site, web, settings):
    """As it is when one is restarted, or where there are several: both tell the same."""
    site.born()
    with contextlib.closing(Web(settings, site.dsn)) as other:
        other.client.cookies = web.client.cookies
        with web.stream() as here, other.stream() as there:
            for stream in (here, there):
                stream.next("values")
            site.deliver(raised(device="crane-0"))
            last = here.next("hazard")["_id"]
            assert there.next("hazard")["_id"] == last
        web.close()
        missed = [raised(device=f"crane-{n}") for n in range(1, 4)]
        site.deliver(*missed)
        with other.stream(last_id=last) as stream:
            assert {stream.next("alarm")["id"] for _ in missed} == {alarm.episode for alarm in missed}
