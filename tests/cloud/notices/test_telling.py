"""The table of who is told of what, and who that is at a site."""

import datetime as dt
import re
from pathlib import Path

import pytest

from cloud.database import instant
from cloud.notices import people, words
from cloud.notices.links import Link, opened, token
from cloud.notices.opening import Said, Telling, tell_node
from cloud.notices.telling import load, table
from sitewarden.errors import ConfigurationError
from tests.cloud.site import now_ms, raised

ROUTER = Path(__file__).parents[3] / "dashboards" / "web" / "src" / "router.ts"
VIEWS = {"alarms": "AlarmsView.vue"}
HEAD = (
    "source: {zh: 源, en: source}\nregulators_from: 3\ntellings:\n  alarm:\n    name: {zh: 报警, en: Alarm}\n"
)


def account(site, name: str, role: str, **scope) -> int:
    """Somebody with a role at the site, a node, or everywhere."""
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    row = site.connection.execute(
        "INSERT INTO account (name, password_hash, created_at) VALUES (%s, '', now()) RETURNING id", [name]
    ).fetchone()
    site.connection.execute(
        """
        INSERT INTO assignment (account_id, role, node, site, devices, valid_from, given_by)
            VALUES (%s, %s, %s, %s, %s, now() - interval '1 minute', 'test')
        """,
        [row[0], role, scope.get("node"), scope.get("at"), scope.get("devices")],
    )
    return row[0]


def nodes(site) -> tuple[int, int, int]:
    """A prefecture and two counties of it."""
    made = []
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    for parent in (None, 0, 0):
        row = site.connection.execute(
            """
            INSERT INTO tree_node (tree, parent, kind, name)
                VALUES ('territory', %s, 'county', '{"zh": "地", "en": "x"}') RETURNING node
            """,
            [None if parent is None else made[parent]],
        ).fetchone()
        made.append(row[0])
        above = f"/{made[0]}/" if parent is not None else "/"
        path = f"{above}{row[0]}/"
        site.connection.execute("UPDATE tree_node SET path = %s WHERE node = %s", [path, row[0]])
    return tuple(made)


def told(site) -> dict[str, list[tuple[int, bool]]]:
    rows = site.rows(
        """
        SELECT account.name, array_agg(told_person.step ORDER BY told_person.step)
          FROM told_person JOIN account ON account.id = account_id GROUP BY account.name
        """
    )
    return dict(rows)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[{tell: [{role: safety_oficer}]}]", "Did you mean safety_officer"),
        ("[{from_level: 2, tell: [{role: county_authority}]}]", "tells an authority of alarms of level 2"),
        ("[{from_level: 4, folded: true}]", "never folded"),
        ("[{from_level: 3}, {from_level: 3}]", "levels out of order"),
        ("[{tell: [{role: safety_officer}], ways: [message]}]", "leaves out app"),
        ("[{tell: [{role: safety_officer}], acknowledges: [expert]}]", "never hears of it"),
        ("[{tell: [{role: viewer}], chain: [{after_s: 9, tell: [{role: viewer}]}]}]", "ended by nobody"),
    ],
)
def test_a_table_that_tells_whom_it_must_not_is_refused_with_the_line(tmp_path, rules, said):
    file = tmp_path / "telling.yaml"
    file.write_text(HEAD + "    page: /inbox\n    rules: " + rules + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said) as refused:
        load(file)
    assert "telling.yaml:7" in str(refused.value)


def test_every_kind_links_a_page_that_there_is():
    text = ROUTER.read_text(encoding="utf-8")
    top = set(re.findall(r"^    \{?\s*path: '(/[^']*)'", text, re.MULTILINE))
    top |= set(re.findall(r"^      path: '(/[^']*)'", text, re.MULTILINE))
    below = set(re.findall(r"^        \{?\s*path: '([^/'][^']*)'", text, re.MULTILINE))
    below |= set(re.findall(r"^          path: '([^/'][^']*)'", text, re.MULTILINE))
    known = {*top, *(f"/sites/:site/{path}" for path in below)}
    known = {path for path in known if "*" not in path}
    fits = [re.compile(re.sub(r":\w+(\([^)]*\))?\??", "[^/]+", path)) for path in known]
    for name, kind in table().tellings.items():
        page, _, query = kind.path(site="demo", id="0f3c").partition("?")
        assert any(pattern.fullmatch(page) for pattern in fits), (name, page)
        if query:
            view = (ROUTER.parent / "views" / VIEWS[page.rpartition("/")[2]]).read_text(encoding="utf-8")
            assert f"query.{query.partition('=')[0]}" in view, (name, "the page takes no notice of", query)


