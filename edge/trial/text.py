"""What a trial or a scan found, as lines for a terminal."""

from collections.abc import Iterator, Sequence

from edge.trial.scanning import UnitSeen
from sitewarden.points import point_kind, quantise
from sitewarden.profiles.conformance import PointSeen, Report
from sitewarden.profiles.model import BIT_FUNCTIONS, FUNCTIONS

_MARKS = {"ok": "ok     ", "note": "note   ", "finding": "FINDING"}
_KNOWS = {"answers": "answers", "knows": "known, nothing at 0", "lacks": "unknown", "silent": "silent"}


def report_lines(found: Report) -> Iterator[str]:
    """Every point, raw and decoded side by side, then every check, then the verdict."""
    yield f"{'point':<18} {'fct/reg':>9}  {'raw words':<11} {'value':>14}  quality"
    for point in found.points:
        yield from _point(point)
    yield ""
    for check in found.checks:
        yield f"{_MARKS[check.level]} {check.name:<10} {check.says.en}"
    yield ""
    findings = sum(check.level == "finding" for check in found.checks)
    verdict = "fits" if found.is_sound else f"does not fit yet, {findings} finding{'s' * (findings > 1)}"
    yield f"{found.profile} version {found.version}: {verdict} ({found.rounds} rounds)"


def _point(seen: PointSeen) -> Iterator[str]:
    digits = "d" if seen.function in BIT_FUNCTIONS else "04X"
    words = " ".join(format(word, digits) for word in seen.registers) or "-"
    place = f"{seen.function}/{seen.register}"
    detail = f" ({seen.detail})" if seen.detail else ""
    yield f"{seen.point:<18} {place:>9}  {words:<11} {_value(seen):>14}  {seen.quality}{detail}".rstrip()
    for hint in seen.hints:
        yield f"{'':18}   hint: {hint.says.en}"


def _value(seen: PointSeen) -> str:
    if seen.value is None:
        return "-"
    unit = "" if seen.unit == "1" else f" {seen.unit}"
    return f"{quantise(seen.value, point_kind(seen.kind).resolution):g}{unit}"


def scan_lines(found: Sequence[UnitSeen], units: Sequence[int], unasked: Sequence[int]) -> Iterator[str]:
    """A unit a line, and what is to be thought of all of them together."""
    for seen in found:
        yield f"unit {seen.unit:<3} {seen.median_ms:6.1f} ms  {_functions(seen)}"
        if seen.is_replay:
            yield "         it plays a recorded history: no device is there"
    silent = len(units) - len(found) - len(unasked)
    answering = "1 unit answers" if len(found) == 1 else f"{len(found)} units answer"
    yield f"{answering}, {silent} {'is' if silent == 1 else 'are'} silent"
    if len(found) > 1 and not silent and not unasked:
        yield "every unit answers: what is there may not look at the unit number, and be one device only"
    if unasked:
        yield f"not asked for want of time: {', '.join(map(str, unasked))}"


def _functions(seen: UnitSeen) -> str:
    said = []
    for function, knows in seen.functions.items():
        word = f" ({seen.words[function]:04X} at 0)" if function in seen.words else ""
        said.append(f"{function} {FUNCTIONS[function]}s: {_KNOWS[knows]}{word}")
    return "; ".join(said)
