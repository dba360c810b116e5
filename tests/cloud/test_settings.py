"""The configuration is understood or refused with the place and the mend."""

import textwrap

import pytest

from cloud.settings import read_settings
from sitewarden.errors import ConfigurationError

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
