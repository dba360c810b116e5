"""The labelled photos: which there are, where they come from and which of them a recipe may learn from.

A collection is a folder with `manifest.json`, `images/<split>/<name>.jpg` and `labels/<split>/<name>.txt`
(a line a head: kind, centre x, centre y, width, height, as shares of the photo), outside the repository.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from sitewarden import documents
from sitewarden.errors import ConfigurationError

KINDS = ("helmet", "head")
"""What a box shows: a head with a helmet; a bare head, on which hair, caps and hats count as bare."""
HELMET, HEAD = range(2)
Corners = tuple[float, float, float, float]


class Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collection that photos were taken from, as its publisher declares it."""

    title: str
    by: str
    licence: str  # an SPDX identifier; `internal` where none allows to pass on what was learned
    attribution: str  # the line a model card prints; empty where the photos are never used for one
    doubt: str  # what speaks against the declaration


class Origins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of origins."""

    origins: dict[str, Origin]


class Label(msgspec.Struct, frozen=True):
    """A head: what it wears, and its box `x1 y1 x2 y2` as shares of the photo's width and height."""

    kind: int
    corners: Corners


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """One photo with its labels."""

    folder: Path
    file: str  # below the folder: images/train/name.jpg
    split: str
    origin: str
    labels: tuple[Label, ...] = ()
    ignore: tuple[Corners, ...] = ()  # areas whose labels are missing or doubtful

    @property
    def path(self) -> Path:
        """Where the picture lies."""
        return self.folder / self.file

    @property
    def name(self) -> str:
        """The file's name without folder and ending; unique over all collections."""
        return Path(self.file).stem


class _Entry(msgspec.Struct, frozen=True):
    """What we use of a line of a manifest."""

    file: str
    source: str
    origin: str = ""
    ignore: tuple[Corners, ...] = ()


def load_origins() -> dict[str, Origin]:
    """The origins that are known, by the name a manifest calls them."""
    return documents.load(Path(__file__).with_name("origins.yaml"), Origins).origins


def load(folders: Iterable[Path], split: str) -> list[Photo]:
    """The photos of one split whose pictures are there, in the order of their names."""
    photos = [photo for folder in folders for photo in _of(folder, split)]
    return sorted(photos, key=lambda photo: photo.name)


def load_licensed(folders: Sequence[Path], split: str, licences: Sequence[str]) -> list[Photo]:
    """The photos of one split that may be learned from; that there are none is an error."""
    photos = licensed(load(folders, split), licences)
    if not photos:
        raise ConfigurationError(
            folders[0] / "manifest.json",
            0,
            "",
            f"has no photo of the split {split} under the licences {', '.join(licences)}",
            "Name a folder whose origins declare them.",
        )
    return photos


def _of(folder: Path, split: str) -> Iterator[Photo]:
    origins = load_origins()
    for entry in _entries(folder / "manifest.json"):
        origin = entry.origin or entry.source
        if Path(entry.file).parent.name != split or not (folder / entry.file).is_file():
            continue
        if origin not in origins:
            raise ConfigurationError(
                folder / "manifest.json",
                0,
                entry.file,
                f"has the origin {origin!r}, of which nothing is known",
                "Add it with its licence to origins.yaml.",
            )
        labels = read_labels(folder / _label_file(entry.file))
        yield Photo(
            folder=folder, file=entry.file, split=split, origin=origin, labels=labels, ignore=entry.ignore
        )


def _entries(file: Path) -> list[_Entry]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[_Entry])
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "Name a collection's folder."
        ) from exc
    except msgspec.DecodeError as exc:
        raise ConfigurationError(
            file, 0, "", f"is no manifest: {exc}", "Give a list of file and source."
        ) from exc


def _label_file(image: str) -> str:
    return str(Path(image.replace("images/", "labels/", 1)).with_suffix(".txt"))


def read_labels(file: Path) -> tuple[Label, ...]:
    """The heads of one label file; an empty file is a photo without heads, a missing one is an error."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "A photo without heads has an empty file."
        ) from exc
    return tuple(_label(file, number, line) for number, line in enumerate(lines, 1) if line.strip())


def _label(file: Path, number: int, line: str) -> Label:
    try:
        kind, *rest = line.split()
        x, y, width, height = map(float, rest)
        label = Label(int(kind), (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    except ValueError as exc:
        raise ConfigurationError(
            file, number, "", f"is no label: {line!r}", "Write: kind, centre x, y, width, height."
        ) from exc
    if label.kind not in range(len(KINDS)) or not (width > 0 and height > 0):
        raise ConfigurationError(
            file, number, "", f"is no label: {line!r}", "Kinds are 0 and 1, sides positive."
        )
    return label


def licensed(photos: Iterable[Photo], licences: Iterable[str]) -> list[Photo]:
    """Those photos whose origin declares one of `licences`."""
    origins, allowed = load_origins(), set(licences)
    return [photo for photo in photos if origins[photo.origin].licence in allowed]


def fingerprint(photos: Iterable[Photo]) -> str:
    """SHA-256 of all that was learned from: each photo's name and bytes, labels and ignored areas."""
    total = hashlib.sha256()
    for photo in sorted(photos, key=lambda photo: photo.name):
        picture = hashlib.sha256(photo.path.read_bytes()).hexdigest()
        total.update(msgspec.json.encode([photo.name, picture, photo.labels, photo.ignore]) + b"\n")
    return total.hexdigest()
