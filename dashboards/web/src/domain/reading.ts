/** A point together with its newest value and how far that may be believed: what a component is given to show. */

import type { Point, Value } from '@/api/types'
import { judge, type Judgement } from './freshness'
import { levelOf, type LevelOrNone } from './levels'

export interface Reading {
  point: Point
  /** The number on record, also where it is old or bad; `null` where there is none. */
  value: number | null
  /** When the source took it; `null` where there never was one. */
  atMs: number | null
  judgement: Judgement
  /** What was good last, where this is not; it is shown struck through, for what it was. */
  last: { value: number; atMs: number } | null
  /** By the point's limits; 0 unless the value is good, for a limit says nothing about a value that is not. */
  level: LevelOrNone
}

export function reading(point: Point, value: Value | undefined, nowMs: number): Reading {
  const judgement = judge(value, point.stale_after_ms, nowMs)
  const number = value?.value ?? null
  const last = value?.last ? { value: value.last.value, atMs: value.last.at_ms } : null
  return { point, value: number, atMs: value?.at_ms ?? null, judgement, last, level: judgement.state === 'good' ? levelOf(number, point.limits) : 0 }
}

/** The first reading of each kind: what a drawing is made of. Of some kinds a device has many points. */
export function firstOfKind(readings: Reading[]): Record<string, Reading> {
  return Object.fromEntries([...readings].reverse().map((one) => [one.point.kind, one]))
}

/** The number if a drawing may be made of it: good or merely old, never bad. */
export function drawable(given: Reading | undefined): number | null {
  return given && (given.judgement.state === 'good' || given.judgement.state === 'stale') ? given.value : null
}
