"""What a scenario may say of its cameras."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from firmware_sim import agenda
from firmware_sim.model import NotNegative, Positive
from sitewarden.profiles.model import Name

Port = Annotated[
    int, msgspec.Meta(ge=0, le=65535, description="a port, or 0 for one that the system chooses")
]
Rate = Annotated[float, msgspec.Meta(gt=0, le=30, description="pictures a second, above 0 to 30")]
Pixels = Annotated[int, msgspec.Meta(ge=64, le=3840, multiple_of=2, description="even pixels, 64 to 3840")]
PICTURES = {".jpg", ".jpeg", ".png"}


class CameraFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong with a camera, by script."""

    fault: Literal["freeze", "black", "cut", "slow"]
    """The same picture again and again; a lens that is covered; no connection; a picture now and then."""
    at_s: NotNegative = 0.0
    for_s: Positive | None = None
    """Left out: to the end."""
    every_s: Positive | None = None
    """It comes again after so many seconds."""
    slow_s: Positive = 2.0
    """With `slow`: a picture in so many seconds."""


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera on the site."""

    camera: Name
    """Its name, also in its URL."""
    transport: Literal["mjpeg", "rtsp"] = "mjpeg"
    """MJPEG over HTTP; or RTSP, where Debian's GStreamer RTSP server is installed."""
    host: str = "127.0.0.1"
    """Where it listens."""
    port: Port = 0
    """0 lets the system choose; the ports file has the URL."""
    source: str | None = None
    """A folder of pictures or a video file, from where the scenario stands, in a loop; left out: drawn."""
    fps: Rate = 5.0
    """Pictures a second."""
    width: Pixels = 640
    """Pictures are made to fit."""
    height: Pixels = 360
    """Pictures are made to fit."""
    viewers: Annotated[int, msgspec.Meta(ge=1, le=64, description="viewers at a time, 1 to 64")] = 8
    """More are refused."""
    codec: Literal["h264", "jpeg"] = "h264"
    """With `rtsp`: how pictures travel."""
    faults: list[CameraFault] = []
    """What goes wrong with it, by script."""


def fault_at(camera: Camera, t_s: float) -> CameraFault | None:
    """What is wrong with the camera `t_s` after the start; of several, the first that the scenario names."""
    for fault in camera.faults:
        passed = agenda.since(fault.at_s, fault.every_s, t_s)
        if passed >= 0.0 and (fault.for_s is None or passed < fault.for_s):
            return fault
    return None


def unusable(source: Path) -> str | None:
    """Why a camera cannot play `source`; `None` where nothing speaks against it."""
    if source.is_dir():
        return None if pictures(source) else f"the folder `{source}` holds no .jpg or .png"
    return None if source.is_file() else f"there is no `{source}`"


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, in the order of their names."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
