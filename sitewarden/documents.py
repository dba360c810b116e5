"""YAML that people write, read strictly: every complaint names file, line, field and the mend."""

import codecs
import difflib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import yaml
from msgspec import inspect

from sitewarden import slips
from sitewarden.errors import ConfigurationError

T = TypeVar("T")
Steps = tuple[str | int, ...]
Lines = dict[tuple[str, ...], int]
"""The line of every field, by its path in words: `2` is a list's third item or a mapping's key `2`."""

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_ANY = ""
"""Stands for 'some key of this mapping' in a path as msgspec prints it."""

MOST_VALUES = 100_000
"""A few aliases of aliases in a short text mean more values than memory holds."""
_UNTELLABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which no database takes, and halves of characters, which have no UTF-8."""
_NO_TEXT, _PLAIN = "holds NUL or half a character", "Write plain text, without `\\0` or `\\ud800`."


class Document(Generic[T]):
    """A file read and understood: its `value`, and where each field stands for later complaints."""

    def __init__(self, file: Path, value: T, lines: Lines) -> None:
        """Made by `read`."""
        self.file, self.value, self._lines = file, value, lines

    def error(self, field: str, message: str, mend: str) -> ConfigurationError:
        """A complaint about `field`, a dotted path such as `buses.0.devices.1.unit`."""
        steps = tuple(field.split(".")) if field else ()
        return ConfigurationError(self.file, _line(self._lines, steps), field, message, mend)


def read(file: Path, kind: type[T]) -> Document[T]:
    """Read `file` as a `kind` (a msgspec struct); raises `ConfigurationError` where it is none."""
    return parse(text_of(file), kind, file)


def text_of(file: Path) -> str:
    """What stands in `file`; raises `ConfigurationError` where that cannot be read.

    Without a line only where nothing could be read: such a complaint is about the name, not about the file.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(file, 0, "", f"cannot be read: {exc.strerror}", "Check the path.") from exc
    except UnicodeDecodeError as exc:
        raise _not_utf8(file, exc) from exc
    if "\0" in text[:2]:
        raise ConfigurationError(file, 1, "", *_UTF16)
    return text


_UTF16 = "is not UTF-8 text but UTF-16", "Save it as UTF-8."


def _not_utf8(file: Path, exc: UnicodeDecodeError) -> ConfigurationError:
    """Which line it is, unless the whole file is of another kind."""
    if exc.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return ConfigurationError(file, 1, "", *_UTF16)
    line = exc.object.count(b"\n", 0, exc.start) + 1
    return ConfigurationError(file, line, "", "is not UTF-8 text", "Save it as UTF-8.")


def load(file: Path, kind: type[T]) -> T:
    """The value alone, for files whose meaning needs no second look."""
    return read(file, kind).value


def parse(text: str, kind: type[T], file: Path) -> Document[T]:
    """Understand `text` as a `kind`; `file` is only its name in complaints."""
    data, lines = _plain(text, file)
    try:
        value = msgspec.convert(data, kind)
    except msgspec.ValidationError as exc:
        raise _complaint(exc, data, kind, file, lines) from None
    return Document(file, value, lines)


def plain(text: str, file: Path) -> Any:
    """What `text` says, of no kind yet, read as by `parse`; raises `ConfigurationError`."""
    return _plain(text, file)[0]


class _Loader(yaml.SafeLoader):
    """YAML 1.1 less its surprises: `on` and `no` stay words, `010` is no 8, `1:30` no 90, a date no date."""


_TAG = "tag:yaml.org,2002:"
_SURPRISING = {_TAG + name for name in ("bool", "int", "float", "timestamp")}
_WHOLE = r"(?:0|[1-9][0-9]*)"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in _SURPRISING]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", rf"^[-+]?(?:{_WHOLE}|0x[0-9a-fA-F]+)$", "-+0123456789"),
    (
        "float",
        rf"^[-+]?(?:\.[0-9]+|{_WHOLE}(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|nan)$",
        "-+.0123456789",
    ),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def _plain(text: str, file: Path) -> tuple[Any, Lines]:
    """Plain Python values and the line of every field."""
    lines: Lines = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = None if node is None else _construct(loader, node, (), lines, file)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 0
        line, mend = slips.in_text(text, line) or (line, _mend_of(exc))
        raise ConfigurationError(file, line, "", f"is not YAML: {exc.problem}", mend) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        # Control characters, numbers that are none, a nesting without end: PyYAML has no one error for these.
        reason = str(exc).splitlines()[0]
        raise ConfigurationError(
            file, 1, "", f"is not YAML: {reason}", "Write plain text and numbers."
        ) from exc
    return data, lines


