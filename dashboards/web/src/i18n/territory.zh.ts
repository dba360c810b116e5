/** Texts of the lists over all sites, in Chinese. */
export default {
  title: '辖区隐患', inbox: '待办', all: '辖区隐患', inboxCount: '{n} 项待办',
  status: '状态', site: '工地', category: '类别', everywhere: '全部工地', anyCategory: '全部类别', mode: '记录', live: '正式', drill: '演练', marks: '只看', overdue: '已逾期', listed: '挂牌督办',
  levels: '等级', anyLevel: '全部', none: '没有符合条件的隐患。', reset: '清除筛选', drillMark: '演练', repeat: '第 {n} 次重复', step: '督办第 {n} 步', due: '期限 {time}', opened: '{time} 开立', filed: '人工上报',
  controls: { partial_stop: '局部停工', stop_work: '停工', evacuated: '已撤人' },
  nothing: '现在没有等待您办理的事项。', most: '只列出期限最近的 {n} 项，共 {total} 项。', left: '还剩 {time}', late: '已超过 {time}', noDate: '无期限', everything: '全部',
  patterns: {
    title: '共性与反复问题', none: '近期没有发现共性或反复问题。', more: '等，另有 {n} 条',
    enterprise_clause: '{days} 天内该企业 {n} 个项目出现同一条隐患，建议开展专项检查', county_clause: '{days} 天内辖区 {n} 个项目出现同一条隐患，建议开展专项检查',
    repeat: '{days} 天内同一隐患出现 {n} 次', sensor_fault: '{days} 天内 {n} 次报警被判定为传感器故障，建议检查该型号设备',
  },
  why: {
    judge: '核实判定', plan: '制定整改方案', accept_plan: '审核整改方案', rectify: '整改并提交', decide_extension: '审批延期', review: '复查', review_by_supervision: '监理复查', review_by_authority: '监管复查',
    close: '销号', list: '挂牌督办建议', escalate: '督办升级建议', acknowledge: '签收告知',
  },
}
