"""What a package about an incident is put together from: all that is known of it and of before."""

import datetime as dt
from typing import Any, LiteralString

import msgspec

from cloud.database import Connection, Row
from cloud.evidence.media import ending_of
from cloud.evidence.store import ITEMS, OF_RECORD
from cloud.exports import Mark, Value
from cloud.instants import local, rfc3339
from cloud.ledger.store import EVENTS
from cloud.returns.figures import figures
from cloud.returns.package import Part, Sheet, archive, as_json, manifest, written
from cloud.returns.store import Cause, NewDossier, rows

_INCIDENT: LiteralString = """
    SELECT its.id, its.number, its.site, site.name AS site_name, site.time_zone, its.kind, its.status,
           its.hazard_id, hazard.number AS hazard_number, its.occurred_at, its.filed_at, its.record
      FROM incident AS its JOIN site USING (site) LEFT JOIN hazard ON hazard.id = its.hazard_id
     WHERE its.id = %s
"""
_CLOCKS: LiteralString = (
    "SELECT kind, due_at, settled_at FROM incident_timer WHERE incident_id = %s ORDER BY kind"
)
_ALARMS: LiteralString = """
    SELECT id, device, point, label, level, value, peak, "limit", unit, raised_at, acknowledged_at,
           acknowledged_by, cleared_at, late, test
      FROM episode
     WHERE site = %(site)s AND mode = 'live' AND raised_at <= %(at)s
       -- What has stood for long matters as much as what has just come.
       AND (raised_at >= %(from)s OR cleared_at IS NULL OR cleared_at >= %(from)s)
     ORDER BY raised_at, id LIMIT 5000
"""
_HAZARDS: LiteralString = """
    SELECT id, number, device, category, content, level, status, opened_at, detected_at, due_at, overdue,
           closed_at, id = %(hazard)s AS is_linked
      FROM hazard
     WHERE site = %(site)s AND mode = 'live' AND opened_at <= %(at)s
       AND (opened_at >= %(from)s OR ended_at IS NULL OR ended_at > %(from)s OR id = %(hazard)s)
     ORDER BY opened_at, id LIMIT 5000
"""
_ACTS: LiteralString = """
    SELECT at, kind, record::jsonb ->> 'actor' AS actor FROM hazard_event WHERE hazard_id = %s ORDER BY seq
"""
_DEVICE: LiteralString = """
    SELECT device, kind, name, zone, maker, model, serial_no, property_no, manufactured_on, parties
      FROM device_file WHERE site = %s AND device = %s
"""
_STEPS: LiteralString = """
    SELECT step, done_on, body, document_no, valid_until FROM device_step
     WHERE site = %s AND device = %s ORDER BY done_on, step_id
"""
_OPERATORS: LiteralString = """
    SELECT name, trade, certificate_no, valid_until FROM operator
     WHERE site = %s AND %s = ANY (devices) ORDER BY certificate_no
"""
_ON_DUTY: LiteralString = """
    SELECT person, name, post, first_in, last_out, system FROM attendance
     WHERE site = %(site)s AND (day = %(day)s
           -- A night's shift is of the day on which it began.
           OR day = %(day)s - 1 AND coalesce(last_out, first_in + interval '16 hours') >= %(at)s)
     ORDER BY post, person
"""
_REPORTS: LiteralString = """
    SELECT no, kind, sent_at, due_at, late, encode(sha256, 'hex') AS sha256,
           body::jsonb -> 'addressee' AS addressee
      FROM hazard_report WHERE hazard_id = %s ORDER BY no
"""
_FILE: LiteralString = "SELECT content FROM evidence_file WHERE sha256 = decode(%s, 'hex')"
_SEALED: LiteralString = """
    SELECT encode(sha256, 'hex') FROM evidence_item JOIN evidence_file USING (sha256)
"""
_NOBODY = "无数据 no data"
_LEFT_OUT = "未随包（过大） not in the archive: too large"
_UNREDACTED = "未随包（未打码，请在隐患记录中查看） not in the archive: unredacted, see the record"


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    incident: Row
    events: list[dict[str, Any]]
    alarms: list[Row]
    hazards: list[Row]
    acts: list[Row]


