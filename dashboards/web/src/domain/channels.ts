/** Channels that notices go by: what a form asks of each kind, and what the server is sent. */

import type { ApiError } from '@/api/client'
import type { Channel } from '@/api/types'

export const CHANNEL_KINDS = ['mail', 'dingtalk', 'wecom', 'feishu', 'sms', 'voice', 'webhook', 'apprise'] as const
export type ChannelKind = (typeof CHANNEL_KINDS)[number]
export const SECURITIES = ['tls', 'starttls', 'none'] as const
export type Security = (typeof SECURITIES)[number]
const PORTS: Readonly<Record<Security, string>> = { tls: '465', starttls: '587', none: '25' }

export type CallField = 'keyId' | 'app' | 'signName' | 'template' | 'caller'
/** Gateways of text messages and calls, and what each asks for, as the server's `providers.yaml` says. */
export const PROVIDERS: Readonly<Record<'sms' | 'voice', Readonly<Record<string, readonly CallField[]>>>> = {
  sms: { aliyun_sms: ['keyId', 'signName', 'template'], tencent_sms: ['keyId', 'app', 'signName', 'template'], own_sms: [] },
  voice: { aliyun_voice: ['keyId', 'template', 'caller'], tencent_voice: ['keyId', 'app', 'template'], own_voice: [] },
}
export const isCall = (kind: ChannelKind): kind is 'sms' | 'voice' => kind === 'sms' || kind === 'voice'
export const isOwn = (provider: string): boolean => provider.startsWith('own_')
/** What the form asks of this gateway. */
export const asked = (kind: ChannelKind, provider: string): readonly CallField[] => (isCall(kind) ? PROVIDERS[kind][provider] ?? [] : [])
const OWN_BODY = '{\n  "to": "{numbers}",\n  "text": "{title}"\n}'

/** A form: every field a text. */
export interface ChannelDraft {
  name: string
  kind: ChannelKind
  language: 'zh' | 'en'
  lowest: number
  isOn: boolean
  forPeople: boolean
  everywhere: boolean
  url: string
  key: string
  host: string
  port: string
  security: Security
  username: string
  password: string
  sender: string
  recipients: string
  fallback: string
  provider: string
  keyId: string
  signName: string
  template: string
  app: string
  caller: string
  numbers: string
  ownBody: string
  ownHeaders: string
  ownCode: string
  ownText: string
  ownAccepted: string
}

export function draftOfChannel(channel: Channel | null, language: 'zh' | 'en'): ChannelDraft {
  const { mail, call } = { mail: channel?.mail, call: channel?.call }
  const own = call?.own
  return {
    name: channel?.name ?? '', kind: channel?.kind ?? 'mail', language: channel?.language ?? language, lowest: channel?.lowest ?? 3,
    isOn: channel?.is_on ?? true, forPeople: channel?.for_people ?? false, everywhere: channel ? channel.site === null : false, url: '', key: '',
    host: mail?.host ?? '', port: String(mail?.port ?? PORTS.tls), security: mail?.security ?? 'tls', username: mail?.username ?? '', password: '',
    sender: mail?.sender ?? '', recipients: (mail?.recipients ?? []).join('\n'),
    fallback: channel?.fallback ?? '', provider: call?.provider ?? '', keyId: call?.key_id ?? '', signName: call?.sign_name ?? '', template: call?.template ?? '',
    app: call?.app ?? '', caller: call?.caller ?? '', numbers: (call?.numbers ?? []).join('\n'),
    ownBody: own?.body ?? OWN_BODY, ownHeaders: Object.entries(own?.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join('\n'),
    ownCode: own?.code ?? 'code', ownText: own?.text ?? '', ownAccepted: (own?.accepted ?? ['0']).join(', '),
  }
}

/** The port that goes with another way of encryption, unless somebody has typed one of his own. */
export function portFor(security: Security, port: string): string {
  return Object.values(PORTS).includes(port.trim()) || !port.trim() ? PORTS[security] : port
}

export const isSigned = (kind: ChannelKind): boolean => kind === 'dingtalk' || kind === 'feishu' || kind === 'webhook' || isCall(kind)
const parts = (text: string): string[] => text.split(/[\s,;，；]+/).filter(Boolean)

/** A gateway as the server takes it. */
function callOf(draft: ChannelDraft): Record<string, unknown> {
  const headers = Object.fromEntries(draft.ownHeaders.split('\n').filter((line) => line.includes(':')).map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]))
  const own = { body: draft.ownBody, headers, code: draft.ownCode.trim(), text: draft.ownText.trim(), accepted: parts(draft.ownAccepted) }
  const said = { key_id: draft.keyId, sign_name: draft.signName, template: draft.template, app: draft.app, caller: draft.caller }
  return { provider: draft.provider, ...said, numbers: parts(draft.numbers), ...(isOwn(draft.provider) ? { own } : {}) }
}

/** What the server is sent: secrets only where somebody typed them, so that those it has stay. */
export function givenOfChannel(draft: ChannelDraft, site: string, isNew: boolean): Record<string, unknown> {
  const said = { name: draft.name.trim(), kind: draft.kind, language: draft.language, lowest: draft.lowest, is_on: draft.isOn, for_people: draft.forPeople, fallback: draft.fallback || null }
  const where = isNew ? { site: draft.everywhere ? null : site } : {}
  if (draft.kind === 'mail') {
    const sender = draft.sender.trim() || draft.username.trim()
    const mail = {
      host: draft.host.trim(), port: Number(draft.port.trim()) || 0, security: draft.security, username: draft.username.trim(), sender,
      recipients: draft.recipients.split(/[\s,;，；]+/).filter(Boolean),
    }
    return { ...said, ...where, mail, ...(draft.password ? { password: draft.password } : {}) }
  }
  const call = isCall(draft.kind) ? { call: callOf(draft) } : {}
  return { ...said, ...where, ...call, ...(draft.url.trim() ? { url: draft.url.trim() } : {}), ...(draft.key.trim() && isSigned(draft.kind) ? { key: draft.key.trim() } : {}) }
}

const FIELDS = ['name', 'url', 'key', 'password', 'site', 'host', 'port', 'security', 'username', 'sender', 'recipients', 'fallback', 'numbers', 'call'] as const

/** Which fields of the form a refusal is about: each has a mend of its own; the empty name is the form. */
export function wrongFields(error: ApiError | null): ReadonlySet<string> {
  const named = (error?.fields ?? []).map(({ field }) => field.split('.').reverse().find((part) => (FIELDS as readonly string[]).includes(part)) ?? '')
  return new Set(error && !named.length ? [''] : named)
}

/** Codes that the pages can say more of than their number. */
const MENDS: Readonly<Record<string, string>> = {
  blocked: 'blocked', dns: 'dns', unreachable: 'unreachable', timeout: 'unreachable', tls: 'tls', unsupported: 'tls', 'no-answer': 'unknown', refused: 'refused', 'no-such-service': 'address', 'no-number': 'number', apprise: 'apprise', fault: 'unknown', unreadable: 'unknown', lost: 'unknown',
  '310000': 'agreed', '19021': 'agreed', '19024': 'agreed', '93000': 'address', '300001': 'address', '19001': 'address',
  '130101': 'fast', '45009': 'fast', '11232': 'fast', 'http 429': 'fast', '535': 'password', 'not-ascii': 'password', '534': 'password', '550': 'people', '553': 'people', 'http 404': 'address', 'http 401': 'agreed', 'http 403': 'agreed',
}
export const mendOf = (code: string): string | null => MENDS[code] ?? null
