"""Profiles and what was found of them, as pages show them. Pure."""

from collections.abc import Iterable
from typing import Any

from cloud.profiles.model import Complaint, PaperCheck, ProductShown, ProfilePoint, ProfileSummary
from cloud.shown import TextShown
from sitewarden.errors import ConfigurationError
from sitewarden.points import point_kind
from sitewarden.profiles import Profile
from sitewarden.profiles.describe import place_of
from sitewarden.profiles.findings import Check
from sitewarden.profiles.model import JsonProfile


def summary(profile: Profile) -> ProfileSummary:
    """What a profile says of itself."""
    return ProfileSummary(
        profile=profile.profile,
        version=profile.version,
        device_kind=profile.device_kind,
        driver=str(profile.__struct_config__.tag),
        verified=profile.verified,
        products=[ProductShown(brand=its.brand, model=its.model) for its in profile.products],
        points=len(profile.points),
    )


def points(profile: Profile) -> list[ProfilePoint]:
    """Where every point stands and what it means."""
    return [
        ProfilePoint(
            key=key,
            kind=point.kind,
            label=TextShown.of(point.label or point_kind(point.kind).label),
            unit=point.unit,
            place=_place(profile, point),
            scale=point.scale,
            offset=point.offset,
            range=point.range,
            every_ms=profile.groups[point.group].interval_ms,
        )
        for key, point in profile.points.items()
    ]


def _place(profile: Profile, point: Any) -> str:
    said = place_of(profile, point)
    return f"JSON {said}" if isinstance(profile, JsonProfile) else said


def checks_shown(checks: Iterable[Check]) -> list[PaperCheck]:
    """Checks for a page."""
    return [PaperCheck(name=its.name, level=its.level, says=TextShown.of(its.says)) for its in checks]


def complaint(error: ConfigurationError) -> Complaint:
    """What cannot be meant, for a page."""
    return Complaint(line=error.line, field=error.field, message=error.message, mend=error.mend)
