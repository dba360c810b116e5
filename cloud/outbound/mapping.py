"""The other side's names and codes for what a package says, as YAML that people write. Pure.

kinds:
hazard_major:
YHBH: number                      # a field, by its path
XMMC: site.name
YHDJ: {from: level, codes: {major: "1", general: "2"}}
LY: {value: "31"}                 # always this
required: [YHBH, YHDJ]              # of every kind that writes them
"""

from pathlib import Path
from typing import Any

import msgspec

from cloud.outbound.packages import FORMS, Place, UnfitError
from sitewarden import documents


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One field of theirs."""

    source: str | None = None
    codes: dict[str, Any] | None = None
    value: Any = None


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, by kind of package; a kind that is not named goes out as it is."""

    kinds: dict[str, dict[str, str | Field]] = {}
    required: list[str] = []


def read_mapping(text: str) -> Mapping:
    """Raises `ConfigurationError`, with line and mend, where it is none."""
    if not text.strip():
        return Mapping()
    document = documents.parse(text, Mapping, Path("mapping.yaml"))
    for kind, fields in document.value.kinds.items():
        if kind not in FORMS:
            raise document.error("kinds", f"`{kind}` is no kind of package", f"One of {', '.join(FORMS)}.")
        known, tables = _paths(kind)
        for name, field in fields.items():
            path = field if isinstance(field, str) else field.source
            if path is not None and path not in known and path.partition(".")[0] not in tables:
                mend = f"One of {', '.join(sorted(known))}."
                raise document.error(f"kinds.{kind}", f"`{name}`: there is no `{path}` in it", mend)
    written = {name for fields in document.value.kinds.values() for name in fields}
    for name in document.value.required:
        if name not in written:
            raise document.error(
                "required", f"no kind writes `{name}`", "Name a field of theirs under `kinds`."
            )
    return document.value


def mapped(mapping: Mapping, kind: str, payload: dict[str, Any]) -> Any:
    """The payload in their words; raises `UnfitError` where a code or something required is missing."""
    fields = mapping.kinds.get(kind)
    if fields is None:
        return payload
    made = {name: _value(name, field, payload) for name, field in fields.items()}
    lacking = [name for name in mapping.required if name in made and made[name] in (None, "")]
    if lacking:
        raise UnfitError(f"the other side requires {', '.join(lacking)}")
    return made


def _value(name: str, field: str | Field, payload: dict[str, Any]) -> Any:
    if isinstance(field, str):
        return _at(payload, field)
    if field.source is None:
        return field.value
    found = _at(payload, field.source)
    if field.codes is None:
        return found
    key = str(found).lower() if isinstance(found, bool) else str(found)
    if key not in field.codes:
        raise UnfitError(f"{name}: there is no code for `{key}`")
    return field.codes[key]


def _at(payload: Any, path: str) -> Any:
    for part in path.split("."):
        payload = payload.get(part) if isinstance(payload, dict) else None
    return payload


def _paths(kind: str) -> tuple[set[str], set[str]]:
    """What is in it, and which of that are tables whose columns nobody knows beforehand."""
    form = next(its for name, its in FORMS.items() if name == kind)
    fields = msgspec.structs.fields(form)
    names = {field.encode_name for field in fields}
    places = {f"site.{field.encode_name}" for field in msgspec.structs.fields(Place)}
    tables = {field.encode_name for field in fields if field.type == dict[str, Any]}
    return names | (places if "site" in names else set()), tables
