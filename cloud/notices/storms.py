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
    colon = ": " if en else "："
    counts = [
        f"{of(LEVELS[one.level], language)}{colon}{of(one.label, language)} × {one.n}"
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


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """No data come in from any gateway, or they do again."""

    since: dt.datetime
    """When anything was last heard."""
    ended_at: dt.datetime | None
    is_broker: bool
    """Whether the cloud does not even hear the broker."""
    link: str | None


def nothing(told: Nothing, language: str) -> Words:
    """What it means, and what to look at first. The platform has no place on earth: UTC."""
    en = language == "en"
    heard = f"{told.since:%Y-%m-%d %H:%M:%S} (UTC)"
    if told.ended_at is not None:
        minutes = max(1, round((told.ended_at - told.since).total_seconds() / 60))
        title = "[Data again] The platform receives data" if en else "[数据恢复] 平台重新收到数据"
        lines = [
            f"Nothing came in for {minutes} min; what gateways kept meanwhile is coming in."
            if en
            else f"中断约 {minutes} 分钟，网关期间保存的数据正在补传。"
        ]
    elif en:
        title = "[No data] Nothing is heard from any gateway"
        cause = (
            "The cloud does not hear the MQTT broker: check that it runs, its certificate and its disk."
            if told.is_broker
            else "The broker answers, all gateways are silent: check the network between sites and broker."
        )
        lines = [
            f"Last heard: {heard}",
            "No alarm of any site is told from here. Sirens on site work.",
            cause,
        ]
    else:
        title = "[无数据] 平台收不到任何网关的数据"
        cause = (
            "平台连不上 MQTT 消息服务：请检查其是否运行、证书和磁盘。"
            if told.is_broker
            else "消息服务正常，但所有网关都没有声音：请检查工地到消息服务的网络。"
        )
        lines = [
            f"最后收到数据：{heard}",
            "所有工地的报警都无法从平台通知；现场声光报警照常工作。",
            cause,
        ]
    return Words(title=title, body="\n".join([*lines, *([told.link] if told.link else []), "—", MARK]))
