"""What may be brought in: of each kind its fields, its columns, and who brings it. Pure."""

import abc
import datetime as dt
import re
import zoneinfo
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud.complaints import complaint
from cloud.instants import HOME_ZONE, Day, Moment
from cloud.registry.model import Line, Note, Said
from cloud.registry.sheets import CellError, Column, date, one_of, plain
from sitewarden.text import Text

_IDENTITY = re.compile(r"(?<!\d)\d{6}((?:18|19|20)\d{2})(\d{2})(\d{2})\d{3}[\dXx](?!\d)")
_INSTANT = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")


def holds_identity_number(text: str) -> bool:
    """Whether it holds what looks like the number of an identity card: such is not kept here."""
    for year, month, day in _IDENTITY.findall(text):
        try:
            dt.date(int(year), int(month), int(day))
        except ValueError:
            continue
        return True
    return False


class Row(BaseModel, abc.ABC):
    """A row of what is brought in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_identity(cls, given: Any) -> Any:
        for field, value in given.items() if isinstance(given, dict) else ():
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and holds_identity_number(text) for text in texts):
                said = "looks like the number of an identity card"
                raise complaint("identity-number", said, field=field)
        return given

    @property
    @abc.abstractmethod
    def key(self) -> tuple[str, ...]:
        """By what it is known: the same again is the same thing."""


Post = Literal["project_manager", "safety_officer", "supervision_engineer", "equipment_operator"]
External = Said
"""A number of the other system."""
WeatherLevel = Literal["blue", "yellow", "orange", "red"]


class Numbered(Row):
    """What the other system has a number for."""

    external_id: External

    @property
    def key(self) -> tuple[str, ...]:
        """Its number."""
        return (self.external_id,)


class OfSite(Numbered):
    """What is of a site."""

    site: Said = Field(description="Name of the site here, or its project code.")


class AttendanceRow(Row):
    """Somebody in a key post on a day."""

    site: Said = Field(description="Name of the site here, or its project code.")
    day: Day
    person: External = Field(description="The other system's number of the person; no identity card.")
    name: Said
    post: Post
    first_in: Moment | None = Field(default=None, description="Null: he was not there.")
    last_out: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "AttendanceRow":
        if self.last_out is not None and (self.first_in is None or self.last_out < self.first_in):
            raise complaint("out-before-in", "he goes out before he comes in", field="last_out")
        # A shift may begin before midnight; a wrong year is no proof that somebody was there.
        if self.first_in is not None and abs(self.first_in.date() - self.day) > dt.timedelta(days=1):
            raise complaint("not-of-that-day", "he comes in on another day", field="first_in")
        return self

    @property
    def key(self) -> tuple[str, ...]:
        """Who, where, when, as what."""
        return self.site, self.day.isoformat(), self.person, self.post


class CertificateRow(OfSite):
    """A certificate of a person for a special trade (特种作业操作资格证)."""

    name: Said
    trade: Said
    certificate_no: Said
    valid_until: Day
    status: Literal["valid", "revoked"] = "valid"


class CraneRegistrationRow(OfSite):
    """A crane's registration for use (使用登记), as the authority that issued it passes it on."""

    registration_no: Said
    property_no: Line = ""
    device: Line = ""
    issued_at: Moment
    issuer: Line = ""


class ExternalWarningRow(OfSite):
    """A warning of another platform (预警信息) that is to be dealt with."""

    text: Annotated[Note, Field(min_length=1)]
    issued_at: Moment
    due_at: Moment | None = None
    status: Literal["open", "handled"] = "open"


class WeatherWarningRow(Numbered):
    """A warning of weather (气象预警) for an area."""

    area: Said = Field(description="Code or Chinese name of a territory here.")
    type: Said
    level: WeatherLevel
    begins_at: Moment
    ends_at: Moment
    text: Note = ""

    @model_validator(mode="after")
    def _in_order(self) -> "WeatherWarningRow":
        if self.ends_at <= self.begins_at:
            raise complaint("ends-before-begin", "it ends before it begins", field="ends_at")
        return self


class PermitRow(OfSite):
    """The stub of a permit for hot work (动火等特种作业存单)."""

    permit_no: Said
    worker: Said
    certificate_no: Line = ""
    begins_at: Moment
    place: Line = ""


