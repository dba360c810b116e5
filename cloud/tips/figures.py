"""The times and bounds of reports by the public, as `tips.yaml` says them."""

import datetime as dt
from functools import cache
from importlib import resources

import msgspec

from sitewarden import documents
from sitewarden.text import Text


class Days(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long each step may take."""

    assign: int
    judge: int
    answer: int


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    days: Days
    identity_kept_days: int
    photos: int
    burst: int
    interval_s: float
    all_burst: int
    all_interval_s: float
    photos_burst: int
    photos_interval_s: float
    uploads: int
    upload_s: float

    def due(self, step: str, since: dt.datetime) -> dt.datetime:
        """By when the step must be done; `step` is a field of `Days`."""
        return since + dt.timedelta(days=getattr(self.days, step))


@cache
def figures() -> Figures:
    """What `tips.yaml` says."""
    with resources.as_file(resources.files("cloud.tips") / "tips.yaml") as file:
        return documents.load(file, Figures)
