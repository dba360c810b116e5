"""Where a camera's pictures come from: a folder, a video, a scene, or drawn; JPEG of its size, without end.

Making a picture takes milliseconds of work; whoever serves them calls this from a thread.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from firmware_sim.camera import model, scene
from firmware_sim.camera.drawing import Drawing
from firmware_sim.camera.model import SCENE, Camera
from sitewarden.errors import SiteWardenError

QUALITY = 80
"""Of JPEG, in per cent."""
SKY, GROUND, STEEL, INK = (205, 190, 170), (90, 120, 140), (30, 140, 220), (20, 20, 20)
"""Blue, green, red."""


def pictures_of(camera: Camera, folder: Path) -> Iterator[bytes]:
    """The camera's pictures, one after the other, for ever; `folder` is where its scenario stands.

    Raises `SiteWardenError` where the source shows no picture.
    """
    if camera.source is None:
        return _drawn(camera)
    if camera.source.startswith(SCENE):
        return _of_scene(camera, folder / camera.source.removeprefix(SCENE))
    source = folder / camera.source
    return _of_folder(camera, source) if source.is_dir() else _of_video(camera, source)


def _of_scene(camera: Camera, file: Path) -> Iterator[bytes]:
    shown = Drawing(scene.load(file), camera.width, camera.height)
    for number in itertools.count():
        yield _encoded(shown.picture(number / camera.fps % shown.scene.seconds))


def black(camera: Camera) -> bytes:
    """What a covered lens shows."""
    return _encoded(np.zeros((camera.height, camera.width, 3), np.uint8))


def _drawn(camera: Camera) -> Iterator[bytes]:
    """A crane's jib that turns over a site, and the picture's number: every picture differs from the last."""
    width, height = camera.width, camera.height
    scene = np.full((height, width, 3), SKY, np.uint8)
    scene[height * 2 // 3 :] = GROUND
    mast = width // 3, height * 2 // 3
    cv2.line(scene, mast, (mast[0], height // 5), STEEL, max(2, width // 120))
    for number in itertools.count(1):
        picture = scene.copy()
        reach = round(width * 0.4 * np.cos(number / 20))
        cv2.line(picture, (mast[0], height // 5), (mast[0] + reach, height // 5), STEEL, max(2, width // 160))
        hook = mast[0] + reach * 3 // 4
        cv2.line(picture, (hook, height // 5), (hook, height // 2), INK, 1)
        text, size = f"{camera.camera} {number}", width / 900
        cv2.putText(picture, text, (8, height - 12), cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
        yield _encoded(picture)


def _of_folder(camera: Camera, folder: Path) -> Iterator[bytes]:
    while True:
        shown = False
        for file in model.pictures(folder):
            picture = cv2.imread(str(file))
            if picture is not None:
                shown = True
                yield _encoded(_fitted(camera, picture))
        if not shown:
            raise SiteWardenError(f"camera {camera.camera}: {folder} holds no picture that can be read")


def _of_video(camera: Camera, file: Path) -> Iterator[bytes]:
    while True:
        video, shown = cv2.VideoCapture(str(file)), False
        try:
            while True:
                is_there, picture = video.read()
                if not is_there:
                    break
                shown = True
                yield _encoded(_fitted(camera, picture))
        finally:
            video.release()
        if not shown:
            raise SiteWardenError(f"camera {camera.camera}: {file} is no video that can be read")


def _fitted(camera: Camera, picture: Any) -> Any:
    if picture.shape[:2] == (camera.height, camera.width):
        return picture
    return cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA)


def _encoded(picture: Any) -> bytes:
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(coded)
