"""Of whom a report is: the names and words of a territory, and what holds there."""

import datetime as dt
from typing import Any

import msgspec

from cloud.database import Connection
from cloud.instants import local
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.model import Jurisdiction
from cloud.jurisdictions.store import ABOVE
from cloud.reports.campaigns import Campaign, Means, campaign_of, zone_of
from cloud.reports.model import Scope
from sitewarden.text import Text


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a scope that a report prints or counts by."""

    name: Text
    time_zone: str
    limits: Jurisdiction
    campaign: Campaign | None
    since: dt.datetime | None

    @property
    def rectified_means(self) -> Means:
        """What counts as rectified here."""
        own = self.campaign.template.rectified_means if self.campaign is not None else None
        return own or self.limits.rectified_means

    def day(self, at: dt.datetime) -> dt.date:
        """The day of an instant by the clocks of the place."""
        return local(at, self.time_zone).date()

    def head(self, scope: Scope) -> dict[str, Any]:
        """As a version keeps it: with everything that the numbers depend on."""
        return {
            "name": {"zh": self.name.zh, "en": self.name.en},
            "time_zone": self.time_zone,
            "jurisdiction": self.limits.name,
            "rectified_means": self.rectified_means,
            "campaign": None if self.campaign is None else msgspec.to_builtins(self.campaign),
            "since": None if self.since is None else self.day(self.since).isoformat(),
            "cut_off": local(scope.cut_off, self.time_zone).isoformat(timespec="minutes"),
            # The last day that is counted: a cut-off is the beginning of the day after it.
            "last_day": self.day(scope.cut_off - dt.timedelta(milliseconds=1)).isoformat(),
        }


_NAME = "SELECT name, territory FROM site WHERE site = %s"


def limits_at(connection: Connection, node: int | None) -> Jurisdiction:
    """What holds in a territory: that of the nearest one above it that names a jurisdiction."""
    query = (
        f"SELECT above.jurisdiction {ABOVE} WHERE its.node = %s AND above.jurisdiction IS NOT NULL"
        " ORDER BY length(above.path) DESC LIMIT 1"
    )
    row = connection.execute(query, [node]).fetchone()
    return jurisdiction(DEFAULT if row is None else row[0])


def place_of(connection: Connection, scope: Scope) -> Place:
    """Of a scope."""
    if scope.site is not None:
        row = connection.execute(_NAME, [scope.site]).fetchone()
        name, node = (row[0], row[1]) if row else ({"zh": scope.site, "en": scope.site}, None)
    else:
        row = connection.execute("SELECT name FROM tree_node WHERE node = %s", [scope.node]).fetchone()
        name, node = (row[0] if row else {"zh": "", "en": ""}), scope.node
    campaign = campaign_of(connection, scope.campaign)
    return Place(
        name=Text(name["zh"], name["en"]),
        time_zone=zone_of(connection, node),
        limits=limits_at(connection, node),
        campaign=campaign,
        since=scope.since or (campaign.since if campaign is not None else None),
    )
