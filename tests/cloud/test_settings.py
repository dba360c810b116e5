"""The configuration is understood or refused with the place and the mend."""

import textwrap

import pytest

from cloud.settings import read_settings
from sitewarden.errors import ConfigurationError
from tests.support.certificates import certify

GOOD = """
listen: 127.0.0.1:8080
data_dir: cloud-data
broker: {host: 127.0.0.1, port: 1883, username: cloud, password_file: cloud.password}
demo: false
sites:
  - {site: demo, name: {zh: 示范工地, en: Demo site}, time_zone: Asia/Shanghai, gateways: [gw-1]}
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "cloud.password").write_text("secret\n")

    def write(text: str):
        file = tmp_path / "cloud.yaml"
        file.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
        return file

    return write


def test_paths_are_relative_to_the_file(write, tmp_path):
    settings = read_settings(write(GOOD))
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.data_dir == tmp_path / "cloud-data"
    assert settings.broker_password == "secret"
    assert settings.sites["demo"].gateways == ["gw-1"]


def test_an_ipv6_address_is_understood(write):
    settings = read_settings(write(GOOD.replace("127.0.0.1:8080", "'[::1]:8080'")))
    assert (settings.host, settings.port) == ("::1", 8080)


@pytest.mark.parametrize(
    ("old", "new", "where", "mend"),
    [
        ("127.0.0.1:8080", "localhost", ":1: listen", "Write it like 127.0.0.1:8080."),
        ("127.0.0.1:8080", "127.0.0.1:99999", ":1: listen", "Write it like"),
        ("Asia/Shanghai", "Asia/Peking", ":6: sites.0.time_zone", "Use a name like Asia/Shanghai."),
        ("[gw-1]", "[gw-1, gw-1]", ":6: sites.0.gateways.1", "Keep one of them."),
        ("[gw-1]", "[GW/1]", ":6: sites.0.gateways.0", "Use a-z"),
        ("site: demo,", "site: Demo,", ":6: sites.0.site", "Use a-z"),
        ("cloud.password}", "no.password}", ":3: broker.password_file", "Check the path"),
        (", password_file: cloud.password", "", ":3: broker", "Give both, or neither."),
        ("demo: false", "demmo: false", ":4: demmo", "Did you mean `demo`?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place_and_mend(write, old, new, where, mend):
    with pytest.raises(ConfigurationError) as refused:
        read_settings(write(GOOD.replace(old, new)))
    assert f"cloud.yaml{where}: " in str(refused.value)
    assert mend in str(refused.value)


def test_a_file_without_sites_is_one_for_a_registry_that_people_fill(write):
    assert read_settings(write("broker: {host: 127.0.0.1}\n")).sites == {}


def test_the_same_site_twice_is_refused(write):
    site = GOOD.strip().splitlines()[-1]
    with pytest.raises(ConfigurationError, match=r":7: sites\.1\.site: `demo` is given twice"):
        read_settings(write(GOOD + site + "\n"))


ENROLMENT = f"""{GOOD}\
enrolment: {{host: broker.example.org, ca_file: ca.pem, password_file: passwords, pid_file: pid}}
"""


def test_enrolment_names_files_beside_the_configuration_and_gives_away_no_key(write, tmp_path):
    (tmp_path / "passwords").touch()
    certify(tmp_path, "broker.example.org")
    certificate = (tmp_path / "cert.pem").read_text()
    (tmp_path / "ca.pem").write_text((tmp_path / "key.pem").read_text() + "a note\n" + certificate)
    enrolment = read_settings(write(ENROLMENT)).enrolment
    assert enrolment is not None
    assert (enrolment.host, enrolment.port) == ("broker.example.org", 8883)
    assert (enrolment.password_file, enrolment.pid_file) == (tmp_path / "passwords", tmp_path / "pid")
    assert enrolment.ca == certificate


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("passwords", "nowhere", "enrolment.password_file: `nowhere` is not a file"),
        ("pid_file: pid", "pid_file: pid, reload_command: [reload]", "enrolment: `pid_file` and"),
        ("ca.pem", "passwords", "enrolment.ca_file: `passwords` is no file of certificates"),
        ("ca.pem", "nowhere", "enrolment.ca_file: `nowhere` is no file of certificates"),
    ],
)
def test_enrolment_that_cannot_be_meant_is_refused(write, tmp_path, old, new, said):
    (tmp_path / "passwords").touch()
    certify(tmp_path, "broker.example.org")
    (tmp_path / "cert.pem").rename(tmp_path / "ca.pem")
    with pytest.raises(ConfigurationError) as refused:
        read_settings(write(ENROLMENT.replace(old, new)))
    assert f"cloud.yaml:7: {said}" in str(refused.value)


def test_metrics_open_to_others_ask_for_a_token(write, tmp_path):
    (tmp_path / "token").write_text("a token that nobody guesses\n")
    (tmp_path / "short").write_text("guess me\n")
    here = read_settings(write(GOOD + "metrics: {listen: '127.0.0.1:9108'}\nlogs: json\n"))
    assert (here.metrics.port, here.metrics.token, here.logs) == (9108, None, "json")
    wide = read_settings(write(GOOD + "metrics: {listen: '0.0.0.0:9108', token_file: token}\n"))
    assert (wide.metrics.port, wide.metrics.token) == (9108, "a token that nobody guesses")
    for wrong, said in (
        ("{listen: '0.0.0.0:9108'}", "open to others"),
        ("{listen: '0.0.0.0:9108', token_file: short}", "could be guessed"),
        ("{listen: somewhere}", "is not host:port"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            read_settings(write(GOOD + f"metrics: {wrong}\n"))


def test_without_a_word_of_metrics_the_ingest_listens_nowhere(write):
    settings = read_settings(write(GOOD))
    assert (settings.metrics.port, settings.metrics.token, settings.logs) == (None, None, "text")
