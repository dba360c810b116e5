/** Which stretch of time a hazard's curve shows, and how that stands in the address. */

import type { Episode } from '@/api/types'
import type { LinePoint } from './series'

export interface Span {
  fromMs: number
  toMs: number
}

/** Around the moment of raising; never beyond now, where there is nothing yet. */
export function spanAround(episode: Episode, minutes: number, nowMs: number): Span {
  const at = Date.parse(episode.raised_at)
  return { fromMs: at - minutes * 60_000, toMs: Math.max(Math.min(at + minutes * 60_000, nowMs), at + 10_000) }
}

/** How many minutes to either side a curve may show. */
export const SPANS = [1, 5, 30]

/** The narrowest span that shows the whole episode and all that was kept with it: a wider one flattens what matters. */
export function fittingMinutes(episode: Episode, kept: LinePoint[], nowMs: number): number {
  const at = Date.parse(episode.raised_at)
  const until = episode.cleared_at ? Date.parse(episode.cleared_at) : nowMs
  const far = Math.max(until - at, ...kept.map(([one]) => Math.abs(one - at)))
  return SPANS.find((minutes) => far <= minutes * 60_000 + 2000) ?? SPANS.at(-1)!
}

/** The worst value of the episode as far as the lines have it, with its instant. */
export function worstPoint(episode: Episode, direction: 'high' | 'low', points: LinePoint[], nowMs: number): [number, number] | null {
  const from = Date.parse(episode.raised_at) - 60_000
  const until = episode.cleared_at ? Date.parse(episode.cleared_at) : nowMs
  const within = points.filter((point): point is [number, number] => point[1] !== null && point[0] >= from && point[0] <= until)
  return within.reduce<[number, number] | null>((worst, point) => (
    worst === null || (direction === 'high' ? point[1] > worst[1] : point[1] < worst[1]) ? point : worst), null)
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
