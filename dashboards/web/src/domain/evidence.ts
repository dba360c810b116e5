/** Which stretch of time a hazard's curve shows, and how that stands in the address. */

import type { Episode } from '@/api/types'

export interface Span {
  fromMs: number
  toMs: number
}

/** Around the moment of raising; never beyond now, where there is nothing yet. */
export function spanAround(episode: Episode, minutes: number, nowMs: number): Span {
  const at = Date.parse(episode.raised_at)
  return { fromMs: at - minutes * 60_000, toMs: Math.max(Math.min(at + minutes * 60_000, nowMs), at + 10_000) }
}

/** The range of an address (`from`, `to`, RFC 3339); `null` where it names none or makes no sense. */
export function spanOf(query: Record<string, unknown>): Span | null {
  const fromMs = Date.parse(String(query.from ?? ''))
  const toMs = Date.parse(String(query.to ?? ''))
  return Number.isFinite(fromMs) && Number.isFinite(toMs) && toMs > fromMs ? { fromMs, toMs } : null
}

export function spanQuery(span: Span): { from: string; to: string } {
  return { from: new Date(Math.round(span.fromMs)).toISOString(), to: new Date(Math.round(span.toMs)).toISOString() }
}
