"""A history survives its file, whichever format, and a bad file says what is wrong with it."""

import csv
import datetime as dt
import math
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitewarden.errors import ConfigurationError
from sitewarden.history import (
    DevicePast,
    Header,
    History,
    Track,
    read_header,
    read_history,
    write_history,
)
from sitewarden.messages import Gap, PointBirth
from sitewarden.quality import Quality
from sitewarden.rules.packs import load_pack
from sitewarden.text import Text

HOUR_MS = 3_600_000
SINCE_MS = 1_763_600_400_000
ENDINGS = [".parquet", ".csv"]
COLUMNS = ["point", "at_ms", "value", "quality"]


def a_header(**changed):
    return Header(
        **{
            "site": "east",
            "gateway": "gw-1",
            "name": Text("东区", "East"),
            "time_zone": "Asia/Shanghai",
            "since_ms": SINCE_MS,
            "until_ms": SINCE_MS + HOUR_MS,
            "devices": [
                DevicePast(
                    device="crane-1",
                    profile="reference-tower-crane",
                    version=1,
                    unit=1,
                    intervals_ms={"main": 500},
                    points=[PointBirth(p="crane-1/load", kind="crane.load", stale_after_ms=2000)],
                )
            ],
            "gaps": [Gap(from_at=SINCE_MS, to_at=SINCE_MS + 5, count=2, reason="evicted")],
            "rules": [load_pack("tower-crane", Path())],
            **changed,
        }
    )


def a_track(*readings):
    times, values, quality = zip(*readings, strict=True)
    return Track(np.array(times, np.int64), np.array(values, np.float64), np.array(quality, np.uint8))


def as_lists(track):
    values = [None if np.isnan(value) else value for value in track.values.tolist()]
    return list(zip(track.times.tolist(), values, track.quality.tolist(), strict=True))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_history_comes_back_as_it_was_written(tmp_path, ending):
    load = a_track(
        (SINCE_MS, 3.14, Quality.GOOD),
        (SINCE_MS + 500, np.nan, Quality.SENTINEL),
        (SINCE_MS + 1000, 0.0, Quality.GOOD),
    )
    wind = a_track((SINCE_MS + 7, np.nan, Quality.TIMEOUT))
    written = History(a_header(), {"crane-1/load": load, "crane-1/wind_speed": wind})
    file = tmp_path / f"h{ending}"
    write_history(file, written)
    read = read_history(file)
    assert read.header == written.header == read_header(file)
    assert {p: as_lists(t) for p, t in read.tracks.items()} == {
        p: as_lists(t) for p, t in written.tracks.items()
    }


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_part_of_the_time_is_read_from_its_first_instant_up_to_its_end(tmp_path, ending):
    track = a_track(*((SINCE_MS + i * 500, float(i), Quality.GOOD) for i in range(100)))
    file = tmp_path / f"h{ending}"
    write_history(file, History(a_header(), {"crane-1/load": track}))
    part = read_history(file, since_ms=SINCE_MS + 1000, until_ms=SINCE_MS + 2000)
    assert part.tracks["crane-1/load"].values.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_history_without_readings_is_one(tmp_path, ending):
    file = tmp_path / f"h{ending}"
    write_history(file, History(a_header(), {}))
    assert read_history(file).tracks == {}


@settings(deadline=None)
@given(
    values=st.lists(
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=30
    ),
    ending=st.sampled_from(ENDINGS),
)
def test_values_come_back_to_the_last_bit(tmp_path_factory, values, ending):
    readings = [
        (SINCE_MS + i, np.nan if v is None else v, Quality.TIMEOUT if v is None else Quality.GOOD)
        for i, v in enumerate(values)
    ]
    file = tmp_path_factory.mktemp("h") / f"h{ending}"
    write_history(file, History(a_header(), {"crane-1/load": a_track(*readings)}))
    assert as_lists(read_history(file).tracks["crane-1/load"]) == [
        (SINCE_MS + i, v, int(Quality.TIMEOUT if v is None else Quality.GOOD)) for i, v in enumerate(values)
    ]


