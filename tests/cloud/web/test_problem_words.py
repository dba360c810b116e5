"""Whatever the interface may refuse, the pages can say: each code that stands in the program has its words.

That both languages have the same words is what the pages' own tests look after.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter

from cloud.app import make_app
from cloud.settings import Settings

ROOT = Path(__file__).parents[3]
WORDS = ROOT / "dashboards" / "web" / "src" / "i18n"
BOUNDS = {
    "gt": "greater_than",
    "ge": "greater_than_equal",
    "lt": "less_than",
    "le": "less_than_equal",
    "multiple_of": "multiple_of",
}
SIZES = {"min_length": "too_short", "max_length": "too_long"}
STRINGS = {
    "min_length": "string_too_short",
    "max_length": "string_too_long",
    "pattern": "string_pattern_mismatch",
}
COMPLAINTS: Mapping[str, tuple[set[str], Mapping[str, str]]] = {
    "str": ({"string_type"}, STRINGS),
    "constrained-str": ({"string_type"}, STRINGS),
    "int": ({"int_type", "int_parsing", "int_from_float", "int_parsing_size"}, BOUNDS),
    "float": ({"float_type", "float_parsing"}, BOUNDS | {"allow_inf_nan": "finite_number"}),
    "bool": ({"bool_type", "bool_parsing"}, {}),
    "list": ({"list_type"}, SIZES),
    "dict": ({"dict_type"}, SIZES),
    "tuple": ({"tuple_type", "missing", "too_long"}, {}),
    "literal": ({"literal_error"}, {}),
    "date": ({"date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"}, {}),
    "datetime": (
        {"datetime_type", "datetime_parsing", "datetime_from_date_parsing"},
        {"tz_constraint": "timezone_aware"},
    ),
    "uuid": ({"uuid_type", "uuid_parsing"}, {}),
    "bytes": ({"bytes_type"}, {}),
    "model": ({"model_type", "model_attributes_type"}, {}),
    "model-field": ({"missing"}, {}),
    "model-fields": ({"extra_forbidden"}, {}),
    "function-after": ({"value_error"}, {}),
}
"""By pydantic's name for a schema: what it may say of a value, always and where a limit is set."""


def _words(language: str, part: str) -> set[str]:
    text = (WORDS / f"problems.{language}.ts").read_text(encoding="utf-8")
    inside = text.partition(f"  {part}: {{\n")[2].partition("\n  },")[0]
    return set(re.findall(r"^    '?([\w-]+)'?: '.+',$", inside, re.MULTILINE))


def _calls(*names: str) -> Iterator[ast.Call]:
    for file in sorted((ROOT / "cloud").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                yield node


def _text(node: ast.expr | None) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _slugs() -> set[str]:
    found = {slug for call in _calls("ProblemError") for slug in _text(call.args[1])}
    # Those of a status, and what the pages themselves call an answer that is none.
    return found | {"method-not-allowed", "unsupported-media-type", "refused", "unreachable", "unexpected"}


def _said_of_fields() -> set[str]:
    found = {code for call in _calls("complaint") for code in _text(call.args[0])}
    found |= {code for call in _calls("_refusal") if len(call.args) > 2 for code in _text(call.args[1])}
    for call in _calls("FieldProblem"):
        found |= _text({word.arg: word.value for word in call.keywords}.get("code"))
    for call in _calls("ProblemError"):
        said = {word.arg: word.value for word in call.keywords}
        if "field" in said:
            found |= _text(said.get("code")) or _text(call.args[1])
    return found


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for below in node.values():
            yield from _schemas(below)
    elif isinstance(node, list | tuple):
        for below in node:
            yield from _schemas(below)


@cache
def _said_by_models() -> set[str]:
    found = {"json_invalid", "missing"}
    for context in iter_route_contexts(make_app(Settings.nowhere(), "").routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None:
            continue
        asked = [*dependant.body_params, *dependant.query_params, *dependant.header_params]
        for field in asked:
            info = field.field_info
            schema = TypeAdapter(Annotated[info.annotation, info]).core_schema
            for part in _schemas(schema):
                always, limited = COMPLAINTS.get(part["type"], (set(), {}))
                found |= always | {word for limit, word in limited.items() if part.get(limit) is not None}
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_refusal_has_words_on_the_pages(language: str) -> None:
    slugs = _slugs()
    assert len(slugs) > 40
    assert slugs - _words(language, "of") == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_complaint_of_a_field_has_words_on_the_pages(language: str) -> None:
    said = _said_of_fields()
    assert {"crosses-itself", "in-future", "out-of-order"} <= said
    assert said - _words(language, "fields") == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_a_model_of_a_request_may_refuse_has_words_on_the_pages(language: str) -> None:
    said = _said_by_models()
    assert {"string_pattern_mismatch", "extra_forbidden", "date_parsing", "greater_than"} <= said
    assert said - _words(language, "fields") == set()
