"""The file of an inspection (检查档案): one page that a browser opens and prints, made once and kept. Pure.

Enterprise, project and authority get the same bytes; their SHA-256 shows that nobody has changed his copy.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from cloud.inspections.questions import questions
from cloud.instants import local
from sitewarden.text import Text

_STYLE = """
body { font: 14px/1.6 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; width: 100% }
td, th { border: 1px solid #999; padding: 4px 8px; text-align: left }
pre { white-space: pre-wrap; word-break: break-all; font-size: 11px }
.found { font-weight: bold }
"""
_ANSWERS = {
    "yes": Text("是", "yes"),
    "no": Text("否", "no"),
    "not_looked_at": Text("未检查", "not looked at"),
}


def archived(values: Mapping[str, Any], zone: str, *, event: str, event_hash: bytes) -> bytes:
    """The file of what was recorded, by the clocks of its place.

    With it the event that its ledger keeps, and that event's hash.
    """
    kind = questions().kinds[values["kind"]]
    parts = [
        '<!doctype html><html lang="zh"><meta charset="utf-8"><title>检查档案</title>',
        f"<style>{_STYLE}</style>",
        "<h1>检查档案 Inspection file</h1>",
        *_table(_facts(values, kind.label, zone)),
        "<h2>检查内容 What was looked at</h2>",
        *_answers(values),
        "<h2>签名和校验 Signature and check</h2>",
        f"<p>记录的 SHA-256 of the record: <code>{event_hash.hex()}</code></p>",
        f"<pre>{escape(event)}</pre></html>",
    ]
    return "\n".join(parts).encode()


def _facts(values: Mapping[str, Any], label: Text, zone: str) -> Iterator[tuple[str, str]]:
    yield "编号 No.", f"{values['id']} / {values['seq']}"
    yield "类型 Kind", f"{label.zh} {label.en}"
    yield "对象 Of", " ".join(filter(None, (values["enterprise_name"], values["site"])))
    since, until = (
        local(values[name], zone).isoformat(" ", "minutes") for name in ("started_at", "ended_at")
    )
    yield "时间 Time", f"{since} – {until}"
    yield "设备 Devices", "、".join(values["devices"])
    yield "主题 Theme", values["theme"]
    for one in values["people"]:
        led = "（带队 led）" if one["led"] else ""
        yield "人员 Person", f"{one['name']} {one['post']}{led}"
    yield "记录 Note", values["note"]
    for sha256 in values["photos"]:
        yield "照片 Photo", f"SHA-256 {sha256}"
    if values["withdrawn"]:
        yield "撤销 Withdrawn", values["reason"]
    elif values["reason"]:
        yield "更正 Corrected", values["reason"]
    yield "记录人 Recorded by", f"{values['author']} {values['at']}"


def _table(facts: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield "<table>"
    yield from (f"<tr><th>{title}</th><td>{escape(said)}</td></tr>" for title, said in facts if said)
    yield "</table>"


def _answers(values: Mapping[str, Any]) -> Iterator[str]:
    yield "<table>"
    for code, its in questions().questions.items():
        answer = values["answers"].get(code)
        if answer is not None:
            mark = ' class="found"' if answer == its.deficient_when else ""
            said = _ANSWERS[answer]
            yield (
                f"<tr{mark}><td>{escape(its.text.zh)}<br>{escape(its.text.en)}</td>"
                f"<td>{said.zh} {said.en}</td></tr>"
            )
    yield "</table>"
