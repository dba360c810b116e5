/** What a picture of curves is made of, and what it tells without being looked at. Pure. */

import type { Level, Series } from '@/api/types'
import type { Hole, Stretch, Under } from './plot'
import { lastUpTo, valueAt } from './plot'
import type { LinePoint } from './series'

export interface CurveLine {
  /** Of its point, where it is a point's. */
  id: string
  name: string
  /** The name of a CSS variable, such as `--c1`. */
  colour: string
  points: LinePoint[]
  /** What the line was drawn from: it knows both ends of a bucket. */
  answer?: Series | undefined
  /** How long a reading that came after the answer may be taken for the value. */
  patienceMs: number
  /** Drawn strong above the others. */
  isStrong?: boolean
}

export interface CurveLimit {
  limit: number
  level: Level
  direction: 'high' | 'low'
  text: string
}

/** Lines of one unit upon one axis. */
export interface Pane {
  unit: string
  resolution: number
  lines: CurveLine[]
  limits: CurveLimit[]
  /** Every limit holds for every line: they are always in the picture, and what lies beyond them is tinted. */
  isJudged?: boolean
}

export interface AlarmBand { id: string; level: number; fromMs: number; toMs: number | null; text: string }

export interface Moment {
  atMs: number
  text: string
  /** The name of a CSS variable. */
  colour: string
  /** On which side of its line the text stands; two moments near each other take one side each. */
  side: 'left' | 'right'
}

/** One value of the first pane that is named in the picture. */
export interface Mark { atMs: number; value: number; text: string; colour: string }

export interface Picture {
  panes: Pane[]
  span: Stretch
  zone: string
  holes: Hole[]
  alarms: AlarmBand[]
  moments?: Moment[]
  marks?: Mark[]
  label: string
}

/** What lies beyond each limit, up to the next of the same direction or to the end of the axis. */
export function beyond<T extends Pick<CurveLimit, 'limit' | 'direction'>>(limits: T[], low: number, high: number): { limit: T; from: number; to: number }[] {
  return limits.flatMap((limit) => {
    const isHigh = limit.direction === 'high'
    const others = limits.filter((other) => other.direction === limit.direction).map((other) => other.limit)
    const next = isHigh ? Math.min(high, ...others.filter((one) => one > limit.limit)) : Math.max(low, ...others.filter((one) => one < limit.limit))
    const [from, to] = isHigh ? [Math.max(limit.limit, low), next] : [next, Math.min(limit.limit, high)]
    return to > from ? [{ limit, from, to }] : []
  })
}

/** What a line was at an instant: by its answer, else by what has come since; `null` where nothing is known. */
export function toldAt(line: Pick<CurveLine, 'points' | 'answer' | 'patienceMs'>, atMs: number): Under | null {
  const under = line.answer ? valueAt(line.answer, atMs) : null
  if (under) return under
  const last = line.points[lastUpTo(line.points.length, (i) => line.points[i]![0], atMs)]
  if (!last || last[1] === null || atMs - last[0] > line.patienceMs) return null
  if (line.answer && last[0] <= (line.answer.t.at(-1) ?? -Infinity) + line.answer.bucket_ms) return null
  return { atMs: last[0], low: last[1], high: last[1], n: 1 }
}

export interface Extent { readings: number; oldestMs: number; newestMs: number }

/** How much there is to be seen: a drawing says nothing to whoever cannot see it. */
export function extentOf(panes: Pane[]): Extent {
  const found = { readings: 0, oldestMs: Infinity, newestMs: 0 }
  for (const line of panes.flatMap((pane) => pane.lines)) {
    for (const [at, value] of line.points) {
      if (value === null) continue
      found.readings += 1
      if (at < found.oldestMs) found.oldestMs = at
      if (at > found.newestMs) found.newestMs = at
    }
  }
  return found
}

/** Where a line stands now: a jump of the last minute would else be lost at the edge of a fortnight. */
export function endOf(points: LinePoint[], span: Stretch): [number, number] | null {
  const last = points.findLast((point): point is [number, number] => point[1] !== null)
  return last && last[0] <= span.toMs && span.toMs - last[0] <= (span.toMs - span.fromMs) / 50 ? last : null
}

/** About how wide a text of 11 pixels is. */
export function textPx(text: string): number {
  return [...text].reduce((sum, one) => sum + (one.codePointAt(0)! > 0x2e7f ? 11.5 : 6.6), 0)
}
