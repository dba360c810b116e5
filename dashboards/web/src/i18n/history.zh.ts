/** Texts of curves over time and of their export, in Chinese. */
export default {
  points: '测点', add: '添加测点…', remove: '移除 {name}', most: '最多 6 条曲线', range: '时间范围',
  spans: { '15m': '15 分钟', '1h': '1 小时', '6h': '6 小时', '1d': '24 小时', '7d': '7 天', '30d': '30 天', all: '全部' },
  live: '实时', follow: '跟随实时', following: '实时跟随中', reset: '复位', earlier: '向前', later: '向后', nearer: '放大', farther: '缩小',
  help: '拖动选取时间放大，双击复位；方向键移动游标，Shift+方向键平移，+ 与 − 缩放，0 复位。', label: '历史曲线，{names}，{from} 至 {to}',
  level: { raw: '每次读数', minute: '{n} 分钟一点', hour: '{n} 小时一点', day: '{n} 天一点', second: '{n} 秒一点' }, keptAs: '显示精度', none: '无数据', now: '最新',
  hole: { lost: '数据缺失', silent: '没有读数', bad: '读数不可信' }, count: '{n} 个读数', few: '这段时间没有数据',
  reason: { thinned: '网关存储不足，已稀释', evicted: '网关缓存已满，被丢弃', damaged: '网关记录损坏', disk: '网关磁盘写入失败' },
  alarm: '报警', standing: '未结束', limit: '限值 {n}',
  export: {
    open: '导出历史', title: '导出历史数据', points: '测点', all: '全选', from: '开始', to: '结束', level: '粒度', form: '格式',
    levels: { raw: '原始读数', minute: '每分钟', hour: '每小时', day: '每天（UTC）' }, forms: { csv: 'CSV', parquet: 'Parquet' },
    help: '原始读数的文件可以回放（需全选测点）。文件写明导出人和时间、单位、质量、缺口，保留 24 小时，只有本人能下载。', start: '开始导出', mine: '我的导出', nothing: '还没有导出。',
    states: { queued: '排队中', running: '导出中', done: '已完成', failed: '失败', cancelled: '已取消', expired: '已到期' },
    why: { disk: '服务器磁盘空间不足', error: '服务器出错', lost: '程序多次中断' }, rows: '{n} 行', of: '{n} / 约 {all} 行', until: '保留至 {time}',
    save: '下载', cancel: '取消', remove: '删除', close: '关闭', pick: '请至少选择一个测点。', order: '结束时间必须晚于开始时间。', zone: '工地时间（{zone}）',
  },
}
