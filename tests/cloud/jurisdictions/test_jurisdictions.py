"""Five circulars, five sets of deadlines, and no line of code for any of them."""

import shutil
from importlib import resources

import pytest
from psycopg.types.json import Jsonb

from cloud.jurisdictions.loading import FIELDS, jurisdiction, jurisdictions, load
from cloud.jurisdictions.store import jurisdiction_of
from sitewarden.errors import ConfigurationError

NAMES = {"default", "changzhi", "jinjiang", "changji", "lvliang", "hainan"}


def test_the_circulars_give_five_different_sets_of_deadlines():
    found = jurisdictions()
    assert set(found) == NAMES
    sets = [
        [getattr(one.holds, field) for field in FIELDS] for name, one in found.items() if name != "default"
    ]
    assert all(sets.count(one) == 1 for one in sets)


def test_what_they_say_is_what_holds():
    assert jurisdiction("changzhi").listing == "all"
    assert jurisdiction("changzhi").principal_check == "quarterly"
    assert jurisdiction("changji").monthly_report_day == 28
    assert jurisdiction("default").monthly_report_day == 1
    assert [phase.until for phase in jurisdiction("changzhi").rounds] == ["2023-06-30", "2023-09-30"]
    assert len(jurisdiction("hainan").hierarchy) == 2


def test_every_figure_says_where_it_comes_from_and_what_it_is():
    for written in jurisdictions().values():
        for figure in written.figures.values():
            assert figure.label is not None
            assert figure.source.zh
            assert figure.source.en


def test_a_name_that_is_not_shipped_means_the_default():
    assert jurisdiction("nowhere") == jurisdiction("default")


@pytest.fixture
def folder(tmp_path):
    with resources.as_file(resources.files("cloud.jurisdictions") / "data") as shipped:
        shutil.copytree(shipped, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("plans: {value: 1, source: {zh: 某, en: one}, confidence: memory}", "Did you mean plan_s"),
        ("plan_s: {value: soon, source: {zh: 某, en: one}, confidence: memory}", "figures.plan_s.value"),
        ("plan_s: {value: 0, source: {zh: 某, en: one}, confidence: memory}", "figures.plan_s.value"),
        ("plan_s: {value: 60, confidence: memory}", "source"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(folder, written, complaint):
    (folder / "here.yaml").write_text(
        f"label: {{zh: 某地, en: Here}}\nsource: {{zh: 某, en: one}}\nfigures:\n  {written}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        load(folder)
    assert "here.yaml:4" in str(caught.value)


def test_the_default_says_every_figure(folder):
    text = (folder / "default.yaml").read_text(encoding="utf-8")
    (folder / "default.yaml").write_text(text.replace("  plan_s:", "  plans_s:"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="says nothing of plan_s"):
        load(folder)


def node(site, parent, kind, jurisdiction=None, tree="territory"):
    made = site.value(
        "INSERT INTO tree_node (tree, parent, kind, name, jurisdiction)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING node",
        tree,
        parent,
        kind,
        Jsonb({"zh": kind, "en": kind}),
        jurisdiction,
    )
    above = "/" if parent is None else site.value("SELECT path FROM tree_node WHERE node = %s", parent)
    site.connection.execute("UPDATE tree_node SET path = %s WHERE node = %s", [f"{above}{made}/", made])
    return made


def test_the_nearest_territory_that_names_one_decides(site):
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")

    def holds() -> str:
        return jurisdiction_of(site.connection, "demo").name

    assert holds() == "default"
    province = node(site, None, "province", "hainan")
    county = node(site, province, "county")
    site.connection.execute("UPDATE site SET territory = %s", [county])
    assert holds() == "hainan"
    site.connection.execute("UPDATE tree_node SET jurisdiction = 'jinjiang' WHERE node = %s", [county])
    assert holds() == "jinjiang"
