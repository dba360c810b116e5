"""What viewers see, as it happens, over a real connection."""

import itertools
import json
import socket
import threading
import time

import pytest

from cloud.live import hub, routes, viewers
from cloud.live.frames import values_frame
from cloud.live.store import NewEvent, wake_viewers, write_events
from cloud.live.viewers import Change, LiveEvent, Viewer
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.site import birth, cleared, now_ms, raised, readings


def tell(site, *messages):
    site.deliver(*messages)
    wake_viewers(site.connection)


def test_a_snapshot_comes_first_and_then_what_changes(site, web):
    site.born().deliver(readings(3.15))
    with web.stream() as stream:
        assert stream.next("values")["values"]["crane-1/load"]["value"] == 3.15
        assert stream.next("gateway")["state"] == "online"
        tell(site, readings(4.0, at=now_ms() + 1))
        changed = stream.next("values")
        assert {name: value["value"] for name, value in changed["values"].items()} == {"crane-1/load": 4.0}
        assert changed["_id"] is None


def test_an_alarm_and_its_hazard_come_with_ids_and_agree_with_the_lists(site, web):
    site.born()
    with web.stream() as stream:
        stream.next("values")
        tell(site, alarm := raised())
        episode, hazard = stream.next("alarm"), stream.next("hazard")
    assert episode.pop("_id") < hazard.pop("_id")
    assert episode["id"] == alarm.episode
    assert web.get("/sites/demo/alarms").json()["items"] == [episode]
    assert web.get("/sites/demo/hazards").json()["items"] == [hazard]


def test_a_stream_that_was_cut_is_taken_up_without_loss_or_doubles(site, web):
    site.born()
    with web.stream() as stream:
        stream.next("values")
        tell(site, raised(device="crane-0"))
        last = stream.next("hazard")["_id"]
    missed = [raised(device=f"crane-{n}") for n in range(1, 6)]
    for alarm in missed:
        site.deliver(alarm)
    with web.stream(last_id=last) as stream:
        for alarm in missed:
            assert stream.next("alarm")["id"] == alarm.episode
        tell(site, fresh := raised(device="crane-9"))
        assert stream.next("alarm")["id"] == fresh.episode


def test_a_stream_begun_from_nothing_replays_nothing(site, web):
    site.born().deliver(raised(device="crane-0"))
    with web.stream() as stream:
        stream.next("values")
        tell(site, fresh := raised())
        assert stream.next("alarm")["id"] == fresh.episode


def test_a_viewer_that_fell_behind_is_served_from_the_database(site, web, monkeypatch):
    monkeypatch.setattr(viewers, "MAX_EVENTS", 2)
    site.born()
    with web.stream() as stream:
        stream.next("values")
        alarms = [raised(device=f"crane-{n}") for n in range(30)]
        tell(site, *alarms)
        assert [stream.next("alarm")["id"] for _ in alarms] == [
            episode
            for (episode,) in site.rows(
                "SELECT body::jsonb->>'id' FROM live_event WHERE kind = 'alarm' ORDER BY id"
            )
        ]


@pytest.mark.parametrize(("last_id", "lost"), [(1, True), (2, False), (3, False), (4, False), (5, True)])
def test_a_stream_that_cannot_be_taken_up_says_so(site, web, last_id, lost):
    """Its events are gone, or its number is of another database."""
    site.born()
    for n in range(2):
        site.deliver(raised(device=f"crane-{n}"))
    site.connection.execute("DELETE FROM live_event WHERE id <= 2")
    with web.stream(last_id=last_id) as stream:
        first, *_ = next(stream.events)
        assert first == ("reset" if lost else "values")
        tell(site, raised(device="crane-9"))
        numbered = next(event_id for _, event_id, _ in stream.events if event_id is not None)
        assert numbered == (5 if lost else last_id + 1)


def test_one_viewer_too_many_is_sent_away(web, monkeypatch):
    monkeypatch.setattr(hub, "MAX_VIEWERS", 1)
    with web.stream() as stream:
        stream.next("values")
        answer = web.get("/sites/demo/live")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-many-viewers")
    monkeypatch.setattr(hub, "MAX_VIEWERS", 2)
    with web.stream() as stream:
        stream.next("values")


def test_a_waiting_viewer_holds_no_more_than_its_bound():
    viewer = Viewer("demo", 0)
    for n in range(10 * viewers.MAX_EVENTS):
        viewer.offer_event(LiveEvent(n + 1, b"", "crane-1"))
        viewer.offer_change(Change({"crane-1/load": n}, 0))
    assert viewer.is_behind
    waiting = viewer.take()
    assert waiting == values_frame(0, {"crane-1/load": 10 * viewers.MAX_EVENTS - 1})


