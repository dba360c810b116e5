"""A logger's memory: read cell by cell, and enough for a day's rate at the first live reading."""

from pathlib import Path

import pytest

from edge.config import Device
from edge.derivation import derivations_for
from edge.history import INSTANTS, READINGS, as_messages, read_history
from sitewarden.errors import ConfigurationError
from sitewarden.messages import readings_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading

HOUR_MS = 3_600_000
T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def written(folder: Path, *lines: str) -> Path:
    file = folder / "history.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_an_empty_cell_is_a_gap_and_a_value_beyond_the_range_is_bad(pit: Device, tmp_path: Path) -> None:
    file = written(
        tmp_path, "at,h1,h2", "2026-01-01T00:00:00Z,100.00,", "2026-01-01T08:10:00+08:00,nan,501", ""
    )
    assert read_history(pit, file) == [
        [Reading("pit-1/h1", T0, 100.0)],
        [
            Reading("pit-1/h1", T0 + 600_000, None, Quality.NOT_A_NUMBER),
            Reading("pit-1/h2", T0 + 600_000, None, Quality.OUT_OF_RANGE),
        ],
    ]


@pytest.mark.parametrize(
    ("lines", "line", "column", "message"),
    [
        (["at,h1", "2026-01-01T00:00:00Z,1o0"], 2, "h1", "`1o0` is not a number"),
        (["at,h1", "2026-01-01T00:00:00Z,1", "01.01.2026,2"], 3, "at", "is not an instant"),
        (["at,h1", "2026-01-01T00:00:00,1"], 2, "at", "does not say its offset"),
        (["at,h1", "2026-01-01T00:00:00Z,1", "2026-01-01T00:00:00Z,1"], 3, "at", "is not later"),
        (["at,h1", "2026-01-01T00:00:00Z,1,2"], 2, "", "has 3 cells, the header has 2"),
        (["at,x9", "2026-01-01T00:00:00Z,1"], 1, "x9", "is not a point"),
        (["at,h1,h1", "2026-01-01T00:00:00Z,1,1"], 1, "h1", "is given twice"),
        (["time,h1"], 1, "at", "is not the first column"),
    ],
)
def test_a_bad_cell_is_named_by_file_line_and_column(
    pit: Device, tmp_path: Path, *, lines: list[str], line: int, column: str, message: str
) -> None:
    file = written(tmp_path, *lines)
    with pytest.raises(ConfigurationError) as refused:
        read_history(pit, file)
    assert (refused.value.file, refused.value.line, refused.value.field) == (file, line, column)
    assert message in refused.value.message
    assert refused.value.mend


def days(pit: Device, folder: Path, hours: int) -> list[list[Reading]]:
    """h1 creeping by 2.4 mm a day from 100 mm, one line an hour."""
    lines = [
        f"2026-01-{1 + hour // 24:02}T{hour % 24:02}:00:00Z,{100 + hour * 0.1:.2f}" for hour in range(hours)
    ]
    return read_history(pit, written(folder, "at,h1", *lines))


def test_messages_are_back_fill_of_raw_and_derived_readings(pit: Device, tmp_path: Path) -> None:
    instants = days(pit, tmp_path, hours=400)
    messages = list(as_messages(pit, derivations_for(pit), instants))
    lengths = [len(m.series[0].t) for m in messages]
    assert sum(lengths) == 400
    assert max(lengths) <= INSTANTS
    assert max(sum(len(series.t) for series in m.series) for m in messages) <= READINGS
    assert all(m.hist for m in messages)
    readings = [r for m in messages for r in readings_of(m.series, m.at)]
    assert len({(r.point, r.at_ms) for r in readings}) == len(readings)
    at_ms = T0 + 48 * HOUR_MS
    of_instant = {r.point: r.value for r in readings if r.at_ms == at_ms}
    wanted = {"pit-1/h1": 104.8, "pit-1/h1.cumulative": 4.8, "pit-1/h1.rate": 2.4}
    assert of_instant.items() >= wanted.items()


def test_after_an_import_the_first_live_reading_has_its_rate(pit: Device, tmp_path: Path) -> None:
    derivation = derivations_for(pit)
    list(as_messages(pit, derivation, days(pit, tmp_path, hours=48)))
    derived = derivation.take([Reading("pit-1/h1", T0 + 48 * HOUR_MS, 106.8)])
    rates = [r.value for r in derived if r.point == "pit-1/h1.rate"]
    assert rates == [pytest.approx(4.4)]


def test_what_is_remembered_gives_the_same_rate_after_a_restart(pit: Device, tmp_path: Path) -> None:
    derivation, again = derivations_for(pit), derivations_for(pit)
    list(as_messages(pit, derivation, days(pit, tmp_path, hours=48)))
    again.remember({**derivation.remembered(), "pit-1/gone": [(1, 1.0)]})
    live = [Reading("pit-1/h1", T0 + 49 * HOUR_MS, 105.0)]
    assert again.take(live) == derivation.take(live)


def test_a_long_past_is_learned_without_forecasts_and_the_next_look_has_it(
    pit: Device, tmp_path: Path
) -> None:
    learned, judged = derivations_for(pit), derivations_for(pit)
    past = days(pit, tmp_path, hours=200)
    messages = list(as_messages(pit, learned, past))
    assert not [s.p for m in messages for s in m.series if "creep" in s.p or "limit" in s.p]
    for instant in past:
        judged.take(instant)
    now = [Reading("pit-1/h1", T0 + 201 * HOUR_MS, 120.1)]
    forecasts = [
        [(r.point, r.value) for r in one.take(now) if "time_to_limit" in r.point] for one in (learned, judged)
    ]
    assert forecasts[0] == forecasts[1]
    assert forecasts[0]


def test_a_file_that_is_no_text_and_one_that_is_not_there_say_what_mends_them(
    pit: Device, tmp_path: Path
) -> None:
    file = tmp_path / "history.csv"
    with pytest.raises(ConfigurationError, match=r"cannot be read: .* Check the path"):
        read_history(pit, file)
    file.write_bytes("at,h1\n".encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"is not UTF-8 text\. Save it as UTF-8"):
        read_history(pit, file)
