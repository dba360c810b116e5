"""A scene as a film in H.264, made once, so that playing it costs nothing; by Debian's GStreamer."""

import struct
import subprocess
from pathlib import Path

from firmware_sim.camera.model import Camera
from firmware_sim.camera.pictures import pictures_of
from firmware_sim.camera.rtsp import SYSTEM_PYTHON, missing
from sitewarden.errors import SiteWardenError

CHILD = Path(__file__).with_name("film_child.py")
KEY_S = 2.0
"""From one whole picture to the next, as cameras are set at the factory."""
KBIT_S = 2000


def film_of(camera: Camera, folder: Path, seconds: float, out: Path) -> None:
    """What a camera shows from its start on, so many seconds of it.

    Raises `SiteWardenError` where GStreamer is missing, or no film comes of it.
    """
    lacking = missing()
    if lacking is not None:
        raise SiteWardenError(f"films are made by GStreamer: {lacking}")
    given = {
        "width": camera.width,
        "height": camera.height,
        "rate": round(1000 * camera.fps),
        "key": max(1, round(KEY_S * camera.fps)),
        "kbit": KBIT_S,
    }
    arguments = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    # -I: what the virtual environment says about Python's paths is not for the system's Python.
    command = [str(SYSTEM_PYTHON), "-I", str(CHILD), *arguments, str(out)]
    pictures = pictures_of(camera, folder)
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:  # noqa: S603  # our own script
        assert child.stdin is not None  # noqa: S101  # piped
        try:
            for _ in range(max(1, round(seconds * camera.fps))):
                picture = next(pictures)
                child.stdin.write(struct.pack(">I", len(picture)) + picture)
            child.stdin.close()
        except BrokenPipeError:
            pass  # it says why
    if child.returncode != 0:
        raise SiteWardenError(f"{out}: no film was made")
