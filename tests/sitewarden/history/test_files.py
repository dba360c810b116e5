"""A history survives its file, whichever format, and a bad file says what is wrong with it."""

from pathlib import Path

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
    parquetfile,
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
    assert sum(len(rows.at_ms) for rows in parquetfile.read_rows(file, SINCE_MS, SINCE_MS + 100, 100)) == 100
    with pytest.raises(ConfigurationError, match="100 readings in this range, more than 99"):
        next(parquetfile.read_rows(file, SINCE_MS, SINCE_MS + 100, 99))
    # What lies outside the range is not read, and does not count.
    assert list(parquetfile.read_rows(file, SINCE_MS - 100, SINCE_MS, 99)) == []


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
