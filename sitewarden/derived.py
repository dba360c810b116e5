"""Derived points: what no sensor says but a rule needs; pure, the same live and over a history."""

from collections import deque
from collections.abc import Iterable, Mapping

from sitewarden.loadchart import LoadChart, UnknownFallsError
from sitewarden.quality import Quality
from sitewarden.readings import Reading

BEYOND_CHART_PERCENT = 999.9
"""Shown for any load where the chart rates none: no ratio can be formed, and it must alarm."""
DAY_MS = 86_400_000
LONGEST_MS = 2 * DAY_MS
"""Over a longer gap a mean would hide what moved today; then nothing is said until a day is there again."""
SPACING_MS = 600_000
"""A day's rate looks back 24 h; one remembered reading in ten minutes is fine enough for that."""

CRANE_INPUTS = ("crane.load", "crane.radius", "crane.falls")
CRANE_DERIVED = ("crane.rated_load", "crane.load_ratio", "crane.moment", "crane.moment_ratio")
DISPLACEMENTS = ("pit.displacement.horizontal", "pit.displacement.vertical")


def crane_points(
    device: str, chart: LoadChart, latest: Mapping[str, Reading], max_age_ms: int
) -> list[Reading]:
    """Rated load (t), load ratio (%), moment (t·m), moment ratio (%) from the newest reading of each input.

    `latest` is by kind. The ratios are of the chart at the present radius and falls, never of a nominal
    moment. An input missing, not good, or more than `max_age_ms` older than the newest, makes all four bad.
    """
    inputs = [latest.get(kind) for kind in CRANE_INPUTS]
    at_ms = max((r.at_ms for r in inputs if r is not None), default=0)
    values = [r.value for r in inputs if r is not None and r.is_good and at_ms - r.at_ms <= max_age_ms]
    if len(values) < len(inputs):
        return _bad(device, at_ms)
    load, radius, falls = (float(v or 0.0) for v in values)
    try:
        rated = chart.rated_load(radius, round(falls))
    except UnknownFallsError:
        return _bad(device, at_ms)
    moment = load * radius
    ratios = _percent(load, rated), _percent(moment, rated * radius)
    return [
        Reading(f"{device}/{kind.removeprefix('crane.')}", at_ms, value)
        for kind, value in zip(CRANE_DERIVED, (rated, ratios[0], moment, ratios[1]), strict=True)
    ]


def _percent(part: float, whole: float) -> float:
    if whole > 0.0:
        return min(BEYOND_CHART_PERCENT, 100.0 * part / whole)
    return BEYOND_CHART_PERCENT if part > 0.0 else 0.0


def _bad(device: str, at_ms: int) -> list[Reading]:
    keys = (kind.removeprefix("crane.") for kind in CRANE_DERIVED)
    return [Reading(f"{device}/{key}", at_ms, None, Quality.BAD_INPUT) for key in keys]


class Displacement:
    """Cumulative displacement (mm) against the zero reading, and per day (mm/d), of one raw point.

    Per day is the change since the last reading at least 24 h old, over the time between. Before a day
    of history is there it says nothing, rather than blow up an hour's noise to a day.
    """

    def __init__(self, point: str, zero_mm: float) -> None:
        """`zero_mm` is the zero reading in the sensor's own terms."""
        self._cumulative, self._rate, self._zero_mm = f"{point}.cumulative", f"{point}.rate", zero_mm
        self._day: deque[tuple[int, float]] = deque()

    def derive(self, raw: Reading) -> list[Reading]:
        """The derived readings of a raw one, in the order of time that `raw` is given in."""
        if not raw.is_good or raw.value is None:
            return [
                Reading(self._cumulative, raw.at_ms, None, Quality.BAD_INPUT),
                Reading(self._rate, raw.at_ms, None, Quality.BAD_INPUT),
            ]
        value = raw.value - self._zero_mm
        derived = [Reading(self._cumulative, raw.at_ms, value)]
        rate = self._remember_and_rate(raw.at_ms, value)
        if rate is not None:
            derived.append(Reading(self._rate, raw.at_ms, rate))
        return derived

    def remember(self, history: Iterable[tuple[int, float]]) -> None:
        """Take up (instant ms, cumulative mm) saved earlier; what is remembered already stays."""
        self._day = deque(sorted({**dict(history), **dict(self._day)}.items()))

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: what was dated since `since_ms` moves, and nothing else may lie behind it."""
        moved = [(at_ms + by_ms, value) for at_ms, value in self._day if at_ms >= since_ms]
        first_ms = min(since_ms, moved[0][0] if moved else since_ms)
        older = [entry for entry in self._day if entry[0] < first_ms]
        self._day = deque(older + moved)

    def remembered(self) -> list[tuple[int, float]]:
        """What must be saved to go on after a restart as if nothing had happened."""
        return list(self._day)

    def _remember_and_rate(self, at_ms: int, value: float) -> float | None:
        day = self._day
        while day and at_ms < day[-1][0]:
            day.pop()  # dated in the future by a clock that was wrong: it must not silence the rate for ever
        if not day or at_ms - day[-1][0] >= SPACING_MS:
            day.append((at_ms, value))
        while len(day) > 1 and day[1][0] <= at_ms - DAY_MS:
            day.popleft()
        since_ms, before = day[0]
        elapsed_ms = at_ms - since_ms
        if not DAY_MS <= elapsed_ms <= LONGEST_MS:
            return None
        return (value - before) * DAY_MS / elapsed_ms
