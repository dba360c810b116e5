"""The figures that hold in a territory."""

from typing import Annotated, Any, Literal

import msgspec

from sitewarden.rules.model import Confidence
from sitewarden.text import Text

Seconds = Annotated[int, msgspec.Meta(ge=1, le=400 * 86_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3_650)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]
DayOfMonth = Annotated[int, msgspec.Meta(ge=1, le=28)]
Frequency = Literal["daily", "monthly", "quarterly", "half_yearly", "yearly"]
Date = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
"""`2023-06-30`, or `11-30` of every year."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measure against a major hazard that is slow; any one of what is said calls for it."""

    measure: Text
    by: Literal["county", "city"]
    """The authority that usually takes it."""
    overdue_days: Days | None = None
    """So long overdue; 0 at once."""
    failed_reviews: Count | None = None
    refused: bool = False


class Day(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is handed in on a day."""

    on: Date
    what: Text


class Phase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a campaign, both days included; without a first day it has run since the campaign began."""

    since: Date | None = None
    until: Date
    what: Text


class Jurisdiction(msgspec.Struct, frozen=True, kw_only=True):
    """What holds in a territory. Times in seconds unless the name says days."""

    name: str
    """Of its file: what the territory tree refers to."""
    label: Text
    hierarchy: list[Text]
    """The levels of authorities, the highest first."""

    judge_major_s: Seconds
    judge_general_s: Seconds
    report_days: Days
    """Reported by the end of the local day that is so many days after the day of detection."""
    unverified_report_before_s: Seconds
    """So long before that end what nobody has judged is reported as unverified."""
    principal_ack_s: Seconds
    plan_s: Seconds
    rectify_major_days: Count
    rectify_general_days: Count
    most_extensions: Annotated[int, msgspec.Meta(ge=0, le=20)]
    remind_first_s: Seconds
    remind_last_s: Seconds
    evidence_fresh_s: Seconds
    listing: Literal["all", "selected"]
    ladder: Annotated[list[Step], msgspec.Meta(min_length=5, max_length=5)]

    clear_crane_working_s: Seconds
    clear_pit_s: Seconds
    clear_other_s: Seconds
    clear_coverage: Fraction

    repeat_window_days: Count
    repeats_for_review: Count
    common_window_days: Count
    common_projects: Count
    common_county_projects: Count
    common_sensor_faults: Count

    incident_first_report_s: Seconds
    incident_details_s: Seconds
    incident_details_warning_s: Seconds

    crane_registration_push_s: Seconds
    external_warning_s: Seconds
    """A warning of another platform that names no time is dealt with within that."""
    attendance_trace_months: Count
    key_posts: Annotated[
        list[Literal["project_manager", "safety_officer", "supervision_engineer", "equipment_operator"]],
        msgspec.Meta(min_length=1),
    ]
    """Of whom somebody must be there while a crane works."""
    key_post_grace_s: Seconds
    """Whoever comes so long after the first crane has begun is not missing yet."""
    work_going_on_s: Seconds
    """A crane whose last cycle ended within that time works."""
    principal_check: Frequency
    group_check: Frequency
    subsidiary_check: Frequency
    frontline_check: Frequency
    drill: Frequency
    meeting: Frequency
    guidance: Frequency
    rounds: list[Phase]
    """Each is one full coverage of all projects."""
    sampled_enterprises: Fraction
    sampled_projects: Fraction
    samplings_a_year: Count

    monthly_report_day: DayOfMonth
    rectified_means: Literal["submitted", "verified", "closed"]
    returns: list[Day]
    phases: list[Phase]
    targets: list[Day]


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number or policy as a file says it."""

    value: Any
    source: Text
    confidence: Confidence
    label: Text | None = None
    """What it is; only the default file says it."""


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A jurisdiction as it is written: the default says everything, each other how it differs."""

    label: Text
    source: Text
    figures: dict[str, Figure] = {}


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A jurisdiction with where each of its figures comes from."""

    holds: Jurisdiction
    source: Text
    figures: dict[str, Figure]
    """All of them, by the name of the field."""
    own: frozenset[str]
    """Those that differ from the default."""
