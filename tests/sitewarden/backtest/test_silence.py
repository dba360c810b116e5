"""A hole in a history is the same silence to a back-test as to a replay of it."""

from pathlib import Path

import msgspec
import pytest

from firmware_sim.replay.cast import cast_of
from firmware_sim.replay.timeline import served
from sitewarden.backtest.judging import Span, judge
from sitewarden.backtest.silence import with_silences, witnesses
from sitewarden.casepack.running import judged
from sitewarden.history import History
from sitewarden.messages import Gap, PointBirth
from sitewarden.profiles import load_profiles
from sitewarden.quality import Quality
from tests.support.histories import (
    BACK_MS,
    BLIND_MS,
    GONE_MS,
    STEP_MS,
    T0,
    camera_past,
    camera_tracks,
    crane_past,
    crane_tracks,
    history_of,
    track,
)


def windy(*parts: tuple[int, float | None]) -> History:
    """So many steps of each wind in m/s; `None` is a hole."""
    winds = [wind for count, wind in parts for _ in range(count)]
    said = {i: (wind, Quality.GOOD) for i, wind in enumerate(winds) if wind is not None}
    loads = [None if wind is None else 1.0 for wind in winds]
    return history_of(crane_tracks("crane-1", loads, other={"wind_speed": said}), crane_past())


def alarms(history: History, tracks=None, gaps=()):
    header = history.header
    span = Span(T0, T0, header.until_ms)
    found = judge(header.devices[0], header.rules, tracks or history.tracks, span, header.changes, gaps=gaps)
    return [(e.rule, e.point, e.raised_at - T0, e.cleared_at and e.cleared_at - T0) for e in found.episodes]


@pytest.mark.parametrize(
    "history",
    [
        windy((200, 25.0), (4, 3.0), (1200, None), (20, 3.0)),
        windy((200, 25.0), (4, 3.0), (2400, None), (20, 25.0)),
        windy((20, 3.0), (2, 25.0), (1200, None), (20, 25.0)),
        windy((20, 3.0), (120, None), (20, 3.0)),
        history_of(camera_tracks(), camera_past(), rules=["helmets"]),
    ],
    ids=["ends calm", "high again", "still up", "calm all along", "a camera"],
)
def test_a_replay_and_a_back_test_raise_and_clear_the_same(history):
    replayed = served(history, cast_of(history.header, load_profiles(), Path("history")))
    assert alarms(history) == alarms(history, replayed)


def test_a_camera_is_judged_by_what_it_said_and_its_silence_is_one_alarm():
    history = history_of(camera_tracks(offset_ms=0), camera_past(), rules=["helmets"])
    assert sorted(alarms(history), key=lambda alarm: alarm[2]) == [
        ("person-in-forbidden-zone", "yard/hook.intruders", 13_200, 28_000),
        ("helmet-missing-hook", "yard/hook.bare_1", 15_400, 27_800),
        ("camera-degraded", "yard/state", BLIND_MS + 30_000, BACK_MS + 30_000),
        ("camera-silent", "yard/state", GONE_MS - 10_000 + 60_000, BACK_MS + 30_000),
    ]


def test_a_device_is_heard_to_be_silent_though_its_first_point_never_said_anything():
    tracks = {point: told for point, told in camera_tracks(offset_ms=0).items() if point != "yard/state"}
    history = history_of(tracks, camera_past(), rules=["helmets"])
    heard = [alarm[1:] for alarm in alarms(history) if alarm[0] == "camera-silent"]
    assert heard == [("yard/state", GONE_MS - 10_000 + 60_000, BACK_MS + 30_000)]


def test_an_alarm_does_not_clear_while_nobody_knows():
    history = windy((200, 25.0), (4, 3.0), (1200, None), (2, 3.0))
    (wind,) = [cleared for rule, _, _, cleared in alarms(history) if rule == "wind-stop"]
    assert wind is None


def test_a_case_pack_hears_it_too_and_not_where_readings_were_lost():
    history = windy((200, 25.0), (4, 3.0), (1200, None), (2, 3.0))
    gap = Gap(from_at=T0 + 204 * STEP_MS, to_at=T0 + 1403 * STEP_MS, count=1200, reason="disk")
    known = history._replace(header=msgspec.structs.replace(history.header, gaps=[gap]))
    silent, lost = (
        [e.cleared_at for e in judged(one).episodes if e.rule == "wind-stop"] for one in (history, known)
    )
    assert silent == [None]
    assert lost != [None]


def test_what_is_derived_is_bad_while_its_device_is_silent():
    device = crane_past()
    ratio = PointBirth(p="crane-1/load_ratio", kind="crane.load_ratio", stale_after_ms=2000)
    device = msgspec.structs.replace(device, points=[*device.points, ratio])
    tracks = crane_tracks("crane-1", [1.0] * 4 + [None] * 40 + [1.0])
    times = tracks["crane-1/load"].times.tolist()
    tracks["crane-1/load_ratio"] = track(times, [(34.0, Quality.GOOD)] * len(times))
    heard = with_silences(device, tracks, [])["crane-1/load_ratio"]
    silent = heard.quality == Quality.BAD_INPUT
    assert (heard.times[silent] - T0).tolist() == [2000, 12_000]
    assert witnesses(device, ["crane-1/load_ratio"]) == ["crane-1/load"]
    assert witnesses(device, ["crane-1/load_ratio", "crane-1/radius"]) == []
