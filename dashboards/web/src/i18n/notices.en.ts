/** The same in English. */
import type zh from './notices.zh'

const en: typeof zh = {
  title: 'Notice channels', intro: 'New alarms and suspected major hazards are told by these channels. The siren on site does not depend on them.', silent: 'A demo and a replay send nothing to anybody.', none: 'No channel yet: whoever looks at no page is not told of alarms.',
  add: 'Add a channel', edit: 'Edit', remove: 'Remove', save: 'Save', saveAndTest: 'Save and send a test', cancel: 'Cancel', test: 'Send a test', testing: 'Sending…', off: 'turned off', everywhere: 'all sites', mayNot: 'Changed by an administrator of all sites',
  kinds: { mail: 'Mail', dingtalk: 'DingTalk', wecom: 'WeCom', feishu: 'Feishu', sms: 'Text message', voice: 'Phone call', webhook: 'Receiver', apprise: 'Other (Apprise)' }, from: '{level} and above',
  fields: {
    name: 'Name', kind: 'By', language: 'Language of messages', lowest: 'Lowest level', isOn: 'On', everywhere: 'For all sites', url: 'Address of the robot (webhook)', urlOf: 'Address of the receiver', key: 'Signing secret (optional)', keyOf: 'Signing key (recommended)',
    host: 'Mail server', port: 'Port', security: 'Encryption', username: 'Account (optional)', password: 'Password', sender: 'Sender (empty: the account)', recipients: 'To, one a line',
  },
  help: {
    url: { dingtalk: 'Group settings → robots → custom; copy the whole address. With a keyword use SiteWarden.', wecom: 'Group chat → message push (group robot); copy the whole address.', feishu: 'Group settings → bots → custom bot; copy the whole address. With a keyword use SiteWarden.', webhook: 'Takes JSON by POST.', apprise: 'Such as ntfy://ntfy.sh/topic. Of most services the answer does not prove that it arrived: shown as unknown.' },
    kept: 'Kept, and never shown again. Leave empty for no change.', host: 'Such as smtp.example.com',
  },
  securities: { tls: 'TLS (465)', starttls: 'STARTTLS (587)', none: 'None (own network only)' }, languages: { zh: 'Chinese', en: 'English' },
  wrong: {
    name: 'Give it a name.', url: 'Paste the whole address, beginning with https://, without a user and without #.', key: 'The key is too long.', password: 'Give the password of this account at this server; with another server or account give it again.', site: 'Your account may not make channels of all sites.',
    host: 'Give the name of the server, such as smtp.example.com.', port: 'Give a port from 1 to 65535.', security: 'Choose an encryption.', username: 'No account without encryption, or its password could be read: choose TLS or STARTTLS.',
    sender: "Give a whole mail address, such as alarm{'@'}example.com.", recipients: "Give 1 to 20 whole mail addresses, such as zhang.wei{'@'}example.com.", failed: 'Not saved: {detail}',
  },
  states: { waiting: 'Waiting', sending: 'Being sent', sent: 'Taken by the other side', rejected: 'Not taken', unknown: 'May or may not have arrived', counted: 'Too many, summed up', inhibited: 'Not told: its gateway was silent' },
  said: 'Code {code}', took: 'took {ms} ms', last: 'Last', when: '{time}',
  mend: {
    refused: 'Not sent by Apprise here: choose the kind of channel for it.', number: 'This channel has no number: it only serves persons.', apprise: 'Apprise says no more: check the address, and look there.', 
    blocked: 'The address lies within a network of its own. Whoever runs the server can allow it: notices.networks in cloud.yaml.', dns: 'The name is not known: check it, and whether the server reaches the internet.', unreachable: 'Nobody answers there: check name and port, and whether the server can reach it.',
    tls: 'No safe connection: TLS mostly is port 465, STARTTLS port 587; the name must be that of the certificate.', unknown: 'It was handed over and no clear answer came. It may have arrived: look there.', agreed: 'Not as the robot’s security settings ask: check the signing secret, or set SiteWarden as its keyword.',
    address: 'The other side has no such robot or address: copy the whole address again.', fast: 'Too fast, it takes nothing for a while: try again in some minutes.', password: 'Account or password is wrong: many providers want one that was made for programs.', people: 'The other side does not know the recipient, or does not allow the sender.',
  },
  log: 'Notices', noLog: 'Nothing was told yet.',
}
export default en
