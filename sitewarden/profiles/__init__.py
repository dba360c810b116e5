"""Device profiles: read, checked for meaning, found by name."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from sitewarden import documents
from sitewarden.errors import ConfigurationError, UsageError
from sitewarden.points import UnknownKindError, point_kind
from sitewarden.profiles.model import (
    BIT_FUNCTIONS,
    FUNCTIONS,
    WIDTHS,
    AnyProfile,
    FramePoint,
    FrameProfile,
    JsonPoint,
    Modbus,
    ModbusPoint,
    ModbusProfile,
    Point,
    PollGroup,
    Profile,
)

__all__ = [
    "WIDTHS",
    "AnyProfile",
    "Modbus",
    "ModbusPoint",
    "ModbusProfile",
    "Point",
    "PollGroup",
    "Profile",
    "find_profile",
    "is_about_writing",
    "load_profiles",
    "parse_profile",
    "read_profile",
    "understood",
]

_BUILT_IN = resources.files("sitewarden.profiles")
_LAST_REGISTER = 65535
_BYTES = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "float32": 4}
"""That a type takes in a frame."""
_READ_ONLY = "SiteWarden only reads: it never writes to a device"
_READS = f"Write {', '.join(f'{number} for {what}s' for number, what in FUNCTIONS.items())}, or leave it out."


def read_profile(file: Path) -> AnyProfile:
    """The profile in `file`; raises `ConfigurationError` at the first thing that cannot be meant."""
    return parse_profile(documents.text_of(file), file)


def parse_profile(text: str, file: Path) -> AnyProfile:
    """The profile in `text`; `file` is only its name in complaints. Raises `ConfigurationError`."""
    try:
        document: documents.Document[AnyProfile] = documents.parse(text, AnyProfile, file)  # type: ignore[arg-type]  # a union
    except ConfigurationError as exc:
        raise _explained(exc) from exc
    for error in _meaningless(document):
        raise error
    return document.value


def understood(text: str, name: str) -> tuple[AnyProfile | None, list[ConfigurationError]]:
    """The profile that a text is, and all that cannot be meant in it; `name` stands for a file's."""
    try:
        document: documents.Document[AnyProfile] = documents.parse(text, AnyProfile, Path(name))  # type: ignore[arg-type]  # a union
    except ConfigurationError as exc:
        return None, [_explained(exc)]
    return document.value, list(_meaningless(document))


def is_about_writing(error: ConfigurationError) -> bool:
    """Whether a complaint says that a device is never written to."""
    return _READ_ONLY in error.message


def _explained(error: ConfigurationError) -> ConfigurationError:
    """A key that asks for writing deserves the true reason, not the nearest key that there is."""
    if not error.field.rpartition(".")[2].startswith("write"):
        return error
    return ConfigurationError(error.file, error.line, error.field, _READ_ONLY, "Remove the line.")


def load_profiles(*folders: Path) -> Mapping[str, AnyProfile]:
    """Every shipped profile and those in `folders`, by name; a name given twice is refused."""
    found = dict(_shipped())
    _add(found, sorted(file for folder in folders for file in folder.glob("*.yaml")))
    return {name: profile for name, (profile, _) in found.items()}


@cache
def _shipped() -> Mapping[str, tuple[AnyProfile, Path]]:
    """What comes with the program does not change while it runs, and reading it takes a tenth of a second."""
    found: dict[str, tuple[AnyProfile, Path]] = {}
    with resources.as_file(_BUILT_IN) as folder:
        _add(found, sorted(folder.glob("*.yaml")))
    return found


def _add(found: dict[str, tuple[AnyProfile, Path]], files: Iterable[Path]) -> None:
    for file in files:
        profile = read_profile(file)
        if profile.profile in found:
            other = found[profile.profile][1]
            message = f"`{profile.profile}` is already defined in {other}"
            raise ConfigurationError(file, 1, "profile", message, "Rename one of them.")
        found[profile.profile] = profile, file


def find_profile(text: str) -> AnyProfile:
    """The shipped profile of that name, or the one in the file `text` names.

    Raises `UsageError` where there is neither, `ConfigurationError` where the file is not sound.
    """
    if Path(text).suffix in {".yaml", ".yml"}:
        return read_profile(Path(text))
    shipped = load_profiles()
    if text not in shipped:
        known = ", ".join(sorted(shipped))
        raise UsageError(f"there is no profile `{text}`; shipped are {known}; a file ends in .yaml")
    return shipped[text]


