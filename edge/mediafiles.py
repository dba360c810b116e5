"""Files of cameras on the gateway's disk, each with a note beside it of what it is.

Written whole or not at all: bytes and note are on the disk before anybody is told of them. Whoever looks at
pictures writes, the agent sends and deletes; both know a file by its hash.
"""

import contextlib
import errno
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sitewarden.messages import (
    MOST_MEDIA_BYTES,
    EpisodeId,
    MediaKind,
    NoPicture,
    Picture,
    PictureAbout,
    Sha256,
)

log = logging.getLogger(__name__)

FOLDER = "media"
"""Below the gateway's data."""
NOTE = ".json"
LEFT_S = 600.0
"""What is unfinished for so long nobody will finish."""
_ENDINGS = {"image/jpeg": ".jpg", "image/webp": ".webp"}
_SEALED = ".sealed"
_BOX_BYTES, KEY_BYTES = 52, 32
"""`OVERHEAD` and `KEY_BYTES` of `sitewarden.boxes`, whose library only gateways load that seal."""
_UNFINISHED = ".part"
CLOUD_KEY = "cloud.key"
"""For which unredacted pictures are sealed, as the cloud has told it."""


class MediaNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a file."""

    sha256: Sha256
    bytes: int
    media_type: str
    kind: MediaKind
    camera: str
    at_ms: int
    """UTC, by the wall clock of whoever wrote it."""
    key: str | None = None
    """Of the camera's point whose alarm it belongs to."""
    track: int = 0
    of: Sha256 | None = None
    """Of a clip the snapshot of the same alarm."""
    unredacted: bool = False
    about: PictureAbout | None = None
    """Of a snapshot, what it shows."""
    episode: EpisodeId | None = None
    """Of the alarm, once it is raised."""
    sealed_for: str | None = None
    """The file is a box for the cloud's key of that number; nobody here opens it."""
    sealed_sha256: Sha256 | None = None
    """Of the box."""

    @property
    def picture(self) -> Picture:
        """As an alarm names it."""
        return Picture(sha256=self.sha256, bytes=self.bytes, media_type=self.media_type, kind=self.kind)

    @property
    def name(self) -> str:
        """Of the file."""
        is_box = self.sealed_for is not None
        return self.sha256 + (_SEALED if is_box else _ENDINGS.get(self.media_type, ".bin"))

    @property
    def resting_bytes(self) -> int:
        """Of the file as it lies."""
        return self.bytes if self.sealed_for is None else self.bytes + _BOX_BYTES


class TooLargeError(OSError):
    """More bytes than the cloud takes of one file."""

    def __init__(self, found: int) -> None:
        """So many."""
        super().__init__(errno.EFBIG, f"{found} bytes; a file has at most {MOST_MEDIA_BYTES}")


class CloudKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public key of the cloud that pictures are brought to."""

    cloud: str
    """Its address."""
    key: bytes


def cloud_key(folder: Path) -> CloudKey | None:
    """What the cloud has told; `None` where it has told nothing yet."""
    try:
        known = msgspec.json.decode((folder / CLOUD_KEY).read_bytes(), type=CloudKey)
    except (OSError, ValueError):
        return None
    return known if len(known.key) == KEY_BYTES else None


def keep_cloud_key(folder: Path, key: CloudKey) -> None:
    """Put it down for the eyes; raises `OSError`."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    _write(folder / CLOUD_KEY, msgspec.json.encode(key))
    _settle(folder)


def forget_cloud_key(folder: Path) -> None:
    """Pictures go to another cloud; raises `OSError`."""
    (folder / CLOUD_KEY).unlink(missing_ok=True)


def store(folder: Path, content: bytes, note: MediaNote, key: bytes | None = None) -> MediaNote:
    """Write both down for good; `sha256` and `bytes` are reckoned here. Raises `OSError`.

    Unredacted pictures are written as boxes for the cloud's public `key`, and not without: `ValueError`.
    """
    if len(content) > MOST_MEDIA_BYTES:
        raise TooLargeError(len(content))
    if note.unredacted and key is None:
        raise ValueError("an unredacted picture is not written as it is")
    sha256 = hashlib.sha256(content).hexdigest()
    note = msgspec.structs.replace(note, sha256=sha256, bytes=len(content))
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    if note.unredacted and key is not None:
        note = _store_box(folder, content, note, key)
    else:
        _write(folder / note.name, content)
    write_note(folder, note)
    return note


