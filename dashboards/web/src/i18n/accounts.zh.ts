/** Texts of accounts, roles and one's own account, in Chinese. */
export default {
  title: '账号与权限', intro: '一个账号可有多个角色，每个角色限定管辖范围和期限。只能授予低于自己的角色，范围和期限不超过自己。',
  invite: '邀请', name: '用户名', nameHelp: '登录时使用，例如 zhang.wei，以后不能更改', note: '备注', noteHelp: '姓名、单位或电话，可不填', make: '创建账号', cancel: '取消', withRole: '同时授予角色',
  link: '{name} 的链接', linkHelp: '只显示这一次，只能用一次，{time} 前有效。请通过可靠的途径交给本人，由本人设置密码。', copy: '复制', copied: '已复制', close: '关闭',
  standings: { invited: '待激活', active: '正常', disabled: '已停用' }, self: '本人', seen: '{age}使用', neverSeen: '目前没有登录', linkUntil: '链接 {time} 前有效', noLink: '没有可用的链接', madeBy: '由 {name} 创建', none: '范围内还没有其他账号。',
  noRoles: '还没有角色，登录后看不到任何工地。', elsewhere: '在您的范围之外还有其他角色。', notYours: '该账号有您不能授予的角色或范围，由上级管理。',
  addRole: '添加角色', give: '授予', role: '角色', place: '范围', until: '有效期至', untilHelp: '不填为长期', reason: '原因', reasonHelp: '记入操作记录', may: '可以：',
  places: { whole: '全部', territory: '行政区划', enterprise: '企业', site: '工地', devices: '设备' }, choose: '请选择', noPlace: '没有可选的范围。', untilDay: '至 {day}', fromDay: '自 {day}', over: '已结束', endedFor: '结束原因：{reason}', givenBy: '{name} 授予',
  end: '结束', endSure: '结束“{role}”？该账号立即失去这个角色，打开的实时画面在 5 秒内关闭。', disable: '停用', disableSure: '停用 {name}？该账号立即退出登录，链接作废，打开的实时画面在 5 秒内关闭。', enable: '恢复', enableSure: '恢复 {name}？密码和未到期的角色不变。',
  newLink: '重新邀请', resetLink: '重置密码', confirm: '确认', more: '更多', log: '操作记录', noLog: '还没有记录。',
  did: { account: '账号', assignment: '角色', account_link: '链接', second_factor: '二次验证', api_token: '接口令牌', identity: '统一认证' }, changes: { made: '创建账号', disabled: '停用', enabled: '恢复', password: '设置密码', changed: '修改', given: '授予 {role}', ended: '结束 {role}', invitation: '生成邀请链接', reset: '生成重置链接', factor_begun: '准备二次验证', factor_on: '启用二次验证', factor_off: '停用二次验证', token_made: '创建接口令牌', token_revoked: '吊销接口令牌', bound: '绑定统一认证', unbound: '解除统一认证绑定' },
  own: '我的账号', current: '当前密码', fresh: '新密码', change: '修改密码', changedOk: '密码已修改，其他登录已全部退出。', sessions: '登录情况', thisOne: '本次登录', endSession: '退出', since: '{time} 登录', forgotten: '忘记密码时，请管理员为您重置，或在服务器上执行',
  welcome: '设置密码', welcomeInvitation: '您好，{name}。请设置登录密码，设置后即登录。', welcomeReset: '{name}，请设置新的登录密码，其他登录会全部退出。', enter: '设置并登录', badLink: '链接无效：已用过、已过期，或已有更新的链接。请向给您链接的人再要一个。', wholeLink: '链接不完整，请复制完整的链接。', unknownRole: '（已没有这个角色）',
}
