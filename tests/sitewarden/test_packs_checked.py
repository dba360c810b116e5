"""A pack that cannot be meant is refused with line, field and mend; clauses and commands say theirs."""

import argparse
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sitewarden.errors import ConfigurationError
from sitewarden.rules import clauses, describe
from sitewarden.rules.command import register
from sitewarden.rules.model import Clause
from sitewarden.rules.packs import built_in_packs, load_pack, read_pack, schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "sitewarden/rules/packs").glob("*.yaml"))

OWN = """\
pack: own
source: made for this test
parameters:
  support: {label: {zh: 支护, en: Support}, choices: [piles, wall]}
  least_mm: {label: {zh: 限值, en: Limit}, unit: mm}
tables:
  widths:
    clause: none
    source: none
    units: {mm: mm}
    rows:
      - {when: {support: [piles]}, cells: {mm: [20, 30]}, confidence: synthetic}
rules:
  - rule: wide
    family: f
    version: 1
    watch: pit.displacement.horizontal.cumulative
    condition: {when: high, limit: {parameter: least_mm, otherwise: {table: widths, column: mm}}}
    arm: [{kind: pit.displacement.horizontal.rate, at_least: 1}]
    suppressed_by: [wider]
    level: 3
    label: {zh: 宽, en: Wide}
    basis: {clause: none, source: test, confidence: synthetic}
  - rule: wider
    family: f
    version: 1
    watch: pit.displacement.horizontal.cumulative
    condition: {when: band, low: -40, high: 40}
    level: 4
    label: {zh: 更宽, en: Wider}
    basis: {clause: none, source: test, confidence: synthetic}
    hazard:
      category: {zh: 基坑, en: Pit}
      level: general
      potential_accident: {zh: 坍塌, en: Collapse}
      handling_clock_s: 7200
      clause: {edition: "2024", id: 5-4}
"""


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["rules", *arguments])
    return int(args.run(args))


@pytest.mark.parametrize(
    ("good", "bad", "field", "said"),
    [
        ("watch: pit.displacement.h", "watch: pit.displacement.w", "rules.0.watch", "did you mean"),
        ("kind: pit.displacement.h", "kind: pit.displacement.w", "rules.0.arm.0.kind", "did you mean"),
        ("table: widths", "table: width", "rules.0.condition", "Tables are: widths"),
        ("column: mm", "column: cm", "rules.0.condition", "Columns are: mm"),
        ("[wider]", "[widest]", "rules.0.suppressed_by.0", "there is no rule `widest`"),
        ("[wider]", "[wide]", "rules.0.suppressed_by.0", "cannot hold itself back"),
        ("rule: wider", "rule: wide", "rules.1.rule", "given twice"),
        ("low: -40", "low: 50", "rules.1.condition.low", "lets nothing through"),
        ("id: 5-4", "id: 5-5", "rules.1.hazard.clause", "article 5 has 5-1, 5-2, 5-3, 5-4"),
        ('"2024"', '"2019"', "rules.1.hazard.clause", "there are 2024, 2022"),
        ("handling_clock_s: 7200", "handling_clock_s: 0", "rules.1.hazard.clause", "once handling is late"),
        (
            "handling_clock_s: 7200",
            "handling_clock_s: 2592001",
            "rules.1.hazard.handling_clock_s",
            "more than 2592000 s",
        ),
        ("level: general", "level: major_proposed", "rules.1.hazard.clause", "once handling is late"),
        ("parameter: least_mm", "parameter: least", "rules.0", "asks for `least`"),
        (
            "support: [piles]",
            "support: [pile]",
            "tables.widths.rows.0.when.support",
            "Choices are: piles, wall",
        ),
        ("units: {mm: mm}", "units: {cm: cm}", "tables.widths.rows.0.cells", "has no unit"),
        ("level: 4", "level: 5", "rules.1.level", "1 提示, 2 预警, 3 报警 or 4 危急"),
        ("suppressed_by", "supressed_by", "rules.0.supressed_by", "Did you mean `suppressed_by`"),
    ],
)
def test_a_wrong_pack_is_refused_with_line_field_and_mend(
    tmp_path: Path, *, good: str, bad: str, field: str, said: str
) -> None:
    file = tmp_path / "own.yaml"
    text = OWN.replace(good, bad, 1)
    assert text != OWN
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_pack(file)
    assert caught.value.field == field
    assert said in f"{caught.value.message}. {caught.value.mend}"
    assert 1 < caught.value.line <= len(text.splitlines())


