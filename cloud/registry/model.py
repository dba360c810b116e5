"""What people say of a site, as the HTTP interface takes and shows it.

Each record has one model of what is given (`…Given`), which also names the columns of its table; shown it has
its key and its version besides.
"""

import datetime as dt
import zoneinfo
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Base64Bytes, BaseModel, ConfigDict, Field

from cloud.complaints import complaint
from cloud.registry.parameters import checked_parameters, support_types
from cloud.registry.works import works
from cloud.shown import Identity, Instant, Shown, TextShown
from sitewarden.loadchart import faults
from sitewarden.points import UnknownKindError, point_kind
from sitewarden.topics import IDENTIFIER

_T = TypeVar("_T")


def _plain(text: str) -> str:
    if any(ord(letter) < ord(" ") and letter not in "\n\t" for letter in text):
        raise complaint("control-characters", "holds control characters")
    return text.strip()


def _worded(text: str) -> str:
    if not (said := _plain(text)):
        raise complaint("string_too_short", "says nothing", min_length=1)
    return said


def _once(values: list[_T]) -> list[_T]:
    if len(set(values)) < len(values):
        raise complaint("said-twice", "names something twice")
    return values


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise complaint("no-time-zone", "is no time zone; use a name like Asia/Shanghai")
    return name


def _kind(name: str) -> str:
    try:
        point_kind(name)
    except UnknownKindError as exc:
        raise complaint("no-such-kind", str(exc)) from None
    return name


Name = Annotated[str, Field(pattern=f"^{IDENTIFIER.pattern}$", examples=["crane-1"])]
"""It goes into topics, file names and addresses."""
Line = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Said = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_worded)]
Note = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
PointName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}/[a-z0-9_.-]{1,64}$", examples=["pit-1/hd_3"])
]
Devices = Annotated[list[Name], Field(max_length=200), AfterValidator(_once)]
DeviceKind = Literal["crane", "pit", "weather", "hoist", "dust", "camera", "other"]


class Given(BaseModel):
    """What a request says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Given):
    """A name for people, in both languages."""

    zh: Said
    en: Said


class SiteGiven(Given):
    """A project (项目), which is a site here."""

    name: Words
    time_zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    code: Line = Field(default="", description="Code of the project with its authority (项目编码).")
    address: Line = ""
    authority: Line = Field(default="", description="The one authority that supervises it.")
    phase: Literal["planned", "building", "suspended", "finished"] = "building"
    territory: int | None = Field(default=None, description="Node of the territory tree.")
    enterprise: int | None = Field(default=None, description="Node of the enterprise tree.")


class NodeGiven(Given):
    """A node of the territory tree or of the enterprise tree."""

    parent: int | None = None
    kind: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$", examples=["county", "company"])]
    name: Words
    code: Line = ""
    jurisdiction: str | None = Field(
        default=None,
        description="Of a territory: whose rules of clocks and reports hold; null: those of the one above.",
    )


class GatewayGiven(Given):
    """A gateway that may speak for the site."""

    note: Note = ""
    retired_on: dt.date | None = Field(default=None, description="From then on it is not heard.")


Fraction = Annotated[float, Field(ge=0, le=1)]
Corner = tuple[Fraction, Fraction]


def _polygon(corners: list[Corner]) -> list[Corner]:
    if len(set(corners)) < len(corners):
        raise complaint("same-corner", "has the same corner twice")
    edges = list(pairwise([*corners, corners[0]]))
    for i, first in enumerate(edges):
        # Neighbours share a corner and so do the first and the last.
        for second in edges[i + 2 : len(edges) - (1 if i == 0 else 0)]:
            if _cross(first, second):
                raise complaint("crosses-itself", "crosses itself")
    if abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in edges)) <= 0:
        raise complaint("no-area", "encloses no area")
    return corners


def _cross(first: tuple[Corner, Corner], second: tuple[Corner, Corner]) -> bool:
    return _side(*first, second[0]) * _side(*first, second[1]) < 0 and (
        _side(*second, first[0]) * _side(*second, first[1]) < 0
    )


def _side(begin: Corner, end: Corner, point: Corner) -> float:
    return (end[0] - begin[0]) * (point[1] - begin[1]) - (end[1] - begin[1]) * (point[0] - begin[0])


class ZoneGiven(Given):
    """A zone of the site on a plan."""

    name: Words
    plan: Name | None = None
    polygon: Annotated[list[Corner], Field(min_length=3, max_length=200), AfterValidator(_polygon)] = Field(
        description="Corners as fractions of the plan's width and height, from its upper left."
    )
    note: Note = ""


Role = Literal[
    "contractor",
    "owner",
    "lessor",
    "installer",
    "supervisor",
    "inspection_body",
    "monitoring_body",
    "maintainer",
]


class Party(Given):
    """Who answers for a device, and for what."""

    role: Role
    name: Said
    credit_code: Line = Field(default="", description="Unified social credit code.")
    certificate_no: Line = Field(default="", description="Of its qualification or safety permit.")


class CraneGeometry(Given):
    """Where a crane stands and what it reaches; metres on the site's grid."""

    x_m: float = Field(ge=-10_000, le=10_000)
    y_m: float = Field(ge=-10_000, le=10_000)
    base_m: float = Field(default=0, ge=-500, le=5000)
    mast_m: float = Field(gt=0, le=1000)
    jib_m: float = Field(gt=0, le=150)
    counter_jib_m: float = Field(ge=0, le=100)


