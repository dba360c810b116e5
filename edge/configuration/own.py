"""What a gateway's own file says beside its identity, as the bundle that it would be at the cloud.

So whoever takes a gateway over begins with what is in force there, comments and all.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from edge.config import load_own
from edge.settings import GatewayDocument, GatewayFile
from edge.vision import address
from sitewarden import bundle
from sitewarden.errors import ConfigurationError
from sitewarden.messages import ConfigurationFault

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE)
_FIELD = re.compile(r"[a-z0-9_.\[\]-]{1,120}")
"""By which keys lead to it; any other sign, and it may be a value that stands in the wrong place."""
_WRITTEN_OUT = (
    "a login is written out there, of which nobody can tell where it ends",
    "Write {username} and {password} in its place, and a `password_file` beside the address.",
)


class UntoldError(bundle.BundleError):
    """A file that cannot be meant, by where it stands: its words may repeat a password, and stay here."""

    def __init__(self, file: str, line: int, field: str, message: str) -> None:
        """`line` counts from 1, 0 is the whole file."""
        super().__init__(
            file, message, "Run `sitewarden edge check` at the gateway: it says more than may travel."
        )
        self.line, self.field = line, field


def fault_of(exc: bundle.BundleError) -> ConfigurationFault:
    """As the cloud's page shows it."""
    line, field = (exc.line, exc.field) if isinstance(exc, UntoldError) else (0, "")
    return ConfigurationFault(file=exc.file, line=line, field=field, message=exc.message, mend=exc.mend)


def own_bundle(own: Path) -> dict[str, str] | None:
    """The texts; `None` where they say nothing yet. Raises `BundleError` where they cannot travel."""
    try:
        said, text = load_own(own), own.read_text(encoding="utf-8")
        folder = own.resolve().parent
        files = {bundle.MAIN: less_own_keys(_less_logins(text, said)), **dict(_named(said, folder))}
    except ConfigurationError as exc:
        if isinstance(exc.__cause__, OSError):
            raise _unread(exc.file, exc.__cause__) from exc
        field = exc.field if _FIELD.fullmatch(exc.field) else ""
        raise UntoldError(exc.file.name, exc.line, field, "cannot be meant so") from exc
    except OSError as exc:
        raise _unread(Path(str(exc.filename or own)), exc) from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        raise UntoldError(own.name, 0, "", "cannot be read") from exc
    bundle.check(files)
    return files if said.buses else None


def _unread(file: Path, why: OSError) -> UntoldError:
    return UntoldError(file.name, 0, "", f"cannot be read ({why.strerror})")


def less_own_keys(text: str) -> str:
    """The lines of the keys that the cloud takes over, with the comments above them. Pure."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return ""
    lines = text.splitlines(keepends=True)
    begins = [(key.value, _with_comments(lines, key.start_mark.line)) for key, _ in root.value]
    ends = [*(begin for _, begin in begins[1:]), len(lines)]
    wanted = GatewayDocument.__struct_fields__
    parts = [lines[begin:end] for (key, begin), end in zip(begins, ends, strict=True) if key in wanted]
    return "".join(line for part in parts for line in part)


def _less_logins(text: str, said: GatewayFile) -> str:
    """Cameras' addresses without the logins in them: they stay at the gateway, to be put into a file there.

    Raises `BundleError` where one is written so that it cannot be found, or that nobody knows where it ends.
    """
    for camera in said.cameras:
        if address.holds_login(camera.url):
            told = address.shown(camera.url)
            if camera.url not in text or address.LEFT_OUT in told:
                raise bundle.BundleError(f"camera {camera.camera}", *_WRITTEN_OUT)
            text = text.replace(camera.url, told)
    # So do those of cameras that somebody has commented out.
    lines = enumerate(text.splitlines(keepends=True), 1)
    return "".join(_less_login(line, number) for number, line in lines)


def _less_login(line: str, number: int) -> str:
    """A line up to where an address in it holds a login: a password may hold blanks and quotes.

    Raises `BundleError` where that is no comment.
    """
    for found in _ADDRESS.finditer(line):
        before, is_login = line[: found.start()], address.holds_login(found[0])
        if is_login and "#" not in before:
            raise bundle.BundleError(f"line {number}", *_WRITTEN_OUT)
        if is_login:
            return f"{before}{address.shown(found[0])} {address.LEFT_OUT}\n"
        if "#" in before and "@" in line[found.end() :]:
            return f"{before}{address.LEFT_OUT}\n"  # what ends the address may be of a password before that
    return line


def _with_comments(lines: list[str], line: int) -> int:
    """Where what belongs to a key begins: at the comments right above it."""
    while line > 0 and lines[line - 1].startswith("#"):
        line -= 1
    return line


def _named(said: GatewayFile, folder: Path) -> Iterator[tuple[str, str]]:
    """The texts that a file names beside itself, less histories: they are taken in already, and large."""
    entries = [entry for bus in said.buses for entry in bus.devices]
    charts = (entry.load_chart for entry in entries)
    for name in (*said.rules, *charts):
        if name is not None and name.endswith((".yaml", ".yml")):
            yield name, _read(folder / name)
    for name in said.profiles:
        for file in sorted((folder / name).glob("*.yaml")):
            yield f"{name.rstrip('/')}/{file.name}", _read(file)


def _read(file: Path) -> str:
    if file.stat().st_size > bundle.MOST_BYTES:
        raise bundle.BundleError(file.name, "is too large to travel", "")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise UntoldError(file.name, 0, "", "is not UTF-8 text") from exc
