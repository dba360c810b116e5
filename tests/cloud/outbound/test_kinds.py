"""Every kind of package goes all the way, from what a person does to the other platform; nobody is named."""

import hashlib

import jsonschema
import msgspec

from cloud.accounts.permissions import COOKIE
from cloud.outbound.packages import FORMS, schemas
from tests.cloud.enforcement.test_enforcement import become
from tests.cloud.hazards.people import signer_of
from tests.cloud.incidents.test_incidents import SIGNED, acted, filed
from tests.cloud.inspections.test_inspections import check, recorded
from tests.cloud.outbound.platform import connected, packages
from tests.cloud.reports.past import Past, golden
from tests.cloud.reports.test_life import approved, made
from tests.cloud.reports.test_life import become as report_by

MAPPING = """
kinds:
  hazard_closed: {YHBH: number, ZT: {from: status, codes: {closed: "9"}}}
  incident_details: {SGBH: number, JG: course, XM: site.name}
  inspection: {RQ: day, JZ: answers.crane_papers}
  report: {ND: campaign, NR: body}
required: [YHBH, SGBH, RQ, ND]
"""


def test_each_kind_arrives_as_its_schema_says_it_and_names_nobody(web, site, platform, sender):
    past, everything = Past(site.connection), web.client.cookies[COOKIE]
    for name in ("city_authority", "second"):
        signer_of(past.connection, past.people[name])
    connected(web, url=platform.url)
    connected(web, name="对方格式", url=platform.url, mapping=MAPPING)
    golden(past)
    report_by(web, past, "city_authority")
    approved(web, past, made(web, past))
    become(web, site, "county_authority", node=past.county)
    inspected = recorded(web, check(past.county, site="east"))
    become(web, site, "project_manager", site="demo")
    incident = acted(web, filed(web), "submit_details", course="钢丝绳断裂", measures="停用", **SIGNED)

    web.client.cookies.set(COOKIE, everything)
    for seconds in range(0, 40, 2):
        sender(seconds)
    assert {one["state"] for one in packages(web, limit=200)} == {"accepted"}
    got = [(said["kind"], said["payload"], said) for _, said in platform.got]
    assert {kind for kind, _, _ in got} == set(FORMS)
    shipped = schemas()
    for kind, payload, said in got:
        sent = msgspec.json.encode(payload, order="deterministic")
        assert said["hash"] == hashlib.sha256(sent).hexdigest()
        if "id" in payload:
            jsonschema.validate(payload, shipped[f"{FORMS[kind].__name__.lower()}.1.json"])
        assert not any(name in sent.decode() for name in ("张三", "second", "project_manager")), kind
    theirs = {kind: payload for kind, payload, _ in got if "id" not in payload}
    assert theirs["hazard_closed"]["ZT"] == "9"
    assert theirs["inspection"] == {"RQ": inspected["day"], "JZ": "no"}
    assert theirs["incident_details"]["SGBH"] == incident["number"]
    assert "a3" in theirs["report"]["NR"]
