"""A device is put into a configuration, and no line that people wrote is lost or moved."""

from pathlib import Path

import pytest
import yaml

from cloud.commissioning.editing import UneditableError, buses_in, device_in, with_device, with_profile
from sitewarden import documents

BLOCK = """\
site: north  # of the lot
rules: [tower-crane]
buses:
  # the mast's own line
  - bus: mast
    modbus: {transport: tcp, host: 10.0.0.9}
    devices:
      - device: crane-1  # the old one
        profile: reference-tower-crane
        unit: 1
        label: {zh: 1号, en: "One"}  # as painted on it
      # nothing below it yet

  - bus: pit
    modbus: {transport: tcp, host: 10.0.0.10}
    devices: [{device: pit-1, profile: simple-water-level, unit: 1}]
outputs: []
"""
FILES = {"gateway.yaml": BLOCK}
ENTRY = {
    "profile": "acme-crane",
    "unit": 3,
    "label": {"zh": "3号塔机", "en": "Crane: 3"},
    "commissioning": "trial",
}


def meaning(files) -> dict:
    return yaml.safe_load(files["gateway.yaml"])


def kept(before: str, after: str) -> bool:
    """Every line that was there is there, in its order."""
    lines = iter(after.splitlines())
    return all(any(line == other for other in lines) for line in before.splitlines())


def test_a_device_is_added_to_its_bus_and_the_rest_stays_as_it_was_written():
    after = with_device(FILES, "mast", "crane-3", ENTRY)
    assert meaning(after)["buses"][0]["devices"][1] == {"device": "crane-3", **ENTRY}
    assert kept(BLOCK, after["gateway.yaml"])
    assert device_in(after, "crane-3") == ("mast", {"device": "crane-3", **ENTRY})


def test_a_list_in_brackets_is_added_to_in_brackets():
    after = with_device(FILES, "pit", "pit-2", {"profile": "simple-water-level", "unit": 2})
    assert [its["device"] for its in meaning(after)["buses"][1]["devices"]] == ["pit-1", "pit-2"]
    assert after["gateway.yaml"].count("\n") == BLOCK.count("\n")


@pytest.mark.parametrize(("bus", "device"), [("mast", "crane-1"), ("pit", "pit-1")])
@pytest.mark.parametrize("keys", [{"commissioning": "in_use"}, {"unit": 9}, {"profile": "acme", "unit": 7}])
def test_keys_of_a_device_are_changed_or_added(bus, device, keys):
    after = with_device(FILES, bus, device, keys)
    before = device_in(FILES, device)
    assert device_in(after, device) == (bus, {**before[1], **keys})
    assert after["gateway.yaml"].count("#") == BLOCK.count("#")
    again = with_device(after, bus, device, keys)
    assert again == after


def test_what_cannot_be_placed_is_told_and_nothing_is_guessed():
    with pytest.raises(UneditableError, match="no bus `roof`"):
        with_device(FILES, "roof", "crane-3", ENTRY)
    with pytest.raises(UneditableError, match="hangs on bus `mast`"):
        with_device(FILES, "pit", "crane-1", ENTRY)
    for odd in ("buses: [", "just words", "buses: [{bus: mast, devices: 7}]"):
        with pytest.raises(UneditableError):
            with_device({"gateway.yaml": odd}, "mast", "crane-3", ENTRY)


def test_a_profile_takes_the_place_of_the_version_that_was_there():
    files = with_profile(FILES, "acme-crane", "profile: acme-crane\nversion: 1\n")
    assert meaning(files)["profiles"] == ["profiles"]
    assert kept(BLOCK, files["gateway.yaml"])
    newer = with_profile(files, "acme-crane", "profile: acme-crane\nversion: 2\n")
    assert newer.keys() == files.keys()
    assert "version: 2" in newer["profiles/acme-crane.yaml"]
    assert newer["gateway.yaml"] == files["gateway.yaml"]


def test_a_profile_is_found_wherever_the_configuration_keeps_it():
    files = {"gateway.yaml": f"profiles: [own]\n{BLOCK}", "own/x.yaml": "profile: acme-crane\nversion: 1\n"}
    after = with_profile(files, "acme-crane", "profile: acme-crane\nversion: 2\n")
    assert after == {**files, "own/x.yaml": "profile: acme-crane\nversion: 2\n"}
    other = with_profile(files, "other", "profile: other\n")
    assert meaning(other)["profiles"] == ["own", "profiles"]


def test_buses_that_are_polled_are_named():
    text = BLOCK + "  \n"
    assert buses_in({"gateway.yaml": text}) == ["mast", "pit"]


@pytest.mark.parametrize("word", ["1e3", "0123", "off", "2026-13-45", "12"])
def test_a_word_is_written_and_read_as_the_gateway_reads_it(word: str) -> None:
    after = with_device(FILES, "mast", "crane-3", ENTRY | {"identity": word})
    _, entry = device_in(after, "crane-3") or pytest.fail("it is not there")
    assert entry["identity"] == word
    read = documents.plain(after["gateway.yaml"], Path("gateway.yaml"))
    assert read["buses"][0]["devices"][1]["identity"] == word


@pytest.mark.parametrize("text", ["[" * 5000, "site: !!int x", "site: north\nbuses：[]\n", "site: \x07"])
def test_texts_that_are_no_yaml_are_said_to_be_and_not_changed(text: str) -> None:
    with pytest.raises(UneditableError, match=r"gateway\.yaml.* is not YAML"):
        with_device({"gateway.yaml": text}, "mast", "crane-3", ENTRY)
    with pytest.raises(UneditableError, match=r"gateway\.yaml.* is not YAML"):
        buses_in({"gateway.yaml": text})


def test_what_only_looks_like_a_date_does_not_keep_a_device_out() -> None:
    files = {"gateway.yaml": BLOCK.replace("One", "2026-13-45").replace('"', "")}
    assert device_in(with_device(files, "mast", "crane-3", ENTRY), "crane-3")
