"""`sitewarden backtest` and `sitewarden cloud export`, as people call them."""

import argparse

import msgspec
import pytest
import yaml

from cloud import command as cloud_command
from cloud.backtest import command as backtest_command
from cloud.settings import read_settings
from sitewarden.errors import SiteWardenError, UsageError
from tests.cloud.backtest.past import H1, RATIO, T0, announced, born, crane, hill, pit, told

RULE = """
pack: site
source: a test
rules:
  - rule: crane-load-100
    family: crane-overload
    version: 2
    watch: crane.load_ratio
    condition: {when: high, limit: 94}
    dead_band: 2
    on_delay_s: 2
    off_delay_s: 2
    level: 3
    label: {zh: 起重量超过 94 %, en: Load above 94 %}
    basis: {clause: 试验, source: test, confidence: synthetic}
"""
RANGE = ["--from", "2026-09-21T22:13", "--to", "2026-09-21T14:20:00+00:00"]
"""T0 is 22:13:20 on the site's clocks."""


@pytest.fixture
def config(site, tmp_path):
    (tmp_path / "new.yaml").write_text(RULE, encoding="utf-8")
    file = tmp_path / "cloud.yaml"
    described = {
        "database": {"dsn": site.dsn},
        "sites": [
            {
                "site": "demo",
                "name": {"zh": "示范工地", "en": "Demo site"},
                "time_zone": "Asia/Shanghai",
                "gateways": ["gw-1"],
            }
        ],
    }
    file.write_text(yaml.safe_dump(described), encoding="utf-8")
    read_settings(file)
    return file


def sitewarden(*words) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(dest="command", required=True)
    backtest_command.register(subparsers)
    cloud_command.register(subparsers)
    args = parser.parse_args([str(word) for word in words])
    return args.run(args)


def test_a_new_limit_over_the_database_and_over_its_export_says_the_same(site, config, tmp_path, capsys):
    told(born(site), RATIO, [*hill(95.0), *hill(105.0)])
    new = tmp_path / "new.yaml"
    asked = ["--site", "demo", *RANGE, "--device", "crane-1"]
    assert sitewarden("backtest", "--config", config, *asked, "--rules", new, "--json") == 0
    live = msgspec.json.decode(capsys.readouterr().out)
    assert [a["raised_at"] for a in live["changes"]["added"]] == [T0 + 7000]
    file = tmp_path / "past.parquet"
    assert sitewarden("cloud", "export", config, *asked, "--out", file) == 0
    assert "60 readings" in capsys.readouterr().out
    assert sitewarden("backtest", file, "--rules", new, "--json") == 0
    assert msgspec.json.decode(capsys.readouterr().out) == live


def test_the_report_is_in_words_for_people(site, config, tmp_path, capsys):
    told(born(site), RATIO, hill(95.0))
    asked = ["--site", "demo", *RANGE, "--rules", tmp_path / "new.yaml"]
    assert sitewarden("backtest", "--config", config, *asked) == 0
    said = capsys.readouterr().out
    assert "新增 added: 1" in said
    assert "2026-09-21 22:13:27.0 (20.0 s)  3 级 crane-1/load_ratio" in said


def test_parameters_that_the_gateway_did_not_tell_come_from_its_file(site, config, tmp_path, capsys):
    told(born(site, crane(), pit()), H1, hill(15.0, foot=1.0))
    asked = ["--site", "demo", *RANGE, "--device", "pit-1", "--rules", "pit-displacement"]
    assert sitewarden("backtest", "--config", config, *asked) == 0
    assert "pit-1 缺少参数 control_cumulative_mm" in capsys.readouterr().out
    gateway = tmp_path / "gateway.yaml"
    devices = [{"device": "pit-1", "parameters": {"control_cumulative_mm": 20, "control_rate_mm_per_day": 2}}]
    described = {
        "site": "demo",
        "gateway": "gw-1",
        "rules": ["pit-displacement"],
        "buses": [{"bus": "b", "devices": devices}],
    }
    gateway.write_text(yaml.safe_dump(described), encoding="utf-8")
    assert sitewarden("backtest", "--config", config, *asked, "--gateway", gateway, "--json") == 0
    report = msgspec.json.decode(capsys.readouterr().out)
    assert [p["before"]["limit"] for p in report["changes"]["unchanged"]] == [14.0]


def test_a_rule_of_the_gateways_own_is_named_as_not_known(site, config, tmp_path, capsys):
    own = announced(RATIO, "our-own-limit", 80.0)
    told(born(site, crane(announced(RATIO, "crane-load-100", 100.0), own)), RATIO, hill(95.0))
    asked = ["--site", "demo", *RANGE, "--rules", tmp_path / "new.yaml"]
    assert sitewarden("backtest", "--config", config, *asked) == 0
    assert "our-own-limit (version 1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give a history's FILE, or --config"),
        (["--config", "cloud.yaml"], "needs --site, --from and --to"),
        (["past.parquet", "--site", "demo"], "a file is of one site"),
    ],
)
def test_half_a_command_line_is_refused_with_the_mend(words, complaint):
    with pytest.raises(UsageError, match=complaint):
        sitewarden("backtest", *words, "--rules", "tower-crane")


def test_an_unknown_site_or_device_or_a_range_turned_round_is_refused(site, config):
    born(site)
    for words, complaint in (
        (["--site", "other", *RANGE], "no site `other`; there are demo"),
        (["--site", "demo", *RANGE, "--device", "crane-9"], "no device `crane-9`"),
        (["--site", "demo", "--from", RANGE[3], "--to", RANGE[1]], "must lie after"),
        (["--site", "demo", "--from", "yesterday", "--to", RANGE[3]], "`yesterday` is no instant"),
    ):
        with pytest.raises(SiteWardenError, match=complaint):
            sitewarden("backtest", "--config", config, *words, "--rules", "tower-crane")
