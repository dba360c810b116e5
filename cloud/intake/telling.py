"""In which words what was brought in is told. Pure."""

import functools
from collections.abc import Mapping
from typing import Any

from cloud.instants import local
from cloud.intake.kinds import CraneRegistrationRow, ExternalWarningRow, Row, WeatherWarningRow
from cloud.notices.opening import Said
from cloud.notices.words import Words
from cloud.registry.known import SiteEntry

_LEVELS = {"blue": (1, "蓝色"), "yellow": (2, "黄色"), "orange": (3, "橙色"), "red": (4, "红色")}


def said_of(row: Row, values: dict[str, Any], site: SiteEntry | None) -> Said | None:
    """What is told of it; `None`: nothing."""
    about = f"{values['system']}/{values['external_id']}/{values['version']}"
    if isinstance(row, WeatherWarningRow):
        if row.ends_at <= values["now"]:
            return None
        words = functools.partial(_weather, row)
        level, _ = _LEVELS[row.level]
        return Said(node=values["territory"], kind="weather", about=about, level=level, words=words)
    if isinstance(row, CraneRegistrationRow) and values["late"] and site is not None:
        words = functools.partial(_late, row, site)
        return Said(site=site.site, kind="registration_late", about=about, level=2, words=words)
    if isinstance(row, ExternalWarningRow) and row.status == "open" and site is not None:
        words = functools.partial(_warning, row, values["system"], site)
        return Said(site=site.site, kind="external_warning", about=about, level=2, words=words)
    return None


def is_news(row: Row, before: Mapping[str, Any] | None) -> bool:
    """Whether what holds now is told, though something of that number was told before (its body)."""
    if before is None or isinstance(row, WeatherWarningRow):
        return True
    # A warning that says something else, or was taken for dealt with and is not.
    return isinstance(row, ExternalWarningRow) and (before["text"], before["status"]) != (
        row.text,
        row.status,
    )


def _weather(row: WeatherWarningRow, language: str) -> Words:
    span = f"{row.begins_at.isoformat(timespec='minutes')} – {row.ends_at.isoformat(timespec='minutes')}"
    if language == "en":
        return Words(
            title=f"{row.level} warning of {row.type}: {row.area}", body=f"{span}\n{row.text}".strip()
        )
    title = f"{row.area}{row.type}{_LEVELS[row.level][1]}预警"
    return Words(title=title, body=f"{span}\n{row.text}".strip())


def _warning(row: ExternalWarningRow, system: str, site: SiteEntry, language: str) -> Words:
    due = None if row.due_at is None else f"{local(row.due_at, site.time_zone):%Y-%m-%d %H:%M}"
    if language == "en":
        said = f"From {system}" + (f", due by {due} ({site.time_zone})" if due else "")
        return Words(title=f"{site.name.en}: a warning of another platform", body=f"{said}.\n{row.text}")
    said = f"来源：{system}。" + (f"处理期限：{due}（{site.time_zone}）。" if due else "请及时处理。")
    return Words(title=f"{site.name.zh}：收到上级平台预警", body=f"{said}\n{row.text}")


def _late(row: CraneRegistrationRow, site: SiteEntry, language: str) -> Words:
    issued = row.issued_at.isoformat(timespec="minutes")
    if language == "en":
        title = f"{site.name.en}: registration {row.registration_no} came late"
        return Words(title=title, body=f"Issued {issued} by {row.issuer or 'the authority'}.")
    title = f"{site.name.zh}：使用登记 {row.registration_no} 推送超时"
    return Words(title=title, body=f"{row.issuer or '发证机关'}于 {issued} 发证，推送超过规定时限。")
