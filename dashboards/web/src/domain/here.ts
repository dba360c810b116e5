/** Instants of things of no one site, by the clock of whoever looks. */

import { formatInstant } from '@/domain/time'

/** Day and minute; `at` is an instant as the server writes it. */
export function minuteHere(at: string, zone = Intl.DateTimeFormat().resolvedOptions().timeZone): string {
  return formatInstant(Date.parse(at), zone, 'full').slice(0, 16)
}

export function dayHere(at: string, zone?: string): string {
  return minuteHere(at, zone).slice(0, 10)
}
