"""Places compared: by what each is worth, and not where too little is known."""

from cloud.indicators.board import Node
from cloud.indicators.description import descriptions
from cloud.indicators.formulas import World, measure
from cloud.indicators.lives import Life
from cloud.indicators.ranking import Unit, enterprises, rank, territories
from tests.cloud.indicators.stories import AT, DAY
from tests.cloud.indicators.test_indicators import SHANGHAI, life


def unit(node: int, zh: str) -> Unit:
    return Unit(node=node, name={"zh": zh, "en": zh}, sites=[])


def of(*lives: Life) -> list:
    return measure(World(at=AT, zone=SHANGHAI, lives=lives))


def rectified(done: int, left: int) -> list:
    due = AT - DAY
    fixed = [life(verified=True, verified_at=due - DAY, due_original=due) for _ in range(done)]
    return of(*fixed, *(life(due_original=due) for _ in range(left)))


def test_the_better_stands_first_with_its_points_and_who_has_too_few_records_is_not_ranked():
    units = [
        (unit(1, "甲"), rectified(5, 5)),
        (unit(2, "乙"), rectified(9, 1)),
        (unit(3, "丙"), rectified(4, 0)),
    ]
    found = rank(units)
    assert [(one.unit.name["zh"], one.rank) for one in found] == [("乙", 1), ("甲", 2), ("丙", None)]
    assert (found[0].score or 0) > (found[1].score or 0) > 0
    assert (found[2].score, found[2].records) == (None, 4)
    points = {one.id: one.points for one in found[0].components}
    assert (points["rectification"], points["coverage"]) == (75, None)


def test_the_same_score_is_the_same_rank():
    found = rank([(unit(n, str(n)), rectified(8, 2)) for n in (1, 2)] + [(unit(3, "3"), rectified(5, 5))])
    assert [one.rank for one in found] == [1, 1, 3]


def test_where_most_is_unknown_nobody_is_ranked():
    known = descriptions().ranking
    weights = sum(one.weight for one in known.components.values())
    assert known.components["coverage"].weight < known.weight * weights
    (found,) = rank([(unit(1, "甲"), of())])
    assert (found.rank, found.score) == (None, None)


def test_every_component_is_an_indicator_or_a_number_beside_one():
    for name in descriptions().ranking.components:
        assert descriptions().label(name).zh


def test_parts_of_a_territory_and_companies_are_told_apart():
    nodes = [
        Node(node=1, parent=None, name={"zh": "州", "en": "P"}, path="/1/"),
        Node(node=2, parent=1, name={"zh": "甲县", "en": "A"}, path="/1/2/"),
        Node(node=3, parent=1, name={"zh": "乙县", "en": "B"}, path="/1/3/"),
    ]
    sites = [
        {"site": "a", "territory_path": "/1/2/", "enterprise_path": "/8/9/"},
        {"site": "b", "territory_path": "/1/3/", "enterprise_path": "/8/9/"},
    ]
    assert [one.node for one in territories(nodes, sites, None)] == [2, 3]
    assert territories(nodes, sites, 2) == []
    named = {"zh": "公司", "en": "Company"}
    trees = [{"node": 8, "kind": "group", "name": named}, {"node": 9, "kind": "company", "name": named}]
    (company,) = enterprises(trees, sites)
    assert (company.node, [row["site"] for row in company.sites]) == (9, ["a", "b"])
