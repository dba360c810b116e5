"""Takes judged alarms of a site's cameras out as cut-outs with labels: one archive, one picture in memory.

Written before the answer begins, as every export: none that broke off looks like a whole one.
"""

import contextlib
import datetime as dt
import logging
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import IO, LiteralString, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from psycopg.rows import dict_row

from cloud.cameras.cutouts import Cut, Entry, Judged, Left, cut_of, read_me
from cloud.cameras.cutting import Cutter
from cloud.database import Connection, Row, connect
from cloud.exports import Mark
from cloud.media.looks import Look, Who, note
from cloud.media.sealing import Vault
from cloud.media.store import whole
from cloud.problems import ProblemError

log = logging.getLogger(__name__)

MOST = 2_000
"""Cut-outs of one export."""
MOST_BYTES = 256 * 1024 * 1024
MOST_S = 90.0
"""So long one is made; what is not in it then is said to be left out."""
_turn = threading.Lock()
"""One at a time a process: it takes a core."""

JUDGED: LiteralString = """
    SELECT episode.id::text AS episode, episode.device, last.verdict, last.shows, its.media, its.at,
           its.about, its.unredacted, its.kept_at IS NOT NULL AND its.erased_at IS NULL AS is_kept
      FROM episode
           JOIN LATERAL (
               SELECT verdict, shows FROM camera_review
                WHERE camera_review.episode = episode.id
                ORDER BY camera_review.id DESC LIMIT 1) AS last ON true
           LEFT JOIN LATERAL (
               SELECT * FROM camera_media
                WHERE camera_media.episode = episode.id AND camera_media.gateway_id = episode.gateway_id
                  AND camera_media.device = episode.device AND camera_media.kind = 'snapshot'
                ORDER BY kept_at IS NULL, erased_at IS NOT NULL, at LIMIT 1) AS its ON true
     WHERE episode.site = %(site)s AND episode.mode = %(mode)s AND NOT episode.test
       AND episode.kind LIKE 'vision.%%' -- as the index has it
       AND starts_with(episode.kind, 'vision.bare_head')
       AND (%(devices)s::text[] IS NULL OR episode.device = ANY (%(devices)s))
       AND (%(device)s::text IS NULL OR episode.device = %(device)s)
     ORDER BY raised_at DESC, episode.id DESC
"""
"""Alarms on bare heads of which somebody has said something, the newest first, each with its snapshot."""


class Wanted(NamedTuple):
    """Of which cameras."""

    site: str
    mode: str
    devices: Sequence[str] | None
    """Those that may be seen; `None`: all."""
    device: str | None


def export(dsn: str, wanted: Wanted, mark: Mark, *, by: Who, vault: Vault) -> IO[bytes]:
    """The archive, made on behalf of whoever calls; raises the problem 429 while another one is made."""
    if not _turn.acquire(blocking=False):
        detail = "Cut-outs are being exported for somebody else. Try again in a moment."
        raise ProblemError(429, "cut-outs-busy", "Busy", detail, {"Retry-After": "20"})
    try:
        with contextlib.ExitStack() as unsent:
            file: IO[bytes] = unsent.enter_context(tempfile.TemporaryFile())
            with connect(dsn) as connection, connection.transaction(), zipfile.ZipFile(file, "w") as archive:
                taken = _write(connection, archive, wanted, mark=mark, vault=vault)
                # In the same transaction: what cannot be noted is not given out.
                note(connection, by, _looks(wanted, taken))
            log.info("cut-outs exported site=%s by=%s count=%d", wanted.site, mark.name, taken.total())
            # Whole: it is closed when it has been sent.
            unsent.pop_all()
            return file
    finally:
        _turn.release()


def _looks(wanted: Wanted, taken: Counter[str]) -> list[Look]:
    """One of each camera; where nothing was found, that somebody asked."""
    of: Iterable[tuple[str | None, int]] = taken.items() or [(wanted.device, 0)]
    return [
        Look(site=wanted.site, mode=wanted.mode, device=device, what="cut_outs", pictures=count)
        for device, count in of
    ]


def _write(
    connection: Connection, archive: zipfile.ZipFile, wanted: Wanted, *, mark: Mark, vault: Vault
) -> Counter[str]:
    """How many cut-outs of each camera are in it."""
    packing = _Packing(archive, wanted, ZoneInfo(mark.time_zone), mark.at)
    with Cutter() as cutter, connection.cursor("judged", row_factory=dict_row) as rows:
        rows.itersize = 500
        rows.execute(JUDGED, wanted._asdict())
        for row in rows:
            packing.take(row, cutter, lambda row: whole(connection, row["media"], vault))
    packing.put("manifest.json", msgspec.json.format(msgspec.json.encode(packing.entries), indent=1))
    said = read_me(mark, wanted.site, packing.kinds, packing.left)
    packing.put("README.txt", b"\xef\xbb\xbf" + said.encode())
    return Counter(entry.camera for entry in packing.entries)


class _Packing:
    """An archive in the making."""

    def __init__(self, archive: zipfile.ZipFile, wanted: Wanted, zone: ZoneInfo, at: dt.datetime) -> None:
        self.entries: list[Entry] = []
        self.kinds: Counter[str] = Counter()
        self.left: Counter[Left] = Counter()
        self._archive, self._wanted, self._zone = archive, wanted, zone
        utc = at.astimezone(dt.UTC)
        self._when = (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second)
        self._bytes, self._ends_s = 0, time.monotonic() + MOST_S

    def take(self, row: Row, cutter: Cutter, content: Callable[[Row], bytes]) -> None:
        """Put an alarm's cut-out in, or count why not."""
        why = _why_not(row) or ("too_many" if self._is_full() else None)
        cut_out = None if why else cutter.cut(content(row), tuple(row["about"]["box"]))
        if cut_out is None:
            self.left[why or "damaged"] += 1
            return
        cut = cut_of(_judged(self._wanted.site, row), cut_out.width, cut_out.height, self._zone)
        self.put(cut.entry.file, cut_out.content, zipfile.ZIP_STORED)
        self.put(cut.label_file, cut.labels.encode("ascii"), zipfile.ZIP_STORED)
        self.entries.append(cut.entry)
        self.kinds[_kind(cut)] += 1

    def put(self, name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
        """A file of the archive."""
        info = zipfile.ZipInfo(name, self._when)
        info.compress_type, info.external_attr = how, 0o644 << 16
        self._archive.writestr(info, content)
        self._bytes += len(content)

    def _is_full(self) -> bool:
        return len(self.entries) >= MOST or self._bytes >= MOST_BYTES or time.monotonic() >= self._ends_s


def _why_not(row: Row) -> Left | None:
    """Of what has been looked at in the database."""
    if row["verdict"] == "unclear":
        return "unclear"
    if not row["is_kept"]:
        return "no_picture"
    if row["unredacted"]:
        return "unredacted"
    return "no_box" if row["about"] is None else None


def _judged(site: str, row: Row) -> Judged:
    about = row["about"]
    return Judged(
        site=site,
        device=row["device"],
        episode=row["episode"],
        at=row["at"],
        verdict=row["verdict"],
        shows=row["shows"],
        box=tuple(about["box"]),
        others=[tuple(box) for box in about.get("others", [])],
    )


def _kind(cut: Cut) -> str:
    if cut.labels:
        return "helmet" if cut.labels.startswith("0") else "head"
    return "nothing" if cut.entry.shows == "nothing" else "ignored"