def test_other_programs_may_write_instants_and_leave_the_quality_out(tmp_path):
    file = tmp_path / "h.csv"
    file.write_text("point,at,value\ncrane-1/load,2025-11-20T10:00:00+08:00,3.5\n", encoding="utf-8")
    header = a_header(since_ms=0, until_ms=2**52)
    track = read_history(file, header=header).tracks["crane-1/load"]
    assert as_lists(track) == [(1_763_604_000_000, 3.5, 0)]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "point: is not a column. Begin the table with point, at_ms or at"),
        (b"point;at;value\n", "point: is not a column. Part columns by `,` in place of `;`"),
        (b"point\tat\tvalue\n", "Part columns by `,` in place of a tab"),
        ("point，at，value\n".encode(), "Part columns by `,` in place of `，`"),
        ("point,at,value\n".encode("utf-16"), "is not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_a_table_of_another_make_says_what_it_must_be(tmp_path, data, complaint):
    file = tmp_path / "h.csv"
    file.write_bytes(data)
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        read_history(file, header=a_header())


def test_a_file_of_another_program_needs_to_be_told_whose_it_is(tmp_path):
    file = tmp_path / "h.csv"
    file.write_text("point,at_ms,value\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="does not say which devices"):
        read_history(file)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("crane-1/load,soon,1,good", ":3: at_ms: `soon` is no number of milliseconds"),
        (f"crane-1/load,{SINCE_MS},heavy,good", ":3: value: `heavy` is not a number"),
        (f"crane-1/load,{SINCE_MS},1,fine", ":3: quality: `fine` is no quality"),
        (f"crane-1/load,{SINCE_MS},1", ":3: has 3 cells"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, row, complaint):
    file = tmp_path / "h.csv"
    write_history(file, History(a_header(), {}))
    with file.open("a", encoding="utf-8") as out:
        out.write(row + "\n")
    with pytest.raises(ConfigurationError, match=complaint):
        read_history(file)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_point_has_one_reading_an_instant(tmp_path, ending):
    file = tmp_path / f"h{ending}"
    twice = a_track((SINCE_MS, 1.0, 0), (SINCE_MS, 2.0, 0))
    write_history(file, History(a_header(), {"crane-1/load": twice}))
    with pytest.raises(ConfigurationError, match=r"crane-1/load: has the instant .* twice"):
        read_history(file)


def test_a_newer_format_is_refused_rather_than_misread(tmp_path):
    file = tmp_path / "h.parquet"
    write_history(file, History(a_header(v=2), {}))
    with pytest.raises(ConfigurationError, match="version 2 of the format"):
        read_history(file)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("site", {"site": "../site"}),
        ("gateway", {"gateway": "gw\n"}),
        ("devices.0.device", {"devices": [DevicePast(device="/home/crane", profile="any")]}),
        ("devices.0.device", {"devices": [DevicePast(device="", profile="any")]}),
    ],
)
def test_a_name_that_could_go_anywhere_is_refused(tmp_path, ending, field, changed):
    file = tmp_path / f"history{ending}"
    write_history(file, History(a_header(**changed), {}))
    with pytest.raises(ConfigurationError, match="no name of ours") as caught:
        read_header(file)
    assert caught.value.field == field


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_no_history_is_refused(tmp_path, ending):
    with pytest.raises(ConfigurationError, match=r"no Parquet|cannot be read"):
        read_header(tmp_path / f"absent{ending}")


def test_more_readings_than_memory_holds_are_refused_before_they_are_read(tmp_path):
    file = tmp_path / "h.parquet"
    track = a_track(*((SINCE_MS + i, 1.0, 0) for i in range(100)))
    write_history(file, History(a_header(), {"crane-1/load": track}))
    assert len(read_history(file, most=100).tracks["crane-1/load"].times) == 100
    with pytest.raises(ConfigurationError, match="100 readings in this range, more than 99"):
        read_history(file, most=99)
    # What lies outside the range is not read, and does not count.
    assert read_history(file, until_ms=SINCE_MS, most=99).tracks == {}


def test_a_parquet_of_another_program_hides_no_dead_sensor(tmp_path: Path) -> None:
    file = tmp_path / "history.parquet"
    columns = {
        "point": ["crane-1/load"] * 4,
        "at_ms": [SINCE_MS + i * 1000 for i in range(4)],
        "value": [1.0, None, float("nan"), 2.0],
        "quality": pa.array([0, 0, None, None], pa.uint8()),
    }
    pq.write_table(pa.table(columns), file)
    track = read_history(file, header=a_header()).tracks["crane-1/load"]
    assert track.quality.tolist() == [0, Quality.NOT_A_NUMBER, Quality.NOT_A_NUMBER, 0]
    pq.write_table(pa.table({**columns, "at_ms": [None, *columns["at_ms"][1:]]}), file)
    with pytest.raises(ConfigurationError, match="missing in some rows"):
        read_history(file, header=a_header())
    pq.write_table(pa.table({**columns, "quality": pa.array([0, 0, 0, 200], pa.uint8())}), file)
    with pytest.raises(ConfigurationError, match="200 is no quality"):
        read_history(file, header=a_header())


