"""`sitewarden rules show SITE`: which limits hold on a site, where each comes from, and who changed it."""

from pathlib import Path

import msgspec
import pytest
import yaml

from sitewarden.cli import main
from sitewarden.messages import DeviceBirth, DeviceSetup, PointBirth
from sitewarden.rules.model import LimitChange
from sitewarden.text import Text
from tests.cloud.backtest.past import RATIO, announced, born, crane

CHANGE = LimitChange(
    rule="crane-load-100",
    device="crane-1",
    limit=92.0,
    author="Li Wei",
    reason="worn rope, until it is replaced",
    on="2026-11-20",
    version=3,
)
H1, H2 = ("pit-1/h1.cumulative", "pit-1/h2.cumulative")


@pytest.fixture
def config(site, tmp_path) -> Path:
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
    return file


def deep_pit() -> DeviceBirth:
    kind = "pit.displacement.horizontal.cumulative"
    return DeviceBirth(
        device="pit-1",
        kind="pit",
        label=Text("1号基坑", "Pit 1"),
        profile="reference-pit-displacement",
        setup=DeviceSetup(
            parameters={
                "pit_class": 1,
                "support": "diaphragm-wall",
                "depth_m": 12,
                "horizontal_of": "wall-top",
            },
            point_parameters={"h2": {"control_cumulative_mm": 45}},
        ),
        points=[PointBirth(p=H1, kind=kind), PointBirth(p=H2, kind=kind)],
        limits=[
            announced(H1, "gb50497-horizontal", 20.0, level=4),
            announced(H2, "gb50497-horizontal", 45.0, level=4),
        ],
    )


def changed_crane(*changes: LimitChange) -> DeviceBirth:
    newer = CHANGE.version - announced(RATIO, CHANGE.rule, 0.0).rule_version
    made = crane(announced(RATIO, CHANGE.rule, CHANGE.limit, newer=newer), announced(RATIO, "our-own", 80.0))
    return msgspec.structs.replace(
        made, setup=msgspec.structs.replace(made.setup, limit_changes=list(changes))
    )


def shown(site: str, config: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["rules", "show", site, "--config", str(config)]) == 0
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_each_limit_says_where_it_comes_from(site, config, capsys):
    born(site, changed_crane(CHANGE), deep_pit())
    said = shown("demo", config, capsys)
    for line in (
        "crane-1: 1号塔机 Tower crane 1, reference-tower-crane, gateway gw-1",
        "limit: changed by Li Wei on 2026-11-20: worn rope, until it is replaced, version 3",
        "limit: announced by its gateway, which alone has the rule's text, version 1",
        "given for h2: control_cumulative_mm 45",
        "limit: the site's control_cumulative_mm for h2, version 1",
        "basis: GB 50497-2019 8.0.4; source: design; confidence: agreed",
    ):
        assert line in said
    (cell,) = {line for line in said if line.startswith("limit: horizontal cumulative_mm 20–30")}
    assert cell.endswith("version 1")
    # What the gateway does not draw is in force with its pack.
    assert any(line.startswith("crane-silent: no good reading") for line in said)


def test_the_same_as_json(site, config, capsys):
    born(site, changed_crane(CHANGE), deep_pit())
    assert main(["rules", "show", "demo", "--config", str(config), "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    crane_1, pit_1 = found["devices"]
    limits = {(one["point"], one["rule"]): one for one in (*crane_1["limits"], *pit_1["limits"])}
    assert limits[RATIO, "crane-load-100"]["change"] == msgspec.to_builtins(CHANGE)
    assert limits[H2, "gb50497-horizontal"]["limit"] == 45.0
    origins = {key: one["origin"] for key, one in limits.items()}
    assert origins[RATIO, "crane-load-100"] == "change"
    assert origins[RATIO, "crane-load-90"] == "rule"
    assert origins[RATIO, "our-own"] == "gateway"
    assert origins[H1, "gb50497-horizontal"] == "table"
    assert origins[H2, "gb50497-horizontal"] == "design"


def test_a_change_of_an_older_gateway_is_said_to_be_only_announced(site, config, capsys):
    born(site, changed_crane())
    said = shown("demo", config, capsys)
    assert "limit: changed by site: as the gateway announced it, version 3" in said


def test_a_site_that_nobody_has_and_a_cloud_that_nobody_named(site, config, capsys, tmp_path, monkeypatch):
    assert main(["rules", "show", "elsewhere", "--config", str(config)]) == 2
    assert "no site `elsewhere`; there are demo" in capsys.readouterr().err
    assert main(["rules", "show", "demo", "--config", str(config)]) == 0
    assert "no gateway has announced a device yet" in capsys.readouterr().out
    # In the folder of a cloud.yaml that one is meant.
    monkeypatch.chdir(tmp_path)
    assert main(["rules", "show", "demo"]) == 0
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["rules", "show", "demo"]) == 2
    assert "with --config cloud.yaml" in capsys.readouterr().err


def test_a_pack_is_shown_by_its_name_as_before(capsys):
    assert main(["rules", "show", "weather"]) == 0
    assert "weather-stop" in capsys.readouterr().out
    assert main(["rules", "show", "weather", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["pack"] == "weather"
