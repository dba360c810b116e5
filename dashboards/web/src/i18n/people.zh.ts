/** Texts of finding accounts and of the page of roles, in Chinese. */
export default {
  find: '查找', search: '用户名、姓名或备注', role: '角色', anyRole: '全部角色', place: '范围', anyPlace: '全部范围', placeHelp: '含下级区划、企业和工地', clear: '清除条件', shown: '{n} 个账号', shownMore: '前 {n} 个账号', noneFound: '没有符合条件的账号。', open: '展开', fold: '收起', roleCount: '{role} 等 {n} 个角色',
  states: { all: '全部', active: '正常', invited: '待激活', disabled: '已停用', without_second_factor: '无二次验证' }, withoutFactor: '无二次验证', span: '{from} 至 {until}', since: '{from} 起', endsSoon: '{n} 天后到期', endsToday: '24 小时内到期', overCount: '{n} 个已结束的角色',
  matrix: '角色与权限', matrixIntro: '每个角色可以做什么。权限只在授予的范围和期限内有效。', backToAccounts: '账号与权限', everyRole: '全部对照', yes: '可以', no: '不可以', permission: '权限', count: '{n} 项', gives: '可授予的角色', givesNone: '不能授予任何角色。', source: '依据', narrow: '查找权限', noPermission: '没有这样的权限。',
  sides: { authority: '主管部门', contractor: '施工企业', supervision: '监理', owner: '建设单位', third_party: '第三方', operator: '操作人员', platform: '平台', audit: '审计' },
  groups: { see: '查看', alarms: '报警与报警值', devices: '设备与型号', site: '台账、网关、通知', hazards: '隐患认定与处置', rectification: '整改', duties: '检查、履职与数据来源', reports: '事故、报表与执法', rules: '回测与回放', accounts: '账号', other: '其他' },
}
