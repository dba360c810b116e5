"""History out of the database: every reading, with its quality, exactly as it was stored."""

import math

import numpy as np
import pytest

from cloud.backtest.asked import Asked, NoSuchDeviceError
from cloud.backtest.service import export, open_history
from cloud.registry.known import load_site
from firmware_sim.replay.place import place_of
from sitewarden.history import read_history
from sitewarden.history.silence import lost_of
from sitewarden.messages import Gap, Readings, Status
from sitewarden.quality import Quality
from tests.cloud.backtest.past import H1, LOAD, RATIO, SECOND, T0, born, crane, pit, told
from tests.cloud.site import BOOT, birth, cleared, raised, readings


def history(site, since=T0, until=T0 + 60 * SECOND, device=None):
    return open_history(site.connection, Asked(load_site(site.connection, "demo"), device, since, until))


def test_readings_come_out_as_they_went_in_with_quality_and_without_binary_dust(site):
    told(born(site), LOAD, [3.15, None, 0.0, 2.3, 0.07])
    track = history(site).tracks([LOAD], T0, T0 + 60 * SECOND)[LOAD]
    assert track.times.tolist() == [T0 + n * SECOND for n in range(5)]
    assert [None if math.isnan(v) else v for v in track.values.tolist()] == [3.15, None, 0.0, 2.3, 0.07]
    assert track.quality.tolist() == [Quality.GOOD, Quality.TIMEOUT, *[Quality.GOOD] * 3]


def test_the_begin_is_in_the_range_and_the_end_is_not(site):
    told(born(site), LOAD, [1.0, 2.0, 3.0])
    source = history(site)
    assert source.tracks([LOAD], T0 + SECOND, T0 + 2 * SECOND)[LOAD].values.tolist() == [2.0]
    assert source.tracks([LOAD], T0 + 3 * SECOND, T0 + 9 * SECOND) == {}


def test_a_point_whose_resolution_changed_has_one_history(site):
    told(born(site), LOAD, [1.0, 2.0])
    site.connection.execute("UPDATE point SET current = false WHERE name = %s", [LOAD])
    site.connection.execute(
        "INSERT INTO point (site, mode, device, name, kind, resolution, gateway_id, position, current)"
        " SELECT site, mode, device, name, kind, 0.5, gateway_id, 0, true FROM point WHERE name = %s",
        [LOAD],
    )
    site.registry.forget()
    told(site, LOAD, [7.5, 8.0], since=T0 + SECOND)
    track = history(site).tracks([LOAD], T0, T0 + 60 * SECOND)[LOAD]
    # At T0 + 1 s both rows have a reading: the one in force holds.
    assert track.values.tolist() == [1.0, 7.5, 8.0]


def test_a_file_holds_readings_gaps_alarms_devices_and_the_rules_in_force(site, tmp_path):
    born(site, crane(), pit(control_cumulative_mm=20.0))
    told(site, LOAD, [1.0, None, 3.0])
    told(site, RATIO, [50.0, 60.0, 70.0])
    gap = Gap(from_at=T0 + 10 * SECOND, to_at=T0 + 20 * SECOND, count=10, reason="evicted", points=[LOAD])
    site.deliver(Readings(boot=BOOT, seq=9001, at=T0, series=[], gaps=[gap]))
    site.deliver(up := raised(at=T0 + SECOND))
    site.deliver(cleared(up))
    for name in ("past.parquet", "past.csv"):
        file = tmp_path / name
        assert export(history(site), file) == 6
        header, tracks = read_history(file)
        assert sorted(tracks) == [LOAD, RATIO]
        assert np.array_equal(tracks[LOAD].values, [1.0, math.nan, 3.0], equal_nan=True)
        assert header.gaps == [gap]
        assert [(a.episode, a.raised_at, a.cleared_at, a.peak) for a in header.alarms] == [
            (up.episode, T0 + SECOND, T0 + 6 * SECOND, 106.0)
        ]
        assert [(d.device, d.unit, d.parameters) for d in header.devices] == [
            ("crane-1", 1, {}),
            ("pit-1", 1, {"control_cumulative_mm": 20.0}),
        ]
        assert header.devices[0].chart is not None
        assert header.devices[1].zero == {"h1": 100.0}
        assert "crane-load-110" in {rule.rule for pack in header.rules for rule in pack.rules}
        assert header.time_zone == "Asia/Shanghai"


