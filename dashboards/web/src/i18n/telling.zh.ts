/** Texts of being told oneself: own ways, what one was told, links, in Chinese. */
export default {
  ways: '通知方式', waysHelp: '报警和隐患按角色通知到人。填写您自己的联系方式，用收到的验证码确认后生效；其他人看不到号码。排在最前且启用的先用。', noOffers: '管理员还没有开放可用于通知个人的渠道。', noWays: '还没有通知方式：除了本平台页面，您收不到任何消息。',
  via: '渠道', to: '邮箱、手机号或 Apprise 地址', add: '添加并发送验证码', code: '验证码', prove: '确认', resend: '重新发送', proved: '已确认', unproved: '待确认', offNow: '渠道已关闭', test: '发送测试', on: '启用', off: '停用', first: '设为首选', remove: '删除', sent: '已发送，对方已接收', notSent: '未送达：{text}',
  link: '确认收到', ready: '{name}，请确认您已知悉：', acknowledge: '我已知悉', done: '已确认。感谢，平台不再通知下一级人员。', used: '此链接已于 {time} 使用，确认有效。', expired: '此链接已过期。请登录后在平台上确认。', disabled: '此账号已停用，链接无效。', acknowledged: '{by} 已于 {time} 确认，无需再操作。', bad: '链接无效或不完整，请从消息中重新打开。', open: '登录查看详情', at: '{time} 发生',
  forPeople: '也用于通知到个人（个人在“我的账号”中填写并确认号码）', own: '通知我的', none: '还没有通知过您。', people: '通知到人', noPeople: '还没有按角色通知过任何人。', waits: '待确认', due: '{time} 前无人确认将通知下一级', nobody: '无人确认', by: '{by} 已确认', unreached: '通知未送达', standsIn: '值班表无人，代为通知', unheld: '无人担任：{roles}', knows: '已知悉', told: '已通知', step: '第 {n} 级',
}
