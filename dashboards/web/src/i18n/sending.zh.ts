/** Texts of how notices are sent, in Chinese: gateways, second channels, what reached nobody. */
export default {
  fields: {
    provider: '服务商', keyId: 'AccessKey ID / SecretId', key: 'AccessKey Secret / SecretKey', ownKey: '密钥（正文和请求头中写作 key，加花括号）', signName: '短信签名', template: '模板编号', app: '应用 SDK AppID', caller: '主叫号码（可不填）', url: '网关地址', apprise: 'Apprise 地址',
    numbers: '号码，每行一个；只供人员个人使用时可不填', ownBody: '请求正文（JSON）', ownHeaders: '请求头，每行一个“名称: 值”', ownCode: '返回码的位置，例如 result.code', ownAccepted: '表示已接收的返回码', ownText: '说明文字的位置', fallback: '备用渠道',
  },
  providers: { aliyun_sms: '阿里云短信', tencent_sms: '腾讯云短信', own_sms: '自有短信网关', aliyun_voice: '阿里云语音', tencent_voice: '腾讯云语音', own_voice: '自有语音网关' },
  untried: '按服务商公开文档编写，尚未与其真实服务对接验证：请务必发送测试。', noFallback: '无', standsIn: '未送达时改用：{name}', instead: '代替未送达的渠道',
  wrong: { apprise: '请粘贴完整的 Apprise 地址，例如 ntfy://ntfy.sh/topic；自己的 https 地址请用“接收程序”。', numbers: '请填写 5 到 15 位的电话号码，可以 + 开头。语音一次只能呼叫一个号码。', call: '请填写此服务商需要的全部内容。', fallback: '请选择同一工地或所有工地的另一个渠道。' },
  undelivered: '通知未送达：{n} 条', undeliveredSince: '自 {time} 起，这些通知没有送达任何人。请直接联系现场，并检查通知渠道。', maybe: '其中有的不确定是否送达。', look: '查看通知记录',
}
