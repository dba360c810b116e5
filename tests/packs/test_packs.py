"""Every pack in this folder is judged as it expects; a pack that was tampered with is refused."""

import argparse
import hashlib
import json
import zipfile
from pathlib import Path

import msgspec
import pytest

from sitewarden.casepack import BadPackError, open_pack, run_pack, write_pack
from sitewarden.casepack.command import register
from sitewarden.history import read_header
from sitewarden.rules.model import LimitChange
from tests.packs.make import CASES, make

PACKS = sorted(Path(__file__).parent.glob("*.swpack"))


def sitewarden(*words) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    args = parser.parse_args([str(word) for word in words])
    return args.run(args)


def test_there_are_packs_to_judge():
    assert {file.stem for file in PACKS} >= {case.name for case in CASES}


@pytest.mark.parametrize("file", PACKS, ids=lambda file: file.stem)
def test_a_pack_gives_exactly_the_alarms_that_it_expects(file):
    outcome = run_pack(open_pack(file))
    assert outcome.differences == []
    assert outcome.alarms


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_seeded_simulation_still_gives_alarms_that_the_scan_finds_too(case, tmp_path):
    file = tmp_path / "anew.swpack"
    make(case, file)
    pack = open_pack(file)
    assert run_pack(pack).differences == []
    assert {e.level for e in pack.expected} >= {2, 4}


def test_the_same_content_is_the_same_file(tmp_path):
    pack = open_pack(PACKS[0])
    for name in ("one.swpack", "other.swpack"):
        write_pack(tmp_path / name, pack.manifest, pack.history, pack.expected)
    assert (tmp_path / "one.swpack").read_bytes() == (tmp_path / "other.swpack").read_bytes()
    again = open_pack(tmp_path / "one.swpack")
    assert again.history.header == pack.history.header
    assert again.expected == pack.expected


def test_a_pack_that_expects_something_else_says_what_and_ends_with_1(tmp_path, capsys):
    pack = open_pack(PACKS[0])
    first, second, *rest = pack.expected
    later = msgspec.structs.replace(first, raised_at=first.raised_at + 1000, cleared_at=None)
    longer = msgspec.structs.replace(second, cleared_at=(second.cleared_at or 0) + 2000, level=1)
    file = tmp_path / "other.swpack"
    write_pack(file, pack.manifest, pack.history, [later, longer, *rest])
    assert sitewarden("pack", "run", file) == 1
    said = capsys.readouterr().out
    assert "- 缺少 missing" in said
    assert "+ 多出 unexpected" in said
    assert "~ 不同 differs" in said
    assert "level 1 → 2" in said


def test_a_pack_that_is_as_expected_ends_with_0_and_can_be_looked_into(capsys):
    assert sitewarden("pack", "run", *PACKS) == 0
    assert sitewarden("pack", "show", *PACKS) == 0
    assert "限制器被旁路" in capsys.readouterr().out


def repacked(file: Path, name: str, content: bytes | None) -> Path:
    """The first pack with one file replaced, or left out."""
    with zipfile.ZipFile(PACKS[0]) as packed, zipfile.ZipFile(file, "w") as out:
        for entry in packed.namelist():
            if entry != name:
                out.writestr(entry, packed.read(entry))
        if content is not None:
            out.writestr(name, content)
    return file


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("expected.json", b"[]", r"expected.json is not as it was packed"),
        ("configuration.json", b'{"devices": []}', r"configuration.json is not as it was packed"),
        ("configuration.json", None, r"configuration.json is missing"),
        ("history.parquet", None, r"history.parquet is missing"),
        ("more.txt", b"more", r"more.txt is not as it was packed"),
        ("manifest.json", b"{}", r"no manifest that can be understood"),
        (
            "manifest.json",
            json.dumps({"v": 9, "title": {"zh": "", "en": ""}, "software": ""}).encode(),
            "version 9 of the format, this program knows 1 to 2: pack it again",
        ),
    ],
)
def test_a_pack_that_was_tampered_with_is_refused(tmp_path, name, content, complaint):
    with pytest.raises(BadPackError, match=complaint):
        open_pack(repacked(tmp_path / "bad.swpack", name, content))


def sealed(file: Path, name: str, content: bytes) -> Path:
    """The first pack with one file replaced and its hash put right: packed so, not damaged."""
    with zipfile.ZipFile(PACKS[0]) as packed:
        manifest = json.loads(packed.read("manifest.json"))
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    half = repacked(file.with_suffix(".half"), name, content)
    with zipfile.ZipFile(half) as packed, zipfile.ZipFile(file, "w") as out:
        for entry in packed.namelist():
            is_manifest = entry == "manifest.json"
            out.writestr(entry, json.dumps(manifest) if is_manifest else packed.read(entry))
    return file


NO_SUCH_TABLE = b"""\
pack: tower-crane
source: made for this test
rules:
  - rule: any
    family: any
    version: 1
    watch: crane.load
    condition: {when: high, limit: {table: nix, column: c}}
    level: 1
    label: {zh: x, en: x}
    basis: {clause: none, source: test, confidence: synthetic}
"""