def make(
    connection: Connection,
    cause: Cause,
    made_at: dt.datetime,
    author: str = "sitewarden",
    account: int | None = None,
) -> NewDossier:
    """Put one together, with everything that is known by now."""
    read = _read(connection, cause)
    incident = read.incident
    day = local(incident["occurred_at"], incident["time_zone"]).date()
    items = _evidence(connection, incident)
    sheets = [
        _timeline(read),
        _alarms(read),
        _hazards(read),
        _persons(rows(connection, _ON_DUTY, {"site": cause.site, "day": day, "at": incident["occurred_at"]})),
        _reports(connection, incident),
        _listed(items),
    ]
    said = [
        as_json("incident", _facts(connection, read)),
        as_json("device", _device(connection, cause.site, incident["record"].get("device"))),
    ]
    # Who takes the archive out is said where it is taken out: its tables are the machine's.
    mark = Mark(name=author, at=made_at, time_zone=incident["time_zone"], about=incident["number"])
    files = [part for _, part in items if part is not None]
    parts = [*said, *(written(sheet, mark) for sheet in sheets), *files]
    whole = [*parts, manifest(incident["number"], made_at, parts)]
    return NewDossier(
        kind="incident_package",
        cause=cause,
        content=archive(whole, made_at),
        facts=_without_mark(said, sheets, files),
        made_at=made_at,
        author=author,
        account=account,
    )


def _without_mark(said: list[Part], sheets: list[Sheet], files: list[Part]) -> bytes:
    """The same as long as the same is known, whoever asks and when."""
    tables = msgspec.json.encode(sheets, enc_hook=str)
    return b"".join([*(part.content for part in said), tables, *(part.sha256.encode() for part in files)])


def _read(connection: Connection, cause: Cause) -> _Read:
    (incident,) = rows(connection, _INCIDENT, [cause.incident])
    at, before = incident["occurred_at"], figures().package
    asked = {"site": cause.site, "hazard": incident["hazard_id"], "at": at}
    alarms_from = at - dt.timedelta(seconds=before.alarms_before_s)
    hazards_from = at - dt.timedelta(days=before.hazards_before_days)
    events = rows(connection, EVENTS, ["incident", cause.incident])
    return _Read(
        incident=incident,
        events=[{**msgspec.json.decode(one["record"]), "hash": one["hash"].hex()} for one in events],
        alarms=rows(connection, _ALARMS, {**asked, "from": alarms_from}),
        hazards=rows(connection, _HAZARDS, {**asked, "from": hazards_from}),
        acts=rows(connection, _ACTS, [incident["hazard_id"]]),
    )


def _facts(connection: Connection, read: _Read) -> dict[str, Any]:
    """What is known of it, the clocks, and its chain of events with their hashes."""
    its = read.incident
    return {
        "number": its["number"],
        "site": its["site"],
        "site_name": its["site_name"],
        "time_zone": its["time_zone"],
        "kind": its["kind"],
        "status": its["status"],
        "occurred_at": rfc3339(its["occurred_at"]),
        "filed_at": rfc3339(its["filed_at"]),
        "hazard": its["hazard_number"],
        "record": its["record"],
        "clocks": [
            {"kind": one["kind"], "due_at": rfc3339(one["due_at"])}
            for one in rows(connection, _CLOCKS, [its["id"]])
        ],
        "events": read.events,
    }


def _device(connection: Connection, site: str, device: str | None) -> dict[str, Any]:
    if device is None:
        return {"device": None}
    asked = [site, device]
    found = rows(connection, _DEVICE, asked)
    return {
        "device": device,
        "file": found[0] if found else None,
        "steps": rows(connection, _STEPS, asked),
        "operators": rows(connection, _OPERATORS, asked),
    }


def _timeline(read: _Read) -> Sheet:
    """Alarms, acts on the hazard and on the incident, and the incident itself, in their order."""
    its = read.incident
    lines: list[tuple[dt.datetime, list[Value]]] = [
        (its["occurred_at"], ["险情或事故 incident", its["record"]["what"], its["record"]["place"], ""])
    ]
    for one in read.alarms:
        said = f"L{one['level']} {one['value']:g}{one['unit']}"
        lines.append((one["raised_at"], ["报警 alarm", one["label"], one["device"], said]))
    lines += [
        (one["at"], ["隐患 hazard", one["kind"], its["hazard_number"], one["actor"]]) for one in read.acts
    ]
    lines += [
        (
            dt.datetime.fromisoformat(one["at"]),
            ["事故处置 incident", one["kind"], its["number"], one["actor"]],
        )
        for one in read.events
    ]
    lines.sort(key=lambda line: line[0])
    titles = ("时间 at", "类型 what", "内容 content", "对象 of", "补充 more")
    return Sheet(name="timeline", titles=titles, rows=[[at, *said] for at, said in lines])


