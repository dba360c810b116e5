/** Texts of indicators, the board and figures of alarms, in Chinese. */
export default {
  unknown: '—', age: '数据时间 {time}', ageNow: '{age}更新', stale: '数据已过时：无法连接服务器', place: '范围', all: '全部', back: '返回', show: '查看', close: '收起', at: '截至（含当日）', now: '现在', formula: '算法', aim: '依据', trend: '近12个月', csv: '导出', declare: '声明来源', timesBack: '第 {n} 次重现',
  lights: { green: '正常', amber: '注意', red: '超标', unknown: '未知' },
  fewer: '找得少，看得也少：新发现减少，同时检查或在线设备也减少，不能说明更安全。',
  records: '{n} 条记录', noRecords: '没有记录', ofAll: '{count}／{of}',
  units: { days: '天', hours: '小时', minutes: '分钟', seconds: '秒' },
  ranking: {
    title: '打分排队', by: '比较对象', territory: '下级辖区', enterprise: '企业', none: '没有可以比较的下级辖区。', noneEnterprise: '没有可以比较的企业。', rank: '名次', name: '名称', score: '得分', sites: '项目', records: '重大隐患', tooFew: '数据不足，不排名', weight: '权重 {n}', why: '得分为各已知分项的加权平均；重大隐患少于 {records} 条，或已知分项的权重不足 {weight}，不排名。', limits: '{good} 及以上满分，{bad} 及以下零分', limitsLess: '{good} 及以下满分，{bad} 及以上零分', points: '{n} 分', indicators: '查看指标',
  },
  board: {
    title: '挂图作战', screen: '大屏', leave: '退出大屏', open: '未销号重大', overdue: '已逾期', proposed: '待核实', listed: '挂牌督办', general: '一般隐患', alarms: '3级以上报警', silent: '失联网关', sites: '{n} 个项目', blind: '监管盲区 {n}', due: '最近到期', late: '已逾期', targets: '倒排工期', left: '还剩 {n} 天', today: '今天', none: '没有可显示的下级。', total: '合计',
    clear: '无重大隐患', blinds: '监管盲区', noBlinds: '每个在建项目都有主管部门、网格人员和在线网关。', noAuthority: '无主管部门', noOfficer: '无网格人员', noGateway: '无在线网关', blindsOf: '{n} 个在建项目中有 {m} 个',
  },
  kpi: {
    title: '报警分析', span: '最近', days: '{n} 天', alarms: '报警次数', perTen: '每10分钟（每工地）', most: '10分钟内最多', floods: '泛滥时段', floodShare: '泛滥时间占比', chattering: '抖动报警', stale: '滞留报警', top: '最频繁', topShare: '前10占比', shelved: '抑制中', acknowledged: '按时确认', median: '确认用时中位数', hours: '每小时报警', none: '没有', times: '{n} 次', chatters: '抖动 {n} 次', since: '{time} 起', wanted: '参考值与来源', good: '目标', cut: '报警过多，只统计最近的。', flood: '{from} 至 {to}，{n} 次', confidence: '可信度：{word}', perHour: '{time}：{n} 次', mostAnHour: '每小时最多 {n} 次',
  },
}
