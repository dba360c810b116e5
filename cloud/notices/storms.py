"""What is said of many alarms of one device at once, and of gateways that are silent; pure."""

import datetime as dt

import msgspec

from cloud.instants import local
from cloud.notices.words import LEVELS, MARK, Words, of
from sitewarden.text import Text

_MOST_KINDS = 12


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms of one kind and level."""

    label: Text
    level: int
    n: int


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """What is told in one notice."""

    site_name: Text
    time_zone: str
    device: Text
    kinds: list[Kind]
    """The gravest first."""
    since: dt.datetime
    until: dt.datetime
    link: str | None


def digest(storm: Storm, language: str) -> Words:
    """So many alarms of a device that were not told one by one."""
    en, total = language == "en", sum(one.n for one in storm.kinds)
    worst = of(LEVELS[max(one.level for one in storm.kinds)], language)
    where = f"{of(storm.site_name, language)} {of(storm.device, language)}"
    counts = [
        f"{of(LEVELS[one.level], language)}: {of(one.label, language)} × {one.n}"
        for one in storm.kinds[:_MOST_KINDS]
    ]
    since, until = (f"{local(at, storm.time_zone):%Y-%m-%d %H:%M:%S}" for at in (storm.since, storm.until))
    if en:
        title = f"[{worst}] {where}: {total} further alarms"
        lines = [f"From {since} to {until} ({storm.time_zone}), not told one by one:", *counts]
        more = f"and {len(storm.kinds) - _MOST_KINDS} further kinds"
    else:
        title = f"[{worst}] {where} 又有 {total} 条报警"
        lines = [f"{since} 至 {until}（{storm.time_zone}），未逐条通知：", *counts]
        more = f"另有 {len(storm.kinds) - _MOST_KINDS} 类"
    if len(storm.kinds) > _MOST_KINDS:
        lines.append(more)
    return Words(title=title, body="\n".join([*lines, *([storm.link] if storm.link else []), "—", MARK]))


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway of which nothing is heard, or was heard for a while."""

    site_name: Text
    time_zone: str
    gateway: str
    since: dt.datetime
    """When it was last heard."""
    ended_at: dt.datetime | None
    link: str | None


def silent(told: Silent, language: str) -> Words:
    """Nothing is heard of it, or it is back."""
    en, is_back = language == "en", told.ended_at is not None
    where = f"{of(told.site_name, language)} {told.gateway}"
    called = {
        (False, False): "[网关失联]",
        (False, True): "[网关恢复]",
        (True, False): "[Gateway silent]",
        (True, True): "[Gateway back]",
    }[en, is_back]
    heard = f"{local(told.since, told.time_zone):%Y-%m-%d %H:%M:%S} ({told.time_zone})"
    lines = [f"Last heard: {heard}" if en else f"最后收到数据：{heard}"]
    if told.ended_at is not None:
        minutes = max(1, round((told.ended_at - told.since).total_seconds() / 60))
        lines.append(
            f"It was silent for {minutes} min; what it kept meanwhile is coming in."
            if en
            else f"中断约 {minutes} 分钟，期间保存的数据正在补传。"
        )
    else:
        lines.append(
            "No data of its devices come in, and no alarm is told from here. The siren on site works by "
            "itself if the gateway has power. Check power and network."
            if en
            else "平台收不到它所接设备的数据，也无法据此通知报警。"
            "网关有电时现场声光报警照常工作。请检查供电和网络。"
        )
    title = f"{called} {where}"
    return Words(title=title, body="\n".join([*lines, *([told.link] if told.link else []), "—", MARK]))
