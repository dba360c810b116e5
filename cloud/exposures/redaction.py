"""What must not go out to the public: persons, how to reach them, where exactly, which machine. Pure.

Patterns find what looks like it; names and numbers that the records know are looked for as they are. What
looks like a person's name and may be none is a doubt: whoever prepares the text says that it is none. What
nothing of this finds, only whoever prepares it and whoever approves it can see.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_PLATE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PATTERNS = (
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    # Degrees with four decimals or more tell a place within 11 m; or degrees and minutes.
    re.compile(r"(?<![\d.])-?\d{1,3}\.\d{4,}"),
    re.compile(r"\d{1,3}\s*[°º度]\s*\d{1,2}(?:\.\d+)?\s*['′分]"),
    # Identity cards, telephones, anything of that length, however it is spaced. Years and dates are shorter.
    re.compile(r"(?<![\d-])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"),
    re.compile(r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)"),
    re.compile(r"(?<!\d)[48]00[- ]\d{3}[- ]?\d{4}(?!\d)"),
    re.compile(r"(?<!\d)\d{7,18}[Xx]?(?!\d)"),
    re.compile(
        rf"[{_PLATE}][A-Z][\s·.•-]?(?:[A-HJ-NP-Z0-9]{{5,6}}|[A-HJ-NP-Z0-9]{{4}}[挂学警港澳领])(?![A-Za-z0-9])"
    ),
    re.compile(
        r"(?:微信|QQ|Q群|weixin|wechat)\s*(?:号|号码|群)?\s*[:是为]?\s*[A-Za-z0-9][\w-]{4,}", re.IGNORECASE
    ),
)
_DIGITS = {
    ord(sign): digit for sign, digit in zip("〇零一二三四五六七八九幺两", "0012345678912", strict=True)
}
_SPELT = re.compile(
    r"[〇零一二三四五六七八九幺两\d](?:[\s·.、,_/-]{0,3}[〇零一二三四五六七八九幺两\dXx]){6,}"
)
"""A number of seven signs or more, by whatever they are kept apart and however they are written."""
_REACHES = re.compile(r"^(?:86)?1[3-9]\d{9}$|^0\d{9,11}$|^\d{15}$|^\d{17}[\dXx]$")
"""Digits alone: a telephone, an identity card."""
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊"
    "金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_TITLES = (
    "经理|师傅|总监|工程师|主任|科长|处长|局长|队长|班长|组长|厂长"
    "|所长|站长|书记|老板|司机|先生|女士|同志|工长|监理|总工|院长"
)
_DOUBTS = (
    # 王经理, 张某某, 老李师傅
    re.compile(rf"[{_SURNAMES}](?:某{{1,2}}|[一-龥]{{0,2}}?(?:{_TITLES}))"),
    # 负责人：张三, 司机叫李四
    re.compile(
        rf"(?:(?:{_TITLES}|负责人|法人|安全员|工人|业主|联系人|姓名)\s*[:是为叫]|名叫|叫做)\s*[{_SURNAMES}][一-龥]{{1,2}}"
    ),
    re.compile(r"\b(?:Mr|Mrs|Ms|Dr)\.?\s+[A-Z]\w+"),
)
_SHORTEST = 2
"""Of a name or number that is looked for: one sign stands in every text."""
_BETWEEN = r"[\s·.、,_/-]{0,2}"


def betrayals(text: str, known: Iterable[str]) -> list[str]:
    """Everything in it that must not go out, in the order of the text; `known`: names, numbers of devices."""
    plain = folded(text)
    found = {(hit.start(), hit.group()) for pattern in _PATTERNS for hit in pattern.finditer(plain)}
    found |= set(_spelt(plain))
    for one in {folded(one) for one in known}:
        if len(one) >= _SHORTEST and (hit := _looked_for(one).search(plain)):
            found.add((hit.start(), one))
    return list(dict.fromkeys(said for _, said in sorted(found)))


def doubts(text: str) -> list[str]:
    """What looks like somebody's name and may be none, in the order of the text."""
    plain = folded(text)
    found = {(hit.start(), hit.group()) for pattern in _DOUBTS for hit in pattern.finditer(plain)}
    return list(dict.fromkeys(said for _, said in sorted(found)))


def folded(text: str) -> str:
    """Wide digits as plain ones, without what has no width: both would hide a number."""
    folded_text = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in folded_text if unicodedata.category(sign) != "Cf").strip()


def _spelt(plain: str) -> Iterator[tuple[int, str]]:
    """Telephones and identity cards that are spelt or kept apart."""
    for hit in _SPELT.finditer(plain):
        if _REACHES.match("".join(sign for sign in hit.group().translate(_DIGITS) if sign.isalnum())):
            yield hit.start(), hit.group()


def _looked_for(one: str) -> re.Pattern[str]:
    """However its signs are kept apart; a name of plain letters only as a word of its own."""
    signs = [re.escape(sign) for sign in one if not sign.isspace()]
    if one.isascii():
        return re.compile(rf"(?<![A-Za-z0-9]){re.escape(one)}(?![A-Za-z0-9])", re.IGNORECASE)
    return re.compile(_BETWEEN.join(signs), re.IGNORECASE)
