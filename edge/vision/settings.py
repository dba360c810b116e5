"""What `gateway.yaml` may say of cameras and of what looks at their pictures, as it is written."""

from typing import Annotated, Literal

import msgspec

from sitewarden.cameras import CameraZone, Corner, Outline
from sitewarden.messages import Commissioning
from sitewarden.profiles.model import Name
from sitewarden.text import Text

Metres = Annotated[float, msgspec.Meta(description="a number of metres")]

Provider = Literal["onnxruntime", "opencv", "scripted"]


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every record of the file has in common: it does not change, and it knows its keys."""


class GroundPoint(_Checked, frozen=True, kw_only=True):
    """A mark that is seen in the picture and was measured on the ground."""

    pixel: Corner
    ground_m: tuple[Metres, Metres]
    """On the site's grid, as cranes stand on it."""


class HookSettings(_Checked, frozen=True, kw_only=True):
    """The hook that hangs over what this camera sees."""

    crane: Name
    """A crane of this gateway, whose place is known (`layout`)."""
    radius_m: Annotated[float, msgspec.Meta(gt=0, le=50, description="metres, above 0 to 50")]
    """Around the point below the hook in which nobody may stand while a load hangs."""
    from_load_t: Annotated[float, msgspec.Meta(ge=0, le=100, description="tonnes, 0 to 100")] = 0.1
    """From this load on something hangs."""


class PictureSettings(_Checked, frozen=True, kw_only=True):
    """What is kept of a camera's pictures, and for how long."""

    keep_days: Annotated[int, msgspec.Meta(ge=1, le=365, description="days, 1 to 365")] = 30
    clips: bool = True
    """Five seconds before and after an alarm."""
    unredacted: bool = False
    """Heads are kept as they are; only where law and the people concerned allow it."""
    still_every_s: Annotated[int, msgspec.Meta(ge=0, le=86_400, description="seconds, 0 to 86400")] = 300
    """So often a redacted picture is shown in the cloud; 0: never."""


class CameraEntry(_Checked, frozen=True, kw_only=True):
    """A camera as the file has it."""

    camera: Name
    url: str
    """`rtsp://…`, `http://…` (MJPEG), `v4l2:/dev/video0`, `file:…`, `folder:…`; no password."""
    username: str | None = None
    password_file: str | None = None
    """One line, readable by the agent's account only."""
    label: Text | None = None
    looks_per_s: Annotated[float, msgspec.Meta(ge=0.2, le=15, description="looks a second, 0.2 to 15")] = 5.0
    pace: Literal["own", "fast"] = "own"
    """Of a file or folder: by its own timing, or as fast as looking goes."""
    masks: list[Outline] = []
    """Parts that nobody may see: black before anything looks at them or keeps them."""
    still_parts: list[Outline] = []
    """Parts whose changes are no motion: a clock in the picture, a flag."""
    zones: list[CameraZone] = []
    ground: list[GroundPoint] = []
    """Four marks or more, not in one line: where a pixel of the ground is on the site's grid."""
    hook: HookSettings | None = None
    pictures: PictureSettings = PictureSettings()
    utc_offset_h: Annotated[float, msgspec.Meta(ge=-12, le=14, description="hours, -12 to 14")] = 8.0
    """Of the hours of its zones."""
    commissioning: Commissioning = "in_use"
    out_of_service: list[str] = []
    """Points whose alarms are not raised."""


class VisionSettings(_Checked, frozen=True, kw_only=True):
    """What looks at the pictures of all cameras."""

    detector: str = "helmet-416"
    """A shipped model, or the card (`.json`) of one of your own beside its file."""
    smaller: str = "helmet-320"
    """What looks instead while the machine cannot keep up."""
    provider: Provider = "onnxruntime"
    threads: Annotated[int, msgspec.Meta(ge=1, le=16, description="threads, 1 to 16")] = 2
    budget_ms: Annotated[float, msgspec.Meta(gt=0, le=10_000, description="milliseconds, above 0")] = 400.0
    """A detector that takes longer for one input is refused."""
    media_mb: Annotated[int, msgspec.Meta(ge=16, le=1_000_000, description="megabytes, 16 to 1000000")] = 2000
    """Of snapshots and clips on the gateway's disk; then the oldest go, those of alarms last."""
    upload_kbit_s: Annotated[
        int, msgspec.Meta(ge=16, le=1_000_000, description="kilobits a second, 16 to 1000000")
    ] = 2000
    """So fast at most pictures go to the cloud, after alarms and readings."""