def test_a_pack_of_impossible_instants_and_silences_says_how_it_differs(tmp_path):
    """A stranger's pack may say anything; it is judged, and never ends in a traceback."""
    pack = open_pack(PACKS[0])
    header = pack.history.header
    never = LimitChange(rule="crane-silent", limit=1e308, author="x", reason="x", on="2026-11-20", version=9)
    history = pack.history._replace(header=msgspec.structs.replace(header, changes=[never]))
    far = msgspec.structs.replace(pack.expected[0], raised_at=10**17)
    write_pack(tmp_path / "odd.swpack", pack.manifest, history, [far])
    differences = run_pack(open_pack(tmp_path / "odd.swpack")).differences
    assert any(f"{10**17} ms" in line for line in differences)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("expected.json", b'[{"point": "\xff"}]', r"expected.json is not understood"),
        ("rules/tower-crane.yaml", b"pack: \xff", r"rules/tower-crane.yaml is not UTF-8"),
        ("rules/tower-crane.yaml", b"pack: [", r"tower-crane.yaml:1: is not YAML"),
        ("rules/tower-crane.yaml", NO_SUCH_TABLE, r"there is no table `nix` in this pack"),
        ("history.parquet", b"PAR1", r"history.parquet is no Parquet file"),
        ("configuration.json", b'{"devices": 3}', r"configuration.json is not understood"),
        (
            "configuration.json",
            b'{"devices": []}',
            r"configuration.json is of no device, the history of crane-1",
        ),
        (
            "configuration.json",
            b'{"devices": [{"device": "crane-1", "profile": "other"}]}',
            r"says that `crane-1` is a `other`, the history a `reference-tower-crane`",
        ),
    ],
)
def test_a_pack_that_was_packed_wrong_is_refused(tmp_path, name, content, complaint):
    with pytest.raises(BadPackError, match=complaint):
        open_pack(sealed(tmp_path / "bad.swpack", name, content))


def of(name: str) -> Path:
    return next(file for file in PACKS if file.stem == name)


def test_the_configuration_is_a_file_of_its_own_and_by_it_the_pack_is_judged(tmp_path):
    whole = open_pack(of("pit-collapse"))
    with zipfile.ZipFile(of("pit-collapse")) as packed:
        configuration = json.loads(packed.read("configuration.json"))
        (tmp_path / "bare.parquet").write_bytes(packed.read("history.parquet"))
    (told,) = configuration["devices"]
    assert told["point_parameters"] == {"h1": {"control_cumulative_mm": 24.0}}
    (bare,) = read_header(tmp_path / "bare.parquet").devices
    assert (bare.parameters, bare.point_parameters, bare.zero) == ({}, {}, {})
    assert whole.history.header.devices[0].zero == {"h1": 100.0, "h2": 100.0}
    (device,) = whole.history.header.devices
    other = msgspec.structs.replace(device, point_parameters={})
    header = msgspec.structs.replace(whole.history.header, devices=[other])
    file = tmp_path / "other.swpack"
    write_pack(file, whole.manifest, whole.history._replace(header=header), whole.expected)
    assert any("limit 24.0 → 20.0" in line or "h1" in line for line in run_pack(open_pack(file)).differences)


def test_a_pack_of_the_first_version_has_its_configuration_in_the_history():
    old = open_pack(of("of-version-1"))
    assert old.manifest.v == 1
    assert old.history.header.devices[0].parameters["control_cumulative_mm"] == 20


def test_what_is_given_and_changed_is_shown(tmp_path, capsys):
    pack = open_pack(of("pit-collapse"))
    change = LimitChange(
        rule="pit-horizontal-cumulative-70",
        device="pit-1",
        point="h2",
        limit=12.0,
        author="Li",
        reason="a pipe",
        on="2026-11-20",
        version=2,
    )
    header = msgspec.structs.replace(pack.history.header, changes=[change])
    file = tmp_path / "changed.swpack"
    write_pack(file, pack.manifest, pack.history._replace(header=header), pack.expected)
    assert open_pack(file).history.header == header
    assert sitewarden("pack", "show", file) == 0
    said = capsys.readouterr().out
    assert "given for h1: control_cumulative_mm 24" in said
    assert "pit-horizontal-cumulative-70 pit-1/h2 12, Li: a pipe" in said


def test_a_manifest_that_is_not_utf_8_is_refused(tmp_path):
    with pytest.raises(BadPackError, match="no manifest that can be understood"):
        open_pack(repacked(tmp_path / "bad.swpack", "manifest.json", b'{"software": "\xff"}'))


def test_what_is_no_pack_is_refused(tmp_path):
    file = tmp_path / "no.swpack"
    file.write_bytes(b"PK is not enough")
    with pytest.raises(BadPackError, match="is no case pack"):
        open_pack(file)
    with pytest.raises(BadPackError, match="is no case pack"):
        open_pack(tmp_path / "absent.swpack")


def test_a_damaged_pack_is_refused_or_says_the_same(tmp_path):
    whole = PACKS[0].read_bytes()
    sound, file, refused = open_pack(PACKS[0]), tmp_path / "damaged.swpack", 0
    for place in range(100, len(whole), len(whole) // 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            pack = open_pack(file)
        except BadPackError:
            refused += 1
        else:
            # A date in the zip's own directory means nothing.
            assert (pack.expected, pack.history.header) == (sound.expected, sound.history.header)
    assert refused
