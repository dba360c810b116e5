/** Texts of a gateway's configuration, in Chinese. */
export default {
  open: '配置',
  now: '网关现用', nowVersion: '版本 {n}', nowOwn: '网关自己的文件', onProbation: '验证中', online: '在线', offline: '离线', newest: '最新版本', inForce: '已生效版本', none: '还没有',
  notHandedOver: "这台网关由自己的 gateway.yaml 决定采集什么，平台不会下发。接入网关，或在它的 gateway.yaml 中写 configuration: {'{'}owner: cloud{'}'} 并重启，即移交平台管理。",
  untold: '网关自己的文件没有报上来。请在网关上改正，下次连接时自动上报：',
  nothing: '网关还没有把自己的文件报上来，平台也没有版本。',
  states: { waiting: '等待网关', refused: '网关拒绝', probation: '验证中', in_force: '已生效', rolled_back: '已回退', superseded: '被新版本取代' },
  waits: '网关在线后自动下发，直到它答复。', probationNote: '验证期内不合格，网关会自动回到原版本，现场的判断和报警不中断。',
  files: '文件', newFile: '新文件名，如 charts/crane-1.yaml', add: '添加', removeFile: '移除 {file}', editor: '{file} 的内容', readOnly: '您的账户只能查看。',
  basedOn: '在版本 {n} 上修改', basedOnOwn: '从网关自己的文件开始', basedOnNone: '从空白开始', changed: '有未发送的修改', unchanged: '没有修改', discard: '放弃修改', stale: '已有更新的版本 {n}：放弃修改后再改，或先比较。',
  draft: '从档案更新', draftNone: '档案中的设计值与配置一致。', draftDone: '已从档案更新 {n} 处，发送前请核对：', unplaced: '档案中有、配置中没有的设备：{devices}', was: '原为',
  check: '检查', checking: '正在问网关…', checkLate: '网关还没有答复。', checkOk: '网关可以按这份配置工作。', checkBad: '网关不能按这份配置工作：', checkOld: '检查之后又有修改，请重新检查。',
  load: '总线负荷', bus: '总线', percent: '占用', requests: '每秒请求', line: '第 {n} 行', goTo: '转到 {file} 第 {n} 行',
  reason: '原因', reasonHint: '为什么改，随版本保存', send: '发送', sending: '正在发送…', sent: '版本 {n} 已保存，正在下发。',
  history: '历史', version: '版本', by: '作者', at: '时间', state: '状态', compare: '比较', hide: '收起', rollback: '回退到此版本', rollbackTo: '把版本 {n} 作为新版本发送？', doRollback: '确认回退', cancel: '取消', noDiff: '内容相同。', against: '与版本 {n} 比较', more: '更早的版本',
}
