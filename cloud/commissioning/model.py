"""Commissioning, as the HTTP interface takes and shows it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cloud.commissioning.readiness import Standing, Step
from cloud.complaints import complaint
from cloud.registry.model import DeviceKind, Given, Line, Name, PointName, Said
from cloud.shown import Identity, Instant, Shown, TextShown
from cloud.trials.model import TrialShown
from sitewarden.trials import LONGEST_S, TrialKind

State = Literal["waiting", "refused", "probation", "in_force", "rolled_back", "superseded"]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class BindingGiven(Given):
    """Where a device hangs, and by which version of which profile it is read."""

    gateway: Name
    bus: Name
    unit: int | None = Field(default=None, ge=1, le=247, description="Of a device that is polled.")
    identity: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Of one that speaks by itself: how it names itself."
    )
    profile: Name
    profile_version: int = Field(ge=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "BindingGiven":
        if (self.unit is None) == (self.identity is None):
            raise complaint("unit-or-identity", "either unit (polled) or identity (speaks by itself)")
        return self


class TrialGiven(Given):
    """A trial of the device as it is bound."""

    kind: TrialKind = "read"
    seconds: int = Field(default=20, ge=0, le=LONGEST_S, description="Of a conformance run.")


class Why(Given):
    """Why something is done; it stays with it."""

    reason: Said


class CheckGiven(Given):
    """A known value before witnesses, beside which the live reading is put."""

    point: PointName
    reference: Number = Field(description="The known load or displacement, in the point's unit.")
    tolerance: Annotated[float, Field(gt=0, le=1e9)] = Field(
        description="At most half of the known value: a wider one could not tell a wrong scale."
    )
    method: Said = Field(description="With what: a weight with its certificate, a gauge block, a theodolite.")


class ApprovalGiven(Given):
    """The word of another than who signed."""

    note: Line = ""


class BindingShown(Shown):
    """Where it hangs."""

    gateway: str
    bus: str
    unit: int | None
    identity: str | None
    profile: str
    profile_version: int
    newest_version: int = Field(description="Of that profile.")


class ReasonShown(Shown):
    """Something that is missing or wrong."""

    step: Step
    code: str
    says: TextShown
    is_blocking: bool = Field(description="Found to be wrong, not only missing yet.")


class CommissioningStep(Shown):
    """A step on the way, and what it lacks."""

    step: Step
    standing: Standing
    reasons: list[ReasonShown]


class SentShown(Shown):
    """The configuration that was proposed for it last."""

    version: int
    state: State
    why: TextShown | None


class AnnouncedShown(Shown):
    """What the gateway says that it runs."""

    commissioning: Literal["trial", "in_use"]
    profile: str
    version: int | None


class WitnessedCheck(Shown):
    """A check as it was signed."""

    id: Identity
    point: str
    unit: str
    reference: float
    tolerance: float
    value: float
    read_at: Instant
    age_ms: int = Field(description="How old the reading was when it was signed.")
    profile: str
    profile_version: int
    method: str
    is_passed: bool
    author: str
    at: Instant
    approved_by: str | None
    approved_at: Instant | None
    approved_note: str | None


class LiveShown(Shown):
    """A point of the device at this moment."""

    point: str
    label: TextShown
    unit: str
    value: float | None
    quality: str
    at: Instant | None
    age_ms: int | None
    is_fresh: bool = Field(description="Good and not stale: a check may be signed with it.")


class CommissioningShown(Shown):
    """How far a device is."""

    device: str
    kind: DeviceKind
    name: TextShown
    version: int = Field(description="The ETag; 0: it is not bound yet.")
    binding: BindingShown | None
    is_polled: bool
    steps: list[CommissioningStep]
    may_be_commissioned: bool
    read: TrialShown | None
    conformance: TrialShown | None
    sent: SentShown | None
    announced: AnnouncedShown | None
    commissioned_at: Instant | None
    commissioned_by: str | None
    commissioned_profile: str | None = Field(description="With its version at the time.")
    checks: list[WitnessedCheck]
    points: list[LiveShown]


class CommissioningListed(Shown):
    """A device in the list."""

    device: str
    kind: DeviceKind
    name: TextShown
    gateway: str | None
    profile: str | None
    profile_version: int | None
    state: Literal["not_bound", "bound", "trial", "in_use", "unwitnessed"] = Field(
        description="Unwitnessed: its gateway has it in use, and nobody has commissioned it here."
    )


class GatewayChoice(Shown):
    """A gateway to which a device may be bound."""

    gateway: str
    buses: list[str]
    is_configured_here: bool = Field(description="Else its own file says what it does.")


class CommissioningChoices(Shown):
    """What may be filled in."""

    gateways: list[GatewayChoice]


class RolloutGiven(Given):
    """A newer version of a profile, to one gateway of the site first."""

    profile: Name
    to_version: int = Field(ge=1)
    gateway: Name = Field(description="The first.")
    reason: Said


class RolloutPart(Shown):
    """What became of it at one gateway."""

    gateway: str
    from_version: int
    configuration: int
    state: State
    why: TextShown | None
    back: int | None = Field(description="The configuration that brought the old version back.")


class RolloutShown(Shown):
    """A version on its way to the gateways of a site."""

    id: Identity
    profile: str
    to_version: int
    stage: Literal["first", "rest", "back"]
    author: str
    reason: str
    at: Instant
    version: int = Field(description="The ETag.")
    parts: list[RolloutPart]
    left: list[str] = Field(description="Gateways that still read by an older version.")
