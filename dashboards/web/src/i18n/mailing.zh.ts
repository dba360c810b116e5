/** Texts of handing in by mail, in Chinese. */
export default {
  title: '邮件报送', channel: '发件邮箱', to: '收件人', toHelp: '多个地址用逗号或换行分开；留空则发给该渠道的收件人：{people}', format: '文件', formats: { xlsx: 'Excel', csv: 'CSV' }, send: '发送邮件',
  onlyApproved: '审核签名后才能发送。', noChannel: '没有可用的邮件渠道。由能看到全部工地的管理员在“通知渠道”中添加。', tellsNobody: '演示和回放不向外发送邮件。', none: '还没有发送过。', refresh: '刷新', files: '文件摘要',
  states: { waiting: '等待发送', sending: '正在发送', sent: '对方服务器已接收', rejected: '被拒收', unknown: '未收到答复，可能已送达', counted: '未单独发送', inhibited: '未发送' }, by: '{who} · {time}', dossier: '邮件报送 {what}',
}
