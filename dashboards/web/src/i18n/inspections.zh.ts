/** Texts of inspections, patrols, what is brought in and who keeps what, in Chinese. */
export default {
  title: '检查记录', none: '还没有检查记录。', noneSuch: '没有符合条件的检查。', widen: '清除筛选', clear: '去掉筛选：', bring: '从外部系统导入', corrected: '已更正', record: '记录检查', all: '全部', kind: '类型', site: '工地', noSite: '不限工地', since: '自', until: '至', export: '导出表格', findings: '{n} 项发现', noFindings: '未发现问题', notLooked: '未填检查项目', stood: '当时有 {n} 条报警', filed: '已上报 {n} 条隐患', withdrawn: '已撤销', signed: '已签名', unsigned: '未签名', cancel: '取消',
  kinds: { self_check: '企业自查', lead_check: '带班、带队检查', authority_check: '部门检查', enterprise_check: '对企业自查自改的抽查检查', remote_patrol: '线上巡查' },
  form: {
    title: '记录检查', level: '检查层级', levels: { province: '省级', prefecture: '市（州）级', county: '县级', township: '镇街', enterprise: '企业', project: '项目' }, territory: '检查机关', enterprise: '企业', otherEnterprise: '不在企业树中的企业', enterpriseName: '企业名称', began: '开始时间', ended: '结束时间', person: '检查人', post: '职务', led: '带队', note: '检查情况', theme: '主题',
    checklist: '检查项目', lists: { site: '工地检查', enterprise: '企业检查' }, answers: { yes: '是', no: '否', not_looked_at: '未查' }, deficient: '问题', sign: '签名并保存', saving: '正在保存…', draft: '草稿已保存在本机。', found: '已恢复上次未保存的草稿。', discard: '清除草稿', noSite: '不在工地（对企业）', addPerson: '添加人员', removePerson: '移除', photosStay: '原有 {n} 张照片保留，这里只添加新的；最多 12 张。', photosHelp: '最多 12 张；上传前缩小，并去掉拍摄地点。', reason: '更正原因', progress: '已查 {n} / {all} 项', offline: '没有网络：草稿已保存在本机，恢复后再点保存，只会记一次。', required: '必填', cell: '调度表第 {n} 项',
  },
  detail: { when: '时间', photos: '照片', source: '来源系统', correct: '更正', restore: '恢复并更正', version: '第 {n} 版', gone: '已撤销，不再计数。原因：{reason}', people: '检查人员', note: '检查情况', answers: '检查项目', devices: '查看的设备', seen: '当时数值', alarms: '当时报警', noAlarms: '当时没有报警', file: '上报为隐患', fileFinding: '上报这项隐患', hazards: '已上报的隐患', archive: '下载检查档案', hash: '档案 SHA-256', by: '{who} 于 {time} 记录', from: '来自 {system}', withdraw: '撤销这条记录', reason: '撤销原因' },
  patrol: { start: '线上巡查', help: '记录您此刻查看了本工地：时间、设备、当时数值和报警。', done: '巡查已记录', file: '上报发现的隐患', see: '查看记录', saving: '正在记录…' },
  outside: {
    title: '外部信息', weather: '气象预警', levels: { blue: '蓝色', yellow: '黄色', orange: '橙色', red: '红色' }, until: '至 {time}', late: '使用登记 {no} 推送超时', expired: '证书已过期或吊销：{name}（{trade}，{no}，有效期至 {day}）', warning: '上级平台预警：{text}', permit: '存单 {no}：{name} 没有有效证书',
    off: '未申报考勤来源，岗位在岗情况不作判断。', missing: '塔机正在作业，今日未打卡在岗：{posts}', posts: { project_manager: '项目负责人', safety_officer: '专职安全员' }, profile: '预警只作提示，不会自动改变报警值。',
  },
  sources: {
    title: '数据来源', declared: '已申报的来源', noneYet: '还没有申报。在上面选择数据、区划和起始日期，再按“申报”。', end: '结束', intro: '没有申报来源的数字在报表中显示为“—”，不会显示为 0。', declare: '申报', source: '数据', node: '区划或企业', since: '自哪天起完整', until: '到哪天为止', none: '还没有申报。', by: '{who} 申报', goesOn: '持续',
    names: { inspections: '检查', enterprise_checks: '对企业的抽查', enforcement: '执法', guidance: '帮扶指导', incidents: '事故', attendance: '考勤', certificates: '人员证书', crane_registrations: '起重机械使用登记', safety_logs: '安全日志', duties: '履职', public_reports: '群众举报', weather: '气象预警', external_warnings: '上级平台预警' },
  },
  intake: { title: '导入外部数据', firstOnly: '（只列出前 {n} 处）', see: '查看', intro: '先试一遍，看清结果再导入；有一行不对，整张表都不导入。同一条再次导入不会重复。', what: '内容', system: '来源系统', systemHelp: '例如：实名制平台', template: '下载模板', file: '文件（CSV）', try: '试一遍', apply: '导入', would: '将新增 {added} 条、更新 {changed} 条，{unchanged} 条没有变化。', done: '已新增 {added} 条、更新 {changed} 条，{unchanged} 条没有变化。', late: '其中 {n} 条推送超时。', wrong: '有 {n} 处错误，没有导入。', line: '第 {n} 行', privacy: '不接收身份证号码；考勤保存 13 个月。' },
}