def _roles(parties: list[Party]) -> list[Party]:
    if len({(party.role, party.name) for party in parties}) < len(parties):
        raise complaint("party-twice", "names a party twice in the same role")
    return parties


class DeviceGiven(Given):
    """The file of a device (设备档案)."""

    kind: DeviceKind
    name: Words
    zone: Name | None = None
    maker: Line = ""
    model: Line = ""
    serial_no: Line = Field(default="", description="Factory number (出厂编号).")
    property_no: Line = Field(default="", description="Number of its filing by the owner (产权备案编号).")
    manufactured_on: dt.date | None = None
    parties: Annotated[list[Party], Field(max_length=30), AfterValidator(_roles)] = []
    geometry: CraneGeometry | None = Field(default=None, description="Of a crane.")
    note: Note = ""


Step = Literal[
    "filed",
    "installed",
    "inspected",
    "accepted",
    "registered",
    "in_use",
    "climbed",
    "maintained",
    "dismantled",
]
Finding = Literal["on_trial_in_use", "in_use_unrecorded"]
"""Where the file of a device and its gateway contradict each other."""


class StepGiven(Given):
    """A step of a device's life cycle."""

    device: Name
    step: Step
    done_on: dt.date
    body: Said = Field(description="Who did it or certified it.")
    document_no: Line = ""
    valid_until: dt.date | None = Field(default=None, description="Of an inspection or a registration.")
    note: Note = ""


FallsGiven = dict[int, list[tuple[float, float]]]


def _chart(falls: FallsGiven) -> FallsGiven:
    for fault in faults(falls):
        place = "" if fault.place is None else f", point {fault.place + 1}"
        said = f"falls {fault.falls}{place}: {fault.message}. {fault.mend}"
        raise complaint("bad-chart", said, falls=fault.falls, place=(fault.place or 0) + 1)
    return falls


class ChartGiven(Given):
    """The load chart of a crane, as its maker prints it."""

    source: Said = Field(description="Nameplate or manual, with its edition.")
    falls: Annotated[
        dict[Annotated[int, Field(ge=1, le=16)], Annotated[list[tuple[float, float]], Field(max_length=200)]],
        Field(min_length=1, max_length=8),
        AfterValidator(_chart),
    ] = Field(
        description="By falls, [radius m, rated load t], radius ascending; beyond the last nothing is rated."
    )


Trade = Literal[
    "crane_operator",
    "hoist_operator",
    "signaller",
    "rigger",
    "erector",
    "platform_installer",
    "electrician",
    "other",
]


class OperatorGiven(Given):
    """Who may operate which devices; no number of the person but the certificate's."""

    name: Said
    trade: Trade
    certificate_no: Said
    valid_from: dt.date | None = None
    valid_until: dt.date
    devices: Devices = []
    note: Note = ""


class PitGiven(Given):
    """A foundation pit."""

    name: Words
    zone: Name | None = None
    pit_class: Literal[1, 2, 3]
    support: Annotated[str, AfterValidator(lambda word: _of(word, support_types()))]
    depth_m: float = Field(gt=0, le=200)
    design_document: Line = ""
    note: Note = ""


