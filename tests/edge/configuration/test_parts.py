"""What is kept on the disk, what a probation sees, what a document may name, and what a start works from."""

import asyncio
import contextlib
import os
import shutil
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from edge.config import Gateway, load_gateway
from edge.configuration import checking
from edge.configuration.command import described
from edge.configuration.history import KEPT, Asked, History, Version
from edge.configuration.keeper import Keeper
from edge.configuration.own import less_own_keys, own_bundle
from edge.configuration.probation import Line, Probation
from edge.configuration.starting import starting
from edge.uplink import _body
from sitewarden import bundle
from sitewarden.cli import main
from sitewarden.errors import ConfigurationError
from sitewarden.messages import (
    BusLoad,
    Configuration,
    ConfigurationFault,
    ConfigurationReport,
    decode,
)
from sitewarden.text import Text
from tests.support.waiting import ended, until

CLOUD = ("rules", "buses")


def document(gateway: dict) -> str:
    return yaml.safe_dump({key: gateway[key] for key in CLOUD}, sort_keys=False, allow_unicode=True)


def version_of(number: int, files: dict[str, str]) -> Version:
    return Version(number, bundle.digest(files))


def turned_down(version: Version, why: str = "x") -> ConfigurationReport:
    return ConfigurationReport(
        boot="b", at=1, version=version.number, hash=version.hash, state="rolled_back", why=Text(why, why)
    )


@pytest.fixture
def handed_over(gateway_dict, write_gateway):
    """The file of a gateway that the cloud configures."""
    gateway_dict["configuration"] = {"owner": "cloud"}
    return write_gateway(gateway_dict)


@pytest.fixture
def history(handed_over) -> History:
    return History(handed_over.parent / "data" / "configuration")


def keep(history: History, number: int, gateway: dict) -> Version:
    files = {"gateway.yaml": document(gateway)}
    version = version_of(number, files)
    history.keep(version, files)
    return version


def line(**changes) -> Line:
    fields = {"name": "bus", "turn_s": 1, "is_changed": True, "was_good": True, "was_dead": False}
    return Line(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "is_blamed"),
    [
        ({}, True),
        ({"is_changed": False}, True),
        ({"was_good": False}, True),
        ({"was_good": False, "was_dead": True}, False),
        ({"was_good": False, "is_changed": False}, False),
        ({"turn_s": 100}, False),
    ],
    ids=["changed", "as before", "new", "long dead", "never heard", "seldom asked"],
)
def test_a_silent_bus_is_blamed_on_what_may_have_silenced_it(changes, is_blamed):
    probation = Probation([line(**changes)], began_s=1000, lasts_s=120)
    assert probation.fault(1029, {}) is None, "a converter may want its time"
    assert (probation.fault(1119, {"bus": 990}) is not None) == is_blamed
    assert probation.fault(1119, {"bus": 1100}) is None
    assert not probation.is_over(1119)
    assert probation.is_over(1120)


def test_a_bus_that_falls_silent_late_is_seen_too():
    probation = Probation([line()], began_s=0, lasts_s=120)
    fault = probation.fault(100, {"bus": 60})
    assert fault is not None
    assert "bus bus" in fault.en
    assert "40 s" in fault.en


def test_the_version_that_held_is_started_from_and_one_on_probation_is_not(
    handed_over, history, gateway_dict
):
    assert starting(handed_over).version is None
    gateway_dict["buses"][0]["devices"].pop()
    first = keep(history, 1, gateway_dict)
    history.hold(first)
    second = keep(history, 2, {**gateway_dict, "rules": []})
    history.begin(second)
    started = starting(handed_over)
    assert (started.version, started.interrupted) == (first, second)
    assert [device.name for device in started.gateway.devices] == ["crane-1"]
    assert starting(handed_over).interrupted == second, "looking changes nothing"


def test_what_cannot_be_read_is_passed_over(handed_over, history, gateway_dict):
    first = keep(history, 1, gateway_dict)
    history.hold(first)
    second = keep(history, 2, {**gateway_dict, "rules": []})
    history.hold(second)
    history.file_of(second).write_text("rules: [")
    assert starting(handed_over).version == first
    shutil.rmtree(history.folder / first.folder)
    assert starting(handed_over).version is None
    (history.folder / "state.json").write_text("{")
    assert starting(handed_over).version is None


