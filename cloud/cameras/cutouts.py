"""Cut-outs of cameras' alarms as a trainer's collection: what is cut, how it is labelled, what is said. Pure.

The form is that of `tools/train_helmet/collection.py`: a manifest, `images/<split>/<name>.jpg` and
`labels/<split>/<name>.txt`, boxes as shares of the cut-out.
"""

import datetime as dt
import hashlib
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Literal, NamedTuple

import msgspec

from cloud.exports import Mark

ORIGIN = "our-sites"
"""As which a trainer knows where these pictures come from: they may train what stays in the house."""
AROUND, SURE, COVERED = 5.0, 4.0, 1.25
"""In sides of the head, around its middle: what is cut out; where all heads are known; what an ignored head
takes. Further out somebody may stand whom no one has labelled."""
LEAST_PX = 64
"""Of a cut-out's side."""
Kind = Literal[0, 1]
HELMET: Kind = 0
HEAD: Kind = 1
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Area = tuple[int, int, int, int]
"""The same in whole pixels, right and bottom not included."""
Left = Literal["unclear", "no_picture", "unredacted", "no_box", "damaged", "too_many"]
"""Why a judged alarm is not among the cut-outs."""

LEFT: Mapping[Left, tuple[str, str]] = {
    "unclear": ("判为看不清", "judged as unclear"),
    "no_picture": (
        "抓拍未上传、已到期删除或没有",
        "without a picture: not brought yet, erased in time, or none",
    ),
    "unredacted": ("未打码，人脸可辨", "unredacted, people can be recognised"),
    "no_box": ("网关没有给出人头位置", "whose gateway does not say where the head is"),
    "damaged": ("图像读不出", "whose picture cannot be read"),
    "too_many": ("超出一次导出的上限（较早的）", "beyond the most of one export, the earlier ones"),
}


class Judged(NamedTuple):
    """An alarm on a bare head, with what people say of it."""

    site: str
    device: str
    episode: str
    at: dt.datetime
    """When its picture was taken."""
    verdict: Literal["right", "wrong"]
    shows: Literal["helmet", "nothing"] | None
    box: Box
    others: Sequence[Box]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the manifest."""

    file: str
    source: str
    ignore: list[Box]
    camera: str
    episode: str
    verdict: str
    shows: str | None


class Cut(NamedTuple):
    """What goes with a cut-out."""

    entry: Entry
    label_file: str
    labels: str


def area_of(box: Box, width: int, height: int) -> Area:
    """What is cut out of a picture of that size for the head in `box`: a square, as far as it goes."""
    left, top, right, bottom = _square(box, width, height, AROUND, least=LEAST_PX)
    return (
        max(0, math.floor(left)),
        max(0, math.floor(top)),
        min(width, math.ceil(right)),
        min(height, math.ceil(bottom)),
    )


def cut_of(judged: Judged, width: int, height: int, time_zone: dt.tzinfo) -> Cut:
    """Name, labels and ignored areas of the cut-out from a picture of that size."""
    split, name = split_of(judged, time_zone), name_of(judged)
    area = area_of(judged.box, width, height)
    kind = kind_of(judged)
    own = _within(_pixels(judged.box, width, height), area)
    ignored = [_pixels(other, width, height) for other in judged.others]
    ignored += _beyond(_square(judged.box, width, height, SURE), area)
    if kind is None and judged.shows != "nothing":
        ignored.append(_square(judged.box, width, height, COVERED))
    labels = "" if kind is None or own is None else _line(kind, own)
    entry = Entry(
        file=f"images/{split}/{name}.jpg",
        source=ORIGIN,
        ignore=[inside for box in ignored if (inside := _within(box, area)) is not None],
        camera=judged.device,
        episode=judged.episode,
        verdict=judged.verdict,
        shows=judged.shows,
    )
    return Cut(entry, f"labels/{split}/{name}.txt", labels)


def kind_of(judged: Judged) -> Kind | None:
    """What its head is learned as. A wrong alarm is a helmet only where somebody says so."""
    if judged.verdict == "right":
        return HEAD
    return HELMET if judged.shows == "helmet" else None


def split_of(judged: Judged, time_zone: dt.tzinfo) -> Literal["train", "val", "test"]:
    """Of a camera all of one day alike, for pictures of one day look alike; and always the same."""
    day = judged.at.astimezone(time_zone).date()
    drawn = hashlib.sha256(f"{judged.site}/{judged.device}/{day}".encode()).digest()[0] * 10 // 256
    return "val" if drawn == 0 else "test" if drawn == 1 else "train"


def name_of(judged: Judged) -> str:
    """Unique over all sites, without an ending."""
    at = judged.at.astimezone(dt.UTC)
    return f"{judged.site}__{judged.device}__{at:%Y%m%dT%H%M%SZ}__{judged.episode.replace('-', '')}"


def read_me(mark: Mark, site: str, kinds: Mapping[str, int], left: Mapping[Left, int]) -> str:
    """What the archive is, for whoever finds it, first in Chinese."""
    zh = [f"- {LEFT[why][0]}：{count}" for why, count in left.items() if count]
    en = [f"- {LEFT[why][1]}: {count}" for why, count in left.items() if count]
    template = resources.files(__package__).joinpath("cutouts.txt").read_text(encoding="utf-8")
    return template.format(
        line=mark.line(),
        site=site,
        total=sum(kinds.values()),
        head=kinds.get("head", 0),
        helmet=kinds.get("helmet", 0),
        nothing=kinds.get("nothing", 0),
        ignored=kinds.get("ignored", 0),
        left_zh="\n".join(zh) or "- 没有",
        left_en="\n".join(en) or "- nothing",
        origin=ORIGIN,
    )


def _square(box: Box, width: int, height: int, sides: float, *, least: float = 0.0) -> Box:
    left, top, right, bottom = _pixels(box, width, height)
    side = math.sqrt((right - left) * (bottom - top))
    half, x, y = max(side * sides, least) / 2, (left + right) / 2, (top + bottom) / 2
    return x - half, y - half, x + half, y + half


def _pixels(box: Box, width: int, height: int) -> Box:
    return box[0] * width, box[1] * height, box[2] * width, box[3] * height


def _beyond(sure: Box, area: Area) -> list[Box]:
    """What of the cut-out lies outside: above, below, left and right of it."""
    left, top, right, bottom = area
    return [
        (left, top, right, sure[1]),
        (left, sure[3], right, bottom),
        (left, sure[1], sure[0], sure[3]),
        (sure[2], sure[1], right, sure[3]),
    ]


def _within(box: Box, area: Area) -> Box | None:
    """As shares of the cut-out; `None` where nothing of it is in there."""
    width, height = area[2] - area[0], area[3] - area[1]
    x1, x2 = ((max(area[0], min(area[2], edge)) - area[0]) / width for edge in (box[0], box[2]))
    y1, y2 = ((max(area[1], min(area[3], edge)) - area[1]) / height for edge in (box[1], box[3]))
    if x1 >= x2 or y1 >= y2:
        return None
    return round(x1, 5), round(y1, 5), round(x2, 5), round(y2, 5)


def _line(kind: Kind, box: Box) -> str:
    left, top, right, bottom = box
    middle = (left + right) / 2, (top + bottom) / 2
    return f"{kind} {middle[0]:.5f} {middle[1]:.5f} {right - left:.5f} {bottom - top:.5f}\n"
