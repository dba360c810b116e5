"""The file that goes out: a page, the same as data, the pictures, and the hash of each. Pure.

The same content is always the same bytes.
"""

import base64
import datetime as dt
import hashlib
import html
import io
import zipfile
from typing import Any

import msgspec

from cloud.hazards.chain import canonical

SCHEMA = "sitewarden/exposure/1"
PAGE, DATA, SUMS = "index.html", "exposure.json", "SHA256SUMS"
_FIRST = (1980, 1, 1, 0, 0, 0)
"""ZIP has no earlier instant; when it was made, the content says."""

_LEVELS = {"general": ("一般隐患", "general"), "major": ("重大隐患", "major")}
_STATUSES = {
    "confirmed": ("已认定，待整改", "confirmed"),
    "rectifying": ("整改中", "being rectified"),
    "rectified": ("已整改，待复查", "rectified, to be reviewed"),
    "reviewed": ("复查合格，待销号", "reviewed"),
    "closed": ("已销号", "closed"),
}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is made known of a hazard; nothing else of its record goes out."""

    number: str
    site: str
    territory: str | None
    enterprise: str | None
    category: str
    potential_accident: str
    clause_edition: str | None
    clause: str | None
    level: str
    status: str
    found_on: dt.date
    due_on: dt.date | None
    overdue: bool
    listed: bool
    """Under supervision by name (挂牌督办)."""


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """All that the file says."""

    number: str
    authority: str
    made_on: dt.date
    title: str
    words: str
    hazard: Subject
    mark: str


def package(exposure: Exposure, photos: list[bytes]) -> bytes:
    """The archive."""
    files = {f"photos/{no}.jpg": content for no, content in enumerate(photos, 1)}
    said: dict[str, Any] = {
        "schema": SCHEMA,
        **msgspec.to_builtins(exposure),
        "photos": [{"file": name, "sha256": _sum(content)} for name, content in files.items()],
    }
    files = {
        PAGE: page(exposure, photos).encode(),
        DATA: canonical(said).encode(),
        **files,
    }
    files[SUMS] = "".join(f"{_sum(content)}  {name}\n" for name, content in files.items()).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _FIRST), content, zipfile.ZIP_DEFLATED, 6)
    return written.getvalue()


def page_of(archive: bytes) -> bytes:
    """The page as it stands in an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(PAGE)


def page(exposure: Exposure, photos: list[bytes]) -> str:
    """Whole in itself: it fetches nothing and runs nothing."""
    rows = "".join(
        f"<tr><th>{zh} <span>{en}</span></th><td>{html.escape(value)}</td></tr>"
        for zh, en, value in _rows(exposure)
        if value
    )
    pictures = "".join(
        f'<img alt="{no}" src="data:image/jpeg;base64,{base64.b64encode(content).decode()}">'
        for no, content in enumerate(photos, 1)
    )
    words = "".join(f"<p>{html.escape(line)}</p>" for line in exposure.words.splitlines() if line.strip())
    title = html.escape(exposure.title)
    return _PAGE.format(
        title=title, words=words, rows=rows, pictures=pictures, mark=html.escape(exposure.mark)
    )


def _rows(exposure: Exposure) -> list[tuple[str, str, str]]:
    its = exposure.hazard
    level, status = _LEVELS[its.level], _STATUSES[its.status]
    due = "" if its.due_on is None else its.due_on.isoformat() + (" 已逾期 overdue" if its.overdue else "")
    return [
        ("编号", "Number", exposure.number),
        ("工程项目", "Site", its.site),
        ("责任企业", "Enterprise", its.enterprise or ""),
        ("所在地", "Place", its.territory or ""),
        ("隐患编号", "Hazard", its.number),
        ("等级", "Level", " ".join(level)),
        ("类别", "Category", its.category),
        ("可能导致", "May lead to", its.potential_accident),
        ("判定依据", "Clause", " ".join(one for one in (its.clause_edition, its.clause) if one)),
        ("发现日期", "Found on", its.found_on.isoformat()),
        ("整改期限", "To be mended by", due),
        ("状态", "Status", " ".join(status)),
        ("挂牌督办", "Under supervision", "是 yes" if its.listed else ""),
        ("发布机关", "Published by", exposure.authority),
        ("日期", "Date", exposure.made_on.isoformat()),
    ]


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem;
 font: 16px/1.7 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; }}
h1 {{ font-size: 1.5rem; line-height: 1.4; }}
table {{ width: 100%; border-collapse: collapse; margin: 1rem 0; }}
th, td {{ padding: .4rem .5rem; text-align: left; vertical-align: top;
 border-bottom: 1px solid #8884; overflow-wrap: anywhere; }}
th {{ width: 40%; font-weight: 600; }}
th span, footer {{ font-weight: 400; font-size: .8rem; opacity: .7; }}
img {{ display: block; max-width: 100%; margin: 1rem 0; }}
</style>
</head>
<body>
<h1>{title}</h1>
{words}
<table>{rows}</table>
{pictures}
<footer>{mark}</footer>
</body>
</html>
"""
