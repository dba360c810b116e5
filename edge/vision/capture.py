"""The capture child: one process a camera, so that whatever hangs in a camera or its decoder hangs alone.

It takes pictures off the line as they come, and puts the newest into the slot when it is asked for one, its
masks already black. It is asked by a byte, answers by a line, and ends with whoever asks.
"""

import os
import select
import sys
import time
from collections.abc import Callable
from typing import TypeAlias

import cv2
import msgspec
import numpy as np

from edge.vision import family
from edge.vision.model import Picture
from edge.vision.slot import LARGEST, Slot
from edge.vision.sources import Order, Source, SourceEndedError, SourceFailedError, open_source
from sitewarden.quality import Quality

WANT = b"+"
LONGEST_ORDER = 1 << 20


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="says"):
    pass


class Opened(_Line, frozen=True, kw_only=True, tag="opened"):
    """The camera lets us in."""


class Shown(_Line, frozen=True, kw_only=True, tag="shown"):
    """The picture that was asked for lies in the slot."""

    number: int
    at_s: float
    """Of when the picture is."""
    late_s: float = 0.0
    """And so much later it came."""
    width: int
    height: int
    broken: int
    """Pictures since the last one that were asked for and could not be decoded."""


class Broken(_Line, frozen=True, kw_only=True, tag="broken"):
    """Pictures come, and none of them can be decoded."""

    broken: int


class Failed(_Line, frozen=True, kw_only=True, tag="failed"):
    """The end: why no picture comes."""

    text: str
    quality: Quality
    ended: bool = False
    """A recording is over: nothing is wrong."""
    rests_s: float = 0.0
    """So long at least the camera is left alone."""


Said: TypeAlias = Opened | Shown | Broken | Failed
Say: TypeAlias = Callable[[Said], None]

BROKEN_TELL = 10
"""So many broken pictures in a row are told."""


def show(source: Source, order: Order, slot: Slot, asks: "Asks", say: Say) -> None:
    """Show pictures until nobody asks any more; raises what the source raises."""
    number = broken = 0
    is_fast = order.pace == "fast" and order.way in {"file", "folder"}
    masks = Masks(order.masks)
    while not asks.is_over:
        if is_fast and not asks.wait():
            return
        at_s = source.grab()
        late_s = max(0.0, time.monotonic() - at_s)
        number += 1
        if not asks.is_waiting():
            continue
        picture = source.picture()
        if picture is None or picture.nbytes > LARGEST:
            broken += 1
            if broken % BROKEN_TELL == 0:
                say(Broken(broken=broken))
            continue
        slot.put(masks.on(picture))
        asks.answered()
        height, width = picture.shape[:2]
        say(Shown(number=number, at_s=at_s, late_s=late_s, width=width, height=height, broken=broken))
        broken = 0


class Asks:
    """Whether somebody waits for a picture."""

    def __init__(self, fd: int) -> None:
        """Asked by bytes that come in at `fd`."""
        self._fd, self._waiting = fd, False
        self.is_over = False
        """Whoever asked has gone."""

    def is_waiting(self) -> bool:
        """As of now."""
        self._hear(0)
        return self._waiting

    def wait(self) -> bool:
        """Wait until somebody asks; `False` where nobody will any more."""
        if not self._waiting:
            self._hear(None)
        return not self.is_over

    def answered(self) -> None:
        """The picture is there."""
        self._waiting = False

    def _hear(self, within_s: float | None) -> None:
        if select.select([self._fd], [], [], within_s)[0]:
            heard = os.read(self._fd, 64)
            self._waiting |= bool(heard)
            self.is_over |= not heard


class Masks:
    """Parts of the picture that nobody may see."""

    def __init__(self, outlines: list[list[tuple[float, float]]]) -> None:
        """Outlines in shares of width and height."""
        self._outlines = [np.array(outline, float) for outline in outlines]

    def on(self, picture: Picture) -> Picture:
        """The picture, black there; the one given is written on."""
        if not self._outlines:
            return picture
        size = np.array([picture.shape[1], picture.shape[0]])
        picture = np.ascontiguousarray(picture)
        cv2.fillPoly(picture, [np.round(outline * size).astype(np.int32) for outline in self._outlines], 0)
        return picture


def _order(fd: int) -> Order:
    """The first line, byte by byte, for what follows it is not ours to take."""
    said = bytearray()
    while not said.endswith(b"\n") and len(said) < LONGEST_ORDER:
        piece = os.read(fd, 1)
        if not piece:
            raise SystemExit(0)
        said += piece
    return msgspec.json.decode(said, type=Order)


def main(arguments: list[str]) -> None:
    """`python -m edge.vision.capture SLOT PARENT`, with the order on standard input."""
    slot, parent = Slot(int(arguments[0])), int(arguments[1])
    if not family.stand_back(parent):
        return
    # FFmpeg's complaints name addresses with their passwords: nobody hears them.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    cv2.setNumThreads(1)
    encode = msgspec.json.Encoder().encode

    def say(said: Said) -> None:
        os.write(1, encode(said) + b"\n")

    try:
        _serve(_order(0), slot, say)
    except SourceEndedError as exc:
        say(Failed(text=str(exc), quality=Quality.DISCONNECTED, ended=True))
    except SourceFailedError as exc:
        say(Failed(text=str(exc), quality=exc.quality, rests_s=exc.rests_s))
    except BrokenPipeError:
        pass  # whoever asked has gone
    except Exception as exc:  # noqa: BLE001  its words may hold an address with a password, its kind does not
        say(Failed(text=f"the camera cannot be read ({type(exc).__name__})", quality=Quality.DISCONNECTED))


def _serve(order: Order, slot: Slot, say: Say) -> None:
    source = open_source(order)
    try:
        say(Opened())
        show(source, order, slot, Asks(0), say)
    finally:
        source.close()


if __name__ == "__main__":
    main(sys.argv[1:])
