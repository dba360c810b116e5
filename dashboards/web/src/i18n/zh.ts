/** Every text that the pages say themselves, in Chinese; names of points and rules come from the server in both languages. */
import accounts from './accounts.zh'
import arrivals from './arrivals.zh'
import cameras from './cameras.zh'
import configuration from './configuration.zh'
import duties from './duties.zh'
import enrolment from './enrolment.zh'
import notices from './notices.zh'
import sending from './sending.zh'
import gatewayPage from './gatewayPage.zh'
import record from './hazardRecord.zh'
import inspections from './inspections.zh'
import exposures from './exposures.zh'
import handing from './handing.zh'
import indicators from './indicators.zh'
import ledgers from './ledgers.zh'
import machine from './machine.zh'
import problems from './problems.zh'
import people from './people.zh'
import profiles from './profiles.zh'
import registry from './registry.zh'
import returns from './returns.zh'
import mailing from './mailing.zh'
import roles from './roles.zh'
import rotas from './rotas.zh'
import start from './start.zh'
import reports from './reports.zh'
import waysIn from './waysIn.zh'
import upkeep from './upkeep.zh'
import history from './history.zh'
import territory from './territory.zh'
import telling from './telling.zh'

export default {
  inspections,
  accounts,
  configuration,
  duties,
  enrolment,
  notices,
  sending,
  gatewayPage,
  arrivals,
  cameras,
  exposures,
  handing,
  indicators,
  ledgers,
  returns,
  mailing,
  machine,
  problems,
  people,
  profiles,
  record,
  registry,
  roles,
  rotas,
  start,
  reports,
  waysIn,
  upkeep,
  history,
  territory,
  telling,
  app: { name: '工地卫士', skip: '跳到主要内容', notFound: '没有这个页面', home: '返回首页' },
  demo: { badge: '演示数据', text: '数据由模拟设备产生，并非真实工地' },
  replay: {
    badge: '历史回放', text: '过去的记录，不是现在', mark: '回放', pause: '暂停', resume: '继续', step: '单步', speed: '回放速度', fastest: '最快', loop: '循环', seek: '跳到时刻',
    gone: '回放程序没有应答', states: { waiting: '等待网关', running: '回放中', paused: '已暂停', ended: '已放完' },
  },
  nav: { site: '现场', alarms: '报警', hazards: '隐患', backtest: '回测', registry: '档案', sites: '工地列表', main: '主导航' },
  session: {
    signIn: '登录', signOut: '退出', name: '用户名', password: '密码', signingIn: '正在登录…',
    wrong: '用户名或密码不正确。', unreachable: '无法连接服务器，请检查网络后重试。', failed: '登录失败：{detail}',
    lostPassword: '忘记密码？请管理员在“账号与权限”中重置，或在服务器上运行 {command}。',
    needsSetup: '此系统还没有账户', needsSetupText: '请打开服务器启动时在终端里显示的设置链接（形如 /setup#…，30 分钟内有效，只能用一次）来创建第一个账户。',
    needsSetupAgain: '链接已失效时，在服务器上运行以下命令取得新的链接：',
  },
  setup: {
    title: '创建第一个账户', intro: '这个账户是管理员：可以查看所有工地并创建其他账户。系统没有预设的用户名和密码。',
    repeat: '再次输入密码', create: '创建账户', creating: '正在创建…',
    nameHelp: '登录时使用，例如 zhang.wei', passwordHelp: '至少 12 个字符。几个不相关的词连在一起，比短而复杂的密码更好记也更安全。',
    tooShort: '密码至少 12 个字符，还差 {n} 个。', mismatch: '两次输入的密码不一致。', nameMissing: '请输入用户名。',
    noToken: '这个链接不完整：缺少 # 后面的一次性口令。请从终端里完整复制设置链接。',
    expired: '这个设置链接已失效或已使用过。请在服务器上运行以下命令取得新的链接：', failed: '创建失败：{detail}',
  },
  sites: { title: '工地', none: '还没有可查看的工地。' },
  language: { label: '语言', zh: '中文', en: 'English' },
  theme: { label: '外观', auto: '跟随系统', light: '浅色', dark: '深色' },
  connection: {
    connecting: '正在连接', open: '实时', lost: '已断开',
    banner: '连接中断，自 {time} 起没有新数据。页面上的数值可能已经过时，正在自动重连…',
    never: '尚未连上实时数据，正在重试…', restored: '连接已恢复',
  },
  load: { loading: '正在加载…', retry: '重试', failed: '加载失败：{detail}', notFound: '找不到，或者您无权查看。', more: '加载更多' },
  level: { 0: '正常', 1: '提示', 2: '预警', 3: '报警', 4: '危急' },
  quality: {
    good: '有效', stale: '过期', none: '暂无数据', bad: '无效',
    timeout: '设备无应答', exception: '设备返回异常', disconnected: '通信中断', out_of_range: '超出量程',
    sentinel: '传感器报无效值', not_a_number: '非数值', clock: '时钟不可信', bad_input: '输入值无效', frozen: '数值长时间不变', jump: '突变待确认', no_value: '没有数值',
  },
  age: {
    instant: '<1 秒前', second: '{n} 秒前', minute: '{n} 分钟前', hour: '{n} 小时前', day: '{n} 天前', label: '数据时间',
    for: { instant: '<1 秒', second: '{n} 秒', minute: '{n} 分钟', hour: '{n} 小时', day: '{n} 天' },
  },
  time: { zone: '时间均为工地时区 {zone}（{offset}）' },
  site: { noDevices: '网关还没有上报设备。网关连上后，塔机和基坑会自动出现在这里。' },
  now: {
    title: '当前异常', calm: '当前没有报警', calmText: '所有监测值均在限值以内。', beyond: '{n} 个测点的数值已超过限值，尚未形成报警。', blind: '有 {n} 个测点的数据过期或无效，无法判断其是否安全。',
    alarms: '未解除报警', hazards: '待处理隐患', noHazards: '没有待处理的隐患。', noAlarms: '没有未解除的报警。',
    all: '查看全部 {n} 项', since: '持续', newAlarm: '新报警：{label}',
  },
  crane: {
    elevation: '立面', plan: '平面', elevationOf: '{name} 立面图：幅度 {radius}，吊钩高度 {height}，起重量 {load}',
    planOf: '{name} 平面图：回转角度 {slew}，幅度 {radius}', limiter: '限制器', readings: '测值', noLayout: '没有配置尺寸，无法绘图。',
    stalePose: '姿态数据过期', badPose: '姿态数据无效', active: '动作', normal: '未动作', drawing: '图形', more: '其余测值与限制器',
    bits: {
      cutoff: { name: '断电保护', on: '已切断', off: '未切断' }, bypass: { name: '旁路', on: '已旁路', off: '未旁路' },
      fault: { name: '故障', on: '有故障', off: '无故障' },
    }, fallsUnit: '倍', north: '北',
  },
  pit: {
    plan: '平面', planOf: '{name} 平面图，{n} 个测点', point: '测点', cumulative: '累计', rate: '速率', control: '控制值', share: '控制值占比',
    age: '数据时间', depth: '开挖深度 {depth} m', curve: '变化曲线', noLayout: '没有配置轮廓，无法绘图。', table: '测点数据',
    toLimit: '约 {h} 小时后达到控制值', limitBounds: '（95 %：{least}–{most} 小时）', toFailure: '变形加速：约 {h} 小时后可能失稳', leastToFailure: '（最早 {h} 小时）',
    forecastNote: '预测由近 2–4 天的变形推算，不是测量值，不能代替限值报警。', noForecast: '无预测（{why}）：{points}。',
    motions: { unknown: '数据不足', still: '没有明显变形', steady: '匀速或减缓', 'new-pace': '速率刚改变', quickening: '正在加速，尚不能预测', failing: '趋于失稳' },
    selectCurve: '显示 {name} 的曲线', quantity: { reading: '测值', cumulative: '累计值', rate: '变化速率' }, legend: '圆环表示占控制值的比例', gap: '曲线断开处没有数据', parts: { plan: '平面', points: '测点', curve: '曲线' }, partsLabel: '显示内容',
    rangeLabel: '时间范围', quantityLabel: '曲线内容',
  },
  weather: { title: '环境', none: '没有风速测点。' },
  gateway: {
    title: '网关', online: '在线', offline: '离线', unknown: '未知', seen: '最后联系', outbox: '待上传', alarms: '报警 {n}', readings: '测值 {n}',
    oldest: '最早 {age}', empty: '无积压', disk: '磁盘剩余', clock: '时钟', clocks: { synced: '已同步', unsynced: '未同步', unknown: '未知' }, none: '没有配置网关。',
  },
  alarms: {
    title: '报警', active: '未解除', all: '全部', filter: '按状态筛选', level: '级别', what: '报警内容', value: '峰值 / 限值', raised: '报警时间', lasted: '持续',
    state: '状态', ongoing: '未解除', acknowledgedAt: '{time} 已确认（{by}）', by: { local: '现场', cloud: '平台' }, basis: '依据', hazard: '隐患', openHazard: '查看隐患', none: '没有报警记录。',
    only: '只显示 {name} 的报警', allDevices: '显示全部设备',
    noneActive: '当前没有未解除的报警。', noneState: '没有处于此状态的报警。', handle: '处理报警', handleShort: '处理…', close: '关闭',
    worse: '（已加重）',
    states: {
      unacknowledged: '未确认', acknowledged: '已确认', 'latched-unacknowledged': '自保持未确认', 'returned-unacknowledged': '已恢复未确认',
      shelved: '已搁置', 'suppressed-by-design': '设计抑制', 'out-of-service': '停用', normal: '正常',
    },
    stateHelp: {
      again: '确认后又明显加重，须再次确认', unacknowledged: '报警仍在，还没有人确认', acknowledged: '报警仍在，已有人知晓', 'latched-unacknowledged': '数值已回落，须有人确认后才解除',
      'returned-unacknowledged': '报警已解除，但一直没有人确认', shelved: '按要求暂不声响，到期自动恢复', 'suppressed-by-design': '被同一测点上不低于它的报警按规则抑制',
      'out-of-service': '测点停用，不再发出新报警', normal: '报警已解除，并有人确认过',
    },
    acknowledge: '确认', acknowledgeHelp: '表示您已知晓。网关收到后停止这一报警的声响；危险可能仍在。有责任的人员确认之前，平台仍会通知下一级。', acknowledgeHelpEnded: '报警已经解除，确认只记录在平台上，不再发给网关。',
    shelve: '搁置', unshelve: '取消搁置', shelveHelp: '搁置期间此规则不发声响，也不发出新报警（到期仍超限才发出）；已有的报警警示灯仍亮。最长 24 小时，须写明原因，网关确认后才生效。',
    replayed: '这是过去的记录，不能处理。', mayNot: '您的账户只能查看。确认和搁置须由管理员进行。', refused: '没有成功：{detail}', history: '处理记录', noHistory: '还没有人处理过。',
    kinds: { acknowledge: '请求确认', shelve: '请求搁置', unshelve: '请求取消搁置' },
    outcomes: { pending: '网关尚未确认', done: '已生效', ended: '报警已先解除，未搁置', lapsed: '到期仍未生效', replaced: '被后来的请求取代' },
    asked: {
      acknowledge: '{by} {time} 已请求确认，', shelve: '{by} {time} 已请求搁置，', unshelve: '{by} {time} 已请求取消搁置，',
      waiting: '网关尚未确认', away: '网关离线，恢复后自动发送',
    },
    test: '试运行', testHelp: '试运行设备的报警：不鸣响，不生成隐患，不通知任何人', ended: { orphaned: '规则或测点已移除', in_use: '设备转为投用，试运行报警到此结束', trial: '设备转回试运行' },
    late: '补传', modes: { test: '调试', drill: '演练', replay: '回放' }, clockSet: '时钟由 {from} 改为 {to}', clockUnsynced: '网关时钟未同步',
  },
  shelves: {
    title: '已搁置的规则', help: '搁置期间不发声响，也不发出新报警；到期自动恢复。', until: '至 {time}', left: '还剩 {time}', ending: '已请求取消，网关尚未确认',
    duration: '搁置时长', for: { '15': '15 分钟', '60': '1 小时', '240': '4 小时', '480': '8 小时', '1440': '24 小时' },
    reason: '原因（必填）', reasonHint: '例如：传感器校准', change: '更改或取消搁置',
  },
  cycles: {
    title: '工作循环', open: '工作循环', back: '返回现场', crane: '塔机', day: '日期', previous: '前一天', next: '后一天', today: '今天', table: '下载表格（CSV）',
    count: '循环次数', brokenOff: '其中中断', lifting: '吊载时间', peakLoad: '最大起重量', peakRatio: '最大力矩百分比', busiest: '最忙一小时',
    hours: '每小时循环次数', ratios: '最大力矩百分比分布', ratiosHelp: '每个循环中力矩达到额定值的最大百分比；颜色对应此塔机的报警限值。', withoutRatio: '{n} 个循环没有力矩百分比。',
    none: '这一天没有记录到工作循环。', start: '开始', end: '结束', lasted: '时长 分:秒', load: '最大起重量', moment: '最大力矩', ratio: '力矩百分比', loadRatio: '起重量百分比', radii: '幅度 起→落', heights: '高度 起→落',
    broken: '中断', brokenHelp: '吊载中途失去数据，落钩位置未知', inHour: '{hour} 时：{n} 次', inRatio: '{span}：{n} 次', over: '≥{low} %', span: '{low}–{high} %',
  },
  hazards: {
    title: '隐患', open: '待处理', all: '全部', filter: '隐患范围', number: '编号', content: '内容', level: '等级', status: '状态', signal: '信号', opened: '开立时间',
    episodes: '报警次数', none: '没有隐患记录。', noneOpen: '没有待处理的隐患。', category: '类别', worst: '最高级别', times: '{n} 次',
    levels: { major: '重大', major_proposed: '疑似重大', general: '一般' },
    statuses: { candidate: '待核实', rejected: '不成立', merged: '已并案', confirmed: '已确认', rectifying: '整改中', rectified: '待复查', reviewed: '复查合格、待销号', closed: '已销号' },
    signals: { none: '人工上报', active: '超限中', cleared: '已回落', unknown: '信号未知' },
  },
  hazard: {
    accident: '可能导致的事故', clause: '判定依据', noClause: '没有对应的判定条款。', device: '设备', opened: '开立时间', detected: '发现时间',
    latest: '最近一次报警', handlingDue: '处置期限', evidence: '证据曲线', episodes: '报警过程', timeline: '事件记录', hash: '校验值', raisedMark: '报警 {time}', clearedMark: '解除 {time}', limit: '限值 {limit}', peak: '最不利 {value}',
    span: '范围', spans: { '1': '±1 分钟', '5': '±5 分钟', '30': '±30 分钟' }, evidenceLine: '网关随报警保存的数据', seriesLine: '历史数据',
    chain: '每条记录的校验值包含上一条的校验值，任何改动都会使后面的校验值对不上。', unverified: '本记录由系统自动开立，须由指定人员核实后才能认定为重大事故隐患。',
    episode: '第 {n} 次', back: '返回隐患列表', pack: '下载案例包', packHelp: '报警前后的数据、现行规则与预期报警，可离线复核与回放。', actors: { sitewarden: '系统自动' },
    events: { opened: '开立隐患', episode: '新的报警', signal: '信号变化', handling_clock: '开始处置计时', handling_expired: '逾期未处置，转为疑似重大' },
  },
  backtest: {
    title: '回测', intro: '换一套规则，过去会怎样？用历史数据重新判断，不改变任何现行规则。', range: '时段', from: '从', to: '到', zone: '工地时间（{zone}）',
    quick: { '6': '6 小时', '24': '24 小时', '72': '3 天', '168': '7 天' }, quickLabel: '最近', device: '设备', allDevices: '全部设备',
    rules: '规则', rulesHint: '从现行规则开始；改动过的规则会标出。', noRules: '云端不知道此工地的现行规则：请先让网关连上。', unknown: '网关还运行着云端没有文本的规则，未参与回测：{names}',
    fields: { limit: '限值', fraction: '占控制值的比例', on_delay_s: '报警延时 s', off_delay_s: '解除延时 s', dead_band: '回差' },
    changed: '已改动', wasText: '现行 {value}', undo: '恢复', editText: '编辑文本', closeText: '收起文本', textLabel: '{rule} 的规则文本（YAML）', leaveOut: '不用此规则', removed: '不用',
    run: '开始回测', running: '正在回测…', nothingChanged: '还没有改动：将只核对现行规则与实际报警。', failed: '回测失败：{detail}',
    result: '结果', added: '新增', removedCount: '减少', moved: '移动', unchanged: '不变', alarmsOf: '现行规则 {before} 次报警，拟用规则 {after} 次。', readings: '判断了 {n} 个读数，用时 {s} s。',
    changes: '报警变化', none: '报警没有变化。', more: '只列出前 {n} 项。', later: '晚 {by}', earlier: '早 {by}', sameStart: '起始不变', standing: '仍在持续', lasts: '持续 {time}', 
    curve: '曲线', inForceLimit: '现行 {limit}', proposedLimit: '拟用 {limit}', before: '现行 {time}', after: '拟用 {time}',
    leads: '提前量', leadsHint: '低一级报警到高一级限值首次达到之间的时间；负数表示限值先达到。', noLeads: '此时段没有分级预警。', warns: '{rule} → {of}', reached: '达到', least: '最短', median: '中位', notReached: '未达到', unwarned: '未预警', inForce: '现行', proposed: '拟用',
    falseAlarms: '误报率', noneJudged: '还没有人工判定过的隐患，无法给出误报率。', rate: '现行 {before}，拟用 {after}（只计有判定的报警）。',
    check: '与实际记录核对', checkSame: '现行规则得到的 {n} 次报警与实际记录完全一致。', checkDiffers: '一致 {same}，时刻不同 {moved}，仅实际记录 {recorded}，仅回测 {ours}。', notJudged: '未能判断的规则', notes: '说明',
  },
  chart: { label: '曲线图：{names}', failed: '曲线加载失败：{detail}' },
}
