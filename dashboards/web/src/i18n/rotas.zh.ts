/** Texts of the rota page, in Chinese. */
export default {
  title: '值班表', help: '谁在什么时间值班。页面上红色为空缺：空缺时通知该岗位的全部担任者，不会漏报。', none: '还没有值班表。', noneHelp: '没有值班表时，该岗位的全部担任者都会收到通知。',
  view: '显示', week: '一周', month: '31 天', previous: '之前', next: '之后', today: '今天',
  now: '当前值班', following: '下一班', nobody: '无人值班', nobodyNow: '当前无人值班：通知该岗位的全部担任者', until: '至 {time}', from: '{time} 起', stays: '两周内不变', everybody: '全部 {n} 人',
  gap: '两周内最近的空缺', noGap: '两周内没有空缺', noHolders: '此处无人担任该岗位：先在“账号”中分配', former: '{names} 已不担任该岗位，其班次按空缺处理',
  byDuty: '只通知当班人员：{kinds}', notByDuty: '目前没有通知只发给该岗位的当班人员：此表仅作排班，通知仍发给全部担任者',
  new: '新建值班表', place: '范围', sites: '工地', territories: '行政区划', enterprises: '企业', role: '岗位', create: '创建', cancel: '取消', save: '保存', zone: '时区',
  edit: '编辑班次', shifts: '每周班次', days: '星期', begins: '开始', ends: '结束', overnight: '次日', person: '人员', addShift: '添加班次', removeShift: '删除班次', noShifts: '还没有班次。添加第一个班次，例如周一至周五 08:00–20:00。', allDay: '全天',
  standIn: '替班', standInHelp: '在这段时间代替表上的全部人员；选“无人”即取消这段班次。', starts: '自', stops: '至', reason: '原因', nobodyChoice: '无人（取消班次）', apply: '确定',
  swap: '换班', swapHelp: '两人互换各自的整段班次。', swapWith: '与谁的哪一班互换', fill: '补上空缺',
  overrides: '替班和换班', end: '取消', cancelled: '无人', by: '{author}：{reason}', remove: '删除值班表', removeSure: '删除后，该岗位的全部担任者都会收到通知。确定删除？', reallyRemove: '确定删除',
  weekdays: { d0: '一', d1: '二', d2: '三', d3: '四', d4: '五', d5: '六', d6: '日' }, chosen: '选中的班次', pick: '点选某一段，可安排替班或换班。', unknown: '已离任',
}
