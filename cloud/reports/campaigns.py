"""Campaigns (专项行动): shipped as data, run by an authority for itself and everybody below it."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal, LiteralString

import msgspec

from cloud.database import Connection
from cloud.jurisdictions.store import ABOVE
from sitewarden import documents
from sitewarden.rules.model import Confidence
from sitewarden.text import Text

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Means = Literal["submitted", "verified", "closed"]
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_LEVELS: dict[str, str] = {"province": "省", "prefecture": "市", "county": "县"}


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A campaign as its circular announces it."""

    name: Text
    since: Day
    """The first day on which what is detected counts, by the clocks of the authority."""
    until: Day | None = None
    """The last day; without it the campaign goes on."""
    sectors: list[str]
    titles: dict[str, str] = {}
    """What is printed over a report, by its kind."""
    heads: dict[str, str] = {}
    """In the place of the usual head of a report, by its kind."""
    levels: dict[Literal["province", "prefecture", "county"], str] = {}
    """The words for an authority's level in a number that is split by it."""
    carried_over: bool = False
    """What was found before the first day and was open then counts too."""
    strict: bool = False
    """Handed in before the cut-off itself: what is made ten minutes before it, as preliminary (预报)."""
    rectified_means: Means | None = None
    """In the place of what the jurisdiction says."""
    source: Text
    confidence: Confidence

    def __post_init__(self) -> None:
        """Raises `ValueError` where its days are none: nothing could be counted for it."""
        days = [dt.date.fromisoformat(day) for day in (self.since, self.until) if day is not None]
        if not all(_FIRST_YEAR <= day.year <= _LAST_YEAR for day in days):
            raise ValueError(f"Its days lie between {_FIRST_YEAR} and {_LAST_YEAR}")
        if days != sorted(days):
            raise ValueError("It ends before it begins: `until` lies before `since`")


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as an authority runs it."""

    campaign: str
    node: int
    template: Template
    since: dt.datetime
    until: dt.datetime | None
    """The end of the last day."""

    @property
    def sectors(self) -> list[str]:
        """Which sectors it is for."""
        return self.template.sectors

    @property
    def carried_over(self) -> bool:
        """Whether stock counts."""
        return self.template.carried_over

    def level(self, level: str) -> str:
        """The word for an authority's level."""
        own = {str(name): word for name, word in self.template.levels.items()}
        return own.get(level, _LEVELS[level])


@cache
def templates() -> Mapping[str, Template]:
    """Those that SiteWarden ships, by name."""
    with resources.as_file(resources.files("cloud.reports") / "campaigns.yaml") as file:
        return documents.load(file, dict[str, Template])


def with_changes(template: str, changes: dict[str, Any]) -> Template:
    """A shipped campaign with what an authority says differently; raises `msgspec.ValidationError`."""
    shipped = msgspec.to_builtins(templates()[template])
    return msgspec.convert({**shipped, **changes}, Template)


def zone_of(connection: Connection, node: int | None) -> str:
    """By whose clocks the authority of a node reads days: those of most of its sites, else of Shanghai."""
    row = connection.execute(
        """
        SELECT site.time_zone FROM site JOIN tree_node AS its ON its.node IN (site.territory, site.enterprise)
          JOIN tree_node AS top ON top.node = %s AND starts_with(its.path, top.path)
         GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1
        """,
        [node],
    ).fetchone()
    return "Asia/Shanghai" if row is None else str(row[0])


def begin_of(day: dt.date, time_zone: str) -> dt.datetime:
    """The instant at which a day begins there."""
    return dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(time_zone)).astimezone(dt.UTC)


def campaign_of(connection: Connection, campaign: str) -> Campaign | None:
    """One by its name; `None` where there is none."""
    row = connection.execute(
        "SELECT campaign, node, template, changes FROM campaign WHERE campaign = %s", [campaign]
    ).fetchone()
    return None if row is None else _read(connection, row)


_AT: LiteralString = f"""
    SELECT campaign, campaign.node, template, changes FROM campaign
     WHERE node IN (SELECT above.node {ABOVE} WHERE its.node = %s) ORDER BY campaign
"""  # noqa: S608  of our own texts


def campaigns_at(connection: Connection, node: int) -> list[Campaign]:
    """Those that the authority of a node reports for: its own and those of whoever is above it."""
    return [_read(connection, row) for row in connection.execute(_AT, [node]).fetchall()]


def _read(connection: Connection, row: tuple[Any, ...]) -> Campaign:
    campaign, node, template, changes = row
    its, zone = with_changes(template, changes), zone_of(connection, node)
    day = dt.timedelta(days=1)
    return Campaign(
        campaign=campaign,
        node=node,
        template=its,
        since=begin_of(dt.date.fromisoformat(its.since), zone),
        until=None if its.until is None else begin_of(dt.date.fromisoformat(its.until) + day, zone),
    )