def _mend_of(exc: yaml.MarkedYAMLError) -> str:
    if exc.problem == "but found another document":
        return "Keep one document in a file: take `---` and what follows it out."
    return "Mend the indentation or quotes."


def _construct(loader: _Loader, node: yaml.Node, path: Steps, lines: Lines, file: Path) -> Any:
    lines.setdefault(_words(path), node.start_mark.line + 1)
    if len(lines) > MOST_VALUES:
        message = f"holds more than {MOST_VALUES} values, aliases (`*name`) counted as often as they stand"
        raise ConfigurationError(file, 1, "", message, "Split the file, or write out what the aliases mean.")
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if refusal := _refusal(path, key, result):
                raise ConfigurationError(file, line, *refusal)
            lines[_words((*path, str(key)))] = line
            result[key] = _construct(loader, value_node, (*path, str(key)), lines, file)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, (*path, i), lines, file) for i, item in enumerate(node.value)]
    value = loader.construct_object(node, deep=True)
    if isinstance(value, float) and not math.isfinite(value):
        # A limit of NaN is never reached: it would silence an alarm without a word.
        line = node.start_mark.line + 1
        raise ConfigurationError(file, line, _dotted(path), "is not a finite number", "Write a number.")
    if _is_no_text(value):
        raise ConfigurationError(file, node.start_mark.line + 1, _dotted(path), _NO_TEXT, _PLAIN)
    return value


def _refusal(path: Steps, key: Any, before: dict[Any, Any]) -> tuple[str, str, str] | None:
    """Why the mapping at `path` cannot have this key after those: field, message and mend."""
    here = _dotted(path)
    if not isinstance(key, str | int | float):
        return here, "a key must be a word or a number", "Quote it."
    if _is_no_text(key):
        return here, f"a key {_NO_TEXT}", _PLAIN
    if isinstance(key, str) and (slip := slips.at_begin(key)):
        return here, "a key begins with what is no space in YAML", slip
    return (_dotted((*path, str(key))), "is given twice", "Keep one of them.") if key in before else None


def _is_no_text(value: Any) -> bool:
    """Whether no message or no database takes it: an alarm of that name would be lost."""
    return isinstance(value, str) and _UNTELLABLE.search(value) is not None


def _complaint(
    exc: msgspec.ValidationError, data: Any, kind: type, file: Path, lines: Lines
) -> ConfigurationError:
    match = _AT.match(str(exc))
    what, path = (match["what"], _steps(match["path"] or "$")) if match else (str(exc), ())
    path = _resolve(path, data, kind, str(exc))
    here = _type_at(inspect.type_info(kind), path, data)
    known = sorted(set(_fields(here)))
    quoted = re.search(r"`([^`]*)`", what)
    name = quoted[1] if quoted else ""
    if "unknown field" in what:
        return ConfigurationError(
            file,
            _line(lines, (*path, name)),
            _dotted((*path, name)),
            "is an unknown key",
            slips.in_word(name) or _nearest(name, known, f"Known keys here: {', '.join(known)}."),
        )
    if data is None:
        needed = ", ".join(f"`{field}:`" for field in _required(here))
        mend = f"Write {needed}." if needed else f"Known keys here: {', '.join(known)}."
        return ConfigurationError(file, 1, "", "is empty", mend)
    if "missing required field" in what:
        field = (*path, name)
        return ConfigurationError(
            file, _line(lines, path), _dotted(field), "is missing", f"Add `{name}:` here."
        )
    if tags := _tags(_type_at(inspect.type_info(kind), path[:-1], data), path):
        mend = _nearest(_quoted(what), tags, f"Known are {', '.join(tags)}.")
        return ConfigurationError(file, _line(lines, path), _dotted(path), what[:1].lower() + what[1:], mend)
    value = _value_at(data, path)
    described = _description(here)
    mend = f"Write {described}." if described else "Write a value of that kind."
    if isinstance(value, str) and (slip := slips.in_word(value, is_ascii=True)):
        mend = f"{mend} {slip}"
    return ConfigurationError(file, _line(lines, path), _dotted(path), _in_plain_words(what), mend)


