"""Versions of the cloud on the disk: which of them held, which is on probation, which were turned down.

What is in force moves forward only when a probation is over: whatever ends the process before that, the next
start works from the version before.
"""

import contextlib
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from sitewarden import bundle
from sitewarden.messages import ConfigurationReport

log = logging.getLogger(__name__)

KEPT = 10
"""Versions that have held, and as many words on those that have not."""
_STATE, _ASKED, _NEW = "state.json", "rollback.json", ".new"


class Version(NamedTuple):
    """A version of the cloud; the hash tells two of one number apart, as after a restored database."""

    number: int
    hash: str

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.number}-{self.hash[:12]}"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on site wants to go back."""

    by: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the versions."""

    held: list[Version] = []
    """Those that were in force, the newest last: it is the one that is."""
    on_probation: Version | None = None
    verdicts: list[ConfigurationReport] = []
    """Of those that were turned down, the newest last."""


class History:
    """The folder of versions. A disk that refuses raises `OSError` where something is written."""

    def __init__(self, folder: Path) -> None:
        """Reads what is known; a broken note is taken for none, for a gateway must start."""
        self.folder = folder
        self.state = self._read()

    @property
    def in_force(self) -> Version | None:
        """The newest that held; `None` where the gateway's own file is in force."""
        return self.state.held[-1] if self.state.held else None

    def file_of(self, version: Version) -> Path:
        """Its main text."""
        return self.folder / version.folder / bundle.MAIN

    def verdict_on(self, version: Version) -> ConfigurationReport | None:
        """Why it was turned down; `None` where it was not, or nobody remembers."""
        found = (v for v in self.state.verdicts if (v.version, v.hash) == version)
        return next(found, None)

    def keep(self, version: Version, files: bundle.Files) -> None:
        """Write its texts; they are all there or none, whenever the power goes."""
        folder = self.folder / version.folder
        new = self.folder / f"{version.folder}{_NEW}"
        shutil.rmtree(new, ignore_errors=True)
        write_all(new, files)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
        _sync(self.folder)

    def drop(self, version: Version) -> None:
        """Its texts are not needed any more."""
        shutil.rmtree(self.folder / version.folder, ignore_errors=True)

    def begin(self, version: Version) -> None:
        """It is put on probation."""
        self._write(msgspec.structs.replace(self.state, on_probation=version))

    def hold(self, version: Version) -> None:
        """It has held, and is in force from now on."""
        held = [one for one in self.state.held if one != version][-KEPT + 1 :]
        self._write(msgspec.structs.replace(self.state, held=[*held, version], on_probation=None))
        self._forget()

    def turn_down(self, version: Version, verdict: ConfigurationReport) -> None:
        """It is not in force and will not be; what it was stays for people to look at."""
        state = self.state
        others = [v for v in state.verdicts if (v.version, v.hash) != version][-KEPT + 1 :]
        self._write(
            msgspec.structs.replace(
                state,
                held=[one for one in state.held if one != version],
                on_probation=None if state.on_probation == version else state.on_probation,
                verdicts=[*others, verdict],
            )
        )
        self._forget()

    def asked(self) -> Asked | None:
        """Whether somebody on site wants to go back."""
        try:
            return msgspec.json.decode((self.folder / _ASKED).read_bytes(), type=Asked)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            log.warning("a wish to go back cannot be read: %s", exc)
            return None

    def ask(self, asked: Asked) -> None:
        """Leave word that somebody wants to go back; the agent can read it whoever that was."""
        write_at_once(self.folder / _ASKED, msgspec.json.encode(asked))
        (self.folder / _ASKED).chmod(0o644)

    def done(self) -> None:
        """What was asked has been done, or cannot be."""
        (self.folder / _ASKED).unlink(missing_ok=True)

    def _read(self) -> State:
        file = self.folder / _STATE
        try:
            return msgspec.json.decode(file.read_bytes(), type=State)
        except FileNotFoundError:
            return State()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            log.critical("nobody knows which configuration held file=%s: %s", file, exc)
            return State()

    def _write(self, state: State) -> None:
        write_at_once(self.folder / _STATE, msgspec.json.encode(state))
        self.state = state

    def _forget(self) -> None:
        """Folders of versions that nobody can go back to any more."""
        state = self.state
        known = {one.folder for one in state.held} | {
            Version(v.version, v.hash).folder for v in state.verdicts
        }
        if state.on_probation is not None:
            known.add(state.on_probation.folder)
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)


def write_all(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts by name below a folder, and have them reach the disk."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
    for path in {folder, *((folder / name).parent for name in files)}:
        _sync(path)


def write_at_once(file: Path, body: bytes) -> None:
    """A new file under the old name: it is the old one or the new one, whenever the power goes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + _NEW)
    with new.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    _sync(file.parent)


def _sync(folder: Path) -> None:
    """Have a folder's names reach the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
