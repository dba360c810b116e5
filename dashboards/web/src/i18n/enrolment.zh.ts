/** Texts of letting gateways in and shutting them out, in Chinese. */
export default {
  title: '网关接入', intro: '接入码只显示一次，15 分钟内有效，只能用一次，输错五次作废。', getsPassword: '在网关上执行下面的命令，网关即得到自己的账户和口令。', getsCertificate: '在网关上执行下面的命令，网关即得到自己的证书；私钥在网关上生成，不离开网关。',
  gateway: '网关', access: '接入状态', credentials: '口令或证书', actions: '操作', none: '还没有登记网关。',
  standings: { not_enrolled: '未用接入码', handed_out: '等待网关确认', enrolled: '已接入', expired: '证书已过期', revoked: '已吊销', retired: '已停用' },
  holds: '证书有效至 {time}', ended: '证书已于 {time} 到期', given: '证书已发出，等待网关使用', age: '{age}前换发', never: '—', handedOut: '新口令已发出，最迟 {time} 生效', byHand: '如有口令，为手工设置', revokedAt: '{time} 吊销', codeOpen: '接入码有效，还剩 {left}',
  enrol: '生成接入码', rotate: '更换口令或证书', again: '重新接入', revoke: '吊销', sure: '吊销 {gateway}？它会立即断开，平台不再接收其数据；现场的判断和声光报警不受影响。', doRevoke: '确认吊销', cancel: '取消',
  code: '{gateway} 的接入码', codeLabel: '接入码', left: '还剩 {left}', over: '接入码已失效，请重新生成。', used: '接入码已使用。', command: '在网关上执行', copy: '复制', copied: '已复制', close: '关闭',
  plain: '本页面没有加密（http）。网关只接受 https 地址，或在自有网络内加 --without-tls。',
  off: '平台没有配置网关接入：在 cloud.yaml 中填写 enrolment。', notTold: '消息代理还没有得到最新的账户表。', complaint: '消息代理没有得到最新的账户表，吊销可能尚未生效：{why}',
  cloned: '两台设备在用同一个网关身份', clonedAt: '最近一次 {time}。请核对现场设备，吊销后重新接入真正的那一台。',
}
