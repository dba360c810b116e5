"""A gateway that falls silent is told of once, and when it is back; what only repeats that calls nobody."""

import pytest

from cloud.notices.bounds import bounds
from cloud.notices.nothing import Nothing
from cloud.notices.opening import Telling
from cloud.notices.silence import Silences
from tests.cloud.notices.test_telling import account, nodes
from tests.cloud.site import birth, heartbeat, now_ms, raised
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


def test_the_companies_of_its_devices_hear_that_a_gateway_is_silent_and_those_of_others_do_not(listening):
    site = listening.site
    account(site, "租赁", "equipment_company", at="demo", devices=["crane-1"])
    account(site, "别家", "equipment_company", at="demo", devices=["crane-9"])
    account(site, "基坑监测", "monitoring_body", at="demo")
    listening.look(0, 60)
    assert [row[0] for row in site.rows("SELECT name FROM told_person JOIN account ON id = account_id")] == [
        "租赁"
    ]


class Watching:
    """Ingest's look at whether anything comes in at all."""

    def __init__(self, site) -> None:
        self.site, self.nothing = site, Nothing()

    def look(self, *later_s: int, hears: bool = True) -> list[tuple]:
        for after_s in later_s:
            sites = self.site.registry.sites(self.site.connection)
            telling = Telling(settings=self.site.settings, sites=sites, now_ms=now_ms() + after_s * 1000)
            self.nothing.look(self.site.connection, telling, hears=hears)
        return self.site.rows("SELECT about, step FROM told WHERE kind = 'nothing_heard' ORDER BY created_at")


def test_a_broker_that_is_not_heard_is_told_once_to_all_whom_it_concerns_and_when_it_is_back(site, channel):
    _, county, of_others = nodes(site)
    site.rows("UPDATE site SET territory = %s WHERE site = 'demo' RETURNING 1", county)
    concerned = {
        account(site, "平台运维", "platform_operator"),
        account(site, "王安", "safety_officer", at="demo"),
        account(site, "县平台", "platform_operator", node=county),
    }
    elsewhere = account(site, "别处", "platform_operator", node=of_others)
    channel(lowest=1)
    site.born()
    watching = Watching(site)
    assert watching.look(0, 30, hears=False) == [], "it was heard just now"
    assert len(watching.look(60, 65, 300, hears=False)) == 1
    assert len(Watching(site).look(0, 310, 400, hears=False)) == 1, "another ingest tells of the same"
    heard = {row[0] for row in site.rows("SELECT account_id FROM told_person")}
    assert (concerned <= heard, elsewhere in heard) == (True, False)
    assert len(site.rows("SELECT FROM notice WHERE kind = 'nothing_heard'")) == 1, "in the site's own group"
    assert "MQTT 消息服务" in site.value("SELECT words -> 'zh' ->> 'body' FROM told")
    hear_again(site, 430)
    assert len(watching.look(432)) == 1, "heard once is not back"
    restarted = Watching(site)
    hear_again(site, 460)
    assert len(restarted.look(441)) == 1, "it was started anew meanwhile, and knows all the same"
    assert restarted.look(461)[1][0].endswith("/back")
    hear_again(site, 500)
    assert len(Watching(site).look(480, 501)) == 2, "nor does it say so twice"


def test_all_gateways_silent_is_told_beside_each_of_them_and_one_alone_by_itself(site):
    account(site, "平台运维", "platform_operator")
    site.born()
    assert Watching(site).look(0, 70) == [], "one gateway: its own notice says everything"
    site.deliver(birth(), gateway="gw-2")
    watching = Watching(site)
    assert len(watching.look(0, 70)) == 1
    assert "所有网关" in site.value("SELECT words -> 'zh' ->> 'body' FROM told")
