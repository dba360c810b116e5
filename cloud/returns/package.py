"""A package about an incident (事故资料包): tables and files with a manifest of their hashes. Pure."""

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import msgspec

from cloud.exports import Column, Mark, Value, csv_of
from cloud.instants import rfc3339
from sitewarden import __version__


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the archive."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Hexadecimal, of its bytes."""
        return hashlib.sha256(self.content).hexdigest()


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the archive, before it is known who takes it out."""

    name: str
    titles: Sequence[str]
    rows: Sequence[Sequence[Value]]


def written(sheet: Sheet, mark: Mark) -> Part:
    """As comma-separated values."""
    content = b"".join(csv_of([Column(title) for title in sheet.titles], sheet.rows, mark))
    return Part(name=f"{sheet.name}.csv", content=content)


def as_json(name: str, said: Any) -> Part:
    """In an order that is always the same, so that the same facts are the same bytes."""
    content = msgspec.json.format(msgspec.json.encode(said, order="deterministic"), indent=2)
    return Part(name=f"{name}.json", content=content)


def manifest(number: str, made_at: dt.datetime, parts: Sequence[Part]) -> Part:
    """What is in the archive, with the hash of each file: it is checked with any tool for SHA-256."""
    files = [{"name": part.name, "bytes": len(part.content), "sha256": part.sha256} for part in parts]
    said = {
        "incident": number,
        "made_at": rfc3339(made_at),
        "generator": f"SiteWarden {__version__}",
        "files": files,
    }
    return as_json("manifest", said)


def archive(parts: Sequence[Part], made_at: dt.datetime) -> bytes:
    """The files in their order, each of the archive's own date: the same files are the same bytes."""
    at = made_at.astimezone(dt.UTC)
    when = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        for part in parts:
            said = zipfile.ZipInfo(part.name, date_time=when)
            said.compress_type = zipfile.ZIP_DEFLATED
            said.external_attr = 0o644 << 16
            file.writestr(said, part.content)
    return kept.getvalue()
