/** Texts of what is made known to the public, in Chinese. */
export default {
  title: '曝光', none: '还没有编制曝光。', all: '全部', states: { draft: '待批准', published: '已发布', withdrawn: '已撤回', dropped: '已作废' }, prepare: '编制曝光', of: '隐患 {number}', heading: '标题', words: '说明', wordsHelp: '写事实，不写人名、电话、坐标和设备编号；系统会检查，但最终由编制人和批准人负责。', photos: '照片', looked: '我已逐张看过：没有人脸、车牌和编号', preview: '预览（与发布的完全一致）', download: '下载发布文件', approve: '批准发布', withdraw: '撤回', drop: '作废', reason: '原因', stale: '隐患的等级或状态已有变化，不能再批准，请重新编制。', by: '以 {name} 名义 · 编制 {author}', kinds: { prepared: '编制', approved: '批准', withdrawn: '撤回', dropped: '作废' }, help: '批准人须是市（州）或省级主管部门的另一人；批准即签名。', onRecord: '曝光',
  photosHelp: '默认一张也不发布。先遮挡人脸、车牌和编号，再选；看不准的不要选。', cover: '遮挡…', asItIs: '原样发布', isCovered: '遮挡后发布', coverHelp: '用手指或鼠标框住要遮挡的地方，框住的部分会变成马赛克，不能恢复；时间和地点信息会被去掉。', covered: '用这张（已遮挡 {n} 处）', uncover: '重来', leave: '取消', doubtful: '这些像是人名：{found}', noPersons: '我确认这些不是人名（批准人会看到）', saidNone: '编制人确认不是人名：{found}', hasCovered: '遮挡 {n} 张',
}
