/** Texts of channels and notices, in Chinese. */
export default {
  title: '通知渠道', intro: '有新报警或疑似重大隐患时，平台通过这些渠道通知人员。现场声光报警不依赖它们。', silent: '演示和回放不向外发送任何通知。', none: '还没有通知渠道：不看页面的人收不到报警。',
  add: '新增渠道', edit: '编辑', remove: '删除', save: '保存', saveAndTest: '保存并发送测试', cancel: '取消', test: '发送测试', testing: '正在发送…', off: '已关闭', everywhere: '所有工地', mayNot: '由管理全部工地的管理员修改',
  kinds: { mail: '邮件', dingtalk: '钉钉', wecom: '企业微信', feishu: '飞书', sms: '短信', voice: '电话语音', webhook: '接收程序', apprise: '其他（Apprise）' }, from: '{level}及以上',
  fields: {
    name: '渠道名称', kind: '方式', language: '消息语言', lowest: '最低级别', isOn: '启用', everywhere: '用于所有工地', url: '机器人地址（Webhook）', urlOf: '接收地址', key: '加签密钥（可不填）', keyOf: '签名密钥（建议填写）',
    host: '邮件服务器', port: '端口', security: '加密方式', username: '账户（可不填）', password: '密码或授权码', sender: '发件地址（不填则同账户）', recipients: '收件人，每行一个',
  },
  help: {
    url: { dingtalk: '群设置 → 机器人 → 自定义，复制完整地址。如用关键词，填“工地卫士”。', wecom: '群聊 → 消息推送（群机器人），复制完整地址。', feishu: '群设置 → 群机器人 → 自定义机器人，复制完整地址。如用关键词，填“工地卫士”。', webhook: '以 POST 方式接收 JSON 的地址。', apprise: '例如 ntfy://ntfy.sh/topic。多数服务的答复不能证明已送达，会显示为“不确定”。' },
    kept: '已保存，不再显示。不改请留空。', host: '例如 smtp.example.com',
  },
  securities: { tls: 'TLS（465）', starttls: 'STARTTLS（587）', none: '不加密（仅限自有网络）' }, languages: { zh: '中文', en: 'English 英文' },
  wrong: {
    name: '请填写名称。', url: '请粘贴完整地址，以 https:// 开头，不含用户名和 #。', key: '密钥过长。', password: '请填写此账户在该服务器上的密码或授权码；更换服务器或账户后须重新填写。', site: '您的账户不能建立所有工地的渠道。',
    host: '请填写服务器名称，例如 smtp.example.com。', port: '请填写 1 到 65535 的端口。', security: '请选择加密方式。', username: '不加密时不能使用账户，否则密码会被看到：请选 TLS 或 STARTTLS。',
    sender: "请填写完整的邮件地址，例如 alarm{'@'}example.com。", recipients: "请填写 1 到 20 个完整的邮件地址，例如 zhang.wei{'@'}example.com。", failed: '没有保存：{detail}',
  },
  states: { waiting: '等待发送', sending: '正在发送', sent: '对方已接收', rejected: '对方未接收', unknown: '不确定是否送达', counted: '过多，已汇总', inhibited: '网关失联，未另行通知' },
  said: '代码 {code}', took: '用时 {ms} ms', last: '最近一次', when: '{time}',
  mend: {
    refused: '平台不经 Apprise 发送这种方式：请选用对应的渠道类型。', number: '此渠道没有号码：只供人员个人使用。', apprise: 'Apprise 没有给出更多说明：请核对地址，并到对方那里看一看。', 
    blocked: '这个地址在内部网络中。请服务器管理员在 cloud.yaml 的 notices.networks 中放行。', dns: '找不到这个名称：请核对地址，并检查服务器能否上网。', unreachable: '对方没有应答：请核对名称和端口，并检查服务器能否访问它。',
    tls: '无法建立安全连接：TLS 一般用 465 端口，STARTTLS 一般用 587 端口；名称须与证书一致。', unknown: '已交给对方，但没有得到明确答复，可能已经收到：请到对方那里看一看。', agreed: '与机器人的安全设置不符：请核对加签密钥，或把关键词设为“工地卫士”。',
    address: '对方没有这个机器人或地址：请重新复制完整地址。', fast: '发送过快，对方暂时不收：等几分钟再试。', password: '账户或密码不对：许多邮箱要用专门的授权码，而不是登录密码。', people: '对方没有这个收件人，或不允许这个发件地址。',
  },
  log: '通知记录', noLog: '还没有发过通知。',
}
