/** How bad a value is by the limits of its point; every number comes from the point, none from here. */

import type { Level, Limit } from '@/api/types'

/** 0: within all limits. */
export type LevelOrNone = 0 | Level

export function isBeyond(value: number, limit: Limit): boolean {
  return limit.direction === 'high' ? value >= limit.limit : value <= limit.limit
}

export function levelOf(value: number | null, limits: Limit[]): LevelOrNone {
  if (value === null) return 0
  return limits.reduce<LevelOrNone>(
    (worst, limit) => (limit.level > worst && isBeyond(value, limit) ? limit.level : worst),
    0,
  )
}

/** One of the ends is the limit, the other the next limit or the end of the scale. */
export interface Band {
  from: number
  to: number
  level: LevelOrNone
}

/** The scale cut at every limit, each piece with the level that a value in it has. */
export function bands(limits: Limit[], min: number, max: number): Band[] {
  const cuts = [...new Set(limits.map((limit) => limit.limit))].filter((cut) => cut > min && cut < max)
  const edges = [min, ...cuts.sort((a, b) => a - b), max]
  return edges.slice(1).map((to, index) => {
    const from = edges[index] ?? min
    return { from, to, level: levelOf((from + to) / 2, limits) }
  })
}

/** A scale on which all limits show, with room above the highest; it grows with the value, so nothing is cut off. */
export function scaleFor(limits: Limit[], value: number | null): { min: number; max: number } {
  const highest = Math.max(0, ...limits.filter((limit) => limit.direction === 'high').map((limit) => limit.limit))
  const lowest = Math.min(0, ...limits.map((limit) => limit.limit))
  const max = Math.max(highest * 1.2, (value ?? 0) * 1.05, lowest + 1)
  return { min: Math.min(lowest * 1.2, value ?? 0), max }
}

/** Position of a value on a scale, 0 to 1. */
export function fraction(value: number, min: number, max: number): number {
  return Math.min(1, Math.max(0, (value - min) / (max - min)))
}

/** Without those that mirror another across zero and lie on the side where the value is not: they would only crowd a picture. */
export function limitsOnSideOf(value: number | null, limits: Limit[]): Limit[] {
  const side = (value ?? 0) < 0 ? -1 : 1
  const isMirrored = (limit: Limit) => limit.limit !== 0
    && limits.some((other) => other.rule === limit.rule && other.limit === -limit.limit)
  return limits.filter((limit) => Math.sign(limit.limit) === side || !isMirrored(limit))
}

/** The limit that the design engineer calls the control value: the highest level's, in absolute size. */
export function controlLimit(limits: Limit[]): Limit | null {
  return [...limits].sort((a, b) => b.level - a.level || Math.abs(b.limit) - Math.abs(a.limit))[0] ?? null
}

export interface LimitRow extends Limit {
  /** It holds on both sides of zero alike. */
  isMirrored: boolean
}

/** The limits of a point from mild to grave, those that mirror each other across zero as one. */
export function limitRows(limits: Limit[]): LimitRow[] {
  const mirror = (limit: Limit) => limits.some((other) => other.rule === limit.rule && other.level === limit.level
    && other.limit === -limit.limit && other.direction !== limit.direction)
  return limits.map((limit) => ({ ...limit, isMirrored: limit.limit !== 0 && mirror(limit) }))
    .filter((limit) => !limit.isMirrored || limit.limit > 0)
    .sort((a, b) => a.level - b.level || a.limit - b.limit)
}
