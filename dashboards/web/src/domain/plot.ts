/** A plot of points over time: what its span is, where its ticks are, and what is drawn of an answer. Pure. */

import type { Series } from '@/api/types'
import { niceStep } from './frame'
import type { LinePoint } from './series'
import { formatInstant, zoneOffsetMs } from './time'

export interface Stretch { fromMs: number; toMs: number }

export const isWithin = (atMs: number, span: Stretch) => atMs >= span.fromMs && atMs <= span.toMs

export const SHORTEST_MS = 10_000
/** The interface's own limit is far beyond; so long a span is a slip. */
export const LONGEST_MS = 20 * 365 * 86_400_000

/** Nearer (`factor` < 1) or farther around an instant, and never beyond now. */
export function zoomed(span: Stretch, factor: number, aroundMs: number, nowMs: number): Stretch {
  const length = Math.min(Math.max((span.toMs - span.fromMs) * factor, SHORTEST_MS), LONGEST_MS)
  const share = (aroundMs - span.fromMs) / (span.toMs - span.fromMs)
  return notBeyond({ fromMs: aroundMs - length * share, toMs: aroundMs + length * (1 - share) }, nowMs)
}

/** By a share of its length; to the right of now there is nothing. */
export function moved(span: Stretch, share: number, nowMs: number): Stretch {
  const by = (span.toMs - span.fromMs) * share
  return notBeyond({ fromMs: span.fromMs + by, toMs: span.toMs + by }, nowMs)
}

/** What a finger or a mouse has dragged over, whichever way; `null` where it was too little to be meant. */
export function dragged(fromMs: number, toMs: number): Stretch | null {
  const [first, last] = [Math.min(fromMs, toMs), Math.max(fromMs, toMs)]
  if (last <= first) return null
  const missing = Math.max(0, SHORTEST_MS - (last - first)) / 2
  return { fromMs: Math.round(first - missing), toMs: Math.round(last + missing) }
}

function notBeyond(span: Stretch, nowMs: number): Stretch {
  const over = Math.max(0, span.toMs - nowMs)
  return { fromMs: Math.round(span.fromMs - over), toMs: Math.round(span.toMs - over) }
}

/** The line of an answer. A bucket begins with its first value, shows both extremes, and ends with its last; one that goes on still ends with the answer. */
export function lineOf(series: Series): LinePoint[] {
  return series.t.flatMap<LinePoint>((at, i) => {
    const wide = series.bucket_ms && Math.max(Math.min(series.bucket_ms, series.to_ms - at), 1)
    const [low, high, first, last] = [series.min[i], series.max[i], series.first[i], series.last[i]]
    if (low == null || high == null) return [[at, null]]
    if (!wide || first == null || last == null) return low === high ? [[at, low]] : [[at, low], [at, high]]
    if (low === high) return [[at, low], [at + wide - 1, low]]
    const extremes: LinePoint[] = [[at + wide / 3, low], [at + (2 * wide) / 3, high]]
    if (first > last) extremes.forEach((one, k) => { one[1] = k ? low : high })
    return [[at, first], ...extremes, [at + wide - 1, last]]
  })
}

export type Hole = Stretch & { kind: 'lost' | 'silent' | 'bad'; reason: string; lost: number; points: string[] }

/** Where nothing is drawn and why: readings given up, none that came, or none that was good. */
export function holesOf(series: Series): Hole[] {
  const lost = series.gaps.map((gap): Hole => ({
    kind: 'lost', reason: gap.reason, lost: gap.lost, fromMs: gap.from_ms, toMs: gap.to_ms, points: [series.point],
  }))
  const found: Hole[] = []
  for (let i = 0; i < series.t.length; i += 1) {
    if (series.min[i] != null) continue
    const first = i
    while (i + 1 < series.t.length && series.min[i + 1] == null) i += 1
    const read = Array.from({ length: i - first + 1 }, (_, k) => first + k).filter((k) => (series.n[k] ?? 0) > 0)
    const before = first > 0 ? series.t[first - 1]! + series.bucket_ms : series.t[first]!
    found.push({
      kind: read.length ? 'bad' : 'silent', reason: read.length ? series.quality[read.at(-1)!] ?? '' : '', lost: 0,
      fromMs: before, toMs: series.t[i + 1] ?? Math.max(series.t[i]!, before) + series.bucket_ms, points: [series.point],
    })
  }
  const within = found.filter((hole) => hole.toMs > hole.fromMs && !lost.some((gap) => gap.fromMs <= hole.toMs && hole.fromMs <= gap.toMs && gap.reason !== 'thinned'))
  return [...lost, ...within]
}

/** The same hole of several points is one. */
export function joined(holes: Hole[]): Hole[] {
  const known = new Map<string, Hole>()
  for (const hole of holes) {
    const key = `${hole.kind} ${hole.reason} ${hole.fromMs} ${hole.toMs}`
    const same = known.get(key)
    known.set(key, same ? { ...same, points: [...same.points, ...hole.points], lost: Math.max(same.lost, hole.lost) } : hole)
  }
  return [...known.values()]
}

export interface Under { atMs: number; low: number; high: number; n: number }

/** Which is the last of so many instants that is not after `atMs`; -1: none. */
export function lastUpTo(count: number, instant: (i: number) => number, atMs: number): number {
  let [below, above] = [0, count]
  while (below < above) {
    const middle = (below + above) >> 1
    if (instant(middle) <= atMs) below = middle + 1
    else above = middle
  }
  return below - 1
}