def test_a_message_has_a_link_and_the_mark_of_who_speaks_whoever_wrote_it():
    said = words.Words(title="收到群众举报", body="请在 3 天内指定处理人。")
    whole = words.whole(said, "https://a", "/tips/7")
    assert whole.body == f"请在 3 天内指定处理人。\nhttps://a/tips/7\n—\n{words.MARK}"
    assert words.whole(whole, "https://a", "/tips") == whole
    assert words.whole(said, None, "/tips").body.endswith(words.MARK)


def test_an_alarm_is_told_to_those_whom_its_level_names_at_that_site_and_nobody_twice(site):
    site.born()
    account(site, "安全员", "safety_officer", at="demo")
    account(site, "经理", "project_manager", at="demo")
    account(site, "县局", "county_authority")
    account(site, "执法", "enforcement_officer")
    account(site, "检测", "monitoring_body", at="demo")
    account(site, "租赁", "equipment_company", at="demo", devices=["crane-2"])
    first = raised(level=3)
    site.deliver(first)
    site.deliver(first)
    assert told(site) == {"安全员": [0], "经理": [0]}
    site.deliver(raised(level=4, rule="crane-load-110", point="crane-1/load"))
    assert told(site)["执法"] == [0]
    assert not told(site).keys() & {"县局", "检测", "租赁"}


def test_a_notice_of_a_node_reaches_who_holds_it_or_a_node_above_it_and_nobody_beside(site, settings):
    city, county, other = nodes(site)
    account(site, "县局", "county_authority", node=county)
    account(site, "市局", "city_authority", node=city)
    account(site, "邻县", "county_authority", node=other)
    telling = Telling(settings=settings, sites={}, now_ms=now_ms())
    said = Said(
        node=county,
        kind="report_draft",
        about="r1",
        level=2,
        words=lambda _: words.Words(title="t", body="b"),
    )
    tell_node(site.connection, telling, said)
    tell_node(site.connection, telling, said)
    assert told(site) == {"县局": [0], "市局": [0]}


def test_a_link_is_of_one_person_and_cannot_be_made_without_the_key():
    link = Link(people.uuid4(), 7, 1)
    key = bytes(range(32))
    text = token(key, link)
    assert opened(key, text) == link
    assert len(text) < 60
    assert opened(bytes(32), text) is None
    other = "A" if text[5] != "A" else "B"
    assert opened(key, text[:5] + other + text[6:]) is None
    assert [opened(key, other) for other in ("", "…")] == [None, None]


def test_whoever_hears_of_it_because_nobody_answered_is_told_so():
    said = words.Words(title="[报警] 超载", body="数值：104%\n—\n工地卫士")
    again = words.to_person(said, "zh", is_again=True, stands_in=True, link="https://a/told/x")
    assert again.title == "[无人确认] [报警] 超载"
    assert again.body.splitlines()[-3:] == ["确认收到：https://a/told/x", "—", "工地卫士"]
    assert words.to_person(said, "zh", is_again=False, stands_in=False, link=None) == said


def test_where_the_table_names_nobody_who_is_there_the_next_are_told_at_once(site):
    account(site, "县局", "county_authority")
    site.born()
    site.deliver(raised(level=4))
    due_at, created_at, unheld = site.rows(
        "SELECT due_at, created_at, unheld FROM told WHERE kind = 'alarm'"
    )[0]
    assert due_at <= created_at + dt.timedelta(seconds=1)
    assert "safety_officer" in unheld
    assert instant(now_ms()) - created_at < dt.timedelta(minutes=1)
