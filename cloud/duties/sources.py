"""When somebody is declared to keep a thing: what is not there then is missed, else unknown. Pure."""

from collections.abc import Iterable, Sequence

from cloud.database import Row
from cloud.duties.due import Span, merged
from cloud.duties.store import nodes_of
from cloud.duties.world import END


def known_days(declared: Sequence[Row], source: str, known_by: Iterable[Sequence[int]]) -> list[Span]:
    """The days on which the source is declared for all of these; each is known by any of its nodes."""
    spans: list[Span] | None = None
    for nodes in known_by:
        of_one = merged(
            Span(since=row["since"], until=row["until"] or END)
            for row in declared
            if row["source"] == source and row["node"] in nodes
        )
        spans = of_one if spans is None else _common(spans, of_one)
    return spans or []


def is_declared(declared: Sequence[Row], source: str, sites: Iterable[Row], span: Span) -> bool:
    """Whether it is for all of these sites, or what each is in, on each of these days; of none it is not."""
    paths = {(row["territory_path"], row["enterprise_path"]) for row in sites}
    known_by = [[*nodes_of(territory), *nodes_of(enterprise)] for territory, enterprise in paths]
    return any(one.met(span) == span.days for one in known_days(declared, source, known_by))


def _common(some: list[Span], others: list[Span]) -> list[Span]:
    return merged(
        Span(since=max(a.since, b.since), until=min(a.until, b.until))
        for a in some
        for b in others
        if a.met(b)
    )
