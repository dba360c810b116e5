/** Texts of setting a site up, in Chinese. */
export default {
  title: '开通工地', steps: { account: '账户', site: '工地', gateway: '网关', points: '测点', notices: '通知' }, step: '第 {n} 步，共 5 步', done: '已完成', here: '当前', open: '未完成',
  next: '下一步', back: '上一步', skip: '跳过', finish: '进入工地', resume: '继续开通', resumeText: '开通尚未完成，随时可以继续。',
  later: '随时可以离开：已完成的都已保存，从工地的档案页可以继续。',
  skips: {
    gateway: '跳过后：平台收不到现场的任何数据。以后可在 档案 → 网关 中接入。', points: '跳过后：没有人核对过测值是否正确就开始依赖它们。以后可在工地页面核对。', notices: '跳过后：不看页面的人收不到报警。以后可在 档案 → 通知 中设置。',
  },
  account: { done: '已用账户 {name} 登录。' },
  site: {
    intro: '先说明是哪个工地、在哪里。', made: '工地已建立。', more: '更多资料（编码、地址、监督机构等）在档案中填写。', place: '所在行政区划', placeHelp: '决定哪一级监管人员能看到这个工地；没有时在这里新建。', noPlace: '暂不填写', newPlace: '新建…', placeName: '新区划名称', placeKind: '级别', placeIn: '上级', noParent: '无上级',
    plan: '平面图（可不填，PNG 或 JPEG，不超过 4 MiB）', planOf: '平面图', addPlan: '上传平面图', hasPlan: '已有平面图 {n} 张。', planFailed: '工地已建立，但平面图没有保存：{detail}', make: '建立工地', failed: '没有建立：{detail}',
    zhMissing: '请填写名称。', idWrong: '请用小写字母、数字和 -，以字母或数字开头，不超过 63 个字符。', there: '已经有这个编号的工地，请换一个。', zoneWrong: '没有这个时区，请用 Asia/Shanghai 这样的名称。', placeMissing: '请填写新区划的名称。', placeWrong: '不能使用这个区划：{detail}', planWrong: '不能使用这张图：{detail}',
  },
  gateway: {
    intro: '给现场的网关一个编号，生成一次性接入码，在网关上执行一条命令。', id: '网关编号', idHelp: '小写字母、数字和 -', make: '登记并生成接入码', wrong: '请用小写字母、数字和 -，以字母或数字开头。', there: '已经登记过这个编号。', failed: '没有登记：{detail}',
    waits: {
      nothing: '下一步：生成接入码。', code: '等待网关使用接入码…在网关上执行上面的命令后，这里会自动变化。', handed_out: '网关已使用接入码，正在保存口令…', enrolled: '网关已接入，等待它上线。在网关上启动程序：',
      online: '网关已上线。', offline: '网关曾经上线，现在离线。检查它的电源、网络和程序：',
    }, startCommand: 'sudo systemctl restart sitewarden-edge', checkCommand: 'sudo /opt/sitewarden/bin/sitewarden doctor',
    guide: '网关软件还没有安装？按《部署网关》安装后再执行命令。',
  },
  points: {
    intro: '对照现场仪表核对每个数值；越新越可信，标出的须先处理。', live: '{n} 个测点有有效的实时值，共 {all} 个。', absent: '还没有设备的数据',
    absences: {
      no_gateway: '还没有网关接入：请先完成上一步。', not_heard: '网关已有口令，但还没有上线：在网关上启动程序，并检查它能否访问消息代理。', gone: '网关离线：检查它的电源、网络和程序。', no_device: '网关已上线，但没有上报设备：在网关的 gateway.yaml 中填写设备，然后重启程序。',
    },
    trouble: '{n} 个测点{what}',
    mends: {
      none: '还没有数值：平均值要等满时段，其余等一个轮询周期；仍没有时检查寄存器地址。', stale: '数据已过期：检查线路和网关。', timeout: '检查供电、接线（A/B 是否接反）、站号和波特率。', exception: '设备拒绝了读取：检查型号配置与设备是否一致。', disconnected: '检查网线、地址和端口。', out_of_range: '检查量程和换算，或传感器是否损坏。',
      sentinel: '传感器报告自己没有有效值：检查探头。', not_a_number: '检查字序和数据类型。', clock: '网关时钟不可信：检查对时。', frozen: '数值长时间不变：检查传感器是否卡住。', jump: '数值突变，等待确认。', bad_input: '由别的测点算出，先处理那个测点。', bad: '数值无效。', no_value: '没有数值。',
    },
  },
  notices: { intro: '至少设置一个渠道并发送测试，确认有人真的收到。', all: '全部完成：网关在线，测值有效，通知已送到。', some: '还没有完成：{steps}。可以以后再做。' },
}