@st.composite
def foreign_rows(draw: st.DrawFn) -> list[tuple[str, int, float | None, int | None]]:
    """Readings of three points in whatever order, as another program may write them; some not good."""
    places = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), unique=True, max_size=40))
    order = draw(st.sampled_from(["as drawn", "by point", "by instant"]))
    if order != "as drawn":
        places.sort(key=lambda place: place if order == "by point" else place[::-1])
    value = st.one_of(st.none(), st.floats())
    quality = st.one_of(st.none(), st.sampled_from(list(Quality)).map(int))
    return [(f"crane-1/{p}", SINCE_MS + t * 1000, draw(value), draw(quality)) for p, t in places]


def expected_of(
    rows: list[tuple[str, int, float | None, int | None]], first_ms: int, end_ms: int
) -> dict[str, list[tuple[int, float, int]]]:
    """What the rows say, a row at a time."""
    found: dict[str, list[tuple[int, float, int]]] = {}
    for point, at_ms, value, told in sorted(rows, key=lambda row: row[1]):
        number = math.nan if value is None else value
        is_doubtful = not told and not math.isfinite(number)
        if first_ms <= at_ms < end_ms:
            reading = at_ms, number, int(Quality.NOT_A_NUMBER) if is_doubtful else told or 0
            found.setdefault(point, []).append(reading)
    return found


@settings(deadline=None)
@given(
    rows=foreign_rows(),
    is_dictionary=st.booleans(),
    written=st.fixed_dictionaries({"row_group_size": st.integers(1, 12), "write_statistics": st.booleans()}),
    asked=st.tuples(st.integers(-1, 31), st.integers(-1, 31)),
)
def test_a_parquet_of_another_program_says_the_same_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, int, float | None, int | None]],
    is_dictionary: bool,
    written: dict[str, Any],
    asked: tuple[int, int],
) -> None:
    file = tmp_path_factory.mktemp("h") / "h.parquet"
    points, times, values, quality = ([row[i] for row in rows] for i in range(4))
    names = pa.array(points, pa.string())
    columns = {
        "point": names.dictionary_encode() if is_dictionary else names,
        "at_ms": pa.array(times, pa.int64()),
        "value": pa.array(values, pa.float64()),
        "quality": pa.array(quality, pa.uint8()),
    }
    pq.write_table(pa.table(columns), file, **written)
    first_ms, end_ms = (SINCE_MS + place * 1000 for place in asked)
    read = read_history(file, header=a_header(), since_ms=first_ms, until_ms=end_ms)
    told = {
        point: list(zip(track.times.tolist(), track.values.tolist(), track.quality.tolist(), strict=True))
        for point, track in read.tracks.items()
    }
    # By their writing: what is no number is not equal to itself.
    assert repr(told) == repr(dict(sorted(expected_of(rows, max(first_ms, SINCE_MS), end_ms).items())))