def seal(folder: Path, note: MediaNote, key: bytes) -> MediaNote:
    """What lies as it is, from before such pictures were sealed, becomes a box; raises `OSError`."""
    sealed = store(folder, (folder / note.name).read_bytes(), note, key)
    (folder / note.name).unlink(missing_ok=True)
    return sealed


def _store_box(folder: Path, content: bytes, note: MediaNote, key: bytes) -> MediaNote:
    """The note of a box that lies there then.

    Two alarms of one frame have the same picture, and no two boxes are the same: the first stays, for
    whoever brings it knows it by its hash.
    """
    from sitewarden import boxes  # noqa: PLC0415  takes memory; most gateways redact

    number, lying = boxes.number_of(key), note_of(folder, note.sha256)
    if lying is not None and lying.sealed_for == number and _lies_whole(folder, lying):
        return msgspec.structs.replace(note, sealed_for=number, sealed_sha256=lying.sealed_sha256)
    try:
        box = boxes.closed(content, key, bytes.fromhex(note.sha256))
    except boxes.BoxError as exc:
        raise ValueError(str(exc)) from exc
    note = msgspec.structs.replace(note, sealed_for=number, sealed_sha256=hashlib.sha256(box).hexdigest())
    _write(folder / note.name, box)
    return note


def write_note(folder: Path, note: MediaNote) -> None:
    """Put the note in place of the one before, if any; raises `OSError`."""
    _write(folder / (note.sha256 + NOTE), msgspec.json.encode(note))
    _settle(folder)


def seen(folder: Path) -> Iterator[MediaNote]:
    """Every file that is whole; nothing is changed. Raises `OSError`."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*" + NOTE)):
        note = _read(path)
        if note is not None and _size(folder / note.name) == note.resting_bytes:
            yield note


def notes(folder: Path) -> list[MediaNote]:
    """The same; and what was left unfinished or without its other half long ago is deleted.

    So is at once what lies as it is beside its box: sealing it broke off before that was deleted.
    """
    found = list(seen(folder))
    named = {name for note in found for name in (note.name, note.sha256 + NOTE)}
    boxed = {note.sha256 for note in found if note.sealed_for is not None}
    for path in folder.iterdir() if folder.is_dir() else ():
        is_ours = path.suffix in {*_ENDINGS.values(), _SEALED, NOTE, _UNFINISHED, ".bin"}
        is_over = path.stem in boxed and path.suffix in _ENDINGS.values()
        if is_ours and path.name not in named and (is_over or _is_old(path)):
            log.warning("an unfinished file of a camera is deleted name=%s", path.name)
            path.unlink(missing_ok=True)
    return found


def files(folder: Path) -> Iterator[str]:
    """The hashes of all notes, unread; raises `OSError`."""
    return (path.stem for path in folder.glob("*" + NOTE)) if folder.is_dir() else iter(())


def note_of(folder: Path, sha256: str) -> MediaNote | None:
    """Of one file; `None` where it is not there."""
    return _read(folder / (sha256 + NOTE))


def delete(folder: Path, note: MediaNote) -> None:
    """First the note, so that no note is left without its file; raises `OSError`."""
    (folder / (note.sha256 + NOTE)).unlink(missing_ok=True)
    (folder / note.name).unlink(missing_ok=True)


def why(error: OSError) -> NoPicture:
    """In one word why nothing could be stored."""
    return "disk_full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "disk"


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def _settle(folder: Path) -> None:
    """Names rest with the folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _read(path: Path) -> MediaNote | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=MediaNote)
    except (OSError, ValueError):
        return None


def _is_old(path: Path) -> bool:
    """Not just being written; nor so by a clock that was set back."""
    try:
        return abs(time.time() - path.stat().st_mtime) > LEFT_S
    except OSError:
        return False


def whole(folder: Path, note: MediaNote) -> bool:
    """Whether the bytes are still those that were stored; raises `OSError` where the disk does not say."""
    with (folder / note.name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == (note.sealed_sha256 or note.sha256)


def _lies_whole(folder: Path, note: MediaNote) -> bool:
    """The same where it may be gone."""
    try:
        return whole(folder, note)
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