def _of(word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise complaint("not-among", f"is none of {', '.join(known)}", known=list(known))
    return word


class PointGiven(Given):
    """A monitoring point of a pit with the values of its design."""

    pit: Name
    kind: Annotated[str, AfterValidator(_kind)] = Field(description="A kind of the point vocabulary.")
    name: Words
    parameters: Annotated[dict[str, float | str], AfterValidator(checked_parameters)] = Field(
        default={},
        description="Design control values, under the names that rule packs give their parameters.",
    )
    design_document: Line = Field(default="", description="Where the values stand.")
    note: Note = ""


Dimensions = dict[Annotated[str, Field(max_length=40)], Annotated[float, Field(ge=0, le=1e6)]]


class WorkGiven(Given):
    """A dangerous-works item (危大工程)."""

    name: Words
    category: Annotated[str, AfterValidator(lambda word: _of(word, tuple(works().categories)))]
    dimensions: Dimensions = Field(default={}, description="By which its scale is judged.")
    status: Literal["planned", "under_way", "finished"] = "planned"
    scheme_no: Line = Field(default="", description="Of the special scheme (专项施工方案).")
    review_no: Line = Field(default="", description="Of the experts' review (专家论证).")
    conclusion: Line = ""
    reviewed_on: dt.date | None = None
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    devices: Devices = []
    note: Note = ""


class PlanGiven(Given):
    """A plan of the site, as an image."""

    name: Words
    image: Base64Bytes = Field(description="A PNG or JPEG of at most 4 MiB.")


class GatewayNew(GatewayGiven):
    """The same, with the name it gets."""

    id: Name


class ZoneNew(ZoneGiven):
    """The same, with the name it gets."""

    id: Name


class PlanNew(PlanGiven):
    """The same, with the name it gets."""

    id: Name


class DeviceNew(DeviceGiven):
    """The same, with the name that its gateway gives it or will give it."""

    id: Name


class ChartNew(ChartGiven):
    """The same, with the crane that it is of."""

    id: Name


class PitNew(PitGiven):
    """The same, with the name it gets."""

    id: Name


class PointNew(PointGiven):
    """The same, with the point's name."""

    id: PointName


class SiteNew(SiteGiven):
    """The same, with the name it gets."""

    id: Name


class Versioned(Shown):
    """A record as it stands."""

    version: int = Field(description="The ETag: give it as `If-Match` with a change.")


class RegisteredSite(Versioned, SiteGiven):
    """A site as people describe it."""

    id: str
    time_zone: str


class TreeNode(Versioned, NodeGiven):
    """A node of a tree."""

    id: int
    path: str = Field(description="Nodes from the root to this one, such as `/3/14/15/`.")


class RegisteredGateway(Versioned, GatewayGiven):
    """A gateway as registered."""

    id: str


class Zone(Versioned, ZoneGiven):
    """A zone."""

    id: str


class Plan(Versioned):
    """A plan; the image has an address of its own."""

    id: str
    name: Words
    media_type: str
    width: int
    height: int
    sha256: str


class DeviceFile(Versioned, DeviceGiven):
    """The file of a device, and how far its life has gone."""

    id: str
    standing: Step | None = Field(description="The step of its life that it is at; upkeep is none.")
    is_in_use: bool
    following: list[Step] = Field(description="Steps that may come next.")
    expired: list[Step] = Field(description="Steps whose certificate is not valid any more.")
    expires_on: dt.date | None = Field(description="When the next certificate of a step ends.")
    has_chart: bool
    is_announced: bool = Field(description="Whether a gateway has announced a device of this name.")
    finding: Finding | None = Field(
        description="`on_trial_in_use`: it is in use by this file, and its gateway has it on trial, so its "
        "alarms call nobody. `in_use_unrecorded`: its gateway has it in use, and this file does not."
    )


class SignShown(Shown):
    """What a point shows of a machine that works."""

    point: str
    label: TextShown
    how: Literal["above", "moved"] = Field(
        description="A value of that size, or so far from its least to its most."
    )
    value: float
    limit: float
    unit: str
    last_at: Instant = Field(description="Its newest good reading within the window.")


class OutOfUse(Shown):
    """A machine that works although its file says that it may not."""

    device: str
    name: TextShown
    standing: Step | None
    is_in_use: bool
    expired: list[Step] = Field(description="Certificates without which it may not work, and that ended.")
    signs: list[SignShown]
    rule: str
    rule_version: int
    level: int
    label: TextShown
    basis: TextShown
    confidence: str = Field(description="How sure the basis is.")
    sizes_confidence: str = Field(description="How sure the sizes are from which it counts as working.")
    window_s: int = Field(description="So far back readings were looked at.")


class OutOfUseList(Shown):
    """Every such machine of a site, now."""

    items: list[OutOfUse]


class DeviceStep(Versioned, StepGiven):
    """A step as recorded."""

    id: Identity


class Chart(Versioned, ChartGiven):
    """A load chart."""

    id: str
    falls: dict[int, list[tuple[float, float]]]


Validity = Literal["valid", "expiring", "expired", "not_yet"]


class Operator(Versioned, OperatorGiven):
    """An operator."""

    id: Identity
    validity: Validity = Field(description="Expiring: within 30 days.")


class Pit(Versioned, PitGiven):
    """A pit."""

    id: str
    support: str
    points: int


class PitPoint(Versioned, PointGiven):
    """A monitoring point."""

    id: str
    kind: str
    parameters: dict[str, float | str]
    is_announced: bool = Field(description="Whether a gateway has announced a point of this name.")


class DangerousWork(Versioned, WorkGiven):
    """A dangerous-works item, its scale and its monitoring."""

    id: Identity
    category: str
    scale: Literal["below", "dangerous", "over_scale", "unknown"] = Field(
        description="By its dimensions; over_scale (超过一定规模) asks for an experts' review."
    )
    lacks_review: bool = Field(description="Over scale, and no conclusion of a review is recorded.")
    monitoring: Literal["not_needed", "not_connected", "silent", "connected"] = Field(
        description="Not connected (未接入监测): under way, and no gateway has announced any of its devices. "
        "Silent: announced, but nothing comes."
    )


class Change(Shown):
    """A change of the registry; kept for good."""

    id: int
    at: Instant
    author: str
    record: str
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ParameterShown(Shown):
    """A parameter that rule packs ask for."""

    name: str
    label: TextShown
    unit: str
    choices: list[float | str]
    note: str


class MeasureShown(Shown):
    """A dimension by which a kind of dangerous works is judged."""

    name: str
    label: TextShown
    unit: str
    dangerous: float | None
    over_scale: float | None


class CategoryShown(Shown):
    """A kind of dangerous works."""

    name: str
    label: TextShown
    needs_monitoring: bool
    measures: list[MeasureShown]


class KindShown(Shown):
    """A kind of the point vocabulary."""

    name: str
    label: TextShown
    unit: str


class JurisdictionShown(Shown):
    """Rules of reporting and clocks, by name."""

    name: str
    label: TextShown


class Choices(Shown):
    """What may be filled in where a word of a list is asked for."""

    supports: list[str]
    parameters: list[ParameterShown]
    categories: list[CategoryShown]
    point_kinds: list[KindShown] = Field(description="What a point of a pit may measure.")
    jurisdictions: list[JurisdictionShown] = Field(description="Whose rules may hold in a territory.")
    source: TextShown = Field(description="Where the scales of dangerous works come from.")


class ImportAsked(BaseModel):
    """A table that is brought."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: Base64Bytes = Field(description="CSV in UTF-8 or GB18030, at most 1 MiB and 2000 rows.")
    device: Name | None = Field(default=None, description="Of a load chart: the crane.")
    source: Line = Field(default="", description="Of a load chart: nameplate or manual, with its edition.")
    agreed: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="The `agreed` of the answer that was looked at; null: nothing is changed, only said.",
    )


class FieldChange(Shown):
    """A field that becomes another."""

    field: str
    title: str
    before: Any
    after: Any


class RowShown(Shown):
    """A row and what it does."""

    line: int = Field(description="0: nothing in the table says it any more.")
    key: str
    fields: list[FieldChange]


class ComplaintShown(Shown):
    """What is wrong in a table, and how to mend it."""

    line: int = Field(description="As an editor counts; 0: the table as a whole.")
    field: str
    message: TextShown
    mend: TextShown


class Imported(Shown):
    """What a table does, or did."""

    is_applied: bool
    encoding: str
    added: list[RowShown]
    changed: list[RowShown]
    removed: list[RowShown] = Field(description="Of a load chart only: a chart is brought whole.")
    unchanged: int
    errors: list[ComplaintShown]
    agreed: str | None = Field(
        description="Send it with the same table to have this done; null where something is wrong."
    )