def test_what_one_gateway_gave_up_of_all_its_points_names_them_where_there_are_others(site):
    born(site)
    other = Status(state="online", boot="b" * 32, at=T0, devices=[pit()])
    gap = Gap(from_at=T0, to_at=T0 + 20 * SECOND, count=0, reason="evicted")
    lost = Readings(boot="b" * 32, seq=9001, at=T0, series=[], gaps=[gap])
    site.deliver(Readings(boot=BOOT, seq=9001, at=T0, series=[], gaps=[gap]))
    assert history(site).header.gaps == [gap], "of one gateway alone it is all points"
    site.deliver(other, lost, gateway="gw-2")
    found = history(site).header.gaps
    assert sorted(one.points for one in found) == [[LOAD, RATIO], [H1]]
    assert [one.points for one in lost_of("pit-1", found)] == [[H1]]
    assert len(lost_of("crane-1", found)) == 1
    # Of whom it was before its points went to another, nobody can say any more.
    site.connection.execute("UPDATE point SET gateway_id = (SELECT id FROM gateway WHERE gateway = 'gw-1')")
    assert len(lost_of("pit-1", history(site).header.gaps)) == 2


def test_a_long_history_is_written_in_parts_that_join_without_a_seam(site, tmp_path, monkeypatch):
    monkeypatch.setattr("cloud.backtest.service.ROWS_AT_ONCE", 10)
    born(site)
    values = [float(n) for n in range(50)]
    told(site, LOAD, values)
    told(site, RATIO, values)
    assert export(history(site), tmp_path / "past.parquet") == 100
    tracks = read_history(tmp_path / "past.parquet").tracks
    assert tracks[LOAD].values.tolist() == tracks[RATIO].values.tolist() == values


def test_what_was_said_in_another_mode_is_not_in_it(site):
    told(born(site), LOAD, [1.0])
    site.deliver(birth(boot="t" * 32), mode="test")
    site.deliver(readings(9.0, 9.0, at=T0, step_ms=500, boot="t" * 32), mode="test")
    assert history(site).tracks([LOAD], T0, T0 + SECOND)[LOAD].values.tolist() == [1.0]


def test_one_device_is_a_history_of_its_own(site):
    born(site, crane(), pit())
    site.deliver(raised(at=T0))
    header = history(site, device="pit-1").header
    assert [d.device for d in header.devices] == ["pit-1"]
    assert header.alarms == []
    with pytest.raises(NoSuchDeviceError, match="no device `crane-9`"):
        history(site, device="crane-9")


def test_an_export_is_enough_for_a_replay(site, tmp_path):
    told(born(site, crane(), pit(control_cumulative_mm=20.0)), LOAD, [1.0, 2.0])
    file = tmp_path / "past.parquet"
    export(history(site), file)
    place = place_of(file, None, [])
    assert [(d.device, d.bus, d.unit) for d in place.header.devices] == [
        ("crane-1", "bus-1", 1),
        ("pit-1", "bus-2", 1),
    ]
    assert "tower-crane" in [pack.pack for pack in place.packs]


def test_a_device_that_is_gone_is_in_a_history_that_has_readings_of_it_and_in_no_other(site):
    told(born(site, crane(), pit()), LOAD, [1.0])
    born(site, pit())
    assert [d.device for d in history(site).header.devices] == ["pit-1", "crane-1"]
    later = history(site, since=T0 + 10 * SECOND)
    assert [d.device for d in later.header.devices] == ["pit-1"]
