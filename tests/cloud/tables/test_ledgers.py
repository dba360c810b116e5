"""Ledgers as tables: each apart, what the caller sees of it, and no more."""

import csv
import io

import pytest

from cloud.accounts.roles import roles
from cloud.exports.masks import masks, roles_seeing
from tests.cloud.incidents.test_incidents import become, filed
from tests.cloud.site import raised


def rows(web, path: str) -> list[dict[str, str]]:
    answer = web.get(f"/tables/{path}")
    assert answer.status_code == 200, answer.text
    titles, *lines, mark = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert "exported by" in mark[0]
    return [dict(zip(titles, line, strict=True)) for line in lines]


def test_each_ledger_of_incidents_by_itself(web, site):
    become(web, site, "project_manager")
    made = {kind: filed(web, kind=kind)["number"] for kind in ("near_miss", "non_fatal", "fatal")}
    for kind, number in made.items():
        assert [row["编号 number"] for row in rows(web, f"incidents.csv?kind={kind}")] == [number]
    assert len(rows(web, "incidents.csv")) == 3
    (fatal,) = rows(web, "incidents.csv?kind=fatal")
    assert (fatal["台账 ledger"], fatal["受伤 injured"]) == ("亡人事故 fatal", "1")
    assert fatal["发生时间 occurred at"].endswith("+08:00")


@pytest.fixture
def planned(site):
    """A hazard whose plan names a person and funds."""
    site.born().deliver(raised())
    site.connection.execute(
        """UPDATE hazard SET record = record || '{"plan": {"person": "王五", "funds_wan": 3.5}}'"""
    )


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("county_authority", ("王五", "3.5")),
        ("township_officer", ("***", "3.5")),
        ("construction_owner", ("王五", "***")),
    ],
)
def test_who_may_not_see_persons_or_funds_sees_that_there_are_some(web, site, planned, role, seen):
    become(web, site, role)
    (row,) = rows(web, "hazards.csv")
    assert (row["整改责任人 responsible"], row["资金（万元） funds 10k yuan"]) == seen


def test_what_is_filtered_is_said_and_what_is_not_seen_is_not_there(web, site, planned):
    assert rows(web, "hazards.csv?level=major") == []
    assert rows(web, "hazards.csv?site=elsewhere") == []
    assert len(rows(web, "hazards.csv?status=candidate")) + len(rows(web, "hazards.csv?status=all")) >= 1
    assert rows(web, "hazards.csv?status=closed") == []
    mark = web.get("/tables/hazards.csv?overdue=true").content.decode().splitlines()[-1]
    assert "filter status=open, overdue=True" in mark
    become(web, site, "equipment_operator")
    assert web.get("/tables/hazards.csv").status_code == 403
    assert web.get("/tables/incidents.csv").status_code == 403


def test_a_notice_that_went_out_and_no_enforcement(web, site):
    assert rows(web, "enforcement.csv") == []
    answer = web.get("/sites/demo/tables/notices.csv")
    assert answer.content.decode("utf-8-sig").startswith("时间 at,渠道 channel")


def test_masks_name_roles_that_there_are():
    named = {role for mask in masks().masks.values() for role in mask.hidden_from}
    assert named <= set(roles().roles)
    assert "township_officer" not in roles_seeing("persons", "hazards.view")
    assert "admin" in roles_seeing("funds", "hazards.view")