def instant(text: str) -> dt.datetime:
    """An instant with its offset, or by the clocks of China as spreadsheets have it."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        found = _INSTANT.fullmatch(text)
        try:
            at = dt.datetime(*[int(part or 0) for part in (found.groups() if found else ())])  # type: ignore[arg-type]  # noqa: DTZ001
        except (ValueError, TypeError):
            mend = Text("写成 2026-11-20 08:00。", "Write it like 2026-11-20 08:00.")
            raise CellError(Text(f"“{text}”不是时间", f"`{text}` is no time"), mend) from None
    return at if at.tzinfo else at.replace(tzinfo=zoneinfo.ZoneInfo(HOME_ZONE))


_POSTS = {
    "项目负责人": "project_manager",
    "项目经理": "project_manager",
    "专职安全员": "safety_officer",
    "安全员": "safety_officer",
    "监理": "supervision_engineer",
    "总监": "supervision_engineer",
    "司机": "equipment_operator",
    "设备司机": "equipment_operator",
}
_LEVELS = {"蓝色": "blue", "黄色": "yellow", "橙色": "orange", "红色": "red"}
ID = Column("external_id", "来源编号", plain, is_key=True)
_SITE = Column("site", "工地", plain, is_key=True)
_OF_SITE = (ID, _SITE)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of what is brought in."""

    label: Text
    permission: str
    """Of who brings it."""
    row: type[Row]
    columns: list[Column]
    source: str
    """As what `data_source` has it."""


KINDS: dict[str, Kind] = {
    "attendance": Kind(
        label=Text("考勤", "Attendance"),
        permission="intake.bring",
        row=AttendanceRow,
        columns=[
            _SITE,
            Column("day", "日期", date, is_key=True),
            Column("person", "人员编号", plain, is_key=True),
            Column("name", "姓名", plain, is_key=True),
            Column("post", "岗位", one_of(_POSTS), is_key=True),
            Column("first_in", "进场时间", instant),
            Column("last_out", "出场时间", instant),
        ],
        source="attendance",
    ),
    "certificates": Kind(
        label=Text("人员证书", "Certificates"),
        permission="intake.bring",
        row=CertificateRow,
        columns=[
            *_OF_SITE,
            Column("name", "姓名", plain, is_key=True),
            Column("trade", "工种", plain, is_key=True),
            Column("certificate_no", "证书编号", plain, is_key=True),
            Column("valid_until", "有效期至", date, is_key=True),
            Column("status", "状态", one_of({"有效": "valid", "吊销": "revoked"})),
        ],
        source="certificates",
    ),
    "crane_registrations": Kind(
        label=Text("起重机械使用登记", "Crane registrations"),
        permission="intake.official",
        row=CraneRegistrationRow,
        columns=[
            *_OF_SITE,
            Column("registration_no", "使用登记编号", plain, is_key=True),
            Column("property_no", "产权备案编号", plain),
            Column("device", "设备", plain),
            Column("issued_at", "发证时间", instant, is_key=True),
            Column("issuer", "发证机关", plain),
        ],
        source="crane_registrations",
    ),
    "external_warnings": Kind(
        label=Text("上级平台预警", "Warnings of other platforms"),
        permission="intake.official",
        row=ExternalWarningRow,
        columns=[
            *_OF_SITE,
            Column("text", "预警内容", plain, is_key=True),
            Column("issued_at", "发布时间", instant, is_key=True),
            Column("due_at", "处理期限", instant),
            Column("status", "状态", one_of({"待处理": "open", "已处理": "handled"})),
        ],
        source="external_warnings",
    ),
    "weather_warnings": Kind(
        label=Text("气象预警", "Weather warnings"),
        permission="intake.official",
        row=WeatherWarningRow,
        columns=[
            ID,
            Column("area", "地区", plain, is_key=True),
            Column("type", "类型", plain, is_key=True),
            Column("level", "等级", one_of(_LEVELS), is_key=True),
            Column("begins_at", "开始时间", instant, is_key=True),
            Column("ends_at", "结束时间", instant, is_key=True),
            Column("text", "内容", plain),
        ],
        source="weather",
    ),
    "permits": Kind(
        label=Text("动火等作业存单", "Stubs of work permits"),
        permission="intake.bring",
        row=PermitRow,
        columns=[
            *_OF_SITE,
            Column("permit_no", "存单编号", plain, is_key=True),
            Column("worker", "作业人员", plain, is_key=True),
            Column("certificate_no", "证书编号", plain),
            Column("begins_at", "作业时间", instant, is_key=True),
            Column("place", "作业部位", plain),
        ],
        source="certificates",
    ),
}
