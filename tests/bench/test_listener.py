import json

import pytest

from bench.edge_outage import came, order
from bench.listener import HeardAlarm, HeardBatch, Listener
from sitewarden.messages import Alarm, Readings, Series, Status, encode
from sitewarden.quality import Quality
from sitewarden.rules.model import Basis
from sitewarden.text import Text
from sitewarden.topics import up

READINGS, ALARMS, STATUS = (up("live", "bench", "gw-1", name) for name in ("readings", "alarms", "status"))


@pytest.fixture
def listener() -> Listener:
    """One that no broker is connected to."""
    return Listener(0)


def readings(seq: int, *series: Series) -> bytes:
    return encode(Readings(boot="b", seq=seq, at=1000, series=list(series)))


def alarm(seq: int, at_ms: int) -> Alarm:
    return Alarm(
        boot="b",
        seq=seq,
        at=at_ms,
        change="raised",
        episode="0" * 32,
        device="station-0",
        point="station-0/r19",
        kind="weather.wind_speed",
        rule="bench-wind",
        rule_version=1,
        family="bench-wind",
        level=3,
        label=Text("测量", "Measuring"),
        unit="m/s",
        value=25.0,
        limit=20.0,
        peak=25.0,
        raised_at=at_ms,
        basis=Basis(clause="none", source="measuring", confidence="synthetic"),
    )


def test_our_values_are_counted_in_the_registers_own_numbers(listener: Listener):
    listener.hear(READINGS, readings(1, Series(p="station-0/r0", t=[0, 1000], x=[0.4, 0.5])))

    assert list(listener.columns["station-0/r0"].instants) == [1000, 2000]
    assert list(listener.columns["station-0/r0"].values) == [4.0, 5.0]


def test_a_reading_of_bad_quality_is_no_delivered_reading_but_it_came(listener: Listener):
    bad = [Quality.GOOD, Quality.TIMEOUT]
    listener.hear(READINGS, readings(1, Series(p="station-0/r0", t=[0, 1000], x=[0.4, None], q=bad)))

    assert list(listener.columns["station-0/r0"].instants) == [1000]
    assert came(listener, 5000) == 2


def test_what_came_twice_or_after_the_end_is_not_counted_against_what_was_written(listener: Listener):
    body = readings(1, Series(p="station-0/r0", t=[0, 1000], x=[0.4, 0.5]))
    listener.hear(READINGS, body)
    listener.hear(READINGS, body)

    assert came(listener, 5000) == 2
    assert came(listener, 2000) == 1


def test_an_alarm_that_comes_twice_arrived_when_it_first_came(listener: Listener):
    listener.hear(ALARMS, encode(alarm(1, 1000)))
    first_s = listener.alarms["b", 1].at_s
    listener.hear(ALARMS, encode(alarm(1, 1000)))

    assert listener.alarms["b", 1].at_s == first_s


def test_a_heartbeat_is_kept_with_its_counters(listener: Listener):
    listener.hear(STATUS, encode(Status(state="heartbeat", boot="b", at=1000)))

    assert [heard.status.state for heard in listener.statuses] == ["heartbeat"]


def test_rows_of_the_bare_loop_and_of_peers_are_counted_alike(listener: Listener):
    row = {"ts": 1000, "values": {"r0": 4, "r1": 7}}
    listener.hear("bare/station-0", json.dumps(row).encode())
    listener.hear("v1/gateway/telemetry", json.dumps({"station-1": [row]}).encode())

    assert [list(listener.columns[f"station-{n}/r1"].values) for n in range(2)] == [[7.0], [7.0]]


def test_a_new_candidate_begins_with_nothing_heard(listener: Listener):
    listener.hear("bare/station-0", b'{"ts": 1, "values": {"r0": 4}}')
    listener.forget()

    assert not listener.columns
    assert not listener.batches


def test_readings_are_ahead_of_the_alarms_where_they_came_before_the_last_of_them():
    alarms = [HeardAlarm(alarm(n, 0), at_s) for n, at_s in enumerate((101.0, 103.0), start=1)]
    held_back = [HeardBatch(at_s, 0, 0, 20) for at_s in (102.0, 104.0, 105.0, 106.0)]

    assert order(alarms, held_back, 100.0) == (3.0, 25.0)
    assert order(alarms[:1], held_back, 100.0) == (1.0, 0.0)
