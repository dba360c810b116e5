/** Texts of cameras, in Chinese. */
export default {
  title: '摄像机', queue: '核对报警', live: '实时', waiting: '等待画面数据', past: '回放：只有记录的数值，没有画面', zones: '区域', howWell: '识别状况', noZones: '没有划定区域。',
  people: '{n} 人', bare: '{n} 人未戴安全帽', intruders: '{n} 人进入禁入区', underLoad: '{n} 人在吊物下',
  privacy: '这里只显示方框，不传送连续画面；没有人脸识别，编号只在一次跟踪内有效。',
  sceneWords: '画面中 {people} 人，{bare} 人未戴安全帽；{zones} 个区域',
  notSeeing: '画面不可用',
  heads: { helmet: '戴帽', bare: '未戴', unknown: '不明' },
  states: {
    sees: '画面正常', dark: '画面过暗', covered: '镜头被遮挡', constant: '画面单一（无信号或绿屏）', torn: '画面撕裂', frozen: '画面冻结', moved: '镜头位置变动，请核对区域',
    overloaded: '网关忙不过来，识别变慢', noDetector: '没有可用的检测模型', gone: '没有画面', unknown: '尚无状态',
  },
  review: {
    title: '核对摄像机报警', help: '看一眼抓拍：报警对不对？结果用来计算误报率，不代替隐患的认定。', keys: '按键：1 正确，2 误报，3 看不清；← → 换一条',
    states: { waiting: '待核对', reviewed: '已核对', all: '全部' }, device: '摄像机', every: '全部摄像机',
    none: '没有待核对的报警。', verdicts: { right: '正确', wrong: '误报', unclear: '看不清' }, said: '{author} · {time}', noPicture: '没有抓拍', more: '更多', hazard: '隐患', change: '改判',
    clip: '看前后 5 秒', still: '看抓拍', no: { awaited: '抓拍还在上传', erased: '已到保存期限，图片已删除', disk_full: '网关存储已满，没有抓拍', disk: '网关存储故障，没有抓拍', no_frame: '当时没有画面', eyes: '识别程序未能保存抓拍', replay: '回放中的报警，没有抓拍' },
    instead: { title: '其实是：', helmet: '戴了安全帽', nothing: '没有人头' },
    export: '导出样本（ZIP）', exportHelp: '已判为正确或误报的抓拍裁图和标签，供本工地训练；谁导出过会留下记录', exporting: '正在导出…', again: '请在 {n} 秒后再试。', now: '现在可以再试。',
  },
  view: {
    help: '镜头转回原处，10 秒后自动恢复；画面确有变化而区域仍然吻合时，看过画面后在此确认。区域不吻合时请重新勾画。', picture: '{time} 的画面：您确认的就是这一张', none: '还没有画面图片，只能对图片确认。一两分钟内会上传。如一直没有，请看网关配置中这台摄像机 pictures 下的 still_every_s 是否为 0（0 表示从不拍摄）：改为 60 以上并下发，稍候即有；或把镜头转回原处，或重新勾画。', awaited: '更新的画面正在上传，只能确认最新的一张。', seen: '当时所看的画面', reason: '原因（如：料堆长高，区域不变）', accept: '画面正确', told: '已告知网关，稍候状态恢复。',
    last: '上次由 {author} 于 {time} 确认画面：{reason}',
  },
  looks: {
    title: '图像查看记录', link: '图像查看记录', help: '谁看过未打码的图像，谁导出过样本；先记录，后给出图像。记录不能修改或删除。', none: '没有人看过未打码的图像，也没有导出过样本。',
    at: '时间', author: '账号', program: '接口令牌', what: '内容', camera: '摄像机', taken: '拍摄时间', hazard: '隐患',
    kinds: { snapshot: '未打码抓拍', clip: '未打码短片', still: '未打码画面', cut_outs: '样本导出（{n} 张）' },
  },
  figures: {
    title: '可信程度（近 30 天）', camera: '摄像机', alarms: '报警', right: '正确', wrong: '误报', unclear: '看不清', share: '误报率', interval: '95 % 区间 {low} – {high}',
    coverage: '足够大的人头', unknown: '无法判断', none: '还没有核对过', help: '足够大的人头：在网络输入中不小于最小像素的人头占比；低说明镜头太远。',
  },
  editor: {
    title: '摄像机区域', name: '新区域的名称（a–z、数字、_）', draw: '勾画', drawing: '在画面上点出地面的边界：{n} 个角', keep: '采用', drop: '放弃', remove: '删除区域', corner: '第 {n} 个角', zh: '中文名称', en: '英文名称', kind: '位置',
    kinds: { site: '一般', hook: '吊装区', pit: '基坑' }, duties: { helmet: '须戴安全帽', keep_out: '禁止入内', under_load: '吊物下不得站人' },
    help: '拖动角点调整，双击边增加角点，Delete 删除；区域按地面画，以脚的位置判断。改动写入上面的文本，检查后下发。',
  },
}
