"""A gateway that falls silent is told of once, and when it is back; what only repeats that calls nobody."""

import pytest

from cloud.notices.bounds import bounds
from cloud.notices.silence import Silences
from tests.cloud.notices.test_telling import account
from tests.cloud.site import heartbeat, now_ms, raised
from tests.cloud.web.serving import Web

BOUND = bounds().silence
LISTENING_MS = BOUND.listening_s * 1000


class Listening:
    """Ingest's duty, at whatever instant, with a broker that is heard or not."""

    def __init__(self, site) -> None:
        self.site, self.is_heard = site, True
        self._silences = Silences(site.settings, site.registry, lambda: self.is_heard)

    def look(self, *later_s: int) -> list[tuple]:
        for after_s in later_s:
            self._silences.look(self.site.connection, now_ms() + after_s * 1000)
        return self.site.rows("SELECT title FROM notice WHERE kind = 'gateway_silent' ORDER BY created_at")


@pytest.fixture
def listening(site, channel) -> Listening:
    channel(lowest=1)
    site.born()
    site.deliver(heartbeat())
    return Listening(site)


def hear_again(site, later_s: int) -> None:
    site.rows("UPDATE gateway SET seen_at = now() + %s * interval '1 second' RETURNING 1", later_s)


def test_a_silent_gateway_is_told_of_once_within_a_minute_and_again_when_it_is_back(listening):
    listening.look(0)
    assert listening.look(59) == [], "the cloud itself does not listen for long enough"
    assert listening.look(60, 61, 300) == [("[网关失联] 示范工地 gw-1",)]
    hear_again(listening.site, 310)
    assert len(listening.look(312)) == 1, "heard once is not back"
    hear_again(listening.site, 330)
    assert listening.look(333, 335)[1:] == [("[网关恢复] 示范工地 gw-1",)]
    assert listening.site.value("SELECT count(*) FROM gateway_silence WHERE ended_at IS NOT NULL") == 1


def test_a_cloud_that_was_away_itself_says_of_nobody_that_he_is_silent(listening):
    hear_again(listening.site, -86_400)
    listening.look(0, 30)
    listening.is_heard = False
    listening.look(55)
    listening.is_heard = True
    assert listening.look(60, 110) == []
    hear_again(listening.site, 115)
    assert listening.look(121) == [], "it came back while the cloud was starting"


def test_one_that_says_that_it_goes_is_told_of_sooner(listening):
    listening.look(-60)
    listening.site.rows("UPDATE gateway SET state = 'offline' RETURNING 1")
    assert listening.look(BOUND.said_s + 1) == [("[网关失联] 示范工地 gw-1",)]


def test_devices_that_were_silent_with_their_gateway_call_nobody_and_are_on_record(site, web: Web, listening):
    listening.look(0, 61)
    quiet = raised(rule="crane-silent", family="crane-telemetry", level=2)
    site.deliver(quiet, raised(rule="crane-load-100", level=3, hazard=None))
    site.deliver(raised(rule="gas-silent", family="gas-telemetry", level=4, hazard=None))
    shown = web.get("/sites/demo/notices").json()["items"]
    told = {
        one["level"]: (one["state"], one["code"], one["answer"]) for one in shown if one["kind"] == "alarm"
    }
    assert told == {
        2: ("inhibited", "gateway_silent", "gw-1"),
        3: ("waiting", "", ""),
        4: ("waiting", "", ""),
    }
    assert site.value("SELECT count(*) FROM episode") == 3
    assert site.value("SELECT count(*) FROM hazard") == 1, "its record is opened all the same"


def test_a_gateway_that_was_retired_or_never_heard_is_not_missed(listening):
    listening.site.rows("SELECT set_config('sitewarden.author', 'Li Na', false)")
    listening.site.rows("UPDATE site_gateway SET retired_on = now() WHERE gateway = 'gw-1' RETURNING 1")
    assert listening.look(0, 61, 120) == []


def test_one_that_is_retired_while_it_is_silent_is_not_said_to_be_back(listening):
    account(listening.site, "老安", "safety_officer", at="demo")
    listening.look(0, 61)
    told = "SELECT body FROM notice WHERE kind = 'gateway_silent'"
    assert "https://safety.example.com/sites/demo/gateways/gw-1\n" in listening.site.value(told)
    listening.site.rows("SELECT set_config('sitewarden.author', 'Li Na', false)")
    listening.site.rows("UPDATE site_gateway SET retired_on = now() WHERE gateway = 'gw-1' RETURNING 1")
    assert listening.look(70, 120) == [("[网关失联] 示范工地 gw-1",)]
    assert listening.site.value("SELECT count(*) FROM gateway_silence WHERE ended_at IS NULL") == 0
    assert listening.site.rows("SELECT due_at FROM told") == [(None,)], "nobody further is called"
