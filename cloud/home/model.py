"""The home of a site as the HTTP interface shows it."""

import datetime as dt

from cloud.alarms.model import Episode
from cloud.hazards.model import Hazard
from cloud.readings.model import Values
from cloud.registry.model import Finding, Step, Trade, Validity
from cloud.shown import Shown
from cloud.sites.model import Site


class OperatorFacts(Shown):
    """Somebody who may operate a device, and how their certificate stands."""

    name: str
    trade: Trade
    certificate_no: str
    valid_until: dt.date
    validity: Validity


class MachineFacts(Shown):
    """What the registry says of a device, as far as whoever watches it must know."""

    registration_no: str
    """Of its registration for use (使用登记), where it holds."""
    property_no: str
    standing: Step | None
    is_in_use: bool
    expired: list[Step]
    expires_on: dt.date | None
    finding: Finding | None
    """Where the file and the gateway contradict each other on whether it is on trial."""
    operators: list[OperatorFacts]


class Home(Shown):
    """All that the page of a site shows when it is opened."""

    site: Site
    values: Values
    alarms: list[Episode]
    """Those that stand, the newest first."""
    hazards: list[Hazard]
    """Those that are open, the newest first."""
    machines: dict[str, MachineFacts]
    """By device; only those that have a file."""
