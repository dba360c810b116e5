"""Keys that rest in files, outside of the database: whoever has a copy of that alone opens nothing.

A key is changed by putting another into its file; the one before stays beside it under a name of its own.
"""

import contextlib
import fcntl
import logging
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)

KEY_BYTES = 32
_EARLIER = ".before-"


class BadKeyError(ValueError):
    """The file is not there, or holds no key."""


def is_to_be_made(named: Path | None, made: Path) -> bool:
    """Whether none is named and there is none yet."""
    return named is None and not made.exists()


def key_of(named: Path | None, made: Path) -> bytes:
    """The key in the file that the configuration names; else that in `made`, which is made if need be.

    Raises `BadKeyError`.
    """
    if is_to_be_made(named, made):
        _make(made)
    return read(named or made)


def read(file: Path) -> bytes:
    """The key in a file; raises `BadKeyError`."""
    try:
        key = bytes.fromhex(file.read_text().strip())
    except OSError as exc:
        raise BadKeyError(f"{file} is no key: {exc.strerror}") from exc
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKeyError(f"{file} is no key: it must be {2 * KEY_BYTES} hexadecimal digits")
    return key


def earlier(file: Path) -> list[Path]:
    """The files of the keys that were in this one before."""
    return sorted(file.parent.glob(f"{file.name}{_EARLIER}*"))


def change(file: Path, number_of: Callable[[bytes], str]) -> Path:
    """Put a new key into a file; where the one before lies then, under its number.

    That is on the disk before the new one is: whenever it breaks off, no key is lost. The new one is for whom
    the old one was, whoever makes it. Raises `OSError`, `BadKeyError`.
    """
    with _alone(file):
        key = read(file)
        before = file.with_name(f"{file.name}{_EARLIER}{number_of(key)}")
        with contextlib.suppress(FileExistsError):  # it broke off there the last time
            os.link(file, before)
        if read(before) != key:
            raise BadKeyError(f"{before} holds another key than its name says")
        _keep_names(file.parent)
        _replace(file)
    return before


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Whoever else changes the key at this machine waits, and finds the one that there is then."""
    while True:
        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(held.fileno()), file.stat()):
                yield
                return


def _replace(file: Path) -> None:
    whose = file.stat()
    made = _written(file)
    try:
        if whose.st_uid != os.geteuid():
            os.chown(made, whose.st_uid, whose.st_gid)
        made.chmod(stat.S_IMODE(whose.st_mode))
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
    _keep_names(file.parent)


def _make(file: Path) -> None:
    """Whole or not at all: whoever makes it at the same time makes the one that both use."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = _written(file)
    try:
        os.link(made, file)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    _keep_names(file.parent)
    log.warning("a key was made, back it up apart from the database file=%s", file)


def _written(file: Path) -> Path:
    """A new key on the disk beside the file that it is to be."""
    made = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(secrets.token_hex(KEY_BYTES) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return made


def _keep_names(folder: Path) -> None:
    """What is sealed outlives a power cut, and so must the name of its key."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
