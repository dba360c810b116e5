/** A rota as a strip of days: pieces of each day, with who is on duty in them. Pure. */

import { dayAfter, dayOf } from './days'
import { formatInstant, zoneOffsetMs } from './time'

interface Spanned { starts_at: string; ends_at: string; accounts: number[] }

/** A part of a day, in shares of it. */
export interface Piece<S extends Spanned> { span: S; from: number; to: number }
export interface StripDay<S extends Spanned> { day: string; pieces: Piece<S>[] }

const MINUTE_MS = 60_000

/** When a day of the zone begins; of a day whose clocks change too. */
export function startOf(day: string, zone: string): number {
  const guess = Date.parse(`${day}T00:00:00Z`)
  const first = guess - zoneOffsetMs(guess, zone)
  return guess - zoneOffsetMs(first, zone)
}

/** So many days from the first on, each with its pieces. */
export function strip<S extends Spanned>(spans: readonly S[], first: string, days: number, zone: string): StripDay<S>[] {
  return Array.from({ length: days }, (_, number) => {
    const day = dayAfter(first, number)
    const begins = startOf(day, zone)
    const lasts = startOf(dayAfter(day, 1), zone) - begins
    const share = (ms: number) => Math.min(1, Math.max(0, (ms - begins) / lasts))
    const pieces = spans
      .map((span) => ({ span, from: share(Date.parse(span.starts_at)), to: share(Date.parse(span.ends_at)) }))
      .filter((piece) => piece.to > piece.from)
    return { day, pieces }
  })
}

/** Spans within the strip that can be filled or swapped: those that are not over. */
export function ahead<S extends Spanned>(spans: readonly S[], nowMs: number): S[] {
  return spans.filter((span) => Date.parse(span.ends_at) > nowMs)
}

/** `12-03 20:00 – 12-04 08:00`, the second day only where it is another one. */
export function hoursText(starts: string, ends: string, zone: string): string {
  const from = Date.parse(starts)
  const to = Date.parse(ends)
  const isSameDay = dayOf(from, zone) === dayOf(to - MINUTE_MS, zone)
  const end = isSameDay ? endOfDayText(to, from, zone) : formatInstant(to, zone, 'date')
  return `${formatInstant(from, zone, 'date')} – ${end}`
}

function endOfDayText(to: number, from: number, zone: string): string {
  return dayOf(to, zone) === dayOf(from, zone) ? formatInstant(to, zone, 'minute') : '24:00'
}

/** An instant as a field of date and time has it, by the clocks of the zone. */
export function fieldOf(at: string, zone: string): string {
  return formatInstant(Date.parse(at), zone, 'full').slice(0, 16).replace(' ', 'T')
}

/** What such a field says as an instant; null where it says nothing. */
export function instantOf(field: string, zone: string): string | null {
  const guess = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(field) ? Date.parse(`${field.slice(0, 16)}:00Z`) : Number.NaN
  if (Number.isNaN(guess)) return null
  const first = guess - zoneOffsetMs(guess, zone)
  return new Date(guess - zoneOffsetMs(first, zone)).toISOString()
}

/** A colour of the row of colours for each person, the same in every strip of the rota. */
export function colourOf(account: number, accounts: readonly number[]): string {
  const place = accounts.indexOf(account)
  return `var(--c${((place < 0 ? accounts.length : place) % 7) + 1})`
}