def _nearest(name: str, known: list[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else otherwise


_PLAIN_WORDS = {
    "object": "keys with values",
    "array": "a list",
    "null": "nothing",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}


def _in_plain_words(what: str) -> str:
    """What msgspec says in the terms of JSON, in those of whoever wrote the file."""

    def said(match: re.Match[str]) -> str:
        return " or ".join(_PLAIN_WORDS.get(word, f"`{word}`") for word in match[1].split(" | "))

    plain = re.sub(r"`([^`]*)`", said, what)
    return plain[:1].lower() + plain[1:]


def _steps(path: str) -> Steps:
    steps: list[str | int] = []
    for match in _STEP.finditer(path.removeprefix("$")):
        if match["key"]:
            steps.append(match["key"])
        else:
            steps.append(int(match["index"]) if match["index"] else _ANY)
    return tuple(steps)


def _resolve(path: Steps, data: Any, kind: type, complaint: str) -> Steps:
    """Find the key where msgspec prints only `[...]`: the one that alone gives the same complaint."""
    for depth, step in enumerate(path):
        if step != _ANY:
            continue
        mapping = _value_at(data, path[:depth])
        for key in mapping:
            narrowed = _replaced(data, path[:depth], {key: mapping[key]})
            if _complains(narrowed, kind, complaint):
                return _resolve((*path[:depth], str(key), *path[depth + 1 :]), narrowed, kind, complaint)
    return path


def _complains(data: Any, kind: type, complaint: str) -> bool:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as exc:
        return str(exc) == complaint
    return False


def _value_at(data: Any, path: Steps) -> Any:
    for step in path:
        data = data[step] if not isinstance(data, dict) or step in data else data[_as_number(step)]
    return data


def _replaced(data: Any, path: Steps, value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(data, list):
        return [_replaced(item, rest, value) if i == step else item for i, item in enumerate(data)]
    return {k: _replaced(v, rest, value) if str(k) == str(step) else v for k, v in data.items()}


def _as_number(step: str | int) -> int | float:
    return int(step) if str(step).lstrip("-").isdigit() else float(step)


def _type_at(kind: inspect.Type, path: Steps, data: Any) -> inspect.Type:
    kind = _meant(kind, data)
    for depth, step in enumerate(path):
        kind = _meant(_type_below(kind, step), _value_at(data, path[: depth + 1]))
    return kind


def _meant(kind: inspect.Type, value: Any) -> inspect.Type:
    """Of several structures that a mapping could be, the one that its tag names."""
    for option in _options(kind):
        if not isinstance(option, inspect.StructType) or option.tag_field is None:
            continue
        if isinstance(value, dict) and value.get(option.tag_field) == option.tag:
            return option
    return kind


def _type_below(kind: inspect.Type, step: str | int) -> inspect.Type:
    for option in _options(kind):
        if isinstance(option, inspect.DictType):
            return option.value_type
        if isinstance(option, inspect.ListType | inspect.VarTupleType):
            return option.item_type
        if isinstance(option, inspect.StructType):
            for field in option.fields:
                if field.encode_name == step:
                    return field.type
    return inspect.AnyType()


def _options(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _options(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for option in kind.types:
            yield from _options(option)
    else:
        yield kind


def _fields(kind: inspect.Type) -> Iterator[str]:
    for option in _options(kind):
        if isinstance(option, inspect.StructType):
            yield from (field.encode_name for field in option.fields)


def _required(kind: inspect.Type) -> list[str]:
    """The keys that must be there, whatever the rest is."""
    options = [option for option in _options(kind) if isinstance(option, inspect.StructType)]
    return [
        field.encode_name
        for field in (options[0].fields if options else ())
        if all(any(f.encode_name == field.encode_name and f.required for f in o.fields) for o in options)
    ]


def _tags(kind: inspect.Type, path: Steps) -> list[str]:
    """The words that may stand in `path`, where they decide what the rest of its mapping is."""
    return [
        str(option.tag)
        for option in _options(kind)
        if isinstance(option, inspect.StructType) and path and option.tag_field == path[-1]
    ]


def _quoted(what: str) -> str:
    found = re.search(r"'([^']*)'", what)
    return found[1] if found else ""


def _description(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", ""))
    if isinstance(kind, inspect.UnionType):
        return next((text for option in kind.types if (text := _description(option))), "")
    return ""


def _line(lines: Lines, path: Steps) -> int:
    """The line of `path`, or of the nearest thing around it that the file has."""
    words = _words(path)
    while words and words not in lines:
        words = words[:-1]
    return lines.get(words, 1)


def _words(path: Steps) -> tuple[str, ...]:
    return tuple(str(step) for step in path)


def _dotted(path: Steps) -> str:
    return ".".join(_words(path))
