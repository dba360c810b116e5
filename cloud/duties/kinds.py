"""The kinds of duties, as `duties.yaml` says. Pure, but for reading that file once."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from cloud.jurisdictions.model import Frequency, Jurisdiction
from sitewarden import documents
from sitewarden.text import Text

Owing = Literal["company", "group", "subsidiary", "site", "authority"]
Source = Literal["inspections", "duties"]
InspectionKind = Literal["self_check", "lead_check", "authority_check", "enterprise_check", "remote_patrol"]
Level = Literal["province", "prefecture", "county", "township", "enterprise", "project"]
FREQUENCIES: tuple[Frequency, ...] = ("daily", "monthly", "quarterly", "half_yearly", "yearly")
"""The strictest first."""


class Fitting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The inspections that are a duty done."""

    kinds: list[InspectionKind]
    levels: list[Level]
    acting: Literal["own", "below"] = "own"


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A duty."""

    label: Text
    figure: Literal[
        "principal_check",
        "group_check",
        "subsidiary_check",
        "frontline_check",
        "drill",
        "meeting",
        "guidance",
    ]
    owed_by: Owing
    source: Source
    inspections: Fitting | None = None

    def frequency(self, limits: list[Jurisdiction]) -> Frequency:
        """The strictest of what these jurisdictions ask."""
        asked: list[Frequency] = [getattr(one, self.figure) for one in limits]
        return min(asked, key=FREQUENCIES.index)


class RoundsCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts for a round, by what is looked at."""

    enterprises: list[InspectionKind]
    projects: list[InspectionKind]
    devices: list[InspectionKind]
    machines: list[str]


class Kinds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    duties: dict[str, Kind]
    rounds: RoundsCount


@cache
def kinds() -> Kinds:
    """What `duties.yaml` says."""
    with resources.as_file(resources.files("cloud.duties") / "duties.yaml") as file:
        return documents.load(file, Kinds)
