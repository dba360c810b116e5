/** Days as the site's clocks have them, as `YYYY-MM-DD`. */

import { formatInstant } from './time'

const DAY_MS = 86_400_000

export function dayOf(ms: number, zone: string): string {
  return formatInstant(ms, zone, 'full').slice(0, 10)
}

/** A real day, whatever an address or a field says; `null` for anything else. */
export function readDay(text: unknown): string | null {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const at = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text ? null : text
}

/** So many days later; the calendar's days, whatever the clocks do on them. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}
