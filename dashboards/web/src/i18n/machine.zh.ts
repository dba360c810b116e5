/** Texts of machines and their pages, in Chinese. */
export default {
  offline: '离线 {time}', never: '从未有数据', partly: '部分测点无数据', frozen: '数据冻结', clockOff: '时钟偏差',
  load_ratio: '起重量', moment_ratio: '力矩', noLimiter: '没有限制器测点', more: '另有 {n} 个测点', operators: '司机', registration: '使用登记', finding: '问题', export: '导出表格（CSV）',
  people: '人员', standing: '环节', plan: '总平面', 
  groups: { crane: '塔机', pit: '基坑', camera: '摄像机' },
  findings: {
    noFile: '没有设备档案', notRegistered: '未办使用登记', notInUse: '档案未到使用环节', expired: '{of}已过期', noOperator: '没有绑定司机',
    operatorExpired: '{of}证书已过期', operatorNotYet: '{of}证书未生效', operatorExpiring: '{of}证书即将到期',
  },
  pit: { nearest: '最接近控制值', fastest: '最快速率', points: '测点', blind: '{n} 个无有效数据' },
  counts: { machines: '设备', live: '在线', partly: '部分在线', offline: '离线', none: '从未有数据', points: '测点', good: '有效', blind: '过期或无效', wind: '最大风速' },
  limits: { title: '现行限值', same: '{n} 个测点相同', none: '此设备没有限值。', now: '当前', limit: '限值', rule: '规则' },
  mayNotSee: '您的账户可以查看设备清单和网关状态，不能查看实时数据。',
  otherReadings: '其他读数', history: '历史曲线', papers: '登记与人员', file: '设备档案', live: '现场数据', noFile: '此设备还没有档案：登记号、环节、司机证书都无从核对。', notAnnounced: '还没有网关上报这个设备，只有档案。',
  spans: { '1': '24 小时', '7': '7 天', '30': '30 天', all: '全部' },
  quiet: '没有数据：', quietOf: '{gateway} 自 {time} 起（{ago}）', quietMeans: '这里的报警和测值可能不完整；网关有电时现场声光报警照常工作。', quietAll: '本工地所有网关都没有数据：平台现在收不到任何新报警；网关有电时现场声光报警照常工作。',
}
