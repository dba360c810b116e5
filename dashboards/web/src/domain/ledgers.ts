/** What the ledgers' pages work out by themselves. */

import type { ApiError, FieldError } from '@/api/client'
import { zoneHere, zoneName } from '@/domain/time'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** Whole days until an instant; negative: so many days late. */
export function daysUntil(due: string, nowMs: number): number {
  const left = (Date.parse(due) - nowMs) / DAY_MS
  return left >= 0 ? Math.floor(left) : -Math.ceil(-left)
}

/** An instant as a field of kind `datetime-local` has it: on the clocks of this browser. */
export function toField(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE_MS)
  return at.toISOString().slice(0, 16)
}

/** Whose clock such a field is on, for its label. */
export const fieldZone = (ms: number): string => zoneName(ms, zoneHere())

/** And back; `null` where it is none. */
export function fromField(text: string): string | null {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}

/** Yuan as a decimal in text, in ten thousand yuan with two places: whole fen are never lost on the way. */
export function inTenThousand(yuan: string): string {
  const [whole = '0', part = ''] = yuan.split('.')
  const fen = BigInt(whole) * 100n + BigInt(part.padEnd(2, '0').slice(0, 2) || '0')
  const hundredths = (fen + 5000n) / 10000n
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`
}

/** What a refusal says of a field. */
export function errorOf(error: ApiError | null, field: string): FieldError | undefined {
  return error?.fields.find((one) => one.field === field || one.field === `body.${field}` || one.field.endsWith(`.${field}`))
}
