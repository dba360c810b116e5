"""Frames cut out of a stream that comes in pieces, with noise between them. Pure, and bounded in memory."""

from collections import deque
from collections.abc import Callable, Iterator

SizeOf = Callable[[bytearray, int], int | None]
"""The bytes of the frame that begins at a place; `None`: too little has come to tell; 0: none begins."""
MOST_BEGUN = 16
"""Frames that may have begun and wait for their rest; in a stream that is none, anything looks like one."""


class Stream:
    """The bytes of one connection."""

    def __init__(self, header: bytes, size_of: SizeOf, is_sound: Callable[[bytes], bool], most: int) -> None:
        """Frames begin with `header` and have at most `most` bytes; `is_sound` sees a whole one, once."""
        self._header, self._size_of, self._is_sound, self._most = header, size_of, is_sound, most
        self._buffer = bytearray()
        self.broken = 0
        """Frames that were not sound, and pieces that were none; line ends between frames are neither."""
        self._gone = 0
        """Bytes of the stream before those that are kept."""
        self._unsound: set[int] = set()
        """Where in the stream frames began that were not sound: nobody looks at one twice."""
        self._has_failed = False
        """Whether one of the bytes that are kept is of such a frame, which is counted already."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The sound frames that are whole now.

        A frame that is cut off does not swallow those behind it: a sound one inside what is still missing
        shows that the rest will never come.
        """
        buffer, place, begun = self._buffer, 0, deque[int](maxlen=MOST_BEGUN)
        buffer += data
        while (start := buffer.find(self._header, place)) >= 0:
            size = self._size_of(buffer, start)
            if size is None or (0 < size <= self._most and start + size > len(buffer)):
                begun.append(start)
            elif 0 < size <= self._most and self._checks(start, size):
                frame = bytes(buffer[start : start + size])
                self._drop(start)
                self._cut(size)
                begun.clear()
                place = 0
                yield frame
                continue
            place = start + 1
        # What may still become a frame stays: those that wait for their rest, else the beginning of a header.
        self._drop(begun[0] if begun else max(0, len(buffer) - len(self._header) + 1))
        self._drop(max(0, len(buffer) - self._most))

    def _checks(self, start: int, size: int) -> bool:
        """Whether the whole frame there is sound."""
        if self._gone + start in self._unsound:
            return False
        if self._is_sound(bytes(self._buffer[start : start + size])):
            return True
        self._unsound.add(self._gone + start)
        self._has_failed = True
        self.broken += 1
        return False

    def _drop(self, count: int) -> None:
        """Noise goes."""
        if self._buffer[:count].strip() and not self._has_failed:
            self.broken += 1
        if count:
            self._has_failed = False
        self._cut(count)

    def _cut(self, count: int) -> None:
        del self._buffer[:count]
        self._gone += count
        if self._unsound and count:
            self._unsound = {place for place in self._unsound if place >= self._gone}