@pytest.mark.parametrize("group", [1, 2, 10])
def test_an_instant_that_is_there_twice_is_found_wherever_it_stands(tmp_path: Path, group: int) -> None:
    file = tmp_path / "h.parquet"
    at_ms = [SINCE_MS + 2, SINCE_MS, SINCE_MS + 1, SINCE_MS + 2]
    columns = {
        "point": ["a/x"] * 4,
        "at_ms": at_ms,
        "value": [1.0] * 4,
        "quality": pa.array([0] * 4, pa.uint8()),
    }
    pq.write_table(pa.table(columns), file, row_group_size=group)
    with pytest.raises(ConfigurationError, match=rf"a/x: has the instant {SINCE_MS + 2} ms twice"):
        read_history(file, header=a_header())


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"point": [1, 2]}, "point: is int64, not text"),
        ({"point": [None, "a/x"]}, "point: is missing in some rows"),
        ({"quality": [-1, 0]}, "-1 is no quality"),
        ({"value": ["heavy", "light"]}, "value: is string, not numbers"),
        ({"value": [2**63 - 1, 0]}, "is damaged"),
        ({"quality": ["good", "good"]}, "quality: is string, not a number"),
        ({"quality": [0.5, 0.0]}, "quality: is double, not a number"),
        ({"at_ms": [dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2)]}, "at_ms: is timestamp"),
        ({"at_ms": ["1", "2"]}, "at_ms: is string, not whole milliseconds"),
        ({"at_ms": [math.nan, math.nan]}, "at_ms: is double, not whole milliseconds"),
        ({"point": [["a/x"], ["a/x"]]}, "point: is not a column of text"),
    ],
)
def test_a_column_that_cannot_be_meant_is_named(
    tmp_path: Path, changed: dict[str, Any], complaint: str
) -> None:
    file = tmp_path / "h.parquet"
    columns = {
        "point": ["a/x"] * 2,
        "at_ms": [SINCE_MS, SINCE_MS + 1],
        "value": [1.0, 2.0],
        "quality": [0, 0],
    }
    pq.write_table(pa.table({**columns, **changed}), file)
    with pytest.raises(ConfigurationError, match=complaint):
        read_history(file, header=a_header())


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    table = pa.table([["a/x"], [SINCE_MS], [1.0], [0], [2.0]], [*COLUMNS, "value"])
    pq.write_table(table, tmp_path / "h.parquet")
    (tmp_path / "h.csv").write_text(f"point,at_ms,value,value\na/x,{SINCE_MS},1,2\n", encoding="utf-8")
    for ending in ENDINGS:
        with pytest.raises(ConfigurationError, match="value: is there twice"):
            read_history(tmp_path / f"h{ending}", header=a_header())


def test_a_cell_without_end_is_named(tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_text(f"point,at_ms,value\n{'x' * 200_000},{SINCE_MS},1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"h\.csv:2.* is no line of a CSV"):
        read_history(file, header=a_header())


def test_columns_of_another_program_do_not_hide_when_a_group_was(tmp_path: Path) -> None:
    more = pa.array([{"a": "z", "b": "z", "c": "z"}])
    table = pa.table([more, ["a/x"], [SINCE_MS], [math.inf], [0]], ["more", *COLUMNS])
    pq.write_table(table, tmp_path / "h.parquet")
    (track,) = read_history(tmp_path / "h.parquet", header=a_header()).tracks.values()
    assert track.times.tolist() == [SINCE_MS]
    assert math.isnan(track.values[0])
    assert track.quality[0] == Quality.NOT_A_NUMBER


def test_points_that_were_read_together_share_their_instants_and_nobody_can_change_them(
    tmp_path: Path,
) -> None:
    times, later = np.arange(SINCE_MS, SINCE_MS + 100), np.arange(SINCE_MS + 1, SINCE_MS + 101)
    values, good = np.zeros(100), np.zeros(100, np.uint8)
    together = {f"crane-1/{key}": Track(times, values, good) for key in "ac"}
    file = tmp_path / "h.parquet"
    write_history(file, History(a_header(), {**together, "crane-1/b": Track(later, values, good)}))
    read = read_history(file).tracks
    assert np.shares_memory(read["crane-1/a"].times, read["crane-1/c"].times)
    assert read["crane-1/b"].times.tolist() == later.tolist()
    with pytest.raises(ValueError, match="read-only"):
        read["crane-1/a"].times[0] = 0


def test_a_spreadsheet_finds_nothing_to_run_in_the_first_line(tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    labels = ["=1+1", "a,=1+1", "a;@x", '"=1', "+x|y", "\N{FULLWIDTH EQUALS SIGN}1", "1号塔机, crane", "\t-1"]
    device = a_header().devices[0]
    devices = [
        msgspec.structs.replace(device, device=f"crane-{n}", label=Text(label, label))
        for n, label in enumerate(labels)
    ]
    written = a_header(devices=devices)
    write_history(file, History(written, {}))
    assert read_header(file) == written
    first = file.read_text(encoding="utf-8").splitlines()[0]
    for separator in ",;":
        (cells,) = csv.reader([first], delimiter=separator)
        assert not [cell for cell in cells if cell.lstrip(" '\"`")[:1] in "=+-@\t＝" and cell]


def test_lines_for_people_before_the_table_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    write_history(file, History(a_header(), {"crane-1/load": a_track((SINCE_MS, 1.5, Quality.GOOD))}))
    first, *rest = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([first, "# taken out by somebody", "# on a Monday", *rest]), encoding="utf-8")
    assert read_history(file).tracks["crane-1/load"].values.tolist() == [1.5]
    file.write_text(f"point,at_ms,value\n# x,{SINCE_MS},1\n", encoding="utf-8")
    assert list(read_history(file, header=a_header()).tracks) == ["# x"]