def _alarms(read: _Read) -> Sheet:
    names = ("raised_at", "cleared_at", "level", "device", "point", "label", "value", "peak", "limit", "unit")
    more = ("acknowledged_at", "acknowledged_by", "late", "test")
    titles = (
        *(
            "报警时间 raised",
            "解除时间 cleared",
            "级别 level",
            "设备 device",
            "测点 point",
            "报警 alarm",
            "数值 value",
        ),
        *("最不利值 peak", "限值 limit", "单位 unit", "确认时间 acknowledged at", "确认人 by", "补传 late"),
        "试运行 on trial",
    )
    return Sheet(
        name="alarms", titles=titles, rows=[[one[name] for name in (*names, *more)] for one in read.alarms]
    )


def _hazards(read: _Read) -> Sheet:
    names = ("number", "device", "category", "content", "level", "status", "detected_at", "opened_at")
    more = ("due_at", "overdue", "closed_at", "is_linked")
    titles = (
        *("隐患编号 number", "设备 device", "类别 category", "内容 content", "等级 level", "状态 status"),
        *(
            "发现时间 detected",
            "开立时间 opened",
            "期限 due",
            "逾期 overdue",
            "关闭时间 closed",
            "由其发展 led to it",
        ),
    )
    return Sheet(
        name="hazards", titles=titles, rows=[[one[name] for name in (*names, *more)] for one in read.hazards]
    )


def _persons(found: list[Row]) -> Sheet:
    """Who was at the site that day; without a register it says so, and not that nobody was."""
    names = ("post", "name", "first_in", "last_out", "system")
    titles = ("岗位 post", "姓名 name", "进场 in", "离场 out", "来源 system")
    lines = [[one[name] for name in names] for one in found]
    return Sheet(name="persons", titles=titles, rows=lines or [[_NOBODY]])


def _reports(connection: Connection, incident: Row) -> Sheet:
    """First reports of the incident, and what was reported of the hazard that it came of."""
    lines: list[list[Value]] = [
        ["首报 first report", one["at"], one["to"], one["how"], ""]
        for one in incident["record"].get("reports", [])
    ]
    for one in rows(connection, _REPORTS, [incident["hazard_id"]]):
        to = one["addressee"]
        name = to.get("name", {}).get("zh", "") if isinstance(to, dict) else ""
        said = "迟报 late" if one["late"] else ""
        lines.append([f"隐患报告 {one['kind']} {one['no']}", one["sent_at"], name, said, one["sha256"]])
    titles = ("报告 report", "时间 at", "报送对象 to", "方式 how", "SHA-256")
    return Sheet(name="reports", titles=titles, rows=lines)


def _evidence(connection: Connection, incident: Row) -> list[tuple[Row, Part | None]]:
    """Every item of the hazard that it came of, with its bytes as long as there is room."""
    if incident["hazard_id"] is None:
        return []
    room, found = figures().package.evidence_bytes, list[tuple[Row, Part | None]]()
    asked = {"hazard": incident["hazard_id"]}
    # Also where somebody has brought a camera's picture again as his own.
    closed = {sha256 for (sha256,) in connection.execute(_SEALED + OF_RECORD + "AND sealed", asked)}
    for one in rows(connection, ITEMS + OF_RECORD + "ORDER BY at, item", asked):
        part = None
        one["unredacted"] = one["about"].get("unredacted", False) or one["sha256"] in closed
        if not one["unredacted"] and one["bytes"] <= room:
            room -= one["bytes"]
            ((content,),) = connection.execute(_FILE, [one["sha256"]]).fetchall()
            name = f"evidence/{one['kind']}-{one['sha256'][:16]}.{ending_of(one['media_type'])}"
            part = Part(name=name, content=bytes(content))
        found.append((one, part))
    return found


def _why_not(item: Row) -> str:
    return _UNREDACTED if item["unredacted"] else _LEFT_OUT


def _listed(items: list[tuple[Row, Part | None]]) -> Sheet:
    names = ("at", "kind", "stage", "author", "bytes", "sha256")
    titles = ("时间 at", "类型 kind", "阶段 stage", "提供人 by", "字节 bytes", "SHA-256", "文件 file")
    lines = [
        [*(one[name] for name in names), part.name if part is not None else _why_not(one)]
        for one, part in items
    ]
    return Sheet(name="evidence", titles=titles, rows=lines)
