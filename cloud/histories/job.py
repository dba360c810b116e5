"""One export written: rows into a draft, told of on the way; whole, it goes into the database."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from cloud.accounts.holding import devices_permitted, held_at
from cloud.callers import PROGRAMS, calling
from cloud.database import Connection, connect, instant
from cloud.histories import store
from cloud.histories.files import About, sink
from cloud.histories.model import MOST_KEPT_BYTES
from cloud.histories.reading import Reader
from cloud.histories.store import Ended, Job
from cloud.registry.known import load_sites
from cloud.sites.service import device_of, is_among
from sitewarden.errors import SiteWardenError

LEAST_FREE = 1_000_000_000
"""Bytes of the disk that an export leaves to others, the embedded database among them."""
_READ = 1 << 20
_PARTS = 8
"""Of the file in one transaction."""


class UnwantedError(SiteWardenError):
    """Somebody has cancelled it."""


class FullError(SiteWardenError):
    """The disk has no room for it."""


def perform(dsn: str, job: Job, folder: Path, now_ms: Callable[[], int]) -> None:
    """Write it, and say in the database what came of it.

    It is read as whoever asked for it: what an account has lost meanwhile does not come into its file.
    """
    draft = folder / job.draft_name
    with calling(PROGRAMS), connect(dsn) as told:
        try:
            ended = _written(dsn, job, draft, lambda rows: _tell(told, job, rows, folder, now_ms))
            _keep(told, job, draft, lambda: _tell(told, job, ended.rows, folder, now_ms))
            # Where another writer's file is done, ours is swept away.
            store.done(told, job, ended, instant(now_ms()))
        except UnwantedError:
            pass
        except (FullError, OSError):
            store.failed(told, job, "disk", instant(now_ms()))
        except Exception:
            store.failed(told, job, "error", instant(now_ms()))
            raise
        finally:
            draft.unlink(missing_ok=True)


def _tell(told: Connection, job: Job, rows: int, folder: Path, now_ms: Callable[[], int]) -> None:
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise FullError("the disk is nearly full")
    if not store.tell(told, job, rows, instant(now_ms())):
        raise UnwantedError("nobody wants it any more")


def _keep(told: Connection, job: Job, draft: Path, tell: Callable[[], None]) -> None:
    """Into the database, a few parts a transaction."""
    at, size = 0, draft.stat().st_size
    with draft.open("rb") as content:
        while parts := [part for _ in range(_PARTS) if (part := content.read(store.PART_BYTES))]:
            tell()
            # Looked at each time: others are kept meanwhile.
            kept = told.execute(store.KEPT_BYTES, [store.PART_BYTES]).fetchone()
            if kept is not None and kept[0] + size - at > MOST_KEPT_BYTES:
                raise FullError("so much is kept that no more is taken")
            with told.transaction():
                for part in parts:
                    store.keep(told, job, at, part)
                    at += len(part)


def _written(dsn: str, job: Job, draft: Path, tell: Callable[[int], None]) -> Ended:
    written = 0
    tell(written)
    with calling(PROGRAMS if job.account_id is None else str(job.account_id)), connect(dsn) as connection:
        connection.execute(f"SET statement_timeout = '{store.STATEMENT_S}s'")
        reader = Reader(connection, load_sites(connection)[job.site], _still_seen(connection, job))
        out = sink(job.form, draft, About(header=reader.header, level=job.level, units=reader.units))
        try:
            for part in reader.parts():
                out.add(part)
                written += len(part.at_ms)
                tell(written)
        finally:
            out.close()
    return Ended(rows=written, size=draft.stat().st_size, sha256=_hash(draft))


def _still_seen(connection: Connection, job: Job) -> Job:
    devices = devices_permitted(held_at(connection, job.account_id, job.site), "history.view")
    points = [point for point in job.points if is_among(device_of(point), devices)]
    return msgspec.structs.replace(job, points=points)


def _hash(file: Path) -> bytes:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while part := content.read(_READ):
            digest.update(part)
    return digest.digest()
