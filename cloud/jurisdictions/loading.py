"""Jurisdictions from their files: the default, and what each other one says differently."""

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import get_type_hints

import msgspec

from cloud.jurisdictions.model import Figure, File, Jurisdiction, Written
from sitewarden import documents
from sitewarden.documents import Document

DEFAULT = "default"
_NAMED = ("name", "label")
_TYPES = {
    name: kind
    for name, kind in get_type_hints(Jurisdiction, include_extras=True).items()
    if name not in _NAMED
}
FIELDS = tuple(_TYPES)
"""The names of all figures, in the order in which they are shown."""


@cache
def jurisdictions() -> Mapping[str, Written]:
    """Those that SiteWarden ships, the default first."""
    with resources.as_file(resources.files("cloud.jurisdictions") / "data") as folder:
        return load(folder)


def load(folder: Path) -> Mapping[str, Written]:
    """Every file of a folder, over its `default.yaml`; raises `ConfigurationError` where one is wrong."""
    default = _default(documents.read(folder / f"{DEFAULT}.yaml", File))
    found = {DEFAULT: default}
    for file in sorted(folder.glob("*.yaml")):
        if file.stem != DEFAULT:
            found[file.stem] = _over(default, file.stem, documents.read(file, File))
    return found


def jurisdiction(name: str = DEFAULT) -> Jurisdiction:
    """One by its name; a name that nothing is shipped for means the default."""
    known = jurisdictions()
    return known.get(name, known[DEFAULT]).holds


def _default(document: Document[File]) -> Written:
    figures = document.value.figures
    for name in FIELDS:
        if name not in figures:
            raise document.error("figures", f"says nothing of {name}", "The default says every figure.")
        if figures[name].label is None:
            raise document.error(f"figures.{name}", "has no label", "Say in zh and en what it is.")
    return _written(DEFAULT, document, figures, frozenset())


def _over(default: Written, name: str, document: Document[File]) -> Written:
    own = document.value.figures
    labelled = {
        field: msgspec.structs.replace(figure, label=default.figures[field].label)
        for field, figure in own.items()
        if field in default.figures
    }
    return _written(name, document, {**default.figures, **own, **labelled}, frozenset(own))


def _written(
    name: str, document: Document[File], figures: Mapping[str, Figure], own: frozenset[str]
) -> Written:
    for field in figures:
        if field not in FIELDS:
            near = difflib.get_close_matches(field, FIELDS, n=1)
            mend = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(FIELDS)}."
            raise document.error(f"figures.{field}", "is no figure", mend)
    values = {}
    for field, kind in _TYPES.items():
        try:
            values[field] = msgspec.convert(figures[field].value, kind)
        except msgspec.ValidationError as exc:
            raise document.error(
                f"figures.{field}.value", str(exc), "See docs/reference/jurisdictions.md."
            ) from exc
    return Written(
        holds=Jurisdiction(name=name, label=document.value.label, **values),
        source=document.value.source,
        figures={field: figures[field] for field in FIELDS},
        own=own,
    )
