"""The shipped rule packs and profiles are sound, and a bad one is refused by line."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sitewarden.errors import ConfigurationError
from sitewarden.points import point_kind, quantise, vocabulary
from sitewarden.profiles import load_profiles, read_profile
from sitewarden.profiles.command import schema
from sitewarden.rules.packs import built_in_packs, load_pack

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "sitewarden/profiles").glob("*.yaml"))
CRANE = (ROOT / "sitewarden/profiles/reference-tower-crane.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", built_in_packs())
def test_a_shipped_pack_states_a_source_for_every_number(name: str) -> None:
    pack = load_pack(name, ROOT)
    assert pack.rules
    assert all(rule.basis.clause and rule.label.zh and rule.label.en for rule in pack.rules)


def test_only_a_rule_with_a_clause_proposes_a_major_hazard() -> None:
    for name in built_in_packs():
        for rule in load_pack(name, ROOT).rules:
            if rule.hazard and rule.hazard.level == "major_proposed":
                assert rule.hazard.clause is not None


def test_the_two_part_clause_opens_general_at_level_4_with_a_handling_clock() -> None:
    rules = {r.rule: r for r in load_pack("pit-displacement", ROOT).rules}
    beyond = rules["pit-horizontal-cumulative-100"]
    assert beyond.hazard is not None
    assert (beyond.level, beyond.hazard.level, beyond.hazard.handling_clock_s) == (4, "general", 7200)


def test_an_unknown_watch_is_refused_with_its_line(tmp_path: Path) -> None:
    text = (ROOT / "sitewarden/rules/packs/weather.yaml").read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(
        text.replace("watch: crane.wind_speed", "watch: crane.wind", 1), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match=r"did you mean `crane.wind_speed`") as caught:
        load_pack("own.yaml", tmp_path)
    assert text.splitlines()[caught.value.line - 1].strip().startswith("watch:")


@pytest.mark.parametrize(
    ("good", "bad", "field"),
    [
        ("register: 2,", "register: 70000,", "points.hook_height.register"),
        ("unit: t,", "unit: kg,", "points.load.unit"),
        ("register: 3,", "regster: 3,", "points.slew.regster"),
        ("range: [0, 60], sentinels", "range: [60, 0], sentinels", "points.load.range"),
        ("kind: crane.radius", "kind: crane.radus", "points.radius.kind"),
        ("scale: 0.001", "scale: 0", "points.load.scale"),
        ("bit: 1}", "bit: 1, group: slow}", "points.limiter_bypass.group"),
        ("register: 4, type: uint16", "register: 65535, type: uint32", "points.falls.register"),
    ],
)
def test_a_wrong_profile_is_refused_with_line_field_and_mend(
    tmp_path: Path, good: str, bad: str, field: str
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(CRANE.replace(good, bad, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_profile(file)
    assert caught.value.field == field
    assert (
        bad.split(",", maxsplit=1)[0] in file.read_text(encoding="utf-8").splitlines()[caught.value.line - 1]
    )
    assert caught.value.mend


def test_the_same_profile_name_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copy.yaml").write_text(CRANE, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="already defined"):
        load_profiles(tmp_path)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_the_published_json_schema_accepts_every_shipped_profile(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema())


def test_the_published_json_schema_refuses_what_the_loader_refuses() -> None:
    wrong = yaml.safe_load(CRANE.replace("register: 2,", "register: 70000,"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema())


def test_the_checked_in_json_schema_is_the_current_one() -> None:
    checked_in = (ROOT / "docs/reference/profile.schema.json").read_text(encoding="utf-8")
    assert json.loads(checked_in) == json.loads(json.dumps(schema()))


def test_every_kind_has_both_names_and_a_positive_step() -> None:
    assert all(kind.zh and kind.en and kind.resolution > 0 for kind in vocabulary().values())


@pytest.mark.parametrize(
    ("value", "kind", "rounded"),
    [(3.1499, "crane.load", 3.15), (-0.004, "crane.load", 0.0), (12.26, "crane.slew", 12.3)],
)
def test_values_are_rounded_to_the_resolution_without_binary_dust(
    value: float, kind: str, rounded: float
) -> None:
    assert quantise(value, point_kind(kind).resolution) == rounded