def test_values_come_at_most_ten_times_a_second(site, web):
    site.born()
    stop = threading.Event()

    def talk() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            tell(site, readings(float(n % 50), at=now_ms() + n))

    speaker = threading.Thread(target=talk)
    began_s = time.monotonic()
    with web.stream() as stream:
        speaker.start()
        try:
            for _ in range(11):
                stream.next("values")
        finally:
            stop.set()
            speaker.join()
    # The first is what stands when he comes; a machine that is busy makes it longer, and never shorter.
    assert time.monotonic() - began_s >= 0.9


def test_a_slow_viewer_delays_nobody(site, web):
    site.born()
    with web.stream() as asleep, web.stream() as awake:
        asleep.next("values")
        awake.next("values")
        for n in range(40):
            tell(site, raised(device=f"crane-{n}"))
            assert awake.next("alarm")["device"] == f"crane-{n}"


def test_a_viewer_that_takes_nothing_is_cut_off_and_harms_nobody(site, web, monkeypatch):
    """His connection is up and his system answers, but nobody reads: a tab asleep, a program that hangs."""
    monkeypatch.setattr(routes, "PATIENCE_S", 1.0)
    site.born()
    large = json.dumps({"device": "crane-1", "note": "x" * 200_000})
    with socket.socket() as deaf, web.stream() as stream:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(web.listening.getsockname())
        cookies = "; ".join(f"{name}={value}" for name, value in web.client.cookies.items())
        request = f"GET /api/v1/sites/demo/live HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n"
        deaf.sendall(request.encode())
        wait_for(lambda: "sitewarden_live_viewers 2.0" in web.client.get("/metrics").text, "both to watch")
        with site.connection.transaction():
            write_events(site.connection, [NewEvent("demo", "alarm", large)] * 40, now_ms())
        wake_viewers(site.connection)
        assert len([stream.next("alarm") for _ in range(40)]) == 40
        wait_for(lambda: "sitewarden_live_viewers 1.0" in web.client.get("/metrics").text, "it to be cut off")
        tell(site, fresh := raised())
        assert stream.next("alarm")["id"] == fresh.episode


@pytest.mark.usefixtures("site")
def test_a_heartbeat_comment_comes_when_nothing_else_does(web, monkeypatch):
    monkeypatch.setattr(routes, "HEARTBEAT_S", 0.05)
    with web.stream() as stream:
        lines = stream.lines
        while next(lines) != ": still here":
            pass


@pytest.mark.usefixtures("site")
def test_a_stream_ends_when_its_session_does(web, monkeypatch):
    monkeypatch.setattr(routes, "HEARTBEAT_S", 0.05)
    with web.stream() as stream:
        stream.next("values")
        assert web.delete("/session").status_code == 204
        stream.all()


def test_a_stream_with_much_to_say_ends_when_its_session_does(site, web, monkeypatch):
    """A crane at work has news several times a second, and never a silence in which to look."""
    monkeypatch.setattr(routes, "HEARTBEAT_S", 0.2)
    site.born()
    stop = threading.Event()

    def talk() -> None:
        for n in itertools.count():
            if stop.is_set():
                return
            tell(site, readings(float(n % 50), at=now_ms() + n))

    speaker = threading.Thread(target=talk)
    with web.stream() as stream:
        stream.next("values")
        assert web.delete("/session").status_code == 204
        speaker.start()
        try:
            until = time.monotonic() + 45
            assert all(time.monotonic() < until for _ in stream.events), "it goes on without a session"
        finally:
            stop.set()
            speaker.join()


@pytest.mark.usefixtures("site")
def test_the_server_stops_though_streams_are_open(web):
    with web.stream() as stream:
        stream.next("values")
        began = time.monotonic()
        web.server.should_exit = True
        stream.all()
        web.close()
        assert time.monotonic() - began < 20, "open streams hold up the end"


@pytest.mark.parametrize("last_id", ["x", "-1", "9" * 30])
def test_a_last_event_id_of_somebody_else_is_refused(web, last_id):
    answer = web.get("/sites/demo/live", headers={"Last-Event-ID": last_id})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-event-id")


@pytest.mark.usefixtures("site")
def test_only_this_site_s_events_come(web):
    assert web.get("/sites/elsewhere/live").status_code == 404


def test_the_clear_comes_as_the_same_episode(site, web):
    site.born()
    with web.stream() as stream:
        stream.next("values")
        tell(site, up := raised())
        assert stream.next("alarm")["cleared_at"] is None
        assert stream.next("hazard")["signal"] == "active"
        tell(site, cleared(up))
        assert stream.next("alarm")["cleared_at"] is not None
        assert stream.next("hazard")["signal"] == "cleared"


def test_a_gateway_that_says_it_leaves_is_shown_offline_at_once(site, web):
    site.born()
    with web.stream() as stream:
        assert stream.next("gateway")["state"] == "online"
        tell(site, birth(state="offline"))
        while stream.next("gateway")["state"] != "offline":
            pass
