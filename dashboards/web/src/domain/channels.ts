/** Channels that notices go by: what a form asks of each kind, and what the server is sent. */

import type { ApiError } from '@/api/client'
import type { Channel } from '@/api/types'

export const CHANNEL_KINDS = ['mail', 'dingtalk', 'wecom', 'feishu', 'webhook'] as const
export type ChannelKind = (typeof CHANNEL_KINDS)[number]
export const SECURITIES = ['tls', 'starttls', 'none'] as const
export type Security = (typeof SECURITIES)[number]
const PORTS: Readonly<Record<Security, string>> = { tls: '465', starttls: '587', none: '25' }

/** A form: every field a text. */
export interface ChannelDraft {
  name: string
  kind: ChannelKind
  language: 'zh' | 'en'
  lowest: number
  isOn: boolean
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
}

export function draftOfChannel(channel: Channel | null, language: 'zh' | 'en'): ChannelDraft {
  const mail = channel?.mail
  return {
    name: channel?.name ?? '', kind: channel?.kind ?? 'mail', language: channel?.language ?? language, lowest: channel?.lowest ?? 3,
    isOn: channel?.is_on ?? true, everywhere: channel ? channel.site === null : false, url: '', key: '',
    host: mail?.host ?? '', port: String(mail?.port ?? PORTS.tls), security: mail?.security ?? 'tls', username: mail?.username ?? '', password: '',
    sender: mail?.sender ?? '', recipients: (mail?.recipients ?? []).join('\n'),
  }
}

/** The port that goes with another way of encryption, unless somebody has typed one of his own. */
export function portFor(security: Security, port: string): string {
  return Object.values(PORTS).includes(port.trim()) || !port.trim() ? PORTS[security] : port
}

export const isSigned = (kind: ChannelKind): boolean => kind === 'dingtalk' || kind === 'feishu' || kind === 'webhook'

/** What the server is sent: secrets only where somebody typed them, so that those it has stay. */
export function givenOfChannel(draft: ChannelDraft, site: string, isNew: boolean): Record<string, unknown> {
  const said = { name: draft.name.trim(), kind: draft.kind, language: draft.language, lowest: draft.lowest, is_on: draft.isOn }
  const where = isNew ? { site: draft.everywhere ? null : site } : {}
  if (draft.kind === 'mail') {
    const sender = draft.sender.trim() || draft.username.trim()
    const mail = {
      host: draft.host.trim(), port: Number(draft.port.trim()) || 0, security: draft.security, username: draft.username.trim(), sender,
      recipients: draft.recipients.split(/[\s,;，；]+/).filter(Boolean),
    }
    return { ...said, ...where, mail, ...(draft.password ? { password: draft.password } : {}) }
  }
  return { ...said, ...where, ...(draft.url.trim() ? { url: draft.url.trim() } : {}), ...(draft.key.trim() && isSigned(draft.kind) ? { key: draft.key.trim() } : {}) }
}

const FIELDS = ['name', 'url', 'key', 'password', 'site', 'host', 'port', 'security', 'username', 'sender', 'recipients'] as const

/** Which fields of the form a refusal is about: each has a mend of its own; the empty name is the form. */
export function wrongFields(error: ApiError | null): ReadonlySet<string> {
  const named = (error?.fields ?? []).map(({ field }) => field.split('.').find((part) => (FIELDS as readonly string[]).includes(part)) ?? '')
  return new Set(error && !named.length ? [''] : named)
}

/** Codes that the pages can say more of than their number. */
const MENDS: Readonly<Record<string, string>> = {
  blocked: 'blocked', dns: 'dns', unreachable: 'unreachable', timeout: 'unreachable', tls: 'tls', unsupported: 'tls', 'no-answer': 'unknown', fault: 'unknown', unreadable: 'unknown', lost: 'unknown',
  '310000': 'agreed', '19021': 'agreed', '19024': 'agreed', '93000': 'address', '300001': 'address', '19001': 'address',
  '130101': 'fast', '45009': 'fast', '11232': 'fast', 'http 429': 'fast', '535': 'password', 'not-ascii': 'password', '534': 'password', '550': 'people', '553': 'people', 'http 404': 'address', 'http 401': 'agreed', 'http 403': 'agreed',
}
export const mendOf = (code: string): string | null => MENDS[code] ?? null
