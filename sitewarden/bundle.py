"""A gateway's configuration as it travels: text files by name, and one hash of all of them. Pure."""

import hashlib
import re
from collections.abc import Mapping

import msgspec

from sitewarden.errors import SiteWardenError

MAIN = "gateway.yaml"
"""The file that a bundle begins with; the others are what it names."""
SUFFIXES = (".csv", ".yaml", ".yml")
MOST_FILES = 64
MOST_BYTES = 512 * 1024
"""Of all texts together, as UTF-8."""
DEEPEST = 4
"""Parts of a name."""
LONGEST = 128
"""Characters of a name."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

Files = Mapping[str, str]
"""By name, such as `charts/crane-1.yaml`."""


class BundleError(SiteWardenError):
    """Texts that are no bundle."""

    def __init__(self, file: str, message: str, mend: str) -> None:
        """`file` is empty where it is about all of them."""
        self.file, self.message, self.mend = file, message, mend
        super().__init__(f"{file}: {message}. {mend}" if file else f"{message}. {mend}")


def check(files: Files) -> None:
    """Raise `BundleError` where the texts are no bundle: a name that leaves its folder is none."""
    if MAIN not in files:
        raise BundleError(MAIN, "is missing", "It says which buses and devices there are.")
    if len(files) > MOST_FILES:
        raise BundleError("", f"{len(files)} files", f"Give {MOST_FILES} at most.")
    folders = {name[:i] for name in files for i, letter in enumerate(name) if letter == "/"}
    for name, text in files.items():
        if fault := _fault_of(name):
            raise BundleError(name[:LONGEST], *fault)
        if name in folders:
            raise BundleError(name, "is a file and a folder", "Give one of them another name.")
        if "\x00" in text:
            raise BundleError(name, "holds a NUL character", "Write plain text.")
    try:
        size = sum(len(text.encode()) for text in files.values())
    except UnicodeEncodeError as exc:
        raise BundleError("", "holds half a character", "Write plain text.") from exc
    if size > MOST_BYTES:
        raise BundleError("", f"{size} bytes", f"Give {MOST_BYTES} at most.")


def digest(files: Files) -> str:
    """SHA-256 of the texts in the order of their names, as hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(dict(files), order="deterministic")).hexdigest()


def _fault_of(name: str) -> tuple[str, str] | None:
    if len(name) > LONGEST:
        return f"a name of {len(name)} characters", f"Use {LONGEST} at most."
    parts = name.split("/")
    if len(parts) > DEEPEST or not all(_PART.fullmatch(part) for part in parts):
        mend = f"Use A-Z, a-z, 0-9, _, - and ., in {DEEPEST} folders at most, none of them `..`."
        return "is no name that a bundle may have", mend
    if not name.endswith(SUFFIXES):
        return "is of no kind that a gateway reads", f"End it in {', '.join(SUFFIXES)}."
    return None
