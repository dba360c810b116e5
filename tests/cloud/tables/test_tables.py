"""Tables for a spreadsheet: right, safe to open, and signed with who took them."""

import csv
import io

import pytest

from tests.cloud.registry.records import CRANE, OPERATOR, Registry, words
from tests.cloud.site import birth, raised, readings


def read(web, path: str) -> tuple[str, list[dict[str, str]]]:
    """The watermark and the rows by title."""
    answer = web.get(f"/sites/demo/tables/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8")
    assert text.startswith("\ufeff")
    titles, *rows, mark = csv.reader(io.StringIO(text[1:]))
    return mark[0], [dict(zip(titles, row, strict=True)) for row in rows]


def test_the_newest_readings_with_their_limits(web, site):
    site.born().deliver(readings(3.1, 3.25))
    mark, rows = read(web, "readings.csv?device=crane-1")
    assert "exported by 安全员" in mark
    assert "示范工地 Demo site" in mark
    assert "filter device=crane-1" in mark
    load, ratio = rows
    assert (load["设备 device"], load["数值 value"], load["单位 unit"], load["质量 quality"]) == (
        "crane-1",
        "3.25",
        "t",
        "good",
    )
    assert load["限值 limits"] == "≥100 (L3)"
    assert load["数据时间 measured at"].endswith("+08:00")
    # A point that never spoke is no zero.
    assert ratio["数值 value"] == ratio["质量 quality"] == ""


def test_alarms_and_hazards_as_filtered(web, site):
    site.born().deliver(raised())
    _, alarms = read(web, "alarms.csv?state=active&device=crane-1")
    _, hazards = read(web, "hazards.csv")
    assert alarms[0]["最不利值 peak"] == "104.2"
    assert alarms[0]["隐患编号 hazard no."] == hazards[0]["隐患编号 number"] != ""
    assert read(web, "alarms.csv?state=returned")[1] == []
    assert read(web, "alarms.csv?device=crane-9")[1] == []


def test_devices_that_speak_and_devices_that_only_have_a_file(web, site):
    site.born()
    records = Registry(web)
    records.make("devices", CRANE)
    records.make("devices", CRANE, id="crane-9", name=words("备用塔机", "Spare crane"), serial_no="S-9")
    records.make("operators", OPERATOR, devices=["crane-9"])
    _, rows = read(web, "devices.csv")
    assert [(row["设备 device"], row["网关 gateway"], row["测点数 points"]) for row in rows] == [
        ("crane-1", "gw-1", "2"),
        ("crane-9", "", ""),
    ]
    assert rows[1]["司机 operators"] == "张三 T-0001 (valid)"
    assert rows[1]["出厂编号 serial no."] == "S-9"


@pytest.mark.parametrize("what", ["readings", "alarms", "hazards", "devices"])
def test_another_projects_tables_are_not_there(web, what):
    assert web.get(f"/sites/elsewhere/tables/{what}.csv").status_code == 404


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_a_name_that_a_spreadsheet_would_run_is_made_a_text(web, site, name):
    site.deliver(birth(points={"crane-1/load": "crane.load"}))
    site.connection.execute("UPDATE device SET label = jsonb_build_object('zh', %s::text, 'en', 'x')", [name])
    _, rows = read(web, "readings.csv")
    assert rows[0]["设备名称 device name"] == f"'{name} x"