/** What a point was at an instant: the reading or the bucket under the cursor; `null` in a hole. */
export function valueAt(series: Series, atMs: number): Under | null {
  const i = lastUpTo(series.t.length, (k) => series.t[k]!, atMs)
  if (i < 0) return null
  const [low, high] = [series.min[i], series.max[i]]
  if (low == null || high == null) return null
  if (series.bucket_ms && atMs >= series.t[i]! + series.bucket_ms) return null
  // Between two readings the earlier one holds; after the last one nothing is known for long.
  if (!series.bucket_ms && i === series.t.length - 1 && atMs - series.t[i]! > usual(series) * 3) return null
  return { atMs: series.t[i]!, low, high, n: series.n[i] ?? 1 }
}

function usual(series: Series): number {
  const last = series.t.length - 1
  return last > 0 ? Math.max(1000, (series.t[last]! - series.t[0]!) / last) : 1000
}

const SECOND = 1000, MINUTE = 60_000, HOUR = 3_600_000, DAY = 86_400_000
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((n) => n * DAY),
]

export interface Tick { atMs: number; text: string; isDay: boolean }

/** Whole instants by the clocks of the site, at most so many. Where the clocks are put forward or back, ticks follow them. */
export function timeTicks(span: Stretch, zone: string, most: number): Tick[] {
  const length = span.toMs - span.fromMs
  const step = STEPS.find((one) => length / one <= most) ?? STEPS.at(-1)!
  const ticks: Tick[] = []
  const firstLocal = Math.ceil((span.fromMs + zoneOffsetMs(span.fromMs, zone)) / step) * step
  for (let local = firstLocal; ticks.length <= most + 1; local += step) {
    const guess = local - zoneOffsetMs(local, zone)
    const atMs = local - zoneOffsetMs(guess, zone)
    if (atMs > span.toMs) break
    if (atMs < span.fromMs) continue
    const isDay = local % DAY === 0
    const full = formatInstant(atMs, zone, 'full')
    const time = step < MINUTE ? full.slice(11) : full.slice(11, 16)
    ticks.push({ atMs, isDay, text: isDay ? full.slice(5, 10) : time })
  }
  return ticks
}

export interface Axis { low: number; high: number; ticks: number[]; step: number }

/** Limits that are farther from the line than so many times its height would leave it no shape. */
const FAR = 4

/**
 * From the least to the greatest with some room. Limits belong into the picture as far as they leave the line its shape,
 * or always, where the distance to them is what the curve is looked at for.
 */
export function valueAxis(lines: LinePoint[][], limits: { limit: number }[], resolution: number, always = false, most = 5): Axis {
  let [low, high] = [Infinity, -Infinity]
  for (const line of lines) {
    for (const [, value] of line) {
      if (value === null) continue
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  if (low > high) [low, high] = limits.length ? [Math.min(...limits.map((one) => one.limit)), Math.max(...limits.map((one) => one.limit))] : [0, 1]
  const room = always ? Infinity : Math.max(high - low, resolution * 4) * FAR
  for (const { limit } of limits) {
    if (limit > high && limit - high <= room) high = limit
    if (limit < low && low - limit <= room) low = limit
  }
  const span = Math.max(high - low, resolution * 4)
  const step = Math.max(niceStep(span * 1.1, most), resolution)
  const bottom = Math.floor((low - span * 0.04) / step) * step
  const top = Math.ceil((high + span * 0.04) / step) * step
  const from = low >= 0 ? Math.max(bottom, 0) : bottom
  const count = Math.round((top - from) / step)
  return { low: from, high: top, step, ticks: Array.from({ length: count + 1 }, (_, k) => from + k * step) }
}

/** One path for a whole line, broken where there is nothing; a reading alone is a dot by its round ends. */
export function pathOf(line: LinePoint[], x: (ms: number) => number, y: (value: number) => number): string {
  const parts: string[] = []
  let isOpen = false, isAlone = false
  for (const [at, value] of line) {
    if (value === null) {
      if (isAlone) parts.push('h0')
      isOpen = isAlone = false
      continue
    }
    parts.push(`${isOpen ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
    isAlone = !isOpen
    isOpen = true
  }
  if (isAlone) parts.push('h0')
  return parts.join('')
}

export interface View { points: string[]; span: string; range: Stretch | null }

export const BACK: Record<string, number | null> = {
  '15m': 15 * MINUTE, '1h': HOUR, '6h': 6 * HOUR, '1d': DAY, '7d': 7 * DAY, '30d': 30 * DAY, all: null,
}
export const MOST_LINES = 6

/** What an address says of a plot: its points, and a span that follows now or a range that stands. */
export function viewOf(query: Record<string, unknown>, known: string[]): View {
  const named = typeof query.points === 'string' ? query.points.split(',') : []
  const fromMs = Date.parse(String(query.from ?? '')), toMs = Date.parse(String(query.to ?? ''))
  const isRange = Number.isFinite(fromMs) && Number.isFinite(toMs) && toMs > fromMs
  return {
    points: [...new Set(named)].filter((point) => known.includes(point)).slice(0, MOST_LINES),
    span: typeof query.span === 'string' && Object.hasOwn(BACK, query.span) ? query.span : '1d',
    range: isRange ? { fromMs, toMs } : null,
  }
}

/** The other way round; what goes without saying is left out. */
export function queryOf(view: View): Record<string, string | undefined> {
  return {
    points: view.points.length ? view.points.join(',') : undefined,
    span: view.span === '1d' ? undefined : view.span,
    from: view.range ? new Date(view.range.fromMs).toISOString() : undefined,
    to: view.range ? new Date(view.range.toMs).toISOString() : undefined,
  }
}
