"""Frames cut out of a stream that comes in pieces, with noise between them. Pure, and bounded in memory."""

from collections.abc import Callable, Iterator

SizeOf = Callable[[bytearray, int], int | None]
"""The bytes of the frame that begins at a place; `None`: too little has come to tell; 0: none begins."""


class Stream:
    """The bytes of one connection."""

    def __init__(self, header: bytes, size_of: SizeOf, is_sound: Callable[[bytes], bool], most: int) -> None:
        """Frames begin with `header` and have at most `most` bytes; `is_sound` sees a whole one."""
        self._header, self._size_of, self._is_sound, self._most = header, size_of, is_sound, most
        self._buffer = bytearray()
        self.broken = 0
        """Pieces that were no frame; line ends between frames are none."""
        self._failed = 0
        """Whole frames in the present piece that were not sound."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The sound frames that are whole now.

        A frame that is cut off does not swallow those behind it: a sound one inside what is still missing
        shows that the rest will never come.
        """
        buffer, place, waiting = self._buffer, 0, None
        buffer += data
        while (start := buffer.find(self._header, place)) >= 0:
            size = self._size_of(buffer, start)
            if size is None or (0 < size <= self._most and start + size > len(buffer)):
                waiting = start if waiting is None else waiting
            elif 0 < size <= self._most and self._is_sound(frame := bytes(buffer[start : start + size])):
                self._drop(start)
                del buffer[:size]
                place, waiting = 0, None
                yield frame
                continue
            else:
                self._failed += 1
            place = start + 1
        # What may still become a frame stays: one that waits for its rest, else the beginning of a header.
        self._drop(waiting if waiting is not None else max(0, len(buffer) - len(self._header) + 1))
        self._drop(max(0, len(buffer) - self._most))

    def _drop(self, count: int) -> None:
        if self._buffer[:count].strip():
            self.broken += max(1, self._failed)
        self._failed = 0
        del self._buffer[:count]
