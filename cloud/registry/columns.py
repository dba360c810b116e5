"""The tables that people may bring: which columns each has, and how a row is laid upon a record. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cloud.registry import model
from cloud.registry.kinds import DEVICES, OPERATORS, POINTS, Kind
from cloud.registry.parameters import OF_THE_PIT, known_parameters
from cloud.registry.sheets import Column, date, number, one_of, plain, several, whole
from sitewarden.points import vocabulary

_KINDS = {
    "塔机": "crane",
    "塔式起重机": "crane",
    "基坑": "pit",
    "气象": "weather",
    "施工升降机": "hoist",
    "扬尘": "dust",
    "摄像机": "camera",
    "其他": "other",
}
_TRADES = {
    "塔式起重机司机": "crane_operator",
    "施工升降机司机": "hoist_operator",
    "信号工": "signaller",
    "司索工": "rigger",
    "安装拆卸工": "erector",
    "吊篮安装拆卸工": "platform_installer",
    "建筑电工": "electrician",
    "其他": "other",
}
_ROLES: Mapping[model.Role, str] = {
    "contractor": "施工单位",
    "owner": "产权单位",
    "lessor": "租赁单位",
    "installer": "安装单位",
    "supervisor": "监理单位",
    "inspection_body": "检测单位",
    "monitoring_body": "监测单位",
    "maintainer": "维保单位",
}
_GEOMETRY = {
    "x_m": "坐标 X",
    "y_m": "坐标 Y",
    "base_m": "基础标高",
    "mast_m": "塔身高度",
    "jib_m": "起重臂长",
    "counter_jib_m": "平衡臂长",
}

_NAMES = [Column("name.zh", "名称", plain), Column("name.en", "英文名称", plain)]
_NOTE = Column("note", "备注", plain)

Record = dict[str, Any]
Laid = Callable[[Record, dict[str, Any]], Record]


class Table(NamedTuple):
    """A table that makes and changes records of a kind."""

    kind: Kind
    key: str
    """The field by which a row finds its record."""
    columns: list[Column]
    lay: Laid
    """The record as given before, or nothing, with what a row says of it."""


def _lay(record: Record, cells: dict[str, Any]) -> Record:
    """Columns that a table does not have leave a record's fields; an empty cell empties its field."""
    laid = {**record}
    for field, value in cells.items():
        name, _, below = field.partition(".")
        if below:
            laid[name] = {**(laid.get(name) or {}), below: value}
        elif value is None:
            laid.pop(name, None)
        else:
            laid[name] = value
    if "name" in laid and isinstance(laid["name"], dict):
        # A name in one language is one in both, until somebody says better.
        zh, en = laid["name"].get("zh"), laid["name"].get("en")
        laid["name"] = {"zh": zh or en, "en": en or zh} if zh or en else None
    return laid


def _lay_device(record: Record, cells: dict[str, Any]) -> Record:
    roles = {field.partition(".")[2]: value for field, value in cells.items() if field.startswith("parties.")}
    laid = _lay(record, {field: value for field, value in cells.items() if not field.startswith("parties.")})
    before = record.get("parties", [])
    parties = [party for party in before if party["role"] not in roles]
    for role, name in roles.items():
        if name is not None:
            same = [party for party in before if (party["role"], party["name"]) == (role, name)]
            parties.append(same[0] if same else {"role": role, "name": name})
    laid["parties"] = sorted(parties, key=lambda party: list(_ROLES).index(party["role"]))
    return _without_empty(laid, "geometry")


def _lay_point(record: Record, cells: dict[str, Any]) -> Record:
    return _without_empty(_lay(record, cells), "parameters")


def _without_empty(record: Record, field: str) -> Record:
    """What no cell says is not said."""
    said = {name: value for name, value in (record.get(field) or {}).items() if value is not None}
    kept = {name: value for name, value in record.items() if name != field}
    return {**kept, field: said} if said else kept


def _kind_of(text: str) -> str:
    """A kind of the vocabulary, by its name or its Chinese label."""
    if text in vocabulary():
        return text
    return one_of({kind.zh: name for name, kind in vocabulary().items() if name.startswith("pit.")})(text)


def _parameter_columns() -> list[Column]:
    return [
        Column(f"parameters.{name}", asked.label.zh, _choice(asked.choices) if asked.choices else number)
        for name, asked in known_parameters().items()
        if name not in OF_THE_PIT
    ]


def _choice(choices: list[float | str]) -> Callable[[str], float | str]:
    words = one_of({str(choice): str(choice) for choice in choices})
    by_word = {str(choice): choice for choice in choices}
    return lambda text: by_word[words(text)]


def devices() -> Table:
    """Device files."""
    columns = [
        Column("id", "设备编号", plain, is_key=True),
        Column("kind", "类型", one_of(_KINDS)),
        *_NAMES,
        Column("zone", "区域", plain),
        Column("maker", "制造单位", plain),
        Column("model", "型号", plain),
        Column("serial_no", "出厂编号", plain),
        Column("property_no", "产权备案编号", plain),
        Column("manufactured_on", "出厂日期", date),
        *(Column(f"parties.{role}", zh, plain) for role, zh in _ROLES.items()),
        *(Column(f"geometry.{name}", zh, number) for name, zh in _GEOMETRY.items()),
        _NOTE,
    ]
    return Table(DEVICES, "id", columns, _lay_device)


def operators() -> Table:
    """Operators, each known by the number of the certificate."""
    columns = [
        Column("name", "姓名", plain),
        Column("trade", "工种", one_of(_TRADES)),
        Column("certificate_no", "证书编号", plain, is_key=True),
        Column("valid_from", "有效期起", date),
        Column("valid_until", "有效期止", date),
        Column("devices", "设备编号", several),
        _NOTE,
    ]
    return Table(OPERATORS, "certificate_no", columns, _lay)


def points() -> Table:
    """Monitoring points with the values of their design; a column for each parameter that packs know."""
    columns = [
        Column("id", "测点", plain, is_key=True),
        Column("pit", "基坑", plain),
        Column("kind", "监测项目", _kind_of),
        *_NAMES,
        Column("design_document", "设计文件", plain),
        _NOTE,
        *_parameter_columns(),
    ]
    return Table(POINTS, "id", columns, _lay_point)


CHART: list[Column] = [
    Column("falls", "倍率", whole, is_key=True),
    Column("radius_m", "幅度", number, is_key=True),
    Column("load_t", "额定起重量", number, is_key=True),
]
"""A load chart: one row a point of it."""

TABLES: Mapping[str, Callable[[], Table]] = {"devices": devices, "operators": operators, "points": points}
