/** Texts of reports by the public and of what is handed on, in Chinese. */
export default {
  report: {
    title: '举报安全隐患', at: '工地：{site}', intro: '看到危险，请告诉我们。不需要账号，可以不留姓名；您是谁，只有指定的处理人能看到。', content: '看到什么危险', contentHelp: '写清楚是什么、什么时候。请不要在这里写您的姓名和电话。', place: '在哪里', placeHelp: '工地名称、楼栋、部位', area: '所在地区', anyArea: '不清楚',
    insider: '我在这个工地工作', photos: '照片', photosHelp: '最多 6 张；拍摄地点和手机信息会被去掉。', name: '姓名（选填）', contact: '联系方式（选填）', identityHelp: '加密保存，只有指定的处理人能看到，办结后到期删除。', send: '提交举报', sending: '正在提交…',
    done: '已收到', number: '编号 {number}', code: '查询码', keep: '请记下或拍下查询码：只显示这一次。凭它可以查看进展、补充情况。', photoFailed: '有照片没有传上，可以凭查询码再传。', look: '查询我的举报', see: '查询', none: '没有这个查询码对应的举报。', more: '补充情况', add: '补充', addPhoto: '补充照片', yours: '您补充', theirs: '答复', reported: '举报内容', another: '返回',
    urgent: '有人受伤或马上要出事：先离开，拨打 120、119。', tellsNumber: '这里好像写了电话或身份证号。请写到下面的“联系方式”里：那里加密保存，这里所有处理举报的人都能看到。', leaveOut: '不要第 {n} 张',
    states: { received: '已收到，等待指定处理人', assigned: '正在核查', judged: '正在核查', answered: '已答复' }, outcomes: { verified: '查证属实', unfounded: '经查不属实', passed_on: '已转有关部门' },
  },
  tips: {
    title: '群众举报', nav: '群众举报', none: '没有举报。', all: '全部', states: { received: '待指定', assigned: '核查中', judged: '待答复', answered: '已答复' }, ways: { page: '网页', gate: '工地二维码', officer: '人工登记' }, received: '收到', verified: '查实', percent: '查实率', median: '核查中位天数', rewarded: '已奖励', overdue: '超期', insider: '内部人员', due: '期限 {time}', noSite: '未指明工地',
    handler: '处理人', assign: '指定处理人', choose: '请选择', protected: '举报人身份已封存', anonymous: '匿名举报', erased: '举报人身份已到期删除', read: '查看举报人', readHelp: '仅限本举报的处理人；每次查看都会记录原因。', reason: '原因', name: '姓名', contact: '联系方式', unfounded: '不属实', passOn: '转有关部门', to: '转给谁', verify: '查实并上报隐患', verifyHelp: '用您自己的话写，不要写举报人。', site: '工地', category: '类别', accident: '可能导致的事故', location: '部位', content: '隐患内容', level: '等级', photos: '随隐患保存的照片', answer: '答复举报人并办结', reward: '奖励金额（元）', save: '保存', hazard: '隐患 {number}', events: '过程', reporter: '举报人',
    kinds: { added: '补充', assigned: '指定处理人', verified: '查实', unfounded: '不属实', passed_on: '转有关部门', answered: '答复', rewarded: '奖励', identity_read: '查看举报人身份', identity_erased: '删除举报人身份' }, gate: '工地二维码', gateHelp: '打印后贴在工地大门：任何人扫码即可举报。',
  },
  outbound: {
    title: '对外报送', nav: '对外报送', none: '还没有设置对外报送。', unclaimed: '{n} 项没有任何报送通道接收。', add: '新增通道', name: '名称', kind: '方式', kinds: { file: '文件夹', http: 'HTTP 接口' }, wants: '报送内容', url: '网址', key: '签名密钥', keyKept: '留空则不变', mapping: '字段映射（YAML）', mappingHelp: '对方的字段名和代码；留空按本平台格式。', on: '启用', save: '保存', cancel: '取消', depth: '待回执', oldest: '最早 {time}', accepted: '已接收', rejected: '被退回', resting: '对方不通，稍后再试', off: '已停用', last: '最近回执', packages: '报送记录', allStates: '全部', resend: '重新报送', reason: '原因', attempts: '已试 {n} 次',
    packageKinds: { hazard_major: '重大隐患', hazard_update: '隐患变化', hazard_closed: '隐患销号', incident_details: '事故详细信息', inspection: '检查', report: '报表' }, states: { waiting: '待发', sending: '发送中', sent: '已发、待回执', accepted: '已接收', rejected: '被退回', unknown: '不明、将重发' },
    edit: '修改', note: '登记回执', result: '结果', receiptNo: '回执编号', remark: '说明', noPackages: '还没有报送。重大隐患认定、事故详情提交、检查登记、报表批准后会自动生成。', noPackagesYet: '还没有报送。先新增一个通道：之后发生的会自动报送。', noneSuch: '没有这样的报送。',
    unknownFormats: '各地平台的接口格式没有公开：字段映射须按当地文件填写。',
  },
}
