"""Reference tables made from msgspec structs as their source has them: key, values, default, meaning."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import zip_longest
from types import ModuleType

import msgspec

WORDS = {
    "Positive": "a number above 0",
    "NotNegative": "a number of 0 or more",
    "Share": "a number from 0 to 1",
    "Percent": "90 to 150",
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "`true` or `false`",
    "Name": "a name",
    "Port": "a port, or 0",
    "Unit": "0 to 255",
    "Baudrate": "bits a second",
    "StepMs": "1 to 50",
    "Rate": "pictures a second, up to 30",
    "Pixels": "pixels, even",
    "Transport": "`tcp`, `rtu` or `rtu-over-tcp`",
    "Way": "`tcp`, `rtu` or `rtu-over-tcp`; `hj212`, `frames`, `mqtt-json` or `http-push`",
    "Quantity": "`load_ratio`, `displacement` or `wind`",
    "Behaviour": "[physics](#physics)",
    "Form": "[form](#forms)",
    "AnyFault": "[fault](faults.md)",
}

OFTEN = {
    "at_s": "Seconds after the start.",
    "for_s": "How long it lasts.",
    "every_s": "It comes again after so many seconds.",
    "hold_s": "How long it stays so.",
    "rise_s": "How long it takes to come.",
    "fall_s": "How long it takes to go.",
    "low": "The least.",
    "high": "The greatest.",
    "over_s": "How long it takes.",
    "along": "Where on the wall: 0 one end, 1 the other.",
    "middle": "Where along the wall the trough has its middle.",
    "width": "How far the trough reaches along the wall.",
}
"""Keys that mean the same wherever nothing else is said of them."""


def structures(*modules: ModuleType) -> Iterator[type[msgspec.Struct]]:
    """The structs that a file may hold, in the order of their source."""
    for module in modules:
        for found in vars(module).values():
            is_struct = isinstance(found, type) and issubclass(found, msgspec.Struct)
            if is_struct and found.__module__ == module.__name__:
                yield found


def section(structure: type[msgspec.Struct], known: set[str]) -> Iterator[str]:
    """A heading, the docstring and a table of the keys."""
    (body,) = (
        node for node in ast.parse(inspect.getsource(structure)).body if isinstance(node, ast.ClassDef)
    )
    yield f"\n## {structure.__name__}\n"
    yield inspect.cleandoc(structure.__doc__ or "") + "\n"
    config = structure.__struct_config__
    if config.tag is not None:
        yield f"Written with `{config.tag_field}: {config.tag}`.\n"
    yield from ("| key | may be | default | means |", "|---|---|---|---|")
    for line, below in zip_longest(body.body, body.body[1:]):
        if isinstance(line, ast.AnnAssign):
            key = ast.unparse(line.target)
            default = "required" if line.value is None else _default(line.value)
            said = _said(below) or OFTEN.get(key, "")
            yield f"| `{key}` | {_type(line.annotation, known)} | {default} | {said} |"


def _said(below: ast.stmt | None) -> str:
    """The string that stands below a field."""
    if not isinstance(below, ast.Expr) or not isinstance(below.value, ast.Constant):
        return ""
    return re.sub(r"\s+", " ", str(below.value.value).strip()).replace("|", "\\|")


def _default(value: ast.expr) -> str:
    text = ast.unparse(value)
    factory = re.fullmatch(r"msgspec\.field\(default_factory=(\w+)\)", text)
    if factory:
        return f"[{factory[1]}](#{factory[1].lower()}) as it is"
    if text in {"[]", "{}", "None"}:
        return "none"
    return f"`{text.strip(chr(39))}`"


def _type(annotation: ast.expr, known: set[str]) -> str:  # noqa: PLR0911  # one for each way to write a type
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return " or ".join(part for part in (_type(left, known), _type(right, known)) if part)
        case ast.Constant(value=None):
            return ""
        case ast.Name(id=name):
            return f"[{name}](#{name.lower()})" if name in known else WORDS[name]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=chosen):
            names = chosen.elts if isinstance(chosen, ast.Tuple) else [chosen]
            return ", ".join(f"`{name.value}`" for name in names if isinstance(name, ast.Constant))
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, meta])):
            said = re.search(r"description='([^']*)'", ast.unparse(meta))
            return said[1] if said else _type(kind, known)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return f"a list of {_type(item, known)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])):
            return f"{_type(key, known)} → {_type(item, known)}"
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
            parts = ["…" if ast.unparse(item) == "..." else _type(item, known) for item in items]
            return f"[{', '.join(parts)}]"
    raise TypeError(ast.unparse(annotation))
