/** Readings as lines to draw: gaps stay gaps. What is drawn of an answer: `plot.ts`. */

import type { EvidenceSeries, Value } from '@/api/types'

/** Milliseconds and value; `null` breaks the line. */
export type LinePoint = [number, number | null]

/** Readings that were not good are gaps: their number is not a measurement. */
export function evidencePoints(series: EvidenceSeries): LinePoint[] {
  return series.t.map((at, index) => {
    const quality = series.q?.[index]
    const bad = quality !== undefined && quality !== 'good'
    return [at, bad ? null : (series.x[index] ?? null)]
  })
}

/** History continued by what has come live since; a silence longer than `gapMs` breaks the line. */
export function continueLive(history: LinePoint[], live: LinePoint[], gapMs: number): LinePoint[] {
  const last = history.at(-1)?.[0] ?? -Infinity
  const fresh = live.filter(([at]) => at > last)
  const first = fresh[0]
  if (!first) return history
  return first[0] - last > gapMs && history.length ? [...history, [last + 1, null], ...fresh] : [...history, ...fresh]
}

/** The live tail with one more value; bounded, because a page may stay open for weeks. */
export function appendLive(tail: LinePoint[], value: Value, bound: number): LinePoint[] {
  const last = tail.at(-1)
  if (last && last[0] >= value.at_ms) return tail
  const shown = value.quality === 'good' ? value.value : null
  return [...tail, [value.at_ms, shown] as LinePoint].slice(-bound)
}
