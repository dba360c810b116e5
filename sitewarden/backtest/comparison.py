"""Two lists of alarms laid beside each other: which stayed, which moved, which are new, which are gone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from sitewarden.backtest.episodes import Episode, in_order

Key = tuple[str, str, int]
"""Point, family, level: alarms of one key may be the same alarm under another rule."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The same alarm before and after."""

    before: Episode
    after: Episode
    raised_later_ms: int
    """How much later it is raised; negative is earlier, which is a longer warning."""

    @property
    def is_unchanged(self) -> bool:
        """Whether it is raised and cleared at the very same instants."""
        return not self.raised_later_ms and self.before.cleared_at == self.after.cleared_at


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the alarms of one list in another; each list in order of time."""

    added: list[Episode]
    removed: list[Episode]
    moved: list[Pair]
    """The same danger, raised or cleared at another instant."""
    unchanged: list[Pair]

    @property
    def is_equal(self) -> bool:
        """Whether both lists tell the same."""
        return not (self.added or self.removed or self.moved)


def compare(
    before: Iterable[Episode], after: Iterable[Episode], go_on: Callable[[], None] = lambda: None
) -> Comparison:
    """Match the alarms of two lists by point, family and level where they overlap in time.

    One alarm is matched with at most one: of several that overlap it, one of the same rule comes first, then
    the longest overlap, then the earliest. `go_on` is called in between and raises where there is no more
    time: alarms that all overlap each other take the square of their number.
    """
    befores, afters = _by_key(before), _by_key(after)
    pairs: list[Pair] = []
    added: list[Episode] = []
    removed: list[Episode] = []
    for key in befores.keys() | afters.keys():
        ours, gone, new = _matched(befores.get(key, []), afters.get(key, []), go_on)
        pairs += ours
        removed += gone
        added += new
    pairs.sort(key=lambda p: (p.before.raised_at, p.before.point, p.before.rule))
    return Comparison(
        added=in_order(added),
        removed=in_order(removed),
        moved=[pair for pair in pairs if not pair.is_unchanged],
        unchanged=[pair for pair in pairs if pair.is_unchanged],
    )


def _by_key(episodes: Iterable[Episode]) -> dict[Key, list[Episode]]:
    found: defaultdict[Key, list[Episode]] = defaultdict(list)
    for episode in in_order(episodes):
        found[episode.point, episode.family, episode.level].append(episode)
    return found


def _matched(
    befores: Sequence[Episode], afters: Sequence[Episode], go_on: Callable[[], None]
) -> tuple[list[Pair], list[Episode], list[Episode]]:
    free_before, free_after = set(range(len(befores))), set(range(len(afters)))
    pairs = []
    for _, i, j in sorted(_overlaps(befores, afters, go_on)):
        if i in free_before and j in free_after:
            free_before.remove(i)
            free_after.remove(j)
            pairs.append(_pair(befores[i], afters[j]))
    return pairs, [befores[i] for i in free_before], [afters[j] for j in free_after]


def _pair(before: Episode, after: Episode) -> Pair:
    return Pair(before=before, after=after, raised_later_ms=after.raised_at - before.raised_at)


def _overlaps(
    befores: Sequence[Episode], afters: Sequence[Episode], go_on: Callable[[], None]
) -> Iterator[tuple[tuple[bool, int, int], int, int]]:
    """Every two that overlap, with what makes one match better than another (the least is the best)."""
    first = 0
    for i, one in enumerate(befores):
        go_on()
        # Those that ended before this one began can overlap no later one either, but one that stands long can
        # lie between them: only the leading ones are passed for good.
        while first < len(afters) and afters[first].ends_at < one.raised_at:
            first += 1
        for j in range(first, len(afters)):
            other = afters[j]
            if other.raised_at > one.ends_at:
                break
            together = min(one.ends_at, other.ends_at) - max(one.raised_at, other.raised_at)
            if together >= 0:
                yield (one.rule != other.rule, -together, other.raised_at), i, j
