"""The clocks of hazard records: what starts them, and what is done when one has run out."""

import datetime as dt
from typing import Protocol
from uuid import UUID

from cloud.database import Connection
from cloud.jurisdictions.model import Jurisdiction


class Standing(Protocol):
    """What of a record the clocks depend on."""

    @property
    def status(self) -> str:
        """Where it stands."""

    @property
    def level(self) -> str:
        """How grave it is."""


class Limiting(Protocol):
    """Whatever knows what holds at the site."""

    @property
    def limits(self) -> Jurisdiction:
        """The jurisdiction of the site."""


def after_opening(connection: Connection, hazard_id: UUID, *, since: dt.datetime, now: dt.datetime) -> None:
    """Start the clocks of a record just opened, or just become suspected major.

    `since` is when the danger was seen, or `now` where nobody's clock told. Its row and event are written.
    """


def after_act(
    connection: Connection,
    hazard_id: UUID,
    before: Standing,
    after: Standing,
    *,
    facts: Limiting,
    now: dt.datetime,
) -> None:
    """Set, move and settle the clocks of a record after an act, whose row and event are written."""
