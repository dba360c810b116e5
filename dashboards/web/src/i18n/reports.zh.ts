/** Reports upward. */
export default {
  title: '报表报送', open: '打开', none: '还没有报表。领导专项行动的部门登记行动后，每月的调度表和统计表会自动生成；也可以在上方立即生成。',
  node: '报送单位', kind: '报表', campaign: '专项行动', cutOff: '截止日（该日之前计入）', make: '立即生成', allKinds: '全部报表', noCampaign: '未登记专项行动',
  status: { draft: '待审核', approved: '已审核', sent: '已报送' }, preliminary: '预报', late: '逾期', due: '截止报送 {time}', before: '统计至 {day} 前', version: '第 {n} 版', versions: '共 {n} 版',
  calendar: '报送日历', today: '今天', counted: '统计至该日零时',
  run: '登记专项行动', runSays: '登记后，本部门和下级部门每月自动生成调度表、统计表；日期、表题按通知。', template: '行动', code: '编号（小写字母、数字、短横线）',
  back: '返回报表列表', download: '下载 Excel', table: '下载 CSV', print: '打印', recount: '重新统计', words: '更正说明', wordsHelp: '已审核的报表只能以新版本更正，旧版本保留。', makeVersion: '生成新版本', cancel: '取消',
  approve: '审核签名', approveAct: '审核报表', approvedBy: '已由 {who} 审核签名', sendAct: '登记报送', send: '登记报送', to: '报送给', way: '方式', ways: { mail: '邮件', platform: '业务系统', paper: '纸质', other: '其他' }, receipt: '回执、收文号或签收人',
  checks: '勾稽校验', ok: '符合', failed: '不符合', failedSays: '有校验不符合：请更正记录后重新统计，或以更正说明生成新版本。', versionsTitle: '版本', changed: '与上一版不同：{what}', changedRows: '{n} 行', sameAs: '与上一版数值相同', made: '{who} 于 {time} 生成', history: '办理记录',
  events: { made: '生成', corrected: '更正', approved: '审核', sent: '报送' }, signed: '已签名', behind: '数据背后的记录：{cell}', more: '另有 {n} 条未逐条列出', sentBefore: '原版已报送', until: '统计至 {day}', okOf: '{n} 项校验符合', ownVersion: '本版由您生成，须由另一人审核签名。', onlyFinal: '截止日过后重新统计的一版才能审核。', chooseKind: '选择一种报表后可以立即生成；不选则列出全部报表。', wholeYear: '查看其余 {n} 项', notMade: '未生成', hidden: '另有 {n} 条记录您无权查看', noRecords: '没有记录。', noSource: '“—”表示无数据来源，不是 0',
  what: { hazard: '隐患', inspection: '检查', enforcement: '执法', incident: '事故', alarm: '报警', duty: '履职', site: '项目', node: '企业', device: '设备' }, group: '类别', no: '序号', item: '项目', value: '数量', notes: '表外说明', signHash: '内容摘要 SHA-256',
}
