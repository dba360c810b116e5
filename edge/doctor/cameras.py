"""Checks of cameras: each is there, and what looks at them is installed. None is opened: some let few in."""

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from edge.config import Gateway
from edge.config.model import Camera
from edge.doctor.service import Account
from edge.watching import LIBRARIES
from sitewarden.doctor.model import Check, Result

INSTALLED = Check(
    "camera.installed",
    "whether what looks at pictures is installed, where there are cameras",
    "Nobody looks at any camera.",
)
REACHED = Check(
    "camera.reached",
    "whether each camera answers, or its device or file is there and allowed to the agent's account",
    "Nobody is seen by that camera.",
)
WITHIN_S = 3.0
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def camera_results(gateway: Gateway, account: Account) -> Iterator[Result]:
    """Of every camera; nothing where there is none."""
    if not gateway.cameras:
        return
    lacking = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if lacking:
        mend = "sudo /opt/sitewarden/bin/pip install 'sitewarden[edge,vision]', then restart the agent"
        yield INSTALLED.finding(f"{', '.join(lacking)} not found", mend)
    else:
        yield INSTALLED.ok("numpy, OpenCV and onnxruntime are there")
    for camera in gateway.cameras:
        yield _reached(camera, account)


def _reached(camera: Camera, account: Account) -> Result:
    url = camera.entry.url
    parts = urlsplit(url)
    if parts.scheme in PORTS:
        return _answers(camera.name, parts.hostname or "", parts.port or PORTS[parts.scheme])
    path = Path(url.partition(":")[2])
    try:
        may_use = account.may_use(path)
    except OSError as exc:
        mend = "is the camera plugged in? ls -l /dev/v4l/by-id/ shows what there is"
        return REACHED.finding(f"{path} cannot be seen: {exc.strerror}", mend, subject=camera.name)
    if may_use:
        return REACHED.ok(f"`{account.name}` may use {path}", subject=camera.name)
    mend = f"sudo usermod --append --groups video {account.name}; sudo systemctl restart sitewarden-edge"
    return REACHED.finding(f"`{account.name}` may not use {path}", mend, subject=camera.name)


def _answers(camera: str, host: str, port: int) -> Result:
    try:
        socket.create_connection((host, port), WITHIN_S).close()
    except OSError as exc:
        why = exc.strerror or "no answer"
        mend = f"is it on, and in this network? sitewarden edge camera test … says more; ping {host}"
        return REACHED.unreachable(f"{host}:{port}: {why}", mend, subject=camera)
    return REACHED.ok(f"{host}:{port} answers", subject=camera)
