/** Accounts as rows and forms: where a role holds, what a change came to. */

import type { AccountChange, Assignment, Text } from '@/api/types'

export type PlaceKind = 'whole' | 'territory' | 'enterprise' | 'site' | 'devices'

/** A role about to be given, as the form has it. */
export interface RoleDraft {
  role: string
  kind: PlaceKind
  node: number | null
  site: string
  devices: string[]
  /** A day, `2026-12-31`, or empty. */
  until: string
  reason: string
}

export const EMPTY_ROLE: RoleDraft = { role: '', kind: 'site', node: null, site: '', devices: [], until: '', reason: '' }

export function isWhole(draft: RoleDraft): boolean {
  if (!draft.role || !draft.reason.trim()) return false
  if (draft.kind === 'whole') return true
  if (draft.kind === 'territory' || draft.kind === 'enterprise') return draft.node !== null
  return draft.site !== '' && (draft.kind === 'site' || draft.devices.length > 0)
}

/** As the interface takes it. A role holds through the whole of its last day, on the clocks of whoever gives it. */
export function assignmentOf(draft: RoleDraft): Record<string, unknown> {
  const isNode = draft.kind === 'territory' || draft.kind === 'enterprise'
  const isSite = draft.kind === 'site' || draft.kind === 'devices'
  return {
    role: draft.role, reason: draft.reason.trim(),
    node: isNode ? draft.node : null,
    site: isSite ? draft.site : null,
    devices: draft.kind === 'devices' ? draft.devices : null,
    valid_until: draft.until ? new Date(`${draft.until}T23:59:59`).toISOString() : null,
  }
}

/** Where a role holds, in words. */
export function placeText(one: Assignment, say: (text: Text) => string, whole: string): string {
  if (one.devices) return `${one.site_name ? say(one.site_name) : one.site} · ${one.devices.join(', ')}`
  if (one.site) return one.site_name ? say(one.site_name) : one.site
  return one.node_name ? say(one.node_name) : one.node === null ? whole : `#${one.node}`
}

export type Deed = 'made' | 'disabled' | 'enabled' | 'password' | 'changed' | 'given' | 'ended' | 'invitation' | 'reset'
  | 'factor_begun' | 'factor_on' | 'factor_off' | 'token_made' | 'token_revoked' | 'bound' | 'unbound'

/** What a change came to. */
export function deedOf(change: AccountChange): Deed {
  const { before, after } = change
  if (change.record === 'account_link') return after?.['kind'] === 'reset' ? 'reset' : 'invitation'
  if (change.record === 'second_factor') return after?.['confirmed_at'] ? 'factor_on' : before?.['confirmed_at'] ? 'factor_off' : 'factor_begun'
  if (change.record === 'api_token') return after?.['revoked_at'] ? 'token_revoked' : 'token_made'
  if (change.record === 'identity') return after ? 'bound' : 'unbound'
  if (!before) return change.record === 'account' ? 'made' : 'given'
  if (change.record === 'assignment') return after?.['valid_until'] === before['valid_until'] ? 'changed' : 'ended'
  if (after?.['disabled_at'] !== before['disabled_at']) return after?.['disabled_at'] ? 'disabled' : 'enabled'
  return after?.['password_at'] === before['password_at'] ? 'changed' : 'password'
}

export const ACCOUNT_STATES = ['all', 'active', 'invited', 'disabled', 'without_second_factor'] as const
export type AccountState = typeof ACCOUNT_STATES[number]

/** Which accounts are wanted. `place`: `node/3`, `site/north` or empty. */
export interface AccountFilter { search: string; state: AccountState; role: string; place: string }

export const NO_FILTER: AccountFilter = { search: '', state: 'all', role: '', place: '' }

/** As it stands in the page's address; what nobody could have chosen narrows nothing. */
export function filterFrom(query: Record<string, unknown>): AccountFilter {
  const text = (key: string) => (typeof query[key] === 'string' ? (query[key] as string) : '')
  const place = text('place')
  return {
    search: text('search'), role: text('role'),
    state: ACCOUNT_STATES.find((one) => one === text('state')) ?? 'all',
    place: /^(node\/\d+|site\/.+)$/.test(place) ? place : '',
  }
}

/** As the page's address has it: only what narrows. */
export function queryOf(filter: AccountFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([key, value]) => value !== NO_FILTER[key as keyof AccountFilter]))
}

/** As the interface takes it. */
export function askedOf(filter: AccountFilter): Record<string, string | null> {
  const cut = filter.place.indexOf('/')
  return {
    search: filter.search || null, role: filter.role || null,
    state: filter.state === 'all' ? null : filter.state,
    ...(cut > 0 ? { [filter.place.slice(0, cut)]: filter.place.slice(cut + 1) } : {}),
  }
}

const DAY_MS = 86_400_000
const SOON_DAYS = 30

/** In how many whole days a role ends, if that is soon; null where it is not, or has no end. */
export function daysLeft(one: Assignment, nowMs: number): number | null {
  if (!one.valid_until || one.is_over) return null
  const days = Math.floor((Date.parse(one.valid_until) - nowMs) / DAY_MS)
  return days >= 0 && days < SOON_DAYS ? days : null
}
