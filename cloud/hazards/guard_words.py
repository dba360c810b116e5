"""What is unmet, in words: by the code of it, in both languages."""

from collections.abc import Mapping
from string import Formatter

import msgspec

from sitewarden.text import Text

Value = str | int | float | list[str]


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold and does not."""

    code: str
    text: Text
    values: dict[str, Value] = {}
    field: str = ""
    """Of the act's body, where it is that which lacks something."""


def unmet(code: str, *, field: str = "", **values: Value) -> Unmet:
    """That it does not hold, with its words filled in."""
    words = WORDS[code]
    shown = {name: _shown(value) for name, value in {**values, "field": field}.items()}
    text = Text(*(_filled(said, shown, place) for place, said in enumerate((words.zh, words.en))))
    return Unmet(
        code=code, text=text, values=values if not field else {**values, "field": field}, field=field
    )


def _shown(value: Value) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _filled(said: str, values: Mapping[str, str], language: int) -> str:
    named = {name for _, name, _, _ in Formatter().parse(said) if name}
    return said.format(**{name: _term(values[name], language) for name in named})


def _term(value: str, language: int) -> str:
    term = TERMS.get(value)
    return value if term is None else (term.zh, term.en)[language]


TERMS = {
    "officer": Text("执法机构", "the enforcement body"),
    "county": Text("县级主管部门", "the county authority"),
    "city": Text("市级主管部门", "the prefecture authority"),
    "province": Text("省级主管部门", "the provincial department"),
    "authority": Text("主管部门", "the authority"),
    "supervision": Text("监理", "the supervision"),
    "contractor": Text("施工单位", "the contractor"),
    "none": Text("无管控", "no order"),
    "partial_stop": Text("局部停工", "part of the work stopped"),
    "stop_work": Text("停工", "work stopped"),
    "evacuated": Text("撤人", "people out"),
    "person": Text("责任人", "the responsible person"),
    "measures": Text("整改措施", "the measures"),
    "funds_wan": Text("资金", "the funds"),
    "due": Text("期限", "the date"),
    "emergency_plan": Text("应急预案", "the emergency plan"),
    "followup_measures": Text("后续管理措施", "the follow-up measures"),
    "cause": Text("原因", "the cause"),
    "document": Text("文号", "the number of the document"),
}
"""Words for what a value names."""

