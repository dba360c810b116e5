"""Indicators, the board and figures of alarms as the HTTP interface shows them."""

import datetime as dt
from typing import Literal

from pydantic import Field

from cloud.indicators.description import Light
from cloud.indicators.measured import Unit
from cloud.shown import Identity, Instant, Shown, TextShown


class PartShown(Shown):
    """A number beside the indicator's own."""

    name: str
    label: TextShown
    key: str = Field(description="Which of several of the name; empty where there is one.")
    about: TextShown | None = Field(description="What that one is.")
    unit: Unit
    value: float | None = Field(description="Null: unknown, never 0.")
    of: float | None = Field(description="What it is a share of.")
    records: int = Field(description="How many records stand behind it.")
    missing: str = Field(description="Which source is missing, where that is why it is unknown.")
    missing_label: TextShown | None = Field(description="The same in words.")


class MonthShown(Shown):
    """The value of a month."""

    month: str = Field(examples=["2026-11"])
    value: float | None


class IndicatorShown(Shown):
    """What something that the work is measured by comes to."""

    id: str
    no: str
    label: TextShown
    formula: TextShown
    source: TextShown
    unit: Literal["count", "share"]
    value: float | None = Field(description="Null: unknown, never 0.")
    count: int | None = Field(description="Of a share, how many.")
    of: int | None = Field(description="Of how many.")
    light: Light
    amber: float
    red: float
    missing: str = Field(description="Which source is missing, where that is why it is unknown.")
    missing_label: TextShown | None = Field(description="The same in words.")
    warning: str = Field(description="`fewer_looked`: fewer were found, and less was looked.")
    records: int = Field(description="How many records stand behind it.")
    parts: list[PartShown]
    trend: list[MonthShown] = Field(description="Of the last twelve months, the oldest first.")


class IndicatorsShown(Shown):
    """All of them, of a place and an instant."""

    at: Instant
    zone: str
    items: list[IndicatorShown]
    source: TextShown


class RecordBehind(Shown):
    """A hazard record behind a number."""

    id: Identity
    number: str
    site: str
    site_name: TextShown
    content: TextShown
    level: str
    status: str
    opened_at: Instant
    due_at: Instant | None
    overdue: bool


class RecordsBehind(Shown):
    """The newest of them."""

    items: list[RecordBehind]


class Tile(Shown):
    """A part of the board: a node with all below it, or a site."""

    kind: Literal["node", "site"]
    node: int | None
    site: str | None
    name: TextShown
    light: Light = Field(
        description="Red: something is overdue; amber: something is open, or nobody is heard."
    )
    sites: int
    open_major: int
    overdue_major: int
    proposed: int = Field(description="Suspected major, not judged yet.")
    listed: int
    general: int = Field(description="Open general ones.")
    next_due: Instant | None = Field(description="The nearest date of an open major one that is not overdue.")
    next_hazard: Identity | None
    late_since: Instant | None = Field(description="The oldest date that has passed.")
    late_hazard: Identity | None
    alarms: int = Field(description="Alarms of level 3 and 4 that stand.")
    gateways: int
    silent: int = Field(description="Gateways in service that are not heard.")
    blind: int = Field(description="Sites in progress that nobody supervises or hears.")


class TargetShown(Shown):
    """Something that must be so by a day."""

    on: dt.date
    what: TextShown
    days_left: int


class Step(Shown):
    """A node on the way down to what is shown."""

    node: int
    name: TextShown


class Board(Shown):
    """A territory on one look (挂图作战)."""

    at: Instant
    node: int | None
    name: TextShown | None
    way: list[Step] = Field(description="Nodes above, the uppermost first.")
    total: Tile
    tiles: list[Tile] = Field(description="The worst first.")
    targets: list[TargetShown] = Field(
        description="Days that the territory's rules name, from today (倒排工期)."
    )


class BlindSpot(Shown):
    """A project in progress that somebody does not watch (监管盲区)."""

    site: str
    name: TextShown
    no_authority: bool = Field(description="No authority is assigned.")
    no_officer: bool = Field(description="No township officer or enforcement officer has it.")
    no_gateway: bool = Field(description="No gateway of it is heard.")


class BlindSpots(Shown):
    """Those that the caller sees; empty only where each project has all three."""

    at: Instant
    projects: int
    items: list[BlindSpot]


class ComponentShown(Shown):
    """What places are compared by."""

    id: str = Field(description="An indicator, or `indicator/part`.")
    label: TextShown
    weight: float
    good: float = Field(description="From there on it has all points.")
    bad: float = Field(description="From there on it has none.")


class ScoredShown(Shown):
    """A share and its points."""

    id: str
    value: float | None = Field(description="Null: unknown; it falls away with its weight.")
    points: float | None = Field(description="From 0 to 100.")
    of: int = Field(description="What the value is a share of.")


class RankedShown(Shown):
    """Where a place stands."""

    node: int
    name: TextShown
    rank: int | None = Field(description="Null: too little is known of it.")
    score: float | None = Field(description="From 0 to 100, over the components that are known.")
    sites: int
    records: int = Field(description="Major hazards that were found.")
    components: list[ScoredShown]


class RankingShown(Shown):
    """Places by their score (打分排队), the best first."""

    at: Instant
    zone: str
    by: Literal["territory", "enterprise"]
    least_records: int = Field(description="Whoever has fewer is not ranked,")
    least_weight: float = Field(description="nor of whose weights a smaller share is known.")
    source: TextShown
    components: list[ComponentShown]
    items: list[RankedShown]
