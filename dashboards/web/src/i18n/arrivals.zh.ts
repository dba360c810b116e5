/** Texts of what became of a gateway's readings, in Chinese. */
export default {
  title: '收到的测值', since: '自 {time} 起',
  counts: { accepted: '已入库', late: '其中迟到', duplicate: '重复', future: '超前', ancient: '过旧' },
  help: {
    accepted: '新的测值，已保存', late: '超过一分钟才到达，已保存', duplicate: '已有的测值又收到一次，不再保存',
    future: '时间超前平台十分钟以上，已隔离', ancient: '早于 400 天或早于保存期限，已隔离',
  },
  setAside: '隔离的测值（最近 50 条）', none: '没有隔离的测值。',
  columns: { point: '测点', at: '测值时间', value: '数值', reason: '原因', received: '收到' },
  reasons: { future: '时间超前', ancient: '时间过旧' },
}
