"""A cloud that shows a replay: nothing live gets in, nothing gets out, its controls reach the replay."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.settings import Settings
from firmware_sim.replay.run import Playback, Playing, playing
from firmware_sim.replay.run import Settings as ReplaySettings
from sitewarden.history import write_history
from tests.cloud.site import birth, delivery, make_settings, raised, readings
from tests.cloud.web.serving import Web
from tests.support.histories import STEP_MS, T0, crane_past, crane_tracks, history_of
from tests.support.waiting import PATIENCE_S

YEARS_AGO_MS = 1_500_000_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path, replay=tmp_path / "replay.sock")


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Playing]:
    """A replay that nobody follows, with its control socket, in a thread of its own."""
    file = tmp_path / "history.parquet"
    write_history(file, history_of(crane_tracks("crane-1", [1.0] * 10), crane_past()))
    how = ReplaySettings(playback=Playback(file=file, speed=60), control=tmp_path / "replay.sock")
    ready, stop = threading.Event(), threading.Event()
    found: list[Playing] = []

    async def play() -> None:
        async with playing(how) as play:
            found.append(play)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(play(),))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield found[0]
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def test_the_pages_know_that_it_is_a_replay(web):
    assert web.get("/server").json()["replay"] is True


def test_nothing_live_gets_in(site):
    site.deliver(birth())
    # Not receipted: its gateway keeps it for the cloud that it is meant for.
    assert site.deliver(raised()).settled == []
    assert site.value("SELECT count(*) FROM gateway") == 0
    assert site.rows("SELECT mode, reason FROM dead_letter") == [("live", "mode")] * 2


def test_its_statistics_count_its_own_dead_letters_and_none_of_a_live_gateway(site, web):
    site.deliver(birth(), delivery(b"nonsense", channel="readings", mode="replay"))
    assert web.get("/sites/demo/statistics").json()["dead_letters"] == {"garbage": 1}


def test_alarms_of_the_past_are_shown_and_open_nothing(site, web):
    site.deliver(birth(boot="r"), mode="replay")
    site.deliver(raised(boot="r", at=YEARS_AGO_MS), mode="replay")
    (episode,) = web.get("/sites/demo/alarms").json()["items"]
    assert (episode["mode"], episode["late"]) == ("replay", False)
    assert episode["raised_at"] == "2017-07-14T02:40:00.000Z"
    assert site.value("SELECT count(*) FROM hazard") == 0
    assert site.value("SELECT count(*) FROM live_event WHERE kind = 'alarm'") == 1


def test_ages_are_judged_against_recorded_time_whatever_that_is(site, web):
    site.deliver(birth(boot="r"), mode="replay")
    site.deliver(readings(1.0, 2.0, boot="r", at=YEARS_AGO_MS), mode="replay")
    told = web.get("/sites/demo/values").json()
    assert told["values"]["crane-1/load"]["value"] == 2.0
    assert told["now_ms"] == told["values"]["crane-1/load"]["at_ms"] == YEARS_AGO_MS + 200


def test_a_jump_back_shows_what_came_after_it_and_not_what_was_newest_before(site, web):
    site.deliver(birth(boot="r"), mode="replay")
    site.deliver(readings(9.0, boot="r", at=YEARS_AGO_MS + 60_000), mode="replay")
    site.deliver(birth(boot="r"), mode="replay")
    assert web.get("/sites/demo/values").json()["values"] == {}
    site.deliver(readings(1.0, boot="r", at=YEARS_AGO_MS), mode="replay")
    assert web.get("/sites/demo/values").json()["values"]["crane-1/load"]["value"] == 1.0


def test_the_controls_reach_the_replay(web, played):
    assert web.get("/replay").json()["state"] == "waiting"
    answer = web.post("/replay", json={"do": "speed", "speed": 2.5})
    assert (answer.status_code, answer.json()["speed"]) == (200, 2.5)
    assert web.post("/replay", json={"do": "speed"}).json()["speed"] is None
    assert web.post("/replay", json={"do": "pause"}).json()["state"] == "paused"
    web.post("/replay", json={"do": "seek", "at_ms": T0 + 3 * STEP_MS})
    played.source.next(1)
    assert web.get("/replay").json()["at_ms"] == T0 + 3 * STEP_MS


@pytest.mark.parametrize("asked", [{"do": "explode"}, {"do": "speed", "speed": 601}, {"do": "seek"}, {}])
def test_what_cannot_be_meant_is_refused(web, played, asked):
    assert web.post("/replay", json=asked).status_code == 422


def test_a_replay_that_has_ended_is_said_to_be_gone(web):
    assert web.get("/replay").json()["type"] == "/problems/no-replay"


def test_a_cloud_that_shows_live_sites_has_no_replay(dsn, site, tmp_path):
    served = Web(make_settings(tmp_path), dsn)
    try:
        served.sign_in(site.connection)
        assert served.get("/replay").status_code == 404
        assert served.post("/replay", json={"do": "pause"}).status_code == 404
        assert served.get("/server").json()["replay"] is False
    finally:
        served.close()
