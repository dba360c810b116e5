"""Which records of a lane go next and which are under way: live before backlog, never too many. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

PROMPT_S, LATE_S = 1.0, 2.5
"""A receipt that comes so soon says that the line carries more, one that comes so late that it is full."""
LAG = 64
"""Live records that nobody takes become backlog, so that the newest go first when somebody does."""


class Span(NamedTuple):
    """Records to ask the outbox for."""

    first: int
    last: int
    limit: int
    is_backlog: bool


class _Flight(NamedTuple):
    resend_at: float
    size: int
    sent_at: float


class Window:
    """The records under way on one connection; all instants are seconds of one monotonic clock."""

    def __init__(self, *, records: int, size: int, resend_s: float, most: int | None = None) -> None:
        """At most so many records and bytes are under way at a time; a quarter stays free of backlog.

        The bytes grow up to `most` while receipts come soon, and shrink down to `size` when they come late:
        what is under way on a slow line would hold up an alarm.
        """
        self._records, self._size, self._resend_s = records, size, resend_s
        self._least, self._most = size, most or size
        self._shrunk_at = 0.0
        self._flight: dict[int, _Flight] = {}
        self._bytes = 0
        self._live = 1
        self._backlog: list[tuple[int, int]] = []

    def begin(self, next_seq: int) -> None:
        """A new connection: nothing is under way, and all that was written before is backlog."""
        self._flight.clear()
        self._bytes, self._size = 0, self._least
        self._live, self._backlog = next_seq, [(1, next_seq - 1)] if next_seq > 1 else []

    def look_again(self) -> None:
        """Records that nobody knew of have turned up among the older ones."""
        self._backlog = [(1, self._live - 1)] if self._live > 1 else []

    def choose(self, next_seq: int) -> Span | None:
        """What to send next, given the seq that the next record will get."""
        if next_seq - self._live > LAG:
            self._backlog.append((self._live, next_seq - 2))
            self._live = next_seq - 1
        room = self._room(self._records, self._size)
        if self._live < next_seq:
            return Span(self._live, next_seq - 1, room, is_backlog=False) if room else None
        room = self._room(self._records * 3 // 4, self._size * 3 // 4)
        if self._backlog and room:
            return Span(*self._backlog[0], room, is_backlog=True)
        return None

    def advance(self, span: Span, taken: int) -> None:
        """Note that of `span` all up to `taken` is sent or gone."""
        if not span.is_backlog:
            self._live = max(self._live, taken + 1)
        elif taken >= span.last:
            self._backlog.pop(0)
        else:
            self._backlog[0] = (taken + 1, span.last)

    @property
    def has_backlog(self) -> bool:
        """Whether older records are still to be sent."""
        return bool(self._backlog)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be sent."""
        return not self._room(self._records, self._size)

    @property
    def free_bytes(self) -> int:
        """How many bytes more may be under way."""
        return max(0, self._size - self._bytes)

    def sent(self, seq: int, size: int, now: float) -> None:
        """Note that a record is under way."""
        self.gone((seq,))
        self._flight[seq] = _Flight(now + self._resend_s, size, now)
        self._bytes += size

    def accepted(self, seq: int, now: float) -> None:
        """Note that the broker has a record: from now on its receipt can be waited for."""
        flight = self._flight.get(seq)
        if flight is not None:
            self._flight[seq] = flight._replace(resend_at=now + self._resend_s)

    def within(self, ranges: Iterable[tuple[int, int]]) -> list[int] | None:
        """The records of these ranges, both ends included, if every one of them is under way."""
        wanted = list(ranges)
        found = [seq for seq in self._flight if any(first <= seq <= last for first, last in wanted)]
        return found if len(found) == sum(last - first + 1 for first, last in wanted) else None

    def receipted(self, seqs: Iterable[int], now: float) -> None:
        """Note receipts, and what they tell of the line."""
        flights = [flight for seq in seqs if (flight := self._flight.pop(seq, None)) is not None]
        was_full = self._bytes >= self._size // 2
        self._bytes -= sum(flight.size for flight in flights)
        if was_full:
            prompt = sum(flight.size for flight in flights if now - flight.sent_at <= PROMPT_S)
            self._size = min(self._most, self._size + prompt)
        late = [flight.sent_at for flight in flights if now - flight.sent_at >= LATE_S]
        # Once for all that was sent before the window shrank.
        if late and max(late) >= self._shrunk_at:
            self._size, self._shrunk_at = max(self._least, self._size // 2), now

    def gone(self, seqs: Iterable[int]) -> None:
        """Note that records are no longer in the outbox."""
        for seq in seqs:
            flight = self._flight.pop(seq, None)
            if flight is not None:
                self._bytes -= flight.size

    def overdue(self, now: float) -> list[int]:
        """Records that no receipt came for in time, oldest first; it may be the line that is slow."""
        found = sorted(seq for seq, flight in self._flight.items() if flight.resend_at <= now)
        if found:
            self._size = self._least
        return found

    def resend_all(self, now: float) -> None:
        """Whatever is under way is due at once: what held up its receipt is mended."""
        for seq, flight in self._flight.items():
            self._flight[seq] = flight._replace(resend_at=now)

    def next_resend_at(self) -> float | None:
        """When the next record is overdue."""
        return min((flight.resend_at for flight in self._flight.values()), default=None)

    def __len__(self) -> int:
        """Records under way."""
        return len(self._flight)

    def _room(self, records: int, size: int) -> int:
        """How many more records fit; a single one always fits into an empty window."""
        if self._bytes >= size:
            return 0
        return max(0, records - len(self._flight))
