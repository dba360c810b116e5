"""What the registry says, put into the texts of a configuration: every other line stays as people wrote it.

Control values of the design become `parameters` and `point_parameters` of the device that has the points,
the load chart of a device file becomes a file of the bundle. Nothing is sent by that: somebody reads the
changes and proposes them, or does not.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml
from psycopg.rows import dict_row

from cloud.database import AsyncConnection
from cloud.registry.parameters import OF_THE_PIT
from sitewarden.bundle import MAIN, Files
from sitewarden.charts import load_chart
from sitewarden.errors import ConfigurationError, SiteWardenError
from sitewarden.rules.packs import built_in_packs, load_pack

Values = Mapping[str, float | str]
_NO_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""PyYAML has no one error for control characters, dates that are none, and a nesting without end."""


class UnmergeableError(SiteWardenError):
    """Texts that cannot be changed without touching the rest of them."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A load chart of the registry."""

    source: str
    falls: dict[int, list[tuple[float, float]]]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry says of one device."""

    parameters: dict[str, float | str] = {}
    """Of the pit that its points belong to."""
    point_parameters: dict[str, dict[str, float | str]] = {}
    """By the key of the point."""
    chart: Chart | None = None


class Change(NamedTuple):
    """Something that the texts said otherwise, or not at all."""

    device: str
    what: str
    before: str
    after: str


class Merged(NamedTuple):
    """The texts with what the registry says."""

    files: Files
    changes: list[Change]
    unplaced: list[str]
    """Devices that the registry knows and the texts do not."""


async def facts_of(connection: AsyncConnection, site: str) -> dict[str, Facts]:
    """By device what the registry of a site says."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        SELECT split_part(point, '/', 1) AS device, substr(point, strpos(point, '/') + 1) AS key, parameters,
               pit_class, support, depth_m
          FROM pit_point JOIN pit USING (site, pit) WHERE site = %s ORDER BY point
        """,
        [site],
    )
    found: dict[str, Facts] = {}
    for row in await cursor.fetchall():
        facts = found.setdefault(
            row["device"], Facts(parameters={name: row[name] for name in sorted(OF_THE_PIT)})
        )
        if row["parameters"]:
            facts.point_parameters[row["key"]] = row["parameters"]
    await cursor.execute("SELECT device, source, falls FROM load_chart WHERE site = %s", [site])
    for row in await cursor.fetchall():
        chart = msgspec.convert({"source": row["source"], "falls": row["falls"]}, Chart, strict=False)
        found[row["device"]] = msgspec.structs.replace(found.get(row["device"], Facts()), chart=chart)
    return found


def merged(files: Files, facts: Mapping[str, Facts]) -> Merged:
    """The texts with what the registry says; raises `UnmergeableError` where they cannot be changed. Pure."""
    work = _Work(files)
    for device, said in facts.items():
        if device in work.devices:
            work.put(device, said)
    placed = work.devices
    return Merged(work.files, work.changes, sorted(device for device in facts if device not in placed))


class _Work:
    """The texts of one bundle under change."""

    def __init__(self, files: Files) -> None:
        self.files = dict(files)
        self.changes: list[Change] = []
        self.devices = frozenset(name for name, _ in _entries(self._root()))
        self._asked = _asked(self._data().get("rules"))

    def put(self, device: str, said: Facts) -> None:
        """Change what is not as the registry has it."""
        entry = self._read(device)
        given = {name: value for name, value in said.parameters.items() if self._is_asked(name)}
        self._put_values(device, "parameters", _mapping(entry.get("parameters")), given)
        points = _mapping(entry.get("point_parameters"))
        after = dict(points)
        for key, values in said.point_parameters.items():
            own = _mapping(points.get(key))
            # What the whole device is given holds for the point: said once is enough.
            in_force = {**_mapping(self._read(device).get("parameters")), **own}
            wanted = {
                name: value
                for name, value in values.items()
                if self._is_asked(name) and in_force.get(name) != value
            }
            if news := self._news(device, f"point_parameters.{key}", own, wanted):
                after[key] = {**own, **news}
        if after != points:
            self._write(device, "point_parameters", after)
        if said.chart is not None:
            named = entry.get("load_chart")
            self._put_chart(device, named if isinstance(named, str) else None, said.chart)

    def _put_values(self, device: str, what: str, before: Mapping[str, Any], given: Values) -> None:
        if news := self._news(device, what, before, given):
            self._write(device, what, {**before, **news})

    def _news(self, device: str, what: str, before: Mapping[str, Any], given: Values) -> dict[str, Any]:
        news = {name: value for name, value in given.items() if before.get(name) != value}
        self.changes += (
            Change(device, f"{what}.{name}", _flow(before[name]) if name in before else "", _flow(value))
            for name, value in news.items()
        )
        return news

    def _put_chart(self, device: str, named: str | None, chart: Chart) -> None:
        if named is not None and self._falls_of(named) == chart.falls:
            return
        name = named if named in self.files else f"charts/{device}.yaml"
        self.files[name] = _chart_text(device, chart)
        self.changes.append(Change(device, "load_chart", named or "", name))
        if name != named:
            self._write(device, "load_chart", name)

    def _falls_of(self, named: str) -> Any:
        """By falls the points of a chart, of the bundle or shipped; nothing where there is none."""
        if named in self.files:
            try:
                found = yaml.safe_load(self.files[named]).get("falls", {})
                return msgspec.convert(found, dict[int, list[tuple[float, float]]])
            except (*_NO_YAML, AttributeError, msgspec.ValidationError):
                return None
        try:
            return dict(load_chart(named, Path()).falls) if not named.endswith((".yaml", ".yml")) else None
        except ConfigurationError:
            return None

    def _is_asked(self, name: str) -> bool:
        """Whether a rule asks for a parameter; a gateway refuses one that none asks for."""
        return self._asked is None or name in self._asked

    def _root(self) -> yaml.Node | None:
        try:
            return yaml.compose(self.files.get(MAIN, ""), Loader=yaml.SafeLoader)
        except _NO_YAML as exc:
            raise UnmergeableError(f"{MAIN} is not YAML: {exc}") from exc

    def _data(self) -> dict[str, Any]:
        """What the main text says; raises `UnmergeableError` where it says nothing by name."""
        try:
            data = yaml.safe_load(self.files.get(MAIN, ""))
        except _NO_YAML as exc:
            raise UnmergeableError(f"{MAIN} is not YAML: {exc}") from exc
        if not isinstance(data, dict):
            raise UnmergeableError(f"{MAIN} says nothing of buses")
        return data

    def _read(self, device: str) -> dict[str, Any]:
        found = next((entry for name, entry in _said(self._data()) if name == device), None)
        if found is None:
            raise UnmergeableError(f"In {MAIN}, write `{device}` once, with keys that stand once")
        return found

    def _write(self, device: str, key: str, value: Any) -> None:
        """Put another value under a key of a device; raises `UnmergeableError` where that changes more."""
        node = next(node for name, node in _entries(self._root()) if name == device)
        before, text = self._data(), self.files[MAIN]
        after = _with(text, node, key, value)
        for name, entry in _said(before):
            if name == device:
                entry[key] = value
        try:
            is_so = after is not None and yaml.safe_load(after) == before
        except _NO_YAML:
            is_so = False
        if after is None or not is_so:
            raise UnmergeableError(f"In {MAIN}, write `{key}` of `{device}` yourself: {_flow(value)}")
        self.files[MAIN] = after


def _asked(packs: Any) -> frozenset[str] | None:
    """What the packs ask for; `None` where one is of the site's own, and nobody here knows it."""
    packs = [] if packs is None else packs
    if not isinstance(packs, list) or any(name not in built_in_packs() for name in packs):
        return None
    return frozenset(name for pack in packs for name in load_pack(pack, Path()).parameters)


