/** Texts of filing, incidents, enforcement and supervision, in Chinese. */
export default {
  nav: { label: '安全台账', hazards: '隐患', listing: '挂牌督办', incidents: '险情和事故', enforcement: '执法记录', tips: '群众举报', outbound: '对外报送', exposures: '曝光', duties: '履职日历', rotas: '值班表', reports: '报表报送', board: '作战图', indicators: '指标', figures: '报警分析', inspections: '检查', sources: '数据来源' },
  sign: { password: '登录密码（签名）', help: '以您本人的密钥签名：谁检查、谁签字、谁负责。密码不会保存。', wrong: '密码不正确，没有签名。' },
  choose: '请选择', cancel: '取消', save: '保存', back: '返回', none: '没有', all: '全部', optional: '选填',
  filing: {
    title: '上报隐患', where: '在哪里', device: '设备', noDevice: '不涉及设备', location: '部位', locationHelp: '例如：3 号楼 5 层东侧临边', category: '类别', content: '隐患内容', contentHelp: '看到什么，写什么。', accident: '可能导致的事故',
    detail: '来源', level: '等级', general: '一般隐患', major: '重大隐患', majorProposed: '疑似重大（由监管人员判定）', clause: '判定依据', noClause: '不引用条款', unconfirmed: '生效日期待核实', notInForce: '未生效', replaced: '已被新版替代',
    handled: '“且未及时处理”：是否及时处理？', handledYes: '已及时处理', handledNo: '没有及时处理', how: '如何处理', reason: '判定理由',
    judge: '立即认定（本人检查发现）', judgeHelp: '您签名后即为“已确认”。取消勾选则由他人核实。', waits: '签名后等待核实。',
    photos: '照片', takePhoto: '拍照', addPhoto: '选择照片', photosHelp: '至少 {n} 张；上传前缩小到 2000 像素以内，并去掉拍摄地点。', noPhotosNeeded: '没有照片也可以上报。', sending: '正在上传 {percent} %', sent: '已上传', retry: '重试', remove: '移除', waitsForNet: '等待网络',
    drill: '演练', distinct: '这是另一处隐患，仍要上报', already: '同一隐患已有未销号的记录：', open: '打开 {number}', send: '签名并上报', sendingNow: '正在上报…', done: '已上报', doneText: '编号 {number}，{status}。', see: '查看隐患', another: '再报一条',
    draft: '草稿已保存在本机', draftFound: '已恢复上次未上报的草稿。', discard: '清除草稿', offline: '网络中断，草稿已保存在本机；恢复后可继续上报。', mayNot: '您的账户不能在这个工地上报隐患。',
  },
  listing: {
    title: '挂牌督办', none: '没有挂牌督办的隐患。', filter: '状态', states: { current: '在督', proposed: '拟挂牌', listed: '已挂牌', delisted: '已摘牌', all: '全部' },
    level: '督办级别', levels: { county: '县级', city: '市（州）级', province: '省级' }, document: '文号', listedAt: '挂牌时间', due: '治理期限', left: '还剩 {n} 天', today: '今天到期', late: '逾期 {n} 天', by: '签发人', delistedAt: '摘牌时间', delistingDocument: '摘牌文号', enterprise: '责任企业', days: '已开 {n} 天',
    notice: '公告内容', noticeHelp: '督办通知书的五项内容。', project: '工程项目名称', hazard: '重大隐患具体内容', demand: '治理要求及期限', release: '督办解除程序', releaseText: '企业完成治理后提交治理报告并提请解除；主管部门现场审查，合格的解除督办，不合格的继续督办。', other: '其他', basis: '判定依据', noPlan: '整改方案尚未提出', noListing: '尚未挂牌',
    source: '公告内容和解除程序依据《房屋市政工程生产安全重大隐患排查治理挂牌督办暂行办法》（建质〔2011〕158号），条文凭记忆整理，使用前请核对原文。',
  },
  incidents: {
    title: '险情和事故', none: '没有记录。', file: '上报险情或事故', filter: '台账', status: '状态', kinds: { near_miss: '险情', non_fatal: '非亡人事故', fatal: '亡人事故' }, ledgers: { near_miss: '险情台账', non_fatal: '非亡人事故台账', fatal: '亡人事故台账' }, states: { open: '未结案', closed: '已结案' },
    open: '未结案', overdue: '超期', counts: '演练不计入', drill: '演练', site: '工地', kind: '发生了什么', what: '经过简述', whatHelp: '一两句话即可，随后可以补充。', place: '地点', when: '发生时间', now: '现在', killed: '死亡', injured: '受伤', missing: '失踪', persons: '人员伤亡', person: '{n} 人',
    reported: '已经报告', reportedTo: '报告给谁', reportedHow: '方式', reportedAt: '报告时间', reportedHelp: '首报时限见上报后的“时限”；其数值待核实，请以当地规定为准。', send: '上报', sending: '正在上报…', isDrill: '这是演练', fromHazard: '由隐患 {number} 发展而来；该隐患保持未销号。', noPassword: '上报不需要密码。', filedBy: '{who} 于 {time} 上报', filedAt: '上报时间',
    clocks: { title: '时限', first_report: '首报', details_warning: '详细信息提醒', details: '详细信息报送', left: '还剩 {time}', late: '已超过 {time}', done: '已完成', passed: '已过' }, lessonsDone: '四不放过 {n}/4',
    report: { title: '首报', none: '还没有首报记录。', add: '记录首报' }, correct: { title: '更正、续报', reason: '更正原因', change: '更正' },
    details: { title: '详细信息', none: '尚未报送。', add: '报送详细信息', course: '事故经过', measures: '已采取的措施', loss: '直接经济损失（万元）', receipt: '平台回执号', inTime: '按时', late: '超时' },
    lessons: { title: '四不放过', help: '四项都有依据才能结案。', cause: '事故原因已查清', responsible: '责任人员已处理', measures: '整改措施已落实', education: '有关人员已受到教育', text: '依据（文书、会议、培训记录等）', tick: '确认' },
    close: { title: '结案', note: '结案说明', act: '签名并结案', unmet: '还不能结案：' }, events: '过程记录', hazardLink: '相关隐患',
    kindsOfEvent: { filed: '上报', report: '首报', correct: '更正', submit_details: '报送详细信息', learn: '四不放过', close: '结案', first_report_overdue: '首报超时', details_due_soon: '详细信息即将到期', details_overdue: '详细信息超时' }, signed: '已签名', machine: '系统',
  },
  enforcement: {
    title: '执法记录', none: '没有执法记录。', record: '新增记录', kind: '措施', since: '自', until: '至', totals: '汇总', acts: '次', enterprises: '家', persons: '人', amount: '金额（万元）', both: '一案双罚', crimes: '危险作业罪', cell: '调度表第 {n} 项', notCounted: '不计入调度表',
    level: '执法层级', levels: { province: '省级', prefecture: '市（州）级', county: '县级' }, territory: '执法机关所在区划', enterprise: '企业', otherEnterprise: '不在企业树中的企业', enterpriseName: '企业名称', site: '工地', noSite: '不涉及工地', amountYuan: '罚款金额（元）', bothPunished: '企业和主要负责人“一案双罚”', personCount: '涉及人数（不记姓名）', crime: '涉及危险作业罪', caseNo: '案号', document: '文号', decidedOn: '决定日期', note: '备注', hazard: '隐患',
    sign: '签名并保存', saving: '正在保存…', correct: '更正', correction: '更正记录', reason: '更正原因', withdraw: '录入有误，撤销本条', withdrawn: '已撤销', corrected: '更正过 {n} 次', before: '更正前', by: '{who} 于 {time} 记录', penaltyNote: '处罚不改变隐患状态：罚款不能代替整改。', required: '这类措施必须填写', noTerritory: '您的账户没有可以记录的区划。', sourceTitle: '依据',
  },
}
