"""The standards for judging major hazards (重大事故隐患判定标准), item by item, as data with confidence.

A machine only proposes an item. A person judges.
"""

import datetime as dt
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import msgspec

from sitewarden.errors import SiteWardenError
from sitewarden.rules.model import Clause, Confidence

_FOLDER = resources.files("sitewarden.rules.clauses")
_DATE_OR_OPEN = r"^(\d{4}-\d{2}-\d{2}|to be confirmed)$"

Standing = Literal["in_force", "unconfirmed", "not_yet", "replaced"]
"""Whether an edition may be judged by on a day; `unconfirmed`: it may, but its first day is not confirmed."""


class UnknownClauseError(SiteWardenError):
    """No edition has such an item."""


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """One item of an edition."""

    id: str
    """Article and item, such as `8-4`."""
    text: str
    evidence: Literal["auto", "support", "none"]
    """What a machine can say to it: propose it by itself, support it, or nothing."""
    confidence: Confidence
    """How sure the text is."""
    two_part: bool = False
    """'… and not handled in time': it is met only once a time for handling has passed."""
    as_: str | None = None
    """The item of the newest edition that means the same danger."""


class Edition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One edition of the standard."""

    edition: str
    document: str
    title: str
    in_force_from: Annotated[str, msgspec.Meta(pattern=_DATE_OR_OPEN)]
    source: str
    items: list[Item]

    @property
    def begins(self) -> dt.date | None:
        """The first day on which it holds; `None` where that day is not confirmed."""
        return None if self.in_force_from == "to be confirmed" else dt.date.fromisoformat(self.in_force_from)

    def item(self, wanted: str) -> Item:
        """The item of that id; raises `UnknownClauseError` naming those of its article."""
        found = {item.id: item for item in self.items}
        if wanted in found:
            return found[wanted]
        article = wanted.partition("-")[0]
        near = [name for name in found if name.partition("-")[0] == article]
        hint = f"; article {article} has {', '.join(near)}" if near else ""
        raise UnknownClauseError(f"the edition {self.edition} has no item `{wanted}`{hint}")

    def clause(self, wanted: str) -> Clause:
        """The item as a proposal names it; raises `UnknownClauseError`."""
        item = self.item(wanted)
        return Clause(edition=self.edition, id=item.id, text=item.text)


@cache
def editions() -> Mapping[str, Edition]:
    """Every edition by its name, the newest first; read once."""
    import yaml  # noqa: PLC0415  whoever reads packs needs YAML anyway, the wire does not

    files = sorted((f for f in _FOLDER.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    read = [msgspec.convert(yaml.safe_load(f.read_text(encoding="utf-8")), Edition) for f in reversed(files)]
    return {edition.edition: edition for edition in read}


def item_of(clause: Clause) -> Item:
    """The item that the clause names; raises `UnknownClauseError`."""
    known = editions()
    if clause.edition not in known:
        raise UnknownClauseError(f"there is no edition `{clause.edition}`; there are {', '.join(known)}")
    return known[clause.edition].item(clause.id)


def completed(clause: Clause) -> Clause:
    """The clause with the text of its item; raises `UnknownClauseError`."""
    return Clause(edition=clause.edition, id=clause.id, text=item_of(clause).text)


def elsewhere(clause: Clause) -> list[Clause]:
    """The items of other editions that mean the same danger, the newest edition first."""
    newest = next(iter(editions()))
    danger = clause.id if clause.edition == newest else item_of(clause).as_
    if danger is None:
        return []
    return [
        edition.clause(item.id)
        for edition in editions().values()
        if edition.edition != clause.edition
        for item in edition.items
        if (item.id if edition.edition == newest else item.as_) == danger
    ]


def standing(edition: str, on: dt.date, known: Mapping[str, Edition] | None = None) -> Standing:
    """Whether the edition may be judged by on that day of the site; raises `UnknownClauseError`.

    An edition holds until a newer one does. One whose first day is not confirmed neither ends an older one
    nor is refused: whoever judges by it is told so.
    """
    known = editions() if known is None else known
    if edition not in known:
        raise UnknownClauseError(f"there is no edition `{edition}`; there are {', '.join(known)}")
    begins = known[edition].begins
    if begins is None:
        return "unconfirmed"
    if on < begins:
        return "not_yet"
    starts = [other.begins for other in known.values() if other.begins is not None]
    return "replaced" if any(begins < start <= on for start in starts) else "in_force"