def test_a_spoilt_byte_in_what_is_known_of_versions_keeps_no_gateway_from_starting(tmp_path):
    for file in ("state.json", "rollback.json"):
        (tmp_path / file).write_bytes(b'{"held": [[1, "\xff"]], "by": "\xff"}')
    assert History(tmp_path).state == History(tmp_path / "nothing").state
    assert History(tmp_path).asked() is None


def test_ten_versions_are_kept_and_why_others_were_turned_down(history, gateway_dict):
    for number in range(1, KEPT + 4):
        history.hold(keep(history, number, {**gateway_dict, "rules": [f"{number}.yaml"]}))
    bad = keep(history, 99, {**gateway_dict, "rules": ["99.yaml"]})
    history.begin(bad)
    history.turn_down(bad, turned_down(bad))
    read = History(history.folder)
    assert [version.number for version in read.state.held] == list(range(4, KEPT + 4))
    assert read.verdict_on(bad) is not None
    assert read.verdict_on(Version(99, "another")) is None
    folders = [folder for folder in history.folder.iterdir() if folder.is_dir()]
    assert len(folders) == KEPT + 1


def test_the_command_lists_shows_and_leaves_word_to_go_back(handed_over, history, gateway_dict, capsys):
    version = keep(history, 7, gateway_dict)
    history.hold(version)
    bad = keep(history, 8, {**gateway_dict, "rules": []})
    history.turn_down(bad, turned_down(bad, "bus silent"))
    config = ["--config", str(handed_over)]
    assert main(["edge", "config", "list", *config]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed == ["7 in force", "8 rolled back: bus silent"]
    assert main(["edge", "config", "show", *config]) == 0
    assert "# 7: gateway.yaml" in capsys.readouterr().out
    assert main(["edge", "config", "rollback", *config]) == 0
    assert isinstance(history.asked(), Asked)
    started = starting(handed_over)
    assert (started.version, started.left) == (None, version)
    assert list(described(History(history.folder)))


def test_the_agent_may_read_the_wish_of_somebody_who_hides_his_files(history):
    before = os.umask(0o077)
    try:
        history.ask(Asked(by="root"))
    finally:
        os.umask(before)
    assert (history.folder / "rollback.json").stat().st_mode & 0o004


def test_a_document_of_the_cloud_reaches_no_secret_of_the_gateway(handed_over, gateway_dict, tmp_path):
    secret = tmp_path / "own.secret"
    secret.touch(mode=0o600)
    secret.write_text("the broker's")
    own = yaml.safe_load(handed_over.read_text())
    own["broker"] = {"host": "127.0.0.1", "username": "a", "password_file": "own.secret"}
    handed_over.write_text(yaml.safe_dump(own))
    folder = tmp_path / "told"
    folder.mkdir()
    pushing = {"host": "evil.example.org", "username": "x"}
    for name in ("own.secret", "./own.secret", "../own.secret", "/etc/passwd", "told/../own.secret"):
        told = {
            "rules": [],
            "buses": [
                {
                    "bus": "b",
                    "mqtt_json": {**pushing, "password_file": name},
                    "devices": [{"device": "d", "profile": "p", "identity": "t"}],
                }
            ],
        }
        (folder / "gateway.yaml").write_text(yaml.safe_dump(told))
        with pytest.raises(ConfigurationError, match=r"secret|elsewhere") as error:
            load_gateway(handed_over, folder / "gateway.yaml")
        assert error.value.field == "buses.0.mqtt_json.password_file"
    for key, value in (("rules", ["../x.yaml"]), ("profiles", ["/etc"])):
        (folder / "gateway.yaml").write_text(
            document({**gateway_dict, key: value}) + f"\nprofiles: {value}\n"
        )
        with pytest.raises(ConfigurationError, match="elsewhere"):
            load_gateway(handed_over, folder / "gateway.yaml")


def test_an_error_names_the_text_of_the_bundle_and_a_bus_that_cannot_keep_up_its_figures(
    handed_over, history, gateway_dict
):
    standing = load_gateway(handed_over)
    gateway_dict["buses"][0]["devices"][0]["unit"] = 900
    wrong = keep(history, 1, gateway_dict)
    checked = checking.check(handed_over, history.file_of(wrong), standing)
    assert (checked.errors[0].file, checked.errors[0].field) == ("gateway.yaml", "buses.0.devices.0.unit")
    assert checked.errors[0].line > 1
    gateway_dict["buses"][0]["devices"][0].update(unit=1, interval_ms=20)
    slow = checking.check(handed_over, history.file_of(keep(history, 2, gateway_dict)), standing)
    assert slow.gateway is None
    assert slow.load[0].percent > 100
    assert f"{slow.load[0].requests_per_s:g} times" in slow.errors[0].message


def test_what_belongs_to_the_machine_stays_as_it_is(handed_over, history, gateway_dict):
    standing = load_gateway(handed_over)
    told = history.file_of(keep(history, 1, gateway_dict))
    own = yaml.safe_load(handed_over.read_text())
    handed_over.write_text(yaml.safe_dump({**own, "siren": {"max_on_s": 60}}))
    found = checking.check(handed_over, told, standing).gateway
    assert found is not None
    assert found.siren == standing.siren
    assert isinstance(found, Gateway)


OWN = """\
# whose
site: a # here
# what is judged
rules: [own.yaml, tower-crane]
data_dir: d
# what is read
# and how
buses:
  - bus: b # one

outputs: []
"""


def test_the_gateway_s_own_lines_travel_with_their_comments(tmp_path):
    assert less_own_keys(OWN) == (
        "# what is judged\nrules: [own.yaml, tower-crane]\n"
        "# what is read\n# and how\nbuses:\n  - bus: b # one\n\n"
    )


def test_a_file_and_what_it_names_is_a_bundle_that_means_the_same(
    handed_over, gateway_dict, write_gateway, tmp_path
):
    shipped = Path(sys.modules["sitewarden.charts"].__file__ or "").parent / "tc5610-like.yaml"
    (tmp_path / "charts").mkdir()
    shutil.copy(shipped, tmp_path / "charts" / "own.yaml")
    gateway_dict["buses"][0]["devices"][0]["load_chart"] = "charts/own.yaml"
    file = write_gateway(gateway_dict)
    files = own_bundle(file)
    assert files is not None
    assert sorted(files) == ["charts/own.yaml", "gateway.yaml"]
    folder = tmp_path / "told"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert load_gateway(file, folder / "gateway.yaml").buses == load_gateway(file).buses


def test_a_login_in_a_camera_s_address_does_not_travel(gateway_dict, write_gateway, tmp_path):
    gateway_dict["cameras"] = [{"camera": "gate", "url": "rtsp://h/s?user=zoe&password=hu sh&channel=1"}]
    file = write_gateway(gateway_dict)
    comments = (
        "# http://h/v.cgi?usr=zoe&pwd=hush2 hush3\n# rtsp://zoe:hu/x=sh4@h/s\n"
        "# RTSP://zoe:hush5@h/s\n# rtsp://zoe:12'hush6@h/s\n# rtsp://zoe%3Ahush7%40h/s\n"
    )
    file.write_text(file.read_text() + comments)
    files = own_bundle(file)
    assert files is not None
    (tmp_path / "told.yaml").write_text(files["gateway.yaml"])
    assert "rtsp://h/s?user={username}&password={password}&channel=1" in files["gateway.yaml"]
    assert not any(secret in files["gateway.yaml"] for secret in ("zoe", "hu sh", "hush", "sh4"))
    with pytest.raises(ConfigurationError, match="asks for it"):
        load_gateway(file, tmp_path / "told.yaml")
    # Nor may it come back that way.
    (tmp_path / "told.yaml").write_text(files["gateway.yaml"].replace("{password}", "hush"))
    with pytest.raises(ConfigurationError, match="holds a name or a password") as refused:
        load_gateway(file, tmp_path / "told.yaml")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("url", ["rtsp://h/s?password=hu/x=sh", "rtsp://h/s?password=hush&other=1"])
def test_where_nobody_knows_how_far_a_login_goes_the_file_does_not_travel(gateway_dict, write_gateway, url):
    gateway_dict["cameras"] = [{"camera": "gate", "url": url}]
    with pytest.raises(bundle.BundleError, match=r"camera gate: .*Write \{username\}"):
        own_bundle(write_gateway(gateway_dict))
    gateway_dict["cameras"][0]["url"] = "rtsp://h/s?channel=1"
    file = write_gateway(gateway_dict)
    file.write_text(file.read_text().replace("rtsp:", f"{url} rtsp:"))
    with pytest.raises(bundle.BundleError, match="camera gate"):
        own_bundle(file)
    gateway_dict["cameras"][0] |= {"url": "rtsp://h/s?channel=1", "label": {"zh": f"门 {url}", "en": "Gate"}}
    with pytest.raises(bundle.BundleError, match=r"line [0-9]+: .*Write \{username\}"):
        own_bundle(write_gateway(gateway_dict))


async def test_why_its_own_file_is_not_handed_over_the_gateway_says_and_tells(
    gateway_dict, write_gateway, caplog
):
    gateway_dict["cameras"] = [{"camera": "gate", "url": "rtsp://h/s?password=hush&other=1"}]
    gateway_dict["configuration"] = {"owner": "cloud"}
    async with keeping(write_gateway(gateway_dict)) as (keeper, _):
        [told], [again] = keeper.reports(), keeper.reports()
    assert (told.state, told.version, told.files) == ("in_force", 0, None)
    assert told.why is not None
    assert "camera gate" in told.why.en
    [fault] = told.errors
    assert (fault.file, fault.mend[:5]) == ("camera gate", "Write")
    assert again.why == told.why
    assert caplog.text.count("is not handed over to the cloud") == 1
    assert "hush" not in caplog.text + str(told)


async def test_where_its_own_file_cannot_be_meant_is_told_without_the_words_of_it(
    gateway_dict, write_gateway
):
    gateway_dict["configuration"] = {"owner": "cloud"}
    file = write_gateway(gateway_dict)
    async with keeping(file) as (keeper, _):
        text = file.read_text()
        lines = text.count("\n")
        file.write_text(f"{text}cameras:\n- camera: gate\n  url: rtsp://h/s\n  colour: hush\n")
        [told] = keeper.reports()
        [fault] = told.errors
        assert (fault.file, fault.line) == ("gateway.yaml", lines + 4)
        assert fault.field.endswith("colour")
        assert "edge check" in fault.mend
        file.write_text(f"{text}hush and hush: [\n")
        [told] = keeper.reports()
        assert told.errors[0].line > lines
        assert "hush" not in str(told)
        file.unlink()
        [told] = keeper.reports()
        assert (told.errors[0].file, told.errors[0].line) == ("gateway.yaml", 0)
        assert "No such file" in told.errors[0].message
        file.write_text(text)
        [told] = keeper.reports()
        assert (told.errors, told.why) == ([], None)
        assert told.files is not None


def test_a_file_beside_its_own_that_is_no_text_is_named_itself(gateway_dict, write_gateway):
    gateway_dict["buses"][0]["devices"][0]["load_chart"] = "mine.yaml"
    file = write_gateway(gateway_dict)
    file.with_name("mine.yaml").write_bytes("# 塔机\n".encode("gbk"))
    with pytest.raises(bundle.BundleError, match=r"mine\.yaml: is not UTF-8 text"):
        own_bundle(file)


def test_a_gateway_of_the_cloud_may_begin_with_nothing(gateway_dict, write_gateway):
    for key in CLOUD:
        del gateway_dict[key]
    with pytest.raises(ConfigurationError, match="nothing is watched"):
        load_gateway(write_gateway(gateway_dict))
    gateway_dict["configuration"] = {"owner": "cloud"}
    file = write_gateway(gateway_dict)
    assert list(starting(file).gateway.devices) == []
    assert own_bundle(file) is None


class Quiet:
    """Nothing is connected, and what would be told to the cloud is kept."""

    def __init__(self) -> None:
        self.told: list[ConfigurationReport] = []

    async def change(self, gateway: Gateway) -> None: ...

    def lines(self, before: Gateway, after: Gateway) -> list[Line]:  # noqa: ARG002  as the protocol has it
        return []

    def good_s(self) -> dict[str, float]:
        return {}

    def report(self, report: ConfigurationReport) -> None:
        self.told.append(report)

    def tell_soon(self) -> None: ...


@contextlib.asynccontextmanager
async def keeping(file: Path):
    """Whoever owns what is in force, at work on what a start has found."""
    site = Quiet()
    keeper = Keeper(starting(file), site, boot="b", now_ms=lambda: 1)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper, site
    finally:
        await ended(task)


async def test_who_asked_to_go_back_goes_back_once_also_where_the_agent_ended_meanwhile(
    handed_over, history, gateway_dict
):
    for number in (1, 2):
        history.hold(keep(history, number, {**gateway_dict, "crane_groups": [], "limit_changes": []}))
    history.begin(keep(history, 3, {**gateway_dict, "rules": []}))
    history.ask(Asked(by="li"))
    async with keeping(handed_over) as (keeper, site):
        keeper.take(Configuration(hash=bundle.digest({}), files={}))
        await until(lambda: len(site.told) > 1)
        assert history.asked() is None
        assert keeper.now.version == 2
    verdict = History(history.folder).state.verdicts[-1]
    assert verdict.version == 3
    assert verdict.why is not None
    assert "li" in verdict.why.en


async def test_texts_that_are_not_those_of_the_hash_in_force_are_not_written_under_a_newer_number(
    handed_over, history, gateway_dict
):
    version = keep(history, 1, gateway_dict)
    history.hold(version)
    async with keeping(handed_over) as (keeper, site):
        keeper.take(Configuration(version=2, hash=version.hash, files={"../../evil.yaml": "x"}))
        await until(lambda: site.told)
        assert (site.told[0].state, keeper.now.version) == ("refused", 1)
    assert not (history.folder.parent / "evil.yaml").exists()
    assert starting(handed_over).version == version


def test_however_much_is_wrong_with_a_document_the_connection_of_the_alarms_carries_it(
    handed_over, history, gateway_dict
):
    gateway_dict["buses"][0]["devices"][0]["profile"] = "x" * 400_000
    wrong = keep(history, 1, gateway_dict)
    [error] = checking.check(handed_over, history.file_of(wrong), load_gateway(handed_over)).errors
    assert len(error.message) <= checking.LONGEST
    errors = [ConfigurationFault(message=f"{i} " + "y" * 490) for i in range(5000)]
    load = [BusLoad(bus=f"bus-{i}", percent=101, requests_per_s=1) for i in range(5000)]
    report = ConfigurationReport(boot="b", at=1, version=1, state="refused", errors=errors, load=load)
    told = decode(_body(report), ConfigurationReport)
    assert told.state == "refused"
    assert told.errors[0] == errors[0]


async def test_what_has_held_is_on_probation_until_the_disk_knows(
    handed_over, history, gateway_dict, caplog, monkeypatch
):
    monkeypatch.setattr("edge.configuration.keeper.LOOK_S", 0.05)
    started = starting(handed_over)
    soon = msgspec.structs.replace(started.gateway.configuration, probation_s=0.5)
    started = started._replace(gateway=msgspec.structs.replace(started.gateway, configuration=soon))
    site, files = Quiet(), {"gateway.yaml": document(gateway_dict)}
    keeper = Keeper(started, site, boot="b", now_ms=lambda: 1)
    history.folder.mkdir(parents=True)
    task = asyncio.create_task(keeper.run())
    try:
        keeper.take(Configuration(version=1, hash=bundle.digest(files), files=files))
        await until(lambda: keeper.now.version == 1)
        (history.folder / "state.json.new").mkdir()
        await until(lambda: "does not take that it has held" in caplog.text)
        assert keeper.now.on_probation
        assert starting(handed_over).version is None
    finally:
        await ended(task)
    assert caplog.text.count("does not take that it has held") == 1
