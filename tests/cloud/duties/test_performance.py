"""What is owed and was done, over HTTP: by the figures of each territory, seen by whoever may."""

import datetime as dt

import pytest

from cloud.jurisdictions.loading import jurisdictions
from tests.cloud.duties.conftest import aged, declare, inspect, today
from tests.cloud.registry.records import problem
from tests.cloud.registry.test_scope import become

NAMED = {name for name in jurisdictions() if name != "default"}


@pytest.fixture
def old(web, site, trees, company):
    aged(site)
    return {**trees, "company": company}


def duties(web, since: dt.date, until: dt.date, **of) -> dict:
    answer = web.get("/duties", params={"since": since, "until": until, **of})
    assert answer.status_code == 200, answer.text
    return {(one["kind"], one["site"] or one["node"]): one for one in answer.json()["items"]}


def test_a_daily_check_is_done_missed_or_unknown(web, site, old):
    day = today()
    days = [day - dt.timedelta(days=back) for back in (3, 2, 1)]
    inspect(site, days[1], site="demo", kind="self_check", acting_level="project")
    (found,) = [
        one for (kind, _), one in duties(web, days[0], day, site="demo").items() if kind == "frontline_check"
    ]
    assert [one["state"] for one in found["periods"]] == ["unknown", "done", "unknown", "due"]
    assert (found["source_declared"], found["missed_days"]) == (False, [])
    declare(site, "inspections", old["province"], days[0])
    found = duties(web, days[0], day, site="demo")["frontline_check", "demo"]
    assert found["missed_days"] == [days[0].isoformat(), days[2].isoformat()]
    assert (found["required"], found["done"], found["source_declared"]) == (4, 1, True)


def test_a_principal_s_check_anywhere_is_the_company_s_and_no_county_s(web, site, old):
    since = (today().replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    until = today().replace(day=1) - dt.timedelta(days=1)
    inspect(site, until, site="north", kind="lead_check", acting_level="enterprise")
    found = duties(web, since, until, node=old["company"])
    assert found["principal_check", old["company"]]["done"] == 1
    assert found["meeting", old["company"]]["done"] == 0
    assert ("guidance", old["first"]) not in found
    assert ("guidance", old["first"]) in duties(web, since, until, node=old["province"])


def test_the_round_counts_enterprises_projects_and_devices(web, site, old):
    device = {"id": "crane-9", "kind": "crane", "name": {"zh": "9号", "en": "No. 9"}, "serial_no": "SN-9"}
    assert web.post("/sites/demo/registry/devices", json=device).status_code == 201
    inspect(site, today(), site="demo", territory=old["first"], devices=["crane-9"])
    query = {"node": old["province"]}
    found = web.get("/duties/coverage", params=query).json()["round"]
    assert (found["projects"]["looked_at"], found["projects"]["all"]) == (1, 2)
    assert (found["devices"]["looked_at"], found["devices"]["all"]) == (1, 1)
    assert (found["enterprises"]["looked_at"], found["enterprises"]["all"]) == (None, 1)
    (missing,) = found["projects"]["missing"]
    assert (missing["id"], found["projects"]["source_declared"]) == ("north", False)


def test_five_circulars_give_the_same_site_five_sets_of_duties_rounds_and_returns(web, site, old):
    assert len(NAMED) == 5
    seen = {}
    for name in sorted(NAMED):
        with site.connection.transaction():
            site.connection.execute("SELECT set_config('sitewarden.author', 'test', true)")
            query = "UPDATE tree_node SET jurisdiction = %s WHERE node = %s"
            site.connection.execute(query, [name, old["province"]])
        asked = duties(web, dt.date(2026, 1, 1), dt.date(2026, 12, 31), node=old["first"])
        frequencies = {kind: one["frequency"] for (kind, _), one in asked.items()}
        coverage = web.get("/duties/coverage", params={"node": old["first"]}).json()["round"]
        calendar = web.get("/sites/demo/jurisdiction").json()["calendar"]
        returns = sorted({(one["on"][5:], one["what"]["zh"]) for one in calendar})
        seen[name] = (sorted(frequencies.items()), coverage["until"], returns)
    assert len({repr(one) for one in seen.values()}) == 5
    assert dict(seen["changzhi"][0])["principal_check"] == "quarterly"
    assert dict(seen["changji"][0])["principal_check"] == "monthly"
    assert seen["changzhi"][1] == "2023-09-30"


def test_what_one_may_not_see_is_not_there(web, site, old):
    day = today().isoformat()
    span = {"since": day, "until": day}
    become(web, site, "county_authority", node=old["second"])
    assert web.get("/duties", params={**span, "site": "demo"}).status_code == 404
    assert web.get("/duties", params={**span, "node": old["province"]}).status_code == 404
    assert web.get("/duties/coverage", params={"node": old["first"]}).status_code == 404
    assert web.get("/duties", params={**span, "node": old["second"]}).status_code == 200
    assert problem(web.get("/duties", params=span))[0] == 422
    wrong = {"since": day, "until": "1999-01-01", "node": old["second"]}
    assert problem(web.get("/duties", params=wrong))[0] == 422
