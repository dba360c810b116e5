"""The kinds of measures, as `kinds.yaml` says. Pure, but for reading that file once."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden import documents
from sitewarden.text import Text

Need = Literal["enterprise", "amount", "persons", "document_no"]


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measure."""

    label: Text
    counts: Literal["acts", "enterprises", "persons"]
    """What of it is counted."""
    cell: str = ""
    """Printed number of its item in the dispatch table's part on enforcement; empty: not counted there."""
    needs: list[Need] = []


class Kinds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    kinds: dict[str, Kind]


@cache
def kinds() -> Kinds:
    """What `kinds.yaml` says."""
    with resources.as_file(resources.files("cloud.enforcement") / "kinds.yaml") as file:
        return documents.load(file, Kinds)