WORDS = {
    "of-enterprise": Text(
        "您属于被检查的施工单位：重大隐患（含疑似）须由单位以外的人员认定",
        "You are of the enterprise under check: somebody outside it decides on a major or suspected one",
    ),
    "no-part": Text(
        "系统管理和审计角色不办理隐患，请以相应的业务角色办理",
        "Who runs or audits the platform acts on no hazard; take part in a role of your own",
    ),
    "not-authority": Text("须由主管部门办理", "Only the authority may"),
    "not-supervision": Text(
        "重大隐患的整改方案须由监理审核", "The plan of a major hazard is for the supervision"
    ),
    "not-outside": Text("须由主管部门或监理办理", "Only the authority or the supervision may"),
    "rank-too-low": Text("须由{level}或其上级办理", "This takes {level}, or one above"),
    "listing-level": Text(
        "该隐患由{level}挂牌督办，须由该级或上级办理",
        "It is listed by {level}: that one, or one above, decides",
    ),
    "not-responsible-authority": Text(
        "未挂牌督办的由属地主管部门办理",
        "On what is not listed the responsible authority decides",
    ),
    "reviewer-is-submitter": Text("提交整改结果的人不能复查", "Whoever submitted it does not review it"),
    "reviewer-is-responsible": Text("整改责任人不能复查", "Whoever is responsible for it does not review it"),
    "contractor-reviews-immediate-only": Text(
        "施工单位只能复查立即整改的一般隐患",
        "The enterprise reviews only general hazards that were rectified at once",
    ),
    "closer-is-submitter": Text("提交整改结果的人不能销号", "Whoever submitted it does not close it"),
    "decides-own-request": Text("不能批准自己申请的延期", "Nobody decides on his own request"),
    "signed-already": Text(
        "您已签字，须由另一人再签；或先取得专家意见",
        "You have signed: another person must sign too, or an expert give his opinion",
    ),
    "acknowledged-already": Text("您已签收", "You have said so already"),
    "no-control": Text("没有停工或撤人的命令", "No order holds"),
    "order-of-another": Text(
        "该命令由{side}下达，须由其或上级解除", "It is an order of {side}: that one, or one above, lifts it"
    ),
    "signal-active": Text("报警仍在持续", "The signal is still active"),
    "signal-unknown": Text(
        "没有数据，不能视为已消除", "There are no data, and that is not the same as cleared"
    ),
    "not-cleared": Text(
        "消除后的平稳时间或数据覆盖率不足", "It has not been quiet for long enough, or data are missing"
    ),
    "evidence-missing": Text(
        "需要至少 {needed} 项证据，现有 {have} 项", "{needed} items of evidence are needed; there are {have}"
    ),
    "evidence-unknown": Text("所选证据不属于该隐患：{items}", "Not evidence of this record: {items}"),
    "evidence-before-after": Text(
        "需要整改前和整改后的证据各至少一项",
        "Evidence of before and of after is needed",
    ),
    "evidence-stale": Text(
        "最新的证据须在 {hours} 小时以内", "The newest evidence must be no older than {hours} h"
    ),
    "clause-missing": Text(
        "认定重大隐患须注明判定依据", "A major hazard is judged by an item of the standard"
    ),
    "clause-unknown": Text("判定标准 {edition} 版没有 {id} 条", "Edition {edition} has no item {id}"),
    "edition-not-in-force": Text("{edition} 版在 {day} 不适用", "Edition {edition} did not hold on {day}"),
    "handled-missing": Text(
        "该条以“未及时处理”为要件：须说明是否及时处理、何时、如何",
        "The item says 'and not handled in time': say whether it was, when and how",
    ),
    "handled-in-time": Text(
        "已及时处理的，不符合该条，不能据此认定为重大隐患",
        "What was handled in time does not meet this item",
    ),
    "not-judged": Text("尚未认定等级", "Nobody has judged how grave it is"),
    "target-unknown": Text("没有这条隐患", "There is no such record"),
    "target-ended": Text("目标隐患已结束", "That record is over"),
    "target-other": Text(
        "只能并入同一工地、同一类别的隐患", "Only into a record of the same site and category"
    ),
    "element-missing": Text("缺少{field}", "Missing: {field}"),
    "due-past": Text("日期须晚于现在", "The date must be in the future"),
    "due-not-today": Text("立即整改的期限不能晚于今天", "What is rectified at once is so today"),
    "due-too-far": Text("期限不能超过认定后 {days} 天", "No later than {days} days after the judgement"),
    "due-later-than-agreed": Text("推迟期限须申请延期", "A later date takes an extension"),
    "no-plan-waiting": Text("没有待审核的整改方案", "No plan waits"),
    "no-plan": Text("尚无整改方案", "There is no plan"),
    "plan-not-accepted": Text("监理尚未审核整改方案", "The supervision has not accepted the plan"),
    "extension-pending": Text("有待批准的延期申请", "An extension waits for its decision"),
    "extension-late": Text("延期须在到期前申请", "An extension is asked for before the date"),
    "extensions-used": Text("最多延期 {most} 次", "At most {most} extensions"),
    "extension-not-later": Text("新期限须晚于原期限", "The new date must be later"),
    "no-extension-pending": Text("没有待批准的延期申请", "No extension waits"),
    "rectified-in-future": Text("整改完成时间不能晚于现在", "It cannot have been rectified in the future"),
    "supervision-first": Text("重大隐患须先由监理复查合格", "The supervision reviews a major hazard first"),
    "passed-already": Text("本方已复查合格", "Your side has passed it already"),
    "nobody-onsite": Text(
        "重大隐患至少须有一次现场复查", "Of a major hazard one review at least is made on site"
    ),
    "reviews-incomplete": Text("复查尚未全部合格", "Not everybody who must has passed it"),
    "control-in-force": Text("{control}的命令尚未解除", "An order holds: {control}"),
    "tasks-open": Text("还有 {count} 项任务未完成", "{count} tasks are not done"),
    "cause-missing": Text("整改结果未写明原因", "The submission does not say the cause"),
    "already-listed": Text("已挂牌督办", "It is listed already"),
    "not-listed": Text("没有挂牌督办", "It is not listed"),
    "not-overdue": Text("尚未逾期", "It is not overdue"),
    "nothing-served": Text(
        "须先送达逾期通知：已签收，或已发函",
        "The notice must have reached somebody: acknowledged, or a letter served",
    ),
    "refused-already": Text("已标记为拒不整改", "It is marked so already"),
    "control-not-stricter": Text(
        "现为{control}：只能加严，减轻须先解除",
        "Now: {control}. An order is only made stricter; a milder one takes a lifting",
    ),
    "step-taken": Text("已到第 {step} 步，只能向上", "Step {step} was taken; the ladder goes up"),
    "no-step-proposed": Text("没有建议的升级措施", "No step is proposed"),
}
"""By code; in braces what `values` says."""
