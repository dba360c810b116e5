"""How a full lane of readings grows smaller: merged without loss, then thinned, then the oldest go."""

import logging
import time
from collections.abc import Iterator, Sequence

from edge import clock, compaction
from edge.salvage import Row
from edge.store import AGGREGATED, GAP, MERGED, PLAIN, THINNED, Store
from sitewarden.messages import Readings

log = logging.getLogger(__name__)

SHED_PART = 50
"""Where nothing can be thinned, one in so many of the records, the oldest, gives way."""
SHED_S = 0.02
"""So long an append may be held up by thinning; what is left to do waits for the next."""
TELL_S = 60.0
SLACK_BYTES = 64 * 1024
"""So far beyond its bound, or a 32nd of it, a file may be for the moments that thinning takes."""
MERGE_AFTER_MS = 60_000
"""A younger record may yet be sent as live."""
MERGE_ROWS, MERGE_READINGS = 600, 60_000
"""Merged at a time, in steps."""
AT_ONCE_READINGS = 15_000
"""The same within an append."""
STEP_ROWS = 10
"""Decoded at a time."""
AGGREGATE_READINGS = 30_000
"""Aggregated at a time; where a minute has more, twice as many of it may remain."""


class Shrinking:
    """What is done to the records of one store that nobody else has seen yet."""

    def __init__(self, store: Store, max_bytes: int) -> None:
        """`max_bytes` bounds what is used of the file."""
        self._store, self._max_bytes = store, max_bytes
        self._unchecked_bytes = max_bytes
        self._unmerged_polls = compaction.POLLS
        self._merging: Iterator[None] | None = None
        self._merged_to, self._thinned_to, self._aggregated_to, self._rollbacks = 0, 0, 0, 0
        self._untold, self._tell_at = 0, 0.0

    @property
    def may_compact(self) -> bool:
        """Whether `compact` may find something to do."""
        if not self._store.declares:
            return False
        return self._merging is not None or self._unmerged_polls >= compaction.POLLS

    def grew(self, size: int, polls: int) -> None:
        """Note that so many bytes were written, and polls that nobody else has seen."""
        self._unchecked_bytes += size
        self._unmerged_polls += polls

    def abandon(self) -> None:
        """What is being merged is not as it was."""
        self._merging = None

    def compact(self) -> bool:
        """One short step of merging old records; whether there is another."""
        if not self.may_compact:
            return False
        if self._merging is None:
            self._rewind()
            self._merging = self._merge()
        try:
            next(self._merging)
        except StopIteration:
            self._merging = None
        return self.may_compact

    def keep_within_bound(self) -> None:
        """Make room where the bound is reached, within a transaction."""
        if self._unchecked_bytes < self._max_bytes // 4096:
            return
        self._rewind()
        until = time.monotonic() + SHED_S
        while (used := self._store.used_bytes()) > self._max_bytes:
            is_far_beyond = used > self._max_bytes + max(self._max_bytes // 32, SLACK_BYTES)
            if is_far_beyond or not self._store.declares:
                if not self.evict():
                    return
            elif time.monotonic() > until or not self._shed():
                return  # the next append goes on
        self._unchecked_bytes = 0

    def evict(self) -> bool:
        """Give up the oldest part of the records, within a transaction; false where there is none."""
        part = max(1, self._store.draft.depth // SHED_PART)
        # The oldest part of all records but those that tell of gaps.
        rows = self._store.rows("form <> ? ORDER BY seq LIMIT ?", GAP, part)
        if not rows:
            return False
        self._store.drop(rows, "evicted")
        draft = self._store.draft
        self._store.draft = draft._replace(evictions=draft.evictions + len(rows))
        counted = sum(row.counted for row in rows)
        log.error(
            "outbox full, oldest dropped file=%s records=%d counted=%d", self._store.file, len(rows), counted
        )
        return True

    def _rewind(self) -> None:
        """What a transaction that failed has passed over is still to be done."""
        if self._rollbacks != self._store.rollbacks:
            self._rollbacks = self._store.rollbacks
            self._merged_to, self._thinned_to, self._aggregated_to = 0, 0, 0

    def _merge(self) -> Iterator[None]:
        """Merge one group of old plain records, a pause after each short piece of work."""
        store, rows = self._store, self._mergeable(MERGE_AFTER_MS)
        first: Readings | None = None
        gathered: compaction.Gathered | None = None
        taken = 0
        for row in rows:
            message = store.understood(row)
            if message is None or (first is not None and not compaction.go_together(first, message)):
                break
            if gathered is None:
                first, gathered = message, compaction.Gathered(message)
            else:
                gathered.add(message)
            taken += 1
            if taken % STEP_ROWS == 0:
                yield
        rows = rows[: max(1, taken)]
        smaller: list[Row] = []
        # A logger's memory comes in records as large as merged ones, and is only written smaller.
        if gathered is not None and (taken > 1 or rows[0].polls >= compaction.POLLS):
            for row, part in zip(rows, gathered.merged(), strict=False):
                smaller.append(store.rewritten(row, part, MERGED))
                yield
        # Fewer readings would mean that the rows do not suffice.
        if rows and sum(row.counted for row in smaller) == sum(row.counted for row in rows):
            with store.transaction():
                if self._are_untouched(rows):
                    store.swap(rows, smaller)
        self._merged_to = rows[-1].seq if rows else self._merged_to

    def _are_untouched(self, rows: Sequence[Row]) -> bool:
        seqs = {row.seq for row in rows}
        found = self._store.count(
            "seq BETWEEN ? AND ? AND form = ? AND offered = 0", rows[0].seq, rows[-1].seq, PLAIN
        )
        return found == len(rows) and self._store.unmarked.keys().isdisjoint(seqs)

    def _mergeable(self, min_age_ms: int, readings: int = MERGE_READINGS) -> list[Row]:
        """The oldest plain records of one boot that are enough for a merged one; none where more may come."""
        now_ms = clock.now_ms()
        group: list[Row] = []
        polls = counted = 0
        is_ripe = False
        for row in self._store.each(
            "seq > ? AND form = ? AND offered = 0 ORDER BY seq LIMIT ?", self._merged_to, PLAIN, MERGE_ROWS
        ):
            is_ripe = polls >= compaction.POLLS or counted >= readings
            is_ripe = is_ripe or bool(group and row.boot != group[0].boot)
            # One of the future was written by a clock that was set back since.
            is_young = -MERGE_AFTER_MS <= now_ms - row.at_ms < min_age_ms
            if is_ripe or is_young:
                break
            if not row.is_sound or row.offered:
                # Left as it is; those before it are a group of their own.
                is_ripe = bool(group)
                if is_ripe:
                    break
                self._merged_to = row.seq
                continue
            group.append(row)
            polls, counted = polls + row.polls, counted + row.counted
        else:
            is_ripe = len(group) == MERGE_ROWS or bool(group and group[0].boot != self._store.boot)
        if is_ripe:
            return group
        # Some more must come before it is worth looking again.
        self._unmerged_polls = min(polls, compaction.POLLS - 20)
        return []

    def _shed(self) -> bool:
        """The mildest step that gives room; false where there is none."""
        oldest = self._store.oldest()
        if oldest is None:
            return False
        rows = self._mergeable(0, AT_ONCE_READINGS)
        if rows:
            self._merge_at_once(rows)
            return True
        # The newest quarter stays whole as long as there is an older one to thin.
        next_seq = self._store.draft.next_seq
        before_seq = next_seq - (next_seq - oldest[0]) // 4
        return self._thin(before_seq) or self._aggregate(before_seq) or self.evict()

    def _merge_at_once(self, rows: Sequence[Row]) -> None:
        self._merged_to = rows[-1].seq
        self.abandon()
        messages = self._alike(rows)
        parts = list(compaction.merged(messages)) if len(messages) == len(rows) else []
        if parts and len(parts) <= len(rows):
            pairs = zip(rows, parts, strict=False)
            self._store.swap(rows, [self._store.rewritten(row, part, MERGED) for row, part in pairs])

    def _thin(self, before_seq: int) -> bool:
        """Every second poll of the oldest record that is whole; false where there is none."""
        rows = self._store.rows(
            "seq > ? AND seq < ? AND form < ? AND offered = 0 ORDER BY seq LIMIT 1",
            *(self._thinned_to, before_seq, THINNED),
        )
        if not rows:
            return False
        self._thinned_to = rows[0].seq
        messages = self._alike(rows)
        if messages:
            self._keep_only(rows, compaction.thinned(messages[0]), THINNED)
        return True

    def _aggregate(self, before_seq: int) -> bool:
        """Least and greatest a minute of the oldest thinned records; false where there are none."""
        rows: list[Row] = []
        counted = 0
        for row in self._store.each(
            "seq > ? AND seq < ? AND form = ? AND offered = 0 ORDER BY seq LIMIT ?",
            *(self._aggregated_to, before_seq, THINNED, MERGE_ROWS),
        ):
            counted += row.counted
            if rows and counted > AGGREGATE_READINGS:
                break
            rows.append(row)
        if not rows:
            return False
        messages = self._alike(rows)
        rows = rows[: max(1, len(messages))]
        self._aggregated_to = rows[-1].seq
        parts = compaction.parted(messages) if len(messages) > 1 else None
        if parts is not None:
            # The last minute waits for its other readings, under the number of the last record.
            rest = self._store.rewritten(rows[-1], parts[1], THINNED)
            self._aggregated_to -= 1
            self._keep_only(rows, compaction.aggregated([parts[0]]), AGGREGATED, rest)
        elif messages:
            self._keep_only(rows, compaction.aggregated(messages), AGGREGATED)
        return True

    def _alike(self, rows: Sequence[Row]) -> list[Readings]:
        """The messages of the first rows that may become one; none where the first may not be touched."""
        messages: list[Readings] = []
        for row in rows:
            is_ours = row.is_sound and not row.offered
            message = self._store.understood(row) if is_ours else None
            if message is None or (messages and not compaction.go_together(messages[0], message)):
                break
            messages.append(message)
        return messages

    def _tell(self, gone: int) -> None:
        """A line a minute: a full outbox is thinned with every append, and the log is on the same card."""
        self._untold += gone
        now = time.monotonic()
        if now >= self._tell_at:
            log.warning("outbox full, thinned file=%s gone=%d", self._store.file, self._untold)
            self._untold, self._tell_at = 0, now + TELL_S

    def _keep_only(self, rows: Sequence[Row], kept: compaction.Kept, form: int, *others: Row) -> None:
        """Put what is kept, and others, in the place of the rows, and declare what is gone."""
        store = self._store
        store.swap(rows, [store.rewritten(rows[0], kept.message, form), *others])
        if kept.gap is None:
            return
        gone = kept.gap.count
        self._tell(gone)
        draft = store.draft
        store.draft = draft._replace(dropped=draft.dropped + gone, thinned=draft.thinned + gone)
        store.declare([kept.gap], moves=rows[0].boot == store.boot)
