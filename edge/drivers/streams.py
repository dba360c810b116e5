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
        self._begun: deque[int] = deque(maxlen=MOST_BEGUN)
        """Where in the stream frames have begun that wait for their rest."""
        self._looked = 0
        """Up to where in the stream somebody has looked for frames: nobody looks at a byte twice, however
        small the pieces are in which a stranger sends."""
        self._has_failed = False
        """Whether one of the bytes that are kept is of an unsound frame, which is counted already."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The sound frames that are whole now.

        A frame that is cut off does not swallow those behind it: a sound one inside what is still missing
        shows that the rest will never come.
        """
        buffer, waiting = self._buffer, deque(place for place in self._begun if place >= self._gone)
        buffer += data
        self._begun.clear()
        while (start := self._next(waiting)) >= 0:
            size = self._size_of(buffer, start)
            if size is None or (0 < size <= self._most and start + size > len(buffer)):
                self._begun.append(self._gone + start)
            elif 0 < size <= self._most and self._checks(start, size):
                frame = bytes(buffer[start : start + size])
                self._drop(start)
                self._cut(size)
                self._begun.clear()
                waiting = deque(place for place in waiting if place >= self._gone)
                yield frame
        # What may still become a frame stays: those that wait for their rest, else the beginning of a header.
        unneeded = len(buffer) - len(self._header) + 1
        self._drop(self._begun[0] - self._gone if self._begun else max(0, unneeded))
        self._drop(max(0, len(buffer) - self._most))

    def _next(self, waiting: deque[int]) -> int:
        """Where in the buffer the next frame may begin; -1 where none does."""
        if waiting:
            return waiting.popleft() - self._gone
        place = max(0, self._looked - self._gone)
        start = self._buffer.find(self._header, place)
        seen = start + 1 if start >= 0 else max(place, len(self._buffer) - len(self._header) + 1)
        self._looked = self._gone + seen
        return start

    def _checks(self, start: int, size: int) -> bool:
        """Whether the whole frame there is sound."""
        if self._is_sound(bytes(self._buffer[start : start + size])):
            return True
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
