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
SCENE, FILM = "scene:", "film:"


class CameraFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong with a camera, by script."""

    fault: Literal["freeze", "black", "cut", "slow", "late"]
    """The same picture again and again; a covered lens; no connection; a picture now and then; held back."""
    at_s: NotNegative = 0.0
    for_s: Positive | None = None
    """Left out: to the end."""
    every_s: Positive | None = None
    """It comes again after so many seconds."""
    slow_s: Positive = 2.0
    """With `slow`: a picture in so many seconds."""
    late_s: Positive = 2.0
    """With `late`: pictures of a `film:` leave so much later than they were taken."""


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As whom a camera lets viewers in."""

    username: str
    password: str
    way: Literal["digest", "basic", "query"] = "digest"
    """How it asks; a `film:` also as cheap cameras do: `?user=…&password=…` in its address."""


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera on the site."""

    camera: Name
    """Its name, also in its URL."""
    transport: Literal["mjpeg", "rtsp"] = "mjpeg"
    """MJPEG over HTTP; or RTSP, with Debian's GStreamer RTSP server or from a `film:`."""
    host: str = "127.0.0.1"
    """Where it listens."""
    port: Port = 0
    """0 lets the system choose; the ports file has the URL."""
    source: str | None = None
    """A folder, a video, `scene:FILE` or `film:FILE`, beside the scenario, in a loop; left out: drawn."""
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
    login: Login | None = None
    """With `rtsp`: left out, everybody may look."""
    faults: list[CameraFault] = []
    """What goes wrong with it, by script."""


def meaningless(camera: Camera) -> tuple[str, str] | None:
    """A key that says what such a camera cannot do, and why; `None` where there is none."""
    is_film = camera.source is not None and camera.source.startswith(FILM)
    if is_film and camera.transport != "rtsp":
        return "transport", "a film is sent over RTSP only"
    if camera.login is not None and camera.transport != "rtsp":
        return "login", "only RTSP cameras ask for one"
    if camera.login is not None and camera.login.way == "query" and not is_film:
        return "login.way", "`query` is the way of a film only"
    for i, fault in enumerate(camera.faults):
        if fault.fault != "cut" and (fault.fault == "late") != is_film:
            return f"faults.{i}.fault", f"`{fault.fault}` is none of {'' if is_film else 'what is no '}a film"
    return None


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
