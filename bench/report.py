"""What every benchmark reports: figures with goals and baselines, as a table or as JSON."""

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec


class NotMeasured(Exception):  # noqa: N818  it is an answer, not an error
    """The benchmark cannot run here; the text says why."""


class PeerFigure(msgspec.Struct, frozen=True, kw_only=True):
    """The same figure of another gateway that people could run instead."""

    name: str
    value: float
    """In the unit of the result."""
    how: str
    """`measured` in the same run, or `recorded` and when: on another machine, so of another weight."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One figure."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    """At most this; `None` for a figure that only informs."""
    baseline: float | None = None
    """The same figure of the bare loop that the benchmark runs beside ours, in the same unit."""
    at_least: bool = False
    """The goal is a floor, not a ceiling."""
    peers: Sequence[PeerFigure] = ()
    between: tuple[float, float] | None = None
    """The bounds of its 95 % interval, in the same unit."""

    @property
    def ok(self) -> bool:
        """Whether the goal is reached."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the baseline."""
        return self.value / self.baseline if self.baseline else None


def machine() -> dict[str, str | int]:
    """What the figures were measured on; a figure means little without it."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
    }


def as_object(bench: str, results: Sequence[Result]) -> dict[str, object]:
    """One JSON object a benchmark."""
    rows = [
        {
            "name": r.name,
            "value": round(r.value, 4),
            "unit": r.unit,
            "goal": r.goal,
            "ok": r.ok,
            "baseline": None if r.baseline is None else round(r.baseline, 4),
            "ratio": None if r.ratio is None else round(r.ratio, 3),
            "between": None if r.between is None else [round(bound, 4) for bound in r.between],
            "peers": [{"name": p.name, "value": round(p.value, 4), "how": p.how} for p in r.peers],
        }
        for r in results
    ]
    return {"bench": bench, "machine": machine(), "results": rows}


def table(bench: str, results: Iterable[Result]) -> str:
    """The same for people."""
    head = f"{bench:44} {'value':>10} {'unit':6} {'goal':>10} {'':4} {'baseline':>10} {'ratio':>7}"
    return "\n".join([head, "-" * len(head), *(_row(r) for r in results)])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def _row(r: Result) -> str:
    bound = "" if r.goal is None else f"{'≥' if r.at_least else '≤'} {r.goal:g}"
    verdict = "" if r.goal is None else ("ok" if r.ok else "MISS")
    baseline = "" if r.baseline is None else f"{r.baseline:.4g}"
    ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
    between = "" if r.between is None else "  {:.4g} to {:.4g}".format(*r.between)
    row = (
        f"  {r.name:42} {r.value:10.4g} {r.unit:6} {bound:>10} {verdict:4} {baseline:>10} {ratio:>7}{between}"
    )
    return "\n".join([row, *(f"    {p.name:40} {p.value:10.4g} {r.unit:6} {p.how}" for p in r.peers)])


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
