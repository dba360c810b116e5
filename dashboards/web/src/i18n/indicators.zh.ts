/** Texts of indicators, the board and figures of alarms, in Chinese. */
export default {
  unknown: '—', age: '数据时间 {time}', ageNow: '{age}更新', stale: '数据已过时：无法连接服务器', place: '范围', all: '全部', back: '返回', show: '查看', close: '收起', at: '截止时刻', now: '现在', formula: '算法', aim: '依据', trend: '近12个月', csv: '导出',
  missing: { inspections: '未声明检查记录的来源', enterprise_checks: '未声明企业自查的来源', gateways: '没有在用网关', gateways_then: '过去时刻的在线情况没有记录' },
  lights: { green: '正常', amber: '注意', red: '超标', unknown: '未知' },
  fewer: '找得少，看得也少：新发现减少，同时检查或在线设备也减少，不能说明更安全。',
  records: '{n} 条记录', noRecords: '没有记录', ofAll: '{count}／{of}',
  units: { days: '天', minutes: '分钟', seconds: '秒' },
  parts: {
    all_old: '存量总数', old_closed: '已销号', open: '未销号重大隐患', new_this_month: '本月新增', new_same_month_last_year: '去年同月新增', new_per_ten_projects: '每10个项目新增', cleared: '清零率', days_since_overdue: '距上次有逾期', days_since_open: '距上次有未销号',
    enterprises: '企业覆盖', devices: '设备覆盖', days_left: '本轮剩余', projects_missing: '未检查项目', in_time: '按最初期限完成', in_time_by_extension: '仅靠延期完成', median_days: '整改天数中位数', first_review_passed: '一次复查合格', reopened: '返工重开', general: '一般隐患整改率',
    median_minutes: '报告用时中位数', listed_overdue: '督办已逾期', missed_by_self_check: '自查漏查', top_repeater: '反复最多（第几次）', complete: '数据完整率', alarms_1: '1级提示', alarms_2: '2级预警', alarms_3: '3级报警', alarms_4: '4级危急', to_acknowledge: '平均确认用时', to_clear: '平均恢复用时', false_alarms: '误报率', to_cloud_p95: '上云用时95分位', unjudged_late: '超时未判定',
    caught_before_limit: '未达报警值即发现', median_lead_minutes: '提前时间中位数',
  },
  board: {
    title: '挂图作战', screen: '大屏', leave: '退出大屏', open: '未销号重大', overdue: '已逾期', proposed: '待核实', listed: '挂牌督办', general: '一般隐患', alarms: '3级以上报警', silent: '失联网关', sites: '{n} 个项目', blind: '监管盲区 {n}', due: '最近到期', late: '已逾期', targets: '倒排工期', left: '还剩 {n} 天', today: '今天', none: '没有可显示的下级。', total: '合计',
    clear: '无重大隐患', blinds: '监管盲区', noBlinds: '每个在建项目都有主管部门、网格人员和在线网关。', noAuthority: '无主管部门', noOfficer: '无网格人员', noGateway: '无在线网关', blindsOf: '{n} 个在建项目中有 {m} 个',
  },
  kpi: {
    title: '报警分析', span: '最近', days: '{n} 天', alarms: '报警次数', perTen: '每10分钟（每工地）', most: '10分钟内最多', floods: '泛滥时段', floodShare: '泛滥时间占比', chattering: '抖动报警', stale: '滞留报警', top: '最频繁', topShare: '前10占比', shelved: '抑制中', acknowledged: '按时确认', median: '确认用时中位数', hours: '每小时报警', none: '没有', times: '{n} 次', chatters: '抖动 {n} 次', since: '{time} 起', wanted: '参考值与来源', good: '目标', cut: '报警过多，只统计最近的。', flood: '{from} 至 {to}，{n} 次', confidence: '可信度：{word}', perHour: '{time}：{n} 次',
  },
}
