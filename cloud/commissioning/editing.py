"""A device put into the texts of a configuration: every other line stays as people wrote it. Pure."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sitewarden import documents
from sitewarden.bundle import MAIN, Files
from sitewarden.errors import ConfigurationError, SiteWardenError

FOLDER = "profiles"
"""Where a profile goes that the configuration has not had."""


class UneditableError(SiteWardenError):
    """The texts cannot be changed without touching the rest of them; says what to write by hand."""


def with_device(files: Files, bus: str, device: str, keys: Mapping[str, Any]) -> dict[str, str]:
    """The bundle with `keys` at the device, which is added where the bus lacks it."""
    text = files[MAIN]
    places = dict(_devices(_root(text)))
    hand = f"In {MAIN}, write {_flow({'device': device, **keys})} under bus `{bus}` yourself."
    if (elsewhere := places.get(device)) is not None and elsewhere[0] != bus:
        raise UneditableError(f"`{device}` hangs on bus `{elsewhere[0]}` there, not on `{bus}`.")
    expected = _loaded(text)
    entries = _entries_of(expected, bus)
    if entries is None:
        raise UneditableError(f"There is no bus `{bus}` in {MAIN}; add it first, with its first device.")
    if elsewhere is None:
        entries.append({"device": device, **keys})
        after = _with_entry(text, bus, {"device": device, **keys})
    else:
        next(entry for entry in entries if entry.get("device") == device).update(keys)
        after = text
        for key, value in keys.items():
            after = _with_key(after, device, key, value)
    return {**files, MAIN: _as_expected(after, expected, hand)}


def with_profile(files: Files, name: str, text: str) -> dict[str, str]:
    """The bundle with the profile of that name: in the place of the one it had, or in a folder of its own."""
    for file, there in files.items():
        if file != MAIN and _profile_of(there) == name:
            return {**files, file: text}
    main, expected = files[MAIN], _loaded(files[MAIN])
    folders = expected.get("profiles") or []
    placed = {**files, f"{FOLDER}/{name}.yaml": text}
    if FOLDER in folders:
        return placed
    expected["profiles"] = [*folders, FOLDER]
    node = _under(_root(main), "profiles")
    if isinstance(node, yaml.SequenceNode):
        after = _with_item(main, node, FOLDER)
    else:
        after = f"{main.rstrip()}\nprofiles: [{FOLDER}]\n"
    hand = f"In {MAIN}, add `{FOLDER}` to `profiles:` yourself."
    return {**placed, MAIN: _as_expected(after, expected, hand)}


def device_in(files: Files, device: str) -> tuple[str, Mapping[str, Any]] | None:
    """The bus and the entry of a device; nothing where the texts do not have it."""
    data = _loaded(files[MAIN])
    for bus in _list(data.get("buses")):
        for entry in _list(bus.get("devices")):
            if entry.get("device") == device:
                return str(bus.get("bus")), entry
    return None


def profile_in(files: Files, name: str) -> str | None:
    """The text of the profile of that name; nothing where the bundle does not bring it."""
    return next((text for file, text in files.items() if file != MAIN and _profile_of(text) == name), None)


def in_use_by(files: Files, profile: str) -> list[str]:
    """Devices that are read by the profile of that name and are not on trial."""
    return [
        str(entry.get("device"))
        for bus in _list(_loaded(files[MAIN]).get("buses"))
        for entry in _list(bus.get("devices"))
        if entry.get("profile") == profile and entry.get("commissioning") != "trial"
    ]


def buses_in(files: Files) -> list[str]:
    """The buses that are polled, by name."""
    return [str(bus.get("bus")) for bus in _list(_loaded(files[MAIN]).get("buses")) if "modbus" in bus]


def _profile_of(text: str) -> str | None:
    try:
        data = documents.plain(text, Path(f"{FOLDER}.yaml"))
    except ConfigurationError:
        return None
    return data.get("profile") if isinstance(data, dict) else None


def _as_expected(after: str, expected: Mapping[str, Any], hand: str) -> str:
    """The text, if it means what it should and nothing else."""
    try:
        is_so = documents.plain(after, Path(MAIN)) == expected
    except ConfigurationError:
        is_so = False
    if not is_so:
        raise UneditableError(hand)
    return after


def _loaded(text: str) -> dict[str, Any]:
    """As the gateway will read it: elsewhere `off` is no word, and `1e3` one."""
    try:
        data = documents.plain(text, Path(MAIN))
    except ConfigurationError as exc:
        raise UneditableError(str(exc)) from exc
    if not isinstance(data, dict):
        raise UneditableError(f"{MAIN} holds no configuration.")
    return data


def _root(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as exc:
        raise UneditableError(f"{MAIN} is not YAML: {exc}") from exc


def _devices(root: yaml.Node | None) -> Iterator[tuple[str, tuple[str, yaml.MappingNode]]]:
    """Every device by name: its bus and its entry."""
    for bus in _items(_under(root, "buses")):
        named = _under(bus, "bus")
        for entry in _items(_under(bus, "devices")):
            name = _under(entry, "device")
            if isinstance(entry, yaml.MappingNode) and name is not None and named is not None:
                yield str(name.value), (str(named.value), entry)


def _entries_of(data: Mapping[str, Any], bus: str) -> list[dict[str, Any]] | None:
    for one in _list(data.get("buses")):
        if one.get("bus") == bus and isinstance(one.get("devices"), list):
            entries: list[dict[str, Any]] = one["devices"]
            return entries
    return None


def _with_entry(text: str, bus: str, entry: Mapping[str, Any]) -> str:
    for one in _items(_under(_root(text), "buses")):
        named, devices = _under(one, "bus"), _under(one, "devices")
        if named is not None and named.value == bus and isinstance(devices, yaml.SequenceNode):
            return _with_item(text, devices, entry)
    return text


def _with_item(text: str, items: yaml.SequenceNode, item: Any) -> str:
    """One more item of a list, in the way in which the list is written."""
    if items.flow_style:
        return _before_the_bracket(text, items, _flow(item), is_first=not items.value)
    last, indent = _line_end(text, _end(items)), " " * items.start_mark.column
    lines = [_flow(item)]
    if isinstance(item, Mapping):
        lines = [f"{key}: {_flow(value)}" for key, value in item.items()]
    written = f"\n{indent}  ".join(lines)
    return f"{text[:last]}\n{indent}- {written}{text[last:]}"


def _with_key(text: str, device: str, key: str, value: Any) -> str:
    _, entry = dict(_devices(_root(text)))[device]
    for name, old in entry.value:
        if name.value == key:
            return f"{text[: old.start_mark.index]}{_flow(value)}{text[_end(old) :]}"
    written = f"{key}: {_flow(value)}"
    if entry.flow_style:
        return _before_the_bracket(text, entry, written)
    last = _line_end(text, _end(entry.value[0][1]))
    return f"{text[:last]}\n{' ' * entry.value[0][0].start_mark.column}{written}{text[last:]}"


def _before_the_bracket(text: str, node: yaml.Node, written: str, *, is_first: bool = False) -> str:
    end = node.end_mark.index - 1
    inside = text[:end].rstrip()
    return f"{inside}{'' if is_first else ', '}{written}{text[end:]}"


def _end(node: yaml.Node) -> int:
    """Where what is written of a value ends; the end of a block would count the comments below it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """The end of the line, so that a comment stays beside what it is about."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _under(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _flow(value: Any) -> str:
    """A value on one line, plain where YAML takes it so."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str) and value.replace("_", "").replace("-", "").isalnum() and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(value: str) -> bool:
    try:
        return bool(documents.plain(value, Path(MAIN)) == value)
    except ConfigurationError:
        return False
