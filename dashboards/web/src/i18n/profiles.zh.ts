/** Texts of the pages of device profiles and of a device's way into use, in Chinese. */
export default {
  title: '设备配置档', link: '设备配置档', intro: '配置档说明一种型号的设备怎么读：寄存器、字序、单位、量程。平台只读取设备，从不写入。',
  columns: { profile: '名称', kind: '类型', products: '适用产品', version: '版本', driver: '协议', points: '测点', verified: '验证', origin: '来源' },
  origin: { shipped: '随软件提供', brought: '用户上传' }, verified: { simulator: '仅模拟器', bench: '台架', site: '现场' },
  driver: { modbus: 'Modbus', hj212: 'HJ 212', frames: '厂家帧', json: 'JSON' },
  bring: '上传配置档', edit: '编辑为新版本', text: '配置档（YAML）', file: '从文件读入', check: '检查', checking: '正在检查…', keep: '保存为第 {n} 版', keepFirst: '保存', reason: '说明', reasonHelp: '例如：按说明书第 14 页录入', cancel: '取消',
  sound: '没有错误。', unsound: '有 {n} 处需要修改：', line: '第 {n} 行', whole: '全文', mend: '改法', checks: '内容检查', level: { ok: '通过', note: '注意', finding: '问题' },
  readOnly: '平台对安全装置只读：要求写入的配置档一律拒绝。', denied: '禁用型号', deniedHere: '产品在禁用目录中：{what}',
  back: '返回配置档列表', source: '出处', versions: '版本', versionOf: '第 {n} 版', by: '{who}，{when}', changes: '第 {before} 版 → 第 {after} 版的变化', noChanges: '没有变化。', current: '正在查看', see: '查看',
  points: { title: '测点', key: '名称', label: '含义', place: '位置', scale: '换算', range: '量程', every: '间隔' }, noRange: '未写',
  tryIt: '试读', tryHint: '让网关按这一版读一次设备：原始寄存器与换算值并列。不影响网关正在进行的轮询。', gateway: '网关', bus: '总线', unit: '从站地址', run: '试读', running: '正在试读…',
  speaks: '这类设备自己上报，没有可问的寄存器：试运行后看是否收到有效测值。',
  trial: {
    states: { asked: '已请求，等待网关', running: '正在读', done: '已完成', refused: '网关拒绝', failed: '未完成', lapsed: '网关没有应答' },
    point: '测点', place: '寄存器', raw: '原始值', value: '换算值', quality: '质量', hint: '疑似', rounds: '读了 {n} 次', function: '功能码 {n}', sound: '符合', unsound: '{n} 个问题', by: '{who}，{when}',
  },
  denial: {
    title: '禁用型号（淘汰目录）', none: '目录为空：现有资料没有列出具体型号。', add: '加入禁用', brand: '品牌（不填为任何品牌）', model: '型号（* 表示任意）', where: '范围', everywhere: '所有工地', thisSite: '本工地', reason: '理由', source: '依据（目录名称、文号、页码）', listedOn: '列入日期',
    lift: '解除', liftReason: '解除理由', lifted: '{who} 于 {when} 解除：{why}', site: '工地 {site}', node: '辖区 {node}', shipped: '随软件提供',
  },
  rollout: {
    title: '新版本推送', intro: '先推送到一个网关，确认生效后再推送其余网关；任何时候可以退回。推送只改变读法，不改变投用状态，报警照常。', first: '先推送到', begin: '开始推送第 {n} 版', rest: '推送其余网关（{n} 个）', back: '退回原版本', stage: { first: '第一个网关', rest: '全部网关', back: '已退回' },
    none: '还没有推送过。', from: '原第 {n} 版', configuration: '配置第 {n} 版', waitFirst: '第一个网关生效后才能推送其余网关。',
  },
  configuration: { waiting: '等待网关', refused: '网关拒绝', probation: '试用期', in_force: '已生效', rolled_back: '已自动退回', superseded: '已被取代' },
  commissioning: {
    title: '接入与投用', link: '接入与投用', list: '设备接入', listIntro: '从配置档到投用：试读、一致性检测、档案、试运行、见证核验、投用。',
    states: { not_bound: '未绑定', bound: '已绑定', trial: '试运行', in_use: '投用', unwitnessed: '网关已启用，未办理投用' },
    steps: { profile: '绑定配置档', read: '试读', conformance: '一致性检测', file: '设备档案', trial: '试运行', witness: '见证核验', commission: '投用' },
    standing: { done: '完成', open: '待办', waiting: '等待网关', blocked: '有问题' },
    bind: '绑定', rebind: '改绑定', profile: '配置档', version: '版本', newer: '已有第 {n} 版', identity: '设备自报标识', noBus: '网关还没有报告总线，请手工填写', notHere: '网关由本机文件配置：交给平台后才能试运行。', boundTo: '{gateway} / {bus} / 地址 {unit}，{profile} 第 {version} 版', boundAs: '{gateway} / {bus} / {identity}，{profile} 第 {version} 版',
    runRead: '试读一次', runConformance: '运行检测', seconds: '{n} 秒', toFile: '打开设备档案', runTrial: '开始试运行', runTrialAgain: '重新下发', backToTrial: '退回试运行', trialHint: '试运行：数据可见，报警只作标记，不响铃、不生成隐患。', reason: '说明',
    sentAs: '配置第 {n} 版：{state}', runs: '网关正在运行：{profile} 第 {version} 版，{state}',
    live: '实时测值', known: '已知值', tolerance: '允许偏差', method: '用什么核验', methodHelp: '例如：3 t 标准砝码，证书号', sign: '签字', signHint: '签字时取该测点此刻的测值，连同数据时间一起保存，不能修改。允许偏差不得超过已知值的一半。', approve: '批准', approveHint: '须由另一个账号批准。',
    checked: '{point}：已知 {reference} {unit}，读得 {value} {unit}（数据 {age}前），允许 ±{tolerance}', passed: '合格', failed: '不合格', signedBy: '{who} 签字', approvedBy: '{who} 批准', waitsApproval: '等待批准', ofVersion: '第 {n} 版配置档',
    commission: '投用', commissionHint: '投用后报警生效：响铃、生成隐患、进入统计。', commissioned: '{who} 于 {when} 投用（{profile}）', allDone: '各项条件已满足，可以投用。', missing: '还差 {n} 项：', noPoint: '网关还没有上报这台设备的测点。', fresh: '可用于核验',
  },
}
