/** The same in English. */
import type zh from './sending.zh'

const en: typeof zh = {
  fields: {
    provider: 'Provider', keyId: 'AccessKey ID / SecretId', key: 'AccessKey Secret / SecretKey', ownKey: 'Key (in body and headers: key in braces)', signName: 'Signature of messages', template: 'Template', app: 'SDK AppID', caller: 'Number that calls (optional)', url: 'Address of the gateway', apprise: 'Address of Apprise',
    numbers: 'Numbers, one a line; none where it only serves persons', ownBody: 'Body (JSON)', ownHeaders: 'Headers, one a line: name: value', ownCode: 'Where the code stands, such as result.code', ownAccepted: 'Codes that mean taken', ownText: 'Where its words stand', fallback: 'Second channel',
  },
  providers: { aliyun_sms: 'Aliyun SMS', tencent_sms: 'Tencent Cloud SMS', own_sms: 'A gateway of your own', aliyun_voice: 'Aliyun voice', tencent_voice: 'Tencent Cloud voice', own_voice: 'A gateway of your own' },
  untried: 'Written from the provider’s documents and not tried against its real service: send a test.', noFallback: 'none', standsIn: 'Where it fails: {name}', instead: 'In place of a channel that failed',
  wrong: { apprise: 'Paste a whole address of Apprise, such as ntfy://ntfy.sh/topic; for an https address of your own choose Receiver.', numbers: 'Give numbers of 5 to 15 digits, + may come first. A call goes to one number only.', call: 'Give everything that this provider needs.', fallback: 'Choose another channel of the same site or of all sites.' },
  undelivered: 'Notices that reached nobody: {n}', undeliveredSince: 'Since {time} nobody has got them. Call the site, and check the channels.', maybe: 'Of some it is not known whether they arrived.', look: 'Look at the notices',
}
export default en
