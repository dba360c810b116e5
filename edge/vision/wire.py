"""What the eyes and the agent say to one another: one line of JSON each, over the child's own pipes.

Instants are seconds of the monotonic clock, one for all processes of a machine; the agent makes wall time of
them. Nothing here needs numpy, for the agent loads none. Passwords go down this way only, never in an
argument, an environment or a file.
"""

from typing import Literal, TypeAlias

import msgspec

from edge.vision.settings import CameraEntry, VisionSettings
from sitewarden.messages import NoPicture
from sitewarden.quality import Quality

LONGEST_LINE = 1 << 20
"""Bytes; whoever says more in one line has lost its mind."""

HeadState = Literal["helmet", "bare", "unknown"]
Corners: TypeAlias = tuple[float, float, float, float]
"""`x1 y1 x2 y2` as shares of the picture."""


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="says"):
    """One thing that is said."""


class Points(_Line, frozen=True, kw_only=True, tag="points"):
    """Values of one camera by the keys of its points, all of one instant and one quality."""

    camera: str
    at_s: float
    values: dict[str, float | None]
    quality: Quality = Quality.GOOD


class KeptPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A file that lies on the gateway's disk for good."""

    sha256: str
    bytes: int
    media_type: str
    kind: Literal["snapshot", "clip", "still"]


class Kept(_Line, frozen=True, kw_only=True, tag="kept"):
    """What lies on the disk of an alarm-to-be; always before the `Points` that set its key to 1."""

    camera: str
    key: str
    track: int
    at_s: float
    pictures: list[KeptPicture]
    why: NoPicture | None = None
    """Why there are none."""


class Clip(_Line, frozen=True, kw_only=True, tag="clip"):
    """What was seen just before and after `at_s`, written once it was over."""

    camera: str
    key: str
    track: int
    at_s: float
    picture: KeptPicture


class Sight(_Line, frozen=True, kw_only=True, tag="sight"):
    """Whom a camera follows right now, for whoever looks on; twice a second at most, kept nowhere."""

    camera: str
    at_s: float
    boxes: list[Corners]
    states: list[HeadState]
    tracks: list[int]
    zones: list[list[str]]
    """Of each, the keys of the zones in which it stands."""


class Still(_Line, frozen=True, kw_only=True, tag="still"):
    """A redacted picture for people who look from afar, now and then."""

    camera: str
    at_s: float
    picture: KeptPicture


class Told(_Line, frozen=True, kw_only=True, tag="told"):
    """Something for the log; holds no password."""

    level: Literal["info", "warning", "error"]
    text: str
    camera: str | None = None


class Alive(_Line, frozen=True, kw_only=True, tag="alive"):
    """The eyes go round."""

    at_s: float
    busy: float = 0.0
    """The share of time in which they looked at something, 0 to 1."""
    shed: str = "nothing"
    """What is left out because the machine cannot keep up."""


MOST_HEADS = 200
"""Of one sight, as far as it travels."""

Up: TypeAlias = Points | Kept | Clip | Sight | Still | Told | Alive


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A camera with what it is asked for by."""

    entry: CameraEntry
    password: str | None = None
    """Never printed."""
    address: str | None = None
    """The camera's with its login, where that stands in it; never printed."""

    def __repr__(self) -> str:
        """Without the password, for a struct may end in a log."""
        return f"Watched({self.entry.camera})"


class Cameras(_Line, frozen=True, kw_only=True, tag="cameras"):
    """What is to be watched from now on; the first line, and again whenever that changes."""

    cameras: list[Watched]
    vision: VisionSettings
    data_dir: str | None
    """Where pictures of alarms are kept; `None` where nothing can be."""


class Hook(_Line, frozen=True, kw_only=True, tag="hook"):
    """Where a crane's hook hangs, on the site's grid, and with how much."""

    crane: str
    at_s: float
    x_m: float
    y_m: float
    height_m: float | None
    load_t: float | None


class View(_Line, frozen=True, kw_only=True, tag="view"):
    """Somebody has looked: what this camera shows on that still is what it is to show."""

    camera: str
    sha256: str
    until_ms: int
    """Of whoever asked: the same again is the same ask."""


class Stop(_Line, frozen=True, kw_only=True, tag="stop"):
    """Put down what is in hand and end."""


Down: TypeAlias = Cameras | Hook | View | Stop

_encoder = msgspec.json.Encoder()
_up: msgspec.json.Decoder[Up] = msgspec.json.Decoder(Up)
_down: msgspec.json.Decoder[Down] = msgspec.json.Decoder(Down)


def line(said: Up | Down) -> bytes:
    """What goes into the pipe."""
    return _encoder.encode(said) + b"\n"


def up(said: bytes) -> Up:
    """What the eyes said; raises `msgspec.MsgspecError`."""
    return _up.decode(said)


def down(said: bytes) -> Down:
    """What the agent said; raises `msgspec.MsgspecError`."""
    return _down.decode(said)
