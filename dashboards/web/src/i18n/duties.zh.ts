/** Texts of the duty calendar and the safety log, in Chinese. */
export default {
  title: '履职日历', place: '范围', sites: '工地', territories: '行政区划', enterprises: '企业', month: '月份', previous: '上个月', next: '下个月', today: '今天', rules: '适用：{name}',
  states: { done: '已完成', due: '待完成', missed: '缺失', unknown: '无数据来源', noted: '日程' },
  kinds: { duty: '履职', return: '报送', round: '全覆盖排查', inspection: '检查', theme: '本月主题', phase: '阶段截止', log: '安全日志', rota: '值班' },
  filter: '显示', all: '全部', weekdays: { d1: '一', d2: '二', d3: '三', d4: '四', d5: '五', d6: '六', d7: '日' }, none: '这个月没有事项。', nothingHere: '没有待办或缺失。',
  counts: '完成 {done} / {all}', missingOf: '未完成：{names}', more: '等', from: '自 {day} 起', more_entries: '还有 {n} 项', list: '当月事项',
  summary: '{done} 项完成 · {due} 项待完成 · {missed} 项缺失 · {unknown} 项无数据来源',
  unknownHelp: '“无数据来源”表示没有人声明在此记录这类数据，因此既不算完成，也不算缺失。',
  round: { title: '全覆盖排查', none: '没有适用的排查轮次。', span: '{since} 至 {until}', left: '还剩 {n} 天', over: '已结束', enterprises: '企业', projects: '项目', devices: '设备', of: '{done} / {all}', noSource: '未声明数据来源', missing: '尚未检查', serial: '编号 {no}', all: '全部检查完毕' },
  theme: { title: '一月一主题', none: '今年还没有主题。', checked: '已检查项目', hazards: '发现隐患 {n}，已整改 {fixed}', add: '新增主题', code: '代码', codeHelp: '检查记录以此代码标明主题，例如 lifting', name: '名称（中文）', nameEn: '名称（英文，选填）', checklist: '检查要点，每行一项', month: '{month} 起效于本范围', edit: '修改', change: '修改主题', proposed: '隐患规律建议的主题', proposedHelp: '仅供参考，由人选定后才生效。', noProposals: '近期隐患没有共性，暂无建议。', adopt: '拟为 {month} 主题', setFor: '已用于 {month}' },
  record: { title: '记录履职', open: '记录履职', kind: '事项', day: '日期', words: '做了什么、谁参加', photos: '照片', save: '保存', saving: '正在保存…', saved: '已记录。', cancel: '取消', whose: '责任单位', photoFailed: '记录已保存，但照片未能上传；请再次选择照片。' },
  records: { title: '履职记录', none: '这个月还没有履职记录。', corrected: '已更正 {n} 次', withdrawn: '已撤销', correct: '更正', correction: '更正记录', withdraw: '录入有误，撤销本条', reason: '更正原因', kept: '更正后原内容仍保留。', photo: '照片 {n}', by: '{who} 记录' },
  draws: { title: '双随机抽查', draw: '抽取', none: '还没有抽取过。', owed: '今年已抽 {n} 次，应抽 {owed} 次', seed: '随机种子（可选，如现场摇号）', seedHelp: '留空由系统生成。同一种子可由任何人复算。', sure: '抽取结果会保留，不能撤销。', confirm: '确定抽取', projects: '项目', enterprises: '企业', of: '抽 {n} / {all}', share: '比例 {percent} %', at: '{time} · {who}', method: '复算：按 sha256(种子 + 换行 + 编号) 升序，取前 ⌈比例 × 数量⌉ 个；项目用工地编号，企业用企业树节点号。', seedShort: '随机种子', nothing: '没有在建对象', onlyNodes: '选择一个行政区划后可以抽取。' },
  log: {
    title: '施工安全日志', of: '{day} 施工安全日志', days: '本月日志', states: { coming: '当日进行中', draft: '待签署', signed: '已签署', none: '没有日志' }, noneHere: '这个月没有日志。', none: '这一天没有日志：日志在次日 00:30 自动生成。',
    coming: '当日尚未结束：以下为截至目前的情况，次日 00:30 生成日志后方可签署。可先填写天气和工作内容。', draft: '系统已汇总，请核对、补充后签署。次日打卡前未签署的，会被记录并提醒。', late: '未按时签署', lateBy: '{name} 于 {time} 打卡时，日志尚未签署', lateAtNine: '{time} 时日志尚未签署',
    weather: '天气', weatherHelp: '例如：晴，12–18 ℃', words: '当日工作和安全情况', wordsHelp: '系统没有记录的：旁站、交底、巡查、整改、处置等。', save: '保存', saved: '已保存', again: '重新汇总', sign: '签署日志', signed: '{who} 于 {time} 签署', amend: '补充说明', amendHelp: '已签署的内容不能修改，只能补充；补充也需签名。', amendDo: '签名并补充', amended: '{who} 于 {time} 补充', print: '打印', csv: '导出 CSV', xlsx: '导出 Excel', hash: '校验值', at: '汇总时间 {time}', edited: '{who} 于 {time} 修改',
    facts: '系统汇总', alarms: '报警', noAlarms: '当日没有报警。', level: '{n} 级', hazards: '隐患', hazardCounts: '新增 {new}，复查合格 {verified}，销号 {closed}，未销号 {open}', isNew: '新增', isClosed: '销号', isVerified: '复查合格', devices: '设备', deviceCounts: '共 {n} 台，{silent} 台无数据', silent: '无数据', gateways: '网关', gaps: '缺测 {n} 段', asOf: '{time} 汇总时的状态', gatewayStates: { online: '在线', offline: '离线', unknown: '未知' }, wind: '最大风速', noWind: '没有风速数据', maintenance: '检修', inspections: '检查', done: '演练等', present: '到岗', nothing: '没有', more: '共 {n} 条，列出前 {m} 条',
    inspectionKinds: { self_check: '企业自查', lead_check: '带队检查', authority_check: '部门检查', enterprise_check: '对企业抽查', remote_patrol: '远程巡查' }, password: '登录密码（签名）', count: '已签署 {signed} / {days}，未按时 {late}', back: '返回本月',
  },
}
