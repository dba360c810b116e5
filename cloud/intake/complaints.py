"""What is wrong in rows that are brought in: by line and title, in both languages. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cloud.problems import FieldProblem
from cloud.registry.sheets import Complaint
from sitewarden.text import Text

_MEND = Text("改正这一项。", "Mend it.")
_MENDS = {
    "identity-number": Text(
        "改用来源系统的人员编号，本平台不存身份证号。", "Give the other system's own number of the person."
    ),
    "missing": Text("填上这一项。", "Fill it in."),
    "too-old": Text("删去 13 个月以前的行。", "Take out what is older than thirteen months."),
}
_WORDS = {
    "bool_parsing": "不是“是”或“否”",
    "bool_type": "不是“是”或“否”",
    "date_from_datetime_inexact": "不是日期",
    "date_from_datetime_parsing": "不是日期",
    "date_parsing": "不是日期",
    "date_type": "不是日期",
    "datetime_from_date_parsing": "不是时间",
    "datetime_parsing": "不是时间",
    "datetime_type": "不是时间",
    "decimal_max_digits": "位数太多",
    "decimal_max_places": "小数最多 {decimal_places} 位",
    "decimal_parsing": "不是数字",
    "decimal_type": "不是数字",
    "dict_type": "不是按编号填写的答案",
    "extra_forbidden": "没有这一项",
    "greater_than_equal": "不能小于 {ge}",
    "int_from_float": "不是整数",
    "int_parsing": "不是整数",
    "int_type": "不是整数",
    "less_than_equal": "不能大于 {le}",
    "list_type": "不是名单",
    "literal_error": "不是可用的词",
    "string_too_long": "超过 {max_length} 个字",
    "string_too_short": "没有填写",
    "string_type": "不是文字",
    "timezone_aware": "没有写时区",
    "too_long": "超过 {max_length} 项",
    "before-begin": "早于开始时间",
    "control-characters": "含有控制字符",
    "ends-before-begin": "结束不晚于开始",
    "identity-number": "像身份证号码",
    "in-future": "在将来",
    "inspection-needs": "没有填写",
    "level-needed": "这里要写明级别",
    "measure-needs": "该措施需要填写",
    "missing": "没有填写",
    "no-such-inspection": "没有这类检查",
    "no-such-measure": "没有这种措施",
    "no-such-question": "没有这个检查项目",
    "not-asked-here": "有该类检查不查的项目",
    "not-his-kind": "您的角色不登记这类检查",
    "not-his-level": "不是该类检查实施方的级别",
    "not-of-our-time": "年份须在 {earliest} 与 {latest} 之间",
    "not-of-that-day": "进场时间不在这一天",
    "out-before-in": "出场早于进场",
    "too-old": "超过保存期限，不再接收",
    "unknown-reference": "本平台没有，或不归您管",
}
"""By the code of what is wrong; what it may name stands in braces."""


class Titles(msgspec.Struct, frozen=True, kw_only=True):
    """How whoever brings the rows calls their fields."""

    said: Mapping[str, str] = {}
    """Of a table its titles; a list has the names of the fields."""

    def of(self, field: str) -> str:
        """The title of a field."""
        return self.said.get(field, field)

    def complaint(self, line: int, field: str, message: Text, mend: Text = _MEND) -> Complaint:
        """What is wrong with that field in that line."""
        return Complaint(line=line, field=self.of(field), message=message, mend=mend)

    def of_validation(self, line: int, error: Any) -> Complaint:
        """What the row's model says."""
        context = error.get("ctx") or {}
        code = "missing" if error["input"] is None else error["type"]
        said = "is missing" if code == "missing" else str(context.get("said") or error["msg"])
        field = str(context.get("field") or ".".join(str(step) for step in error["loc"][:1]))
        return self.complaint(line, field, _words(code, said, context), _MENDS.get(code, _MEND))

    def of_problem(self, line: int, field: str, problem: FieldProblem) -> Complaint:
        """What a ledger says, of the field as the row has it."""
        message = _words(problem.code, problem.message, problem.values)
        return self.complaint(line, field, message)

    def coded(self, line: int, field: str, code: str, said: str) -> Complaint:
        """What is wrong by its code; `said` is English."""
        return self.complaint(line, field, _words(code, said, {}), _MENDS.get(code, _MEND))

    def unknown(self, line: int, field: str, said: str) -> Complaint:
        """It names nothing here, or nothing that he may."""
        return self.complaint(
            line,
            field,
            Text(f"没有“{said}”，或不归您管", f"there is no `{said}`, or it is not yours"),
            Text("写本平台的名称或编码，或先建立它。", "Write its name or code here, or make it first."),
        )

    def ambiguous(self, line: int, field: str, said: str) -> Complaint:
        """Several bear that name."""
        return self.complaint(
            line,
            field,
            Text(f"有几个“{said}”", f"there are several `{said}`"),
            Text("改写编码。", "Write its code instead."),
        )

    def nowhere(self, line: int) -> Complaint:
        """Neither an authority nor a site is said."""
        return self.complaint(
            line,
            "area",
            Text("没有说是哪里的", "it is said of nowhere"),
            Text("部门检查填地区，企业自查填工地。", "Give the territory, or the site of a self check."),
        )

    def of_others(self, line: int) -> Complaint:
        """The number is taken where he does not see it."""
        return self.complaint(
            line,
            "external_id",
            Text("这个编号已属于您看不到的记录", "the number is of a record that you do not see"),
            Text("换一个来源系统名称或编号。", "Take another name of the system, or another number."),
        )

    def said_twice(self, line: int, field: str, before: int) -> Complaint:
        """Two rows have the same number and say something else."""
        return self.complaint(
            line,
            field,
            Text(
                f"与第 {before} 行是同一条，内容却不同",
                f"is the same as line {before}, but says something else",
            ),
            Text("只留对的一行。", "Keep the row that is right."),
        )


def _words(code: str, said: str, named: Mapping[str, Any]) -> Text:
    known = _WORDS.get(code)
    return Text(f"不符合要求：{said}" if known is None else known.format_map(named), said)
