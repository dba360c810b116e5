"""A camera's capture child as the eyes keep it: started, asked for pictures, and killed when it hangs.

Everything here returns at once, for one process looks after all cameras.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import msgspec

from edge.vision.capture import WANT, Broken, Failed, Opened, Said, Shown
from edge.vision.model import Frame
from edge.vision.slot import LARGEST, Slot, room
from edge.vision.sources import OPEN_S, READ_S, Order
from sitewarden.quality import Quality

SILENT_S = 10.0
"""Who was asked so long ago and shows nothing hangs."""
BEGIN_S = SILENT_S + OPEN_S + READ_S
"""The first picture may take as long as a camera may take to let us in."""
LEAST_PAUSE_S, MOST_PAUSE_S = 1.0, 60.0
"""Between two tries, doubled each time."""
WELL_S = 30.0
"""Whoever has shown pictures for so long is tried again soon."""
LONGEST_LINE = 1 << 16

_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


class Capture:
    """One camera."""

    def __init__(self, order: Order, *, silent_s: float = SILENT_S, begin_s: float = BEGIN_S) -> None:
        """Nothing runs before the first `turn`."""
        self.order = order
        self._silent_s, self._begin_s = silent_s, begin_s
        self._slot: Slot | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._dying: list[subprocess.Popen[bytes]] = []
        self._rest = b""
        self._pause_s, self._again_s = LEAST_PAUSE_S, 0.0
        self._began_s = self._since_s = 0.0
        self._is_asked = self._has_shown = self._is_over = False

    @property
    def fileno(self) -> int | None:
        """Where the child is heard; `None` while there is none."""
        return None if self._child is None or self._child.stdout is None else self._child.stdout.fileno()

    @property
    def pid(self) -> int | None:
        """Of the child."""
        return None if self._child is None else self._child.pid

    def turn(self, now_s: float) -> Failed | None:
        """Start whoever is to be started, kill whoever hangs: then it says so."""
        self._dying = [child for child in self._dying if child.poll() is None]
        if self._child is None:
            if not self._is_over and now_s >= self._again_s:
                self._start(now_s)
            return None
        most_s = self._silent_s if self._has_shown else self._begin_s
        if now_s - self._since_s <= most_s or not (self._is_asked or not self._has_shown):
            return None
        self._end(now_s)
        return Failed(text=f"no picture for {most_s:g} s: reading is begun anew", quality=Quality.TIMEOUT)

    def ask(self, now_s: float) -> None:
        """Want a picture; asked twice, one comes."""
        if self._child is None or self._is_asked or self._child.stdin is None:
            return
        try:
            os.write(self._child.stdin.fileno(), WANT)
        except (BrokenPipeError, BlockingIOError):
            return  # it has ended, as will be heard
        self._is_asked = True
        self._since_s = max(self._since_s, now_s)

    def hear(self, now_s: float) -> Iterator[Said]:
        """What the child has said since the last time; its end is the last."""
        fd = self.fileno
        if fd is None:
            return
        try:
            said = os.read(fd, LONGEST_LINE)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + said).split(b"\n")
        if not said or len(self._rest) > LONGEST_LINE:
            yield self._failed(
                now_s, Failed(text="reading the camera broke off", quality=Quality.DISCONNECTED)
            )
            return
        for line in lines:
            try:
                heard = _decoder.decode(line)
            except msgspec.MsgspecError:
                heard = Failed(text="reading the camera went astray", quality=Quality.DISCONNECTED)
            if isinstance(heard, Failed):
                yield self._failed(now_s, heard)
                return
            self._note(heard, now_s)
            yield heard

    def _note(self, heard: Opened | Shown | Broken, now_s: float) -> None:
        self._since_s = now_s
        if isinstance(heard, Shown):
            self._is_asked, self._has_shown = False, True
            if now_s - self._began_s > WELL_S:
                self._pause_s = LEAST_PAUSE_S

    def frame(self, shown: Shown) -> Frame | None:
        """The picture that was shown; `None` where the child said so and it was not so."""
        picture = None if self._slot is None else self._slot.take(shown.height, shown.width)
        return None if picture is None else Frame(shown.at_s, shown.number, picture, shown.late_s)

    def _start(self, now_s: float) -> None:
        self._slot = self._slot or room()
        command = [sys.executable, "-m", "edge.vision.capture", str(self._slot.fd), str(os.getpid())]
        self._child = subprocess.Popen(  # noqa: S603  our own module, no argument of anybody else's
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._slot.fd,),
            env={**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": str(LARGEST // 3)},
            bufsize=0,
        )
        self._rest, self._is_asked, self._has_shown = b"", False, False
        self._began_s = self._since_s = now_s
        assert self._child.stdin is not None  # noqa: S101  piped above
        assert self._child.stdout is not None  # noqa: S101
        for pipe in (self._child.stdin, self._child.stdout):
            os.set_blocking(pipe.fileno(), False)
        with contextlib.suppress(OSError):  # it has ended already, as will be heard
            # An order fits into a pipe's room, which is empty: nothing is waited for.
            os.write(self._child.stdin.fileno(), msgspec.json.encode(self.order) + b"\n")

    def _failed(self, now_s: float, failed: Failed) -> Failed:
        self._is_over = failed.ended
        self._end(now_s)
        self._again_s = max(self._again_s, now_s + failed.rests_s)
        return failed

    def _end(self, now_s: float) -> None:
        """Kill the child, and wait before another is started: longer each time."""
        child, self._child = self._child, None
        if child is not None:
            self._dying += [child]
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
            child.kill()
        if self._slot is not None:
            # A child that cannot be killed keeps the old one to itself.
            self._slot.close()
            self._slot = None
        self._again_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, MOST_PAUSE_S)

    def close(self) -> None:
        """Read the camera no more."""
        self._is_over = True
        self._end(0.0)
        for child in self._dying:
            # One that hangs in the kernel goes when that lets it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(1.0)
        self._dying = []
