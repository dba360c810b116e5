"""One case pack, one zip: manifest, history, configuration, rules, and the alarms that they must give."""

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import yaml

from sitewarden import documents
from sitewarden.backtest.episodes import Episode
from sitewarden.casepack.configuration import (
    Configuration,
    UnfitError,
    configuration_of,
    configured,
    without_configuration,
)
from sitewarden.casepack.model import OLDEST, VERSION, CasePack, Manifest
from sitewarden.errors import ConfigurationError, SiteWardenError
from sitewarden.history import Header, History, read_history, write_history
from sitewarden.rules.packs import RulePack, mistakes

MANIFEST, HISTORY, EXPECTED, RULES = "manifest.json", "history.parquet", "expected.json", "rules/"
CONFIGURATION = "configuration.json"
LARGEST_BYTES = 1 << 30
"""Unpacked, all files together: a small file may not swell into a disk full."""
MOST_READINGS = 20_000_000
"""Nor into a memory full: repeated values take next to no room in a file."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first instant that a zip knows: the same content is the same file, whenever it was packed."""


class BadPackError(SiteWardenError):
    """A file that is no case pack, or not as it was packed."""


def write_pack(file: Path, manifest: Manifest, history: History, expected: Sequence[Episode]) -> None:
    """Pack; the file is there whole or not at all. Rules and configuration are the history's own."""
    header = history.header
    bare = msgspec.structs.replace(without_configuration(header), rules=[])
    parts = {
        HISTORY: _history(history._replace(header=bare)),
        CONFIGURATION: _json(configuration_of(header)),
        EXPECTED: _json(list(expected)),
        **{f"{RULES}{pack.pack}.yaml": _yaml(pack) for pack in header.rules},
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(parts.items())}
    told = msgspec.structs.replace(manifest, v=VERSION, files=hashes)
    draft = file.with_name(f".{file.name}.new")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), msgspec.json.format(msgspec.json.encode(told)))
        for name, content in sorted(parts.items()):
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    draft.replace(file)


def open_pack(file: Path) -> CasePack:
    """Read and check; raises `BadPackError` where anything is not as it was packed."""
    try:
        with zipfile.ZipFile(file) as packed:
            parts = _parts(file, packed)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as exc:
        # The last two: compressed or encrypted as none of ours is.
        raise BadPackError(f"{file}: is no case pack: {exc}") from exc
    manifest = _manifest(file, parts.pop(MANIFEST, b""))
    _check(file, manifest, parts)
    try:
        expected = msgspec.json.decode(parts[EXPECTED], type=list[Episode])
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadPackError(f"{file}: {EXPECTED} is not understood: {exc}") from exc
    history = _read_history(file, parts)
    if manifest.v > OLDEST:
        history = history._replace(header=_configured(file, history.header, parts[CONFIGURATION]))
    return CasePack(manifest, history, expected)


def _parts(file: Path, packed: zipfile.ZipFile) -> dict[str, bytes]:
    size = sum(entry.file_size for entry in packed.infolist())
    if size > LARGEST_BYTES:
        raise BadPackError(f"{file}: unpacks to {size} bytes; a case pack has at most {LARGEST_BYTES}")
    return {entry.filename: packed.read(entry) for entry in packed.infolist()}


def _manifest(file: Path, content: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadPackError(f"{file}: has no manifest that can be understood: {exc}") from exc
    if not OLDEST <= manifest.v <= VERSION:
        raise BadPackError(
            f"{file}: has version {manifest.v} of the format, this program knows {OLDEST} to {VERSION}:"
            " pack it again, or judge it with the program that made it"
        )
    return manifest


def _check(file: Path, manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    needed = {HISTORY, EXPECTED} if manifest.v == OLDEST else {HISTORY, EXPECTED, CONFIGURATION}
    for name in sorted({*manifest.files, *parts, *needed}):
        if name not in parts:
            raise BadPackError(f"{file}: {name} is missing")
        if hashlib.sha256(parts[name]).hexdigest() != manifest.files.get(name):
            raise BadPackError(f"{file}: {name} is not as it was packed (SHA-256 differs)")


def _read_history(file: Path, parts: Mapping[str, bytes]) -> History:
    with tempfile.TemporaryDirectory(prefix="sitewarden-pack-") as folder:
        unpacked = Path(folder) / HISTORY
        unpacked.write_bytes(parts[HISTORY])
        try:
            history = read_history(unpacked, most=MOST_READINGS)
        except ConfigurationError as exc:
            raise BadPackError(f"{file}: {HISTORY} {exc.message}") from exc
    rules = [_rules(file, name, parts[name]) for name in sorted(parts) if name.startswith(RULES)]
    return history._replace(header=msgspec.structs.replace(history.header, rules=rules))


def _configured(file: Path, header: Header, content: bytes) -> Header:
    try:
        return configured(header, msgspec.json.decode(content, type=Configuration))
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadPackError(f"{file}: {CONFIGURATION} is not understood: {exc}") from exc
    except UnfitError as exc:
        raise BadPackError(f"{file}: {CONFIGURATION} {exc}") from exc


def _rules(file: Path, name: str, content: bytes) -> RulePack:
    try:
        document = documents.parse(content.decode(), RulePack, file / name)
    except UnicodeDecodeError as exc:
        raise BadPackError(f"{file}: {name} is not UTF-8 text") from exc
    except ConfigurationError as exc:
        raise BadPackError(str(exc)) from exc
    for mistake in mistakes(document):
        raise BadPackError(str(mistake))
    return document.value


def _history(history: History) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sitewarden-pack-") as folder:
        written = Path(folder) / HISTORY
        write_history(written, history)
        return written.read_bytes()


def _json(content: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1)


def _yaml(pack: RulePack) -> bytes:
    text = yaml.safe_dump(msgspec.to_builtins(pack), allow_unicode=True, sort_keys=False, width=110)
    return str(text).encode()
