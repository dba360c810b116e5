"""Configurations as the HTTP interface takes and shows them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.shown import Identity, Instant, Shown, TextShown

State = Literal["waiting", "refused", "probation", "in_force", "rolled_back", "superseded"]
Files = Annotated[dict[str, str], Field(description="Texts by name; `gateway.yaml` is the main one.")]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why; it stays with the version.")]


class FaultShown(Shown):
    """Why a configuration cannot be meant so, and the mend."""

    file: str = ""
    line: int = 0
    field: str = ""
    message: str
    mend: str = ""


class LoadShown(Shown):
    """What a bus would be asked for."""

    bus: str
    percent: float
    requests_per_s: float


class VersionShown(Shown):
    """A version without its texts."""

    version: int
    hash: str
    author: str
    reason: str
    at: Instant
    state: State = Field(
        description="Waiting: the gateway has not said anything of it. Superseded: a newer one came before."
    )
    why: TextShown | None = Field(description="Of what was refused or rolled back, as the gateway says.")
    errors: list[FaultShown]
    load: list[LoadShown]
    sent_at: Instant | None
    reported_at: Instant | None


class VersionWhole(VersionShown):
    """A version with its texts."""

    files: Files


class Now(Shown):
    """Which configuration the gateway works from, as it last said."""

    version: int = Field(default=0, description="0: what its own file says.")
    hash: str = ""
    on_probation: bool = False


class UntoldShown(Shown):
    """Why a gateway does not hand its own file over: to be mended there."""

    at: Instant
    why: TextShown
    errors: list[FaultShown]


class ConfigurationShown(Shown):
    """How a gateway stands with its configuration."""

    gateway: str
    now: Now | None = Field(description="Null where its own file alone says what it does: nothing is sent.")
    is_online: bool
    newest: VersionWhole | None
    in_force: VersionShown | None
    own_file: Files | None = Field(
        description="What its own file says, until a version from here is in force."
    )
    untold: UntoldShown | None = Field(description="Null where nothing keeps it from telling that.")


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Proposal(_Given):
    """A new version."""

    files: Files
    reason: Reason


class CheckAsked(_Given):
    """Texts that the gateway is asked about."""

    files: Files


class Return(_Given):
    """An older version, proposed anew."""

    reason: Reason


class CheckShown(Shown):
    """What the gateway thinks of texts that nobody has proposed."""

    id: Identity
    at: Instant
    sent_at: Instant | None
    answered_at: Instant | None
    state: Literal["checked", "refused"] | None = Field(description="Null until the gateway has answered.")
    why: TextShown | None
    errors: list[FaultShown]
    load: list[LoadShown]


class FileDiff(Shown):
    """How a text differs between two versions."""

    file: str
    lines: list[str] = Field(description="As `diff -u` writes them, without its heading.")


class DiffShown(Shown):
    """How two versions differ."""

    before: int = Field(description="0: nothing.")
    after: int
    files: list[FileDiff]


class DraftChange(Shown):
    """Something that the registry says otherwise than the document."""

    device: str
    what: str = Field(description="Such as `point_parameters.H1` or `load_chart`.")
    before: str
    after: str


class DraftShown(Shown):
    """The newest texts with what the registry says; nothing is sent until somebody proposes it."""

    based_on: int = Field(description="The version that it is a change of; 0: the gateway's own file.")
    files: Files
    changes: list[DraftChange]
    unplaced: list[str] = Field(description="What the registry says of devices that the document lacks.")
