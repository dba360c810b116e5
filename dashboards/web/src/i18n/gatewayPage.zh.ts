/** Texts of a gateway's page, in Chinese. */
export default {
  one: '网关', tabsLabel: '网关页面', tabs: { state: '运行状态', configuration: '配置', access: '接入' },
  buses: '总线', bus: '总线', load: '占用（近一分钟）', p95: '95 % 应答', noBuses: '此网关没有报告总线状态。', devices: '设备', noDevices: '此网关没有上报设备。', answers: '应答正常', silent: '无应答',
  counts: { requests: '请求', timeouts: '超时', late: '迟到', broken: '坏帧', exceptions: '异常应答', missed: '错过轮询', rereads: '复读' },
  countHelp: {
    requests: '程序启动以来', timeouts: '没有等到应答', late: '迟到的应答已丢弃，不会当作别的数据', broken: '校验或长度错误的帧', exceptions: '设备应答了错误码', missed: '总线太忙，没有按时轮询', rereads: '为确认报警或突变提前再读一次',
  },
  facts: { software: '程序版本', boot: '本次启动', clock: '时钟', offset: '与平台时钟相差', steps: '时钟被调整', outbox: '待上传', evicted: '因空间不足舍弃', disk: '磁盘剩余', memory: '内存占用', cpu: '每千个测值 CPU' },
  clockEqual: '小于 0.1 秒', clockAhead: '快 {s} 秒', clockBehind: '慢 {s} 秒',
}
