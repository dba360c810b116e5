"""A gateway just registered is heard at once, one that was retired is not, whatever the file said."""

import msgspec
import pytest

from cloud.registry.known import load_site
from cloud.registry.seeding import seed_sites
from sitewarden.text import Text
from tests.cloud.site import birth, raised, readings


@pytest.fixture
def people(site):
    """Changes the registry by SQL, as somebody."""

    def change(statement: str, *parameters) -> None:
        with site.connection.transaction():
            site.connection.execute("SELECT set_config('sitewarden.author', '安全员', true)")
            site.connection.execute(statement.encode(), parameters)

    return change


def reasons(outcome) -> list[str]:
    return [letter.reason for letter in outcome.dead]


@pytest.mark.parametrize("message", [birth(), readings(1.0), raised()], ids=["birth", "readings", "alarm"])
def test_what_an_unregistered_gateway_says_is_counted_and_left_with_it(site, message):
    outcome = site.deliver(message, gateway="gw-9")
    assert (reasons(outcome), outcome.settled) == (["gateway"], [])


def test_a_gateway_is_heard_from_the_moment_it_is_registered(site, people):
    assert reasons(site.deliver(birth(), gateway="gw-9")) == ["gateway"]
    people("INSERT INTO site_gateway (site, gateway) VALUES ('demo', 'gw-9')")
    assert not site.deliver(birth(), gateway="gw-9").dead
    assert site.seqs(site.deliver(said := readings(1.0), gateway="gw-9")) == [said.seq]


def test_a_site_is_heard_from_the_moment_it_is_made(site, people):
    assert reasons(site.deliver(birth(), site="north")) == ["gateway"]
    people("INSERT INTO site (site, name, time_zone) VALUES ('north', '{}', 'Asia/Urumqi')")
    people('UPDATE site SET name = \'{"zh": "北区", "en": "North"}\' WHERE site = \'north\'')
    people("INSERT INTO site_gateway (site, gateway) VALUES ('north', 'gw-1')")
    assert not site.deliver(birth(), site="north").dead
    assert not site.deliver(raised(), site="north").dead
    assert site.value("SELECT count(*) FROM hazard WHERE site = 'north'") == 1


@pytest.mark.parametrize("spoilt", ["name = '[]'", "time_zone = 'Asia/Nowhere'", "time_zone = '../x'"])
def test_a_site_spoilt_by_hand_silences_nobody(site, people, spoilt):
    site.born()
    people(f"UPDATE site SET {spoilt}")
    assert not site.deliver(raised()).dead
    assert site.value("SELECT count(*) FROM hazard") == 1


def test_a_retired_gateway_is_heard_no_more_and_what_it_said_stays(site, people):
    site.born()
    site.deliver(readings(1.0))
    people("UPDATE site_gateway SET retired_on = current_date WHERE gateway = 'gw-1'")
    assert reasons(site.deliver(readings(2.0))) == ["gateway"]
    assert site.value("SELECT count(*) FROM reading") == 1


def test_who_may_speak_changes_only_with_an_author(site):
    with pytest.raises(Exception, match="names its author"):
        site.connection.execute("UPDATE site_gateway SET retired_on = current_date")


class TestSeeding:
    """A line of the file counts once; then what people say does."""

    @staticmethod
    def seed(site, **changes):
        file = msgspec.structs.replace(site.settings.sites["demo"], **changes)
        seed_sites(site.connection, {"demo": file})
        return load_site(site.connection, "demo")

    def test_what_people_changed_is_not_undone_by_the_next_start(self, site, people):
        people('UPDATE site SET name = \'{"zh": "甲", "en": "A"}\'')
        people("UPDATE site_gateway SET retired_on = current_date WHERE gateway = 'gw-2'")
        again = self.seed(site)
        assert (again.name, again.gateways) == (Text("甲", "A"), ["gw-1"])

    def test_what_changed_in_the_file_is_taken_over_and_nothing_else(self, site, people):
        people('UPDATE site SET name = \'{"zh": "甲", "en": "A"}\'')
        again = self.seed(site, time_zone="Asia/Urumqi", gateways=["gw-1", "gw-2", "gw-3"])
        assert (again.name, again.time_zone) == (Text("甲", "A"), "Asia/Urumqi")
        assert again.gateways == ["gw-1", "gw-2", "gw-3"]

    def test_a_gateway_struck_from_the_file_is_retired_and_one_written_again_is_back(self, site):
        assert self.seed(site, gateways=["gw-1"]).gateways == ["gw-1"]
        assert self.seed(site, gateways=["gw-1", "gw-2"]).gateways == ["gw-1", "gw-2"]

    def test_a_gateway_that_people_registered_is_none_of_the_file_s(self, site, people):
        people("INSERT INTO site_gateway (site, gateway) VALUES ('demo', 'gw-9')")
        assert self.seed(site, gateways=["gw-1"]).gateways == ["gw-1", "gw-9"]

    def test_the_file_signs_with_its_name(self, site):
        self.seed(site, gateways=["gw-1"])
        assert site.rows(
            "SELECT author, before ->> 'retired_on', after ->> 'retired_on' IS NOT NULL FROM registry_change "
            "WHERE record = 'site_gateway' ORDER BY id DESC LIMIT 1"
        ) == [("cloud.yaml", None, True)]
