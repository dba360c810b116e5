/** Texts of the maintenance of devices and of what is to be done at them, in Chinese. */
export default {
  title: '检修与维护', none: '没有检修记录，也没有待办。', hint: '检修期间的报警照常保存，但不立隐患；检修结束时仍在报警的，立即立案。检修须由申请人以外的人批准，批准后才生效。',
  maintenance: '检修', tasks: '待办', ask: '申请检修', workOrder: '工单号', reason: '事由', from: '开始', until: '结束', send: '提交申请', cancel: '取消', approve: '批准', end: '提前结束', withdraw: '撤回', note: '说明', noteHelp: '做了什么，结果如何', confirm: '确定', close: '办结',
  state: { asked: '待批准', coming: '未开始', under_way: '检修中', over: '已结束', withdrawn: '未生效' },
  kind: { repair: '维修传感器', calibration: '重新标定' },
  askedBy: '{who} 申请', approvedBy: '{who} 批准', endedBy: '{who} 提前结束', own: '请另一个人批准', held: '期间报警 {n} 条', openedBy: '{who} 提出', closedBy: '{who} 办结', ofHazard: '隐患 {number}',
}
