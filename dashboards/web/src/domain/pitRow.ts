/** One place of a pit with its readings: what plan, table and curve are all drawn from. */

import type { LevelOrNone } from '@/domain/levels'
import type { PitPlace } from '@/domain/pit'
import { reading, type Reading } from '@/domain/reading'
import type { Point, Value } from '@/api/types'

export interface PitRow {
  place: PitPlace
  cumulative: Reading | null
  rate: Reading | null
  /** The worse of cumulative and rate. */
  level: LevelOrNone
  /** Of the control value, in absolute size; `null` unless the value is good. */
  share: number | null
  /** Hours until the control value, and until failure where the wall quickens towards one; `null`: nothing is forecast. */
  hoursToLimit: number | null
  hoursToFailure: number | null
  /** Between which the time to the control value lies (95 %), and the least until failure. */
  limitBounds: { least: number; most: number } | null
  leastToFailure: number | null
  /** How the place moves, which says why nothing more is forecast. */
  motion: Motion
}

/** The states of creep in the order of their numbers, which only gateways know. */
const MOTIONS = ['unknown', 'still', 'steady', 'new-pace', 'quickening', 'failing'] as const
export type Motion = (typeof MOTIONS)[number]

/** Places of which nothing is forecast, by how they move; empty where no place has a forecast at all. */
export function withoutForecast(rows: PitRow[]): { motion: Motion; keys: string[] }[] {
  const silent = rows.filter((row) => row.place.toLimit !== null && row.hoursToLimit === null && row.hoursToFailure === null)
  return MOTIONS.map((motion) => ({ motion, keys: silent.filter((row) => row.motion === motion).map((row) => row.place.key) }))
    .filter(({ keys }) => keys.length > 0)
}

export function pitRow(place: PitPlace, values: Record<string, Value | undefined>, nowMs: number): PitRow {
  const raw = place.raw && reading(place.raw, values[place.raw.id], nowMs)
  const derived = (point: Point | null) => point && withCause(reading(point, values[point.id], nowMs), raw)
  const cumulative = derived(place.cumulative)
  const rate = derived(place.rate)
  const level = Math.max(cumulative?.level ?? 0, rate?.level ?? 0) as LevelOrNone
  const known = cumulative?.judgement.state === 'good' && cumulative.value !== null && place.control
  const hours = (point: Point | null) => {
    const said = point && reading(point, values[point.id], nowMs)
    return said?.judgement.state === 'good' ? said.value : null
  }
  const [least, most] = [hours(place.toLimitLeast), hours(place.toLimitMost)]
  const forecast = {
    hoursToLimit: hours(place.toLimit), hoursToFailure: hours(place.toFailure), leastToFailure: hours(place.toFailureLeast),
    limitBounds: least === null || most === null ? null : { least, most },
    motion: MOTIONS[hours(place.creepState) ?? 0] ?? 'unknown',
  }
  return { ...forecast, place, cumulative, rate, level, share: known ? Math.abs(cumulative.value! / place.control!.limit) : null }
}

/** "Bad input" helps nobody on site: the reason that counts is what is wrong with the sensor itself. */
function withCause(derived: Reading, raw: Reading | null): Reading {
  if (derived.judgement.reason !== 'bad_input' || raw?.judgement.state !== 'bad') return derived
  return { ...derived, judgement: { ...derived.judgement, reason: raw.judgement.reason } }
}

export interface PitSummary {
  /** Nearest to its control value. */
  nearest: PitRow | null
  /** Moves the fastest, either way. */
  fastest: PitRow | null
  /** Reaches its control value first, as far as anything is forecast. */
  soonest: PitRow | null
  /** Heard last. */
  newest: PitRow | null
  /** So many places of which nothing that is good is known now. */
  blind: number
}

/** What stands out among the places of a pit. */
export function pitSummary(rows: PitRow[]): PitSummary {
  const most = (size: (row: PitRow) => number | null) => rows.reduce<PitRow | null>((best, row) => {
    const own = size(row)
    if (own === null) return best
    const known = best && size(best)
    return known === null || own > known ? row : best
  }, null)
  const rate = (row: PitRow) => (row.rate?.judgement.state === 'good' && row.rate.value !== null ? Math.abs(row.rate.value) : null)
  return {
    nearest: most((row) => row.share),
    fastest: most(rate),
    soonest: most((row) => (row.hoursToLimit === null ? null : -row.hoursToLimit)),
    newest: most((row) => row.cumulative?.atMs ?? null),
    blind: rows.filter((row) => row.cumulative && row.cumulative.judgement.state !== 'good').length,
  }
}

/** Few enough for a curve to be read: whoever is chosen, else those nearest to their control values. */
export const MOST_CURVES = 8

export function curvesOf(rows: PitRow[], selected: string | null): PitRow[] {
  if (selected !== null) return rows.filter((row) => row.place.key === selected)
  if (rows.length <= MOST_CURVES) return rows
  const nearest = [...rows].sort((a, b) => (b.share ?? -1) - (a.share ?? -1)).slice(0, MOST_CURVES)
  return rows.filter((row) => nearest.includes(row))
}
