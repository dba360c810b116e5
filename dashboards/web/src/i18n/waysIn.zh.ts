/** Texts of one's own ways in: second factor, tokens for programs, signing; and of signing in elsewhere. In Chinese. */
export default {
  code: '验证码', codeHelp: '验证器上的 6 位数字；手机不在身边时可用恢复码', codeNeeded: '密码正确，请再输入验证码。', back: '返回', elsewhere: '使用{label}登录', or: '或',
  elsewhereProblems: { refused: '未能登录，请重试；仍不成功请联系管理员。', 'no-account': '这里没有您的账号，请联系管理员邀请您。', 'other-person': '这个用户名属于另一个人，请联系管理员。', stale: '登录已超时或换了浏览器，请重新登录。', unreachable: '暂时连不上统一认证平台，可改用密码登录。' },
  factor: '二次验证', factorOn: '已启用，自 {time}', factorOff: '未启用。启用后，登录时除密码外还要输入手机验证器上的验证码。', factorRequired: '您的角色要求二次验证，启用后才能看到其他内容。', left: '还有 {n} 个恢复码可用',
  setUp: '启用', yourPassword: '密码', freshNote: '您的账号在别处登录，没有本平台密码：须在登录后 10 分钟内操作。',
  scan: '用手机验证器扫码，或手工输入密钥，再填写显示的验证码。', qr: '供验证器扫描的二维码', secret: '密钥', confirm: '确认启用', cancel: '取消', recovery: '恢复码', recoveryText: '只显示这一次。请抄写或打印后妥善保管；每个恢复码可代替一次验证码。', kept: '已保存好', renew: '更换恢复码', remove: '停用二次验证', method: { password: '密码', oidc: '统一认证' },
  tokens: '接口令牌', tokensHelp: '供大屏、脚本等程序访问接口，只有所选权限，不能签名办理隐患。', noTokens: '还没有令牌。', newToken: '新建令牌', tokenName: '名称', tokenUntil: '有效期至', tokenMay: '权限', makeToken: '创建', tokenOnce: '令牌只显示这一次，请立即复制：', copy: '复制', copied: '已复制', close: '关闭', used: '{age}使用', unused: '还没有用过', until: '{time} 前有效', over: '已过期', revoke: '吊销', revokeSure: '吊销“{name}”？使用它的程序立即失去访问权限。', permissionCount: '{n} 项权限',
  signing: '签名', signingHelp: '办理隐患时要再次输入密码，用本人的密钥签名。这里列出您的密钥，若有不认识的请立即联系管理员。', noKeys: '还没有密钥，第一次签名时自动生成。', key: '密钥 {fingerprint}', since: '{time} 起', endedAt: '{time} 停用', ended: { password_reset: '密码重置', replaced: '更换签名密码' }, signatures: '签名 {n} 次', signingPassword: '签名密码', signingPasswordHelp: '您的账号在别处登录，签名用的密码在这里设置，至少 {n} 个字符。', before: '原签名密码（忘记可不填，须在登录后 10 分钟内）', choose: '设置', chosen: '签名密码已设置。',
  resetFactor: '重置二次验证', resetFactorSure: '停用 {name} 的二次验证？其登录全部退出，再次登录只需密码。请先确认是本人丢失了手机。', forget: '解除统一认证绑定', forgetSure: '解除 {name} 与统一认证平台的绑定？下一个以此用户名登录的人将绑定到这个账号。', hasFactor: '二次验证', isBound: '统一认证',
}