def _said(data: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every device by name, as values."""
    for bus in _listed(data.get("buses")):
        for entry in _listed(bus.get("devices")):
            yield entry.get("device"), entry


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _entries(root: yaml.Node | None) -> Iterator[tuple[str, yaml.MappingNode]]:
    """Every device by name."""
    for bus in _items(_under(root, "buses")):
        for entry in _items(_under(bus, "devices")):
            name = _under(entry, "device")
            if isinstance(entry, yaml.MappingNode) and isinstance(name, yaml.ScalarNode):
                yield name.value, entry


def _under(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _with(text: str, entry: yaml.MappingNode, key: str, value: Any) -> str | None:
    """The text with a value under a key of an entry; nothing where the entry is written in braces."""
    if entry.flow_style:
        return None
    indent = " " * entry.value[0][0].start_mark.column
    for name, old in entry.value:
        if name.value == key:
            written = _written(value, indent)
            return text[: name.end_mark.index] + ":" + written + text[_end(old) :]
    last = _end(entry.value[0][1])
    return f"{text[:last]}\n{indent}{key}:{_written(value, indent)}{text[last:]}"


def _written(value: Any, indent: str) -> str:
    if isinstance(value, Mapping) and any(isinstance(inner, Mapping) for inner in value.values()):
        return "".join(f"\n{indent}  {_flow(key)}: {_flow(inner)}" for key, inner in value.items())
    return f" {_flow(value)}"


def _end(node: yaml.Node) -> int:
    """Where what is written of a value ends; that of a block would count the comments below it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str) and value.replace("_", "").isalnum() and yaml.safe_load(value) == value:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _chart_text(device: str, chart: Chart) -> str:
    lines = [f"chart: {_flow(device)}", f"source: {json.dumps(chart.source, ensure_ascii=False)}", "falls:"]
    for falls, points in sorted(chart.falls.items()):
        lines += [f"  {falls}:", *(f"    - [{radius:g}, {load:g}]" for radius, load in points)]
    return "\n".join(lines) + "\n"
