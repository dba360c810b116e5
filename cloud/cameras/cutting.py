"""Cuts JPEGs, in a process of its own: whoever decodes what came from outside may crash, hang or want much.

`python -m cloud.cameras.cutting` reads requests from its input, each a line of JSON and so many bytes of
JPEG, and answers each the same way; OpenCV is loaded there and nowhere else in the cloud.
"""

import contextlib
import resource
import subprocess
import sys
import threading
from types import TracebackType
from typing import IO, Self, TypeVar

import msgspec

from cloud.cameras.cutouts import Box, area_of

PATIENCE_S = 20.0
"""For one picture; the first waits for OpenCV."""
_MOST_MEMORY = 1 << 30
_QUALITY = 95
_MOST_BYTES = 64 * 1024 * 1024


class _Asked(msgspec.Struct, frozen=True):
    bytes: int
    box: Box


class _Answered(msgspec.Struct, frozen=True):
    width: int = 0
    """Of the whole picture; 0 of what is none."""
    height: int = 0
    bytes: int = 0


_T = TypeVar("_T", _Asked, _Answered)


class CutOut(msgspec.Struct, frozen=True):
    """A JPEG, and the size of the picture that it was cut from."""

    content: bytes
    width: int
    height: int


class Cutter:
    """The other process, begun with the first picture and again after it had to be ended."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self._end()

    def cut(self, jpeg: bytes, box: Box) -> CutOut | None:
        """What is around a head of a picture; `None` where it cannot be read."""
        process = self._process = self._process or _begin()
        late = threading.Timer(PATIENCE_S, process.kill)
        late.start()
        try:
            assert process.stdin is not None  # noqa: S101  both were asked for
            assert process.stdout is not None  # noqa: S101
            _write(process.stdin, _Asked(len(jpeg), box), jpeg)
            said, content = _read(process.stdout, _Answered)
        except (OSError, EOFError, msgspec.MsgspecError):
            self._end()
            return None
        finally:
            late.cancel()
        return CutOut(content, said.width, said.height) if content else None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _begin() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _write(pipe: IO[bytes], said: msgspec.Struct, content: bytes) -> None:
    pipe.write(msgspec.json.encode(said) + b"\n")
    pipe.write(content)
    pipe.flush()


def _read(pipe: IO[bytes], kind: type[_T]) -> tuple[_T, bytes]:
    said = msgspec.json.decode(_whole(pipe.readline(4096)), type=kind)
    if not 0 <= said.bytes <= _MOST_BYTES:
        raise EOFError
    content = pipe.read(said.bytes)
    if len(content) < said.bytes:
        raise EOFError
    return said, content


def _whole(line: bytes) -> bytes:
    if not line.endswith(b"\n"):
        raise EOFError
    return line


def _serve() -> None:
    """Until nobody asks any more."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    cv2.setNumThreads(1)
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    while True:
        try:
            asked, jpeg = _read(sys.stdin.buffer, _Asked)
        except EOFError:
            return
        said, content = _Answered(), b""
        with contextlib.suppress(cv2.error):
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            if picture is not None:
                height, width = picture.shape[:2]
                left, top, right, bottom = area_of(asked.box, width, height)
                done, encoded = cv2.imencode(
                    ".jpg", picture[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
                )
                content = bytes(encoded) if done else b""
                said = _Answered(width, height, len(content))
        _write(sys.stdout.buffer, said, content)


if __name__ == "__main__":
    _serve()