def _meaningless(document: documents.Document[AnyProfile]) -> Iterator[ConfigurationError]:
    profile = document.value
    if isinstance(profile, ModbusProfile):
        yield from _writing(document, "modbus.function", profile.modbus.function)
    for key, point in profile.points.items():
        yield from _meaningless_point(document, key, point)
        match profile, point:
            case ModbusProfile(), ModbusPoint():
                yield from _meaningless_register(document, profile, key, point)
            case FrameProfile(), FramePoint():
                yield from _meaningless_byte(document, profile, key, point)
            case _, JsonPoint() if point.count_where is not None and point.words:
                message = "a number of list items is no word"
                yield document.error(f"points.{key}.words", message, "Remove `words`, or `count_where`.")


def _meaningless_point(
    document: documents.Document[AnyProfile], key: str, point: Point
) -> Iterator[ConfigurationError]:
    profile, where = document.value, f"points.{key}"
    try:
        kind = point_kind(point.kind)
    except UnknownKindError as exc:
        yield document.error(f"{where}.kind", str(exc), "Use a kind of the vocabulary.")
        return
    if point.unit != kind.unit:
        message = f"`{point.unit}` is not the unit of {point.kind}"
        yield document.error(f"{where}.unit", message, f"Write `{kind.unit}` and let `scale` convert.")
    if point.group not in profile.groups:
        known = ", ".join(profile.groups)
        yield document.error(
            f"{where}.group", f"there is no poll group `{point.group}`", f"Groups are: {known}."
        )
    if point.scale == 0:
        yield document.error(
            f"{where}.scale", "would make every reading the same", "Write the maker's factor."
        )
    if point.range is not None and point.range[0] >= point.range[1]:
        yield document.error(f"{where}.range", "ends before it begins", "Write [lowest, highest].")


def _meaningless_register(
    document: documents.Document[AnyProfile], profile: ModbusProfile, key: str, point: ModbusPoint
) -> Iterator[ConfigurationError]:
    where = f"points.{key}"
    yield from _writing(document, f"{where}.function", profile.modbus.function_of(point))
    yield from _meaningless_bits(document, profile, where, point)
    last = point.register + WIDTHS[point.type] - 1 - profile.modbus.base
    if point.register < profile.modbus.base or last > _LAST_REGISTER:
        message = f"register {point.register} as {point.type} lies outside {profile.modbus.base} to 65535"
        yield document.error(f"{where}.register", message, "Check the number and `modbus.base`.")
    if profile.groups.get(point.group, _POLLED).occasional:
        message = "what is polled is never said occasionally"
        yield document.error(f"groups.{point.group}.occasional", message, "Remove the line.")


_POLLED = PollGroup(interval_ms=1000)


def _writing(
    document: documents.Document[AnyProfile], field: str, function: int
) -> Iterator[ConfigurationError]:
    if function not in FUNCTIONS:
        yield document.error(field, f"function {function}: {_READ_ONLY}", _READS)


def _meaningless_bits(
    document: documents.Document[AnyProfile], profile: ModbusProfile, where: str, point: ModbusPoint
) -> Iterator[ConfigurationError]:
    """A bit, some bits, or the single bit that a coil is."""
    function = profile.modbus.function_of(point)
    keys = [key for key in ("bit", "bits") if getattr(point, key) is not None]
    if function in BIT_FUNCTIONS:
        message = f"a {FUNCTIONS[function]} is one bit and no more"
        for key in [*keys, *(["type"] if point.type != "uint16" else [])]:
            yield document.error(f"{where}.{key}", message, "Remove the line.")
    elif keys and WIDTHS[point.type] != 1:
        message = f"a bit of a {point.type} is not defined"
        yield document.error(f"{where}.{keys[0]}", message, "Name the 16-bit register.")
    if len(keys) > 1:
        yield document.error(f"{where}.bits", "stands beside `bit`", "Keep one of them.")
    if point.bits is not None and point.bits[0] >= point.bits[1]:
        yield document.error(
            f"{where}.bits", "ends before it begins", "Write [lowest, highest], or `bit` for a single one."
        )


def _meaningless_byte(
    document: documents.Document[AnyProfile], profile: FrameProfile, key: str, point: FramePoint
) -> Iterator[ConfigurationError]:
    where, size = f"points.{key}", _BYTES[point.type]
    if point.byte + size > profile.frames.length:
        message = f"byte {point.byte} as {point.type} lies outside a frame of {profile.frames.length} bytes"
        yield document.error(f"{where}.byte", message, "Check the number and `frames.length`.")
    if point.bit is not None and (point.type == "float32" or point.bit >= 8 * size):
        message = f"a {point.type} has no bit {point.bit}"
        yield document.error(f"{where}.bit", message, "Name a whole number that has it.")