def test_the_check_says_every_mistake_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("[wider]", "[widest]").replace("id: 5-4", "id: 5-9"), encoding="utf-8")
    assert run("check", str(file)) == 2
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) == 2
    assert all(str(file) in line for line in complaints)
    file.write_text(OWN, encoding="utf-8")
    assert run("check", str(file)) == 0
    assert "`own` is sound, 2 rules" in capsys.readouterr().out


def test_the_commands_list_and_say_packs_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in built_in_packs())
    assert run("show", "gb50497") == 0
    shown = capsys.readouterr().out
    assert "asks for `depth_m`" in shown
    assert (
        ">= (`control_cumulative_mm`, else the least of (table horizontal.cumulative_mm; "
        "10 × table horizontal.percent_of_depth of `depth_m`)) mm, either way"
    ) in shown
    assert "3 readings in a row >= 70 % of" in shown
    assert "clause 5-4 of 2024, clause 5-4 of 2022, suspected major after 2 h without handling" in shown


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_the_published_json_schema_accepts_every_shipped_pack(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema())


def test_the_published_json_schema_refuses_what_the_loader_refuses() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(OWN.replace("level: 4", "level: 5")), schema())


def test_the_checked_in_json_schema_is_the_current_one() -> None:
    checked_in = (ROOT / "docs/reference/rule-pack.schema.json").read_text(encoding="utf-8")
    assert json.loads(checked_in) == schema()


def test_both_editions_of_the_judgement_standard_are_there_as_counted() -> None:
    newest, before = clauses.editions().values()
    assert (newest.edition, len(newest.items), newest.in_force_from) == ("2024", 53, "to be confirmed")
    assert (before.edition, before.in_force_from) == ("2022", "2022-04-19")
    articles = [item.id.partition("-")[0] for item in newest.items]
    counts = [5, 4, 4, 3, 9, 5, 2, 4, 2, 7, 3, 3, 1, 1]
    assert [articles.count(str(article)) for article in range(4, 18)] == counts
    assert [item.id for item in newest.items if item.two_part] == ["5-4", "13-3"]


def test_every_item_of_the_older_edition_points_at_one_that_is_there() -> None:
    newest, before = clauses.editions().values()
    for item in before.items:
        if item.as_ is not None:
            assert newest.item(item.as_).evidence == item.evidence, item.id


def test_a_clause_has_its_text_and_its_like_in_the_other_edition() -> None:
    bypass = next(r for r in load_pack("tower-crane", ROOT).rules if r.rule == "crane-limiter-bypass")
    assert bypass.hazard is not None
    assert bypass.hazard.clause == Clause(
        edition="2024", id="8-4", text="建筑起重机械的安全装置不齐全、失效或者被违规拆除、破坏"
    )
    assert [(clause.edition, clause.id) for clause in bypass.hazard.also] == [("2022", "8-5")]


def test_what_bypasses_blinds_or_outlives_a_limiter_proposes_8_4() -> None:
    rules = {rule.rule: rule for rule in load_pack("tower-crane", ROOT).rules}
    for name in (
        "crane-limiter-bypass",
        "crane-limiter-fault",
        "crane-load-frozen",
        "crane-blind-moving",
        "crane-load-110-no-cutoff",
        "crane-moment-110-no-cutoff",
    ):
        hazard = rules[name].hazard
        assert hazard is not None
        assert hazard.clause is not None
        assert (rules[name].level, hazard.level, hazard.clause.id) == (4, "major_proposed", "8-4")


def test_every_rule_with_a_two_part_clause_waits_for_handling() -> None:
    for name in built_in_packs():
        for rule in load_pack(name, ROOT).rules:
            if rule.hazard is not None and rule.hazard.clause is not None:
                two_part = clauses.item_of(rule.hazard.clause).two_part
                waits = (rule.level, rule.hazard.level, rule.hazard.handling_clock_s) == (4, "general", 7200)
                assert two_part == waits, rule.rule


def test_every_condition_can_be_said_in_words() -> None:
    said = [describe.as_written(rule) for name in built_in_packs() for rule in load_pack(name, ROOT).rules]
    assert all(said)
    assert "unchanged for 1 min" in said
    assert "no good reading of any point of kind crane.* for more than 30 s" in said
    assert "a change of >= 40 m per 1 min, over 4 s" in said
    assert "<= 19.5 %VOL or >= 23.5 %VOL" in said
