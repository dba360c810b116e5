"""`gateway.yaml` with another identity and broker, and every other line as people wrote it. Pure."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from sitewarden import documents
from sitewarden.errors import ConfigurationError

Values = Mapping[str, str | int | Mapping[str, str | int]]
"""Keys of the file's top level, each a word or a mapping of words."""

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")

NEW_FILE = """\
# What belongs to this machine; `outputs` are still to be written. What is connected (`buses`, `rules`) may be
# written here too, until the cloud has said it: docs/how-to/configure-from-the-cloud.md.
# `sitewarden edge check` says what is missing.
mode: test
data_dir: /var/lib/sitewarden
"""


class ToldBroker(msgspec.Struct, frozen=True, kw_only=True):
    """Of the broker's section what enrolment needs; whatever else stands there it replaces."""

    password_file: str | None = None
    certificate_file: str | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Who the file says that the gateway is."""

    site: str | None = None
    gateway: str | None = None
    data_dir: str | None = None
    broker: ToldBroker | None = None
    configuration: Any = None
    """Whatever it says of that stays."""


def told(text: str, file: Path) -> Told:
    """What the file says already; raises `ConfigurationError` where it is no such file."""
    return documents.parse(text, Told, file).value


def rewritten(text: str, values: Values, file: Path) -> str:
    """The file with these values; comments and other keys stay. Raises `ConfigurationError` if it cannot."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style or not root.value:
        raise _unwritable(file, values)
    spans = {
        key.value: (key.start_mark.index, _end(value)) for key, value in root.value if key.value in values
    }
    after = text
    for name, (begin, end) in sorted(spans.items(), key=lambda item: -item[1][0]):
        after = after[:begin] + _entry(name, values[name]) + after[end:]
    missing = "".join(_entry(name, value) + "\n" for name, value in values.items() if name not in spans)
    first = root.value[0][0].start_mark.index
    after = after[:first] + missing + after[first:]
    if yaml.safe_load(after) != {**yaml.safe_load(text), **values}:
        raise _unwritable(file, values)
    return after


def _end(node: yaml.Node) -> int:
    """Where what is written of a value ends; that of a block mapping would count the comments below it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _entry(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join([f"{name}:", *(f"  {key}: {_word(inner)}" for key, inner in value.items())])
    return f"{name}: {_word(value)}"


def _word(value: str | int) -> str:
    """Quoted where YAML could take it for something else; JSON's quotes are YAML's."""
    if isinstance(value, int) or (_PLAIN.fullmatch(value) and yaml.safe_load(value) == value):
        return str(value)
    return json.dumps(value)


def _unwritable(file: Path, values: Values) -> ConfigurationError:
    wanted = "\n".join(_entry(name, value) for name, value in values.items())
    return ConfigurationError(
        file, 0, "", "cannot be changed without touching the rest of it", f"Write there yourself:\n{wanted}"
    )
