"""How far back is looked and for whom, as `returns.yaml` says. Pure, but for reading that file once."""

from functools import cache
from importlib import resources

import msgspec

from sitewarden import documents
from sitewarden.text import Text


class PackageFigures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a package about an incident."""

    alarms_before_s: int
    hazards_before_days: int
    evidence_bytes: int


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    trace_months: int
    key_posts: list[str]
    package: PackageFigures


@cache
def figures() -> Figures:
    """What `returns.yaml` says."""
    with resources.as_file(resources.files("cloud.returns") / "returns.yaml") as file:
        return documents.load(file, Figures)
