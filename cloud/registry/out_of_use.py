"""A machine that works although it is not in use: what its readings tell beside its life cycle.

Only the cloud knows both. It is a finding for people, told while it is so; the rule is data. Pure, but for
`found_at`.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from cloud.database import Row, rows_of
from cloud.registry import model, store
from cloud.registry.kinds import Around, standings
from cloud.registry.lifecycle import Standing
from cloud.shown import TextShown
from sitewarden import documents
from sitewarden.points import point_kind
from sitewarden.text import Text

Size = Annotated[float, msgspec.Meta(gt=0)]


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a point of a kind shows when the machine works, in the unit of its kind."""

    kind: str
    above: Size | None = None
    """Any value of this size."""
    moved: Size | None = None
    """From its least to its most value."""


class Basis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the rule comes from."""

    zh: str
    en: str
    confidence: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule as its file has it."""

    rule: str
    version: int
    level: Annotated[int, msgspec.Meta(ge=1, le=4)]
    label: Text
    basis: Basis
    sizes_confidence: str
    window_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    valid: list[model.Step]
    signs: list[Sign]


@cache
def rule() -> Rule:
    """What `out_of_use.yaml` says."""
    with resources.as_file(resources.files("cloud.registry") / "out_of_use.yaml") as file:
        return documents.load(file, Rule)


def is_unready(life: Standing, valid: Iterable[model.Step]) -> bool:
    """Whether a machine whose life stands so may not work: not in use, or a certificate has ended."""
    return not life.is_in_use or any(step in life.expired for step in valid)


def shown_sign(sign: Sign, row: Row) -> model.SignShown | None:
    """What a point showed within the window, if it is a sign that the machine works."""
    moved = row["most"] - row["least"]
    value, limit = (moved, sign.moved) if sign.moved is not None else (row["most"], sign.above)
    if limit is None or value < limit:
        return None
    kind = point_kind(sign.kind)
    return model.SignShown(
        point=row["name"],
        label=TextShown.of(kind.label),
        how="above" if sign.moved is None else "moved",
        value=round(value, 3),
        limit=limit,
        unit=kind.unit,
        last_at=row["last_at"],
    )


async def found_at(around: Around) -> list[model.OutOfUse]:
    """Every machine of the site that has a file, may not work, and does.

    A machine without a file is no finding: nobody has said yet how far its life has gone.
    """
    its = rule()
    files = await rows_of(around.connection, store.MACHINES, [around.site.site])
    lives = await standings(around, files)
    unready = [name for name, life in lives.items() if is_unready(life, its.valid)]
    if not unready:
        return []
    signs = {sign.kind: sign for sign in its.signs}
    asked = {
        "site": around.site.site,
        "mode": around.mode,
        "devices": unready,
        "kinds": list(signs),
        "now": around.now,
        "window_s": its.window_s,
    }
    seen: dict[str, list[model.SignShown]] = {}
    for row in await rows_of(around.connection, store.EXTENTS, asked):
        sign = shown_sign(signs[row["kind"]], row)
        if sign is not None:
            seen.setdefault(row["device"], []).append(sign)
    names = {file["device"]: file["name"] for file in files}
    return [_shown(its, device, names[device], lives[device], seen[device]) for device in sorted(seen)]


def _shown(
    its: Rule, device: str, name: Mapping[str, str], life: Standing, signs: list[model.SignShown]
) -> model.OutOfUse:
    return model.OutOfUse(
        device=device,
        name=TextShown(zh=name["zh"], en=name["en"]),
        standing=life.step,
        is_in_use=life.is_in_use,
        expired=[step for step in life.expired if step in its.valid],
        signs=signs,
        rule=its.rule,
        rule_version=its.version,
        level=its.level,
        label=TextShown.of(its.label),
        basis=TextShown.of(its.basis),
        confidence=its.basis.confidence,
        sizes_confidence=its.sizes_confidence,
        window_s=its.window_s,
    )
