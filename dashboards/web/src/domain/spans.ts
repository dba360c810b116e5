/** How far back a curve goes. */

import type { LinePoint } from './series'

export const DAY_MS = 86_400_000
/** In days; `all`: since the first reading. */
export const SPANS = ['1', '7', '30', 'all'] as const
export type Span = (typeof SPANS)[number]

/** `null`: as far back as there is anything. */
export const spanMs = (span: Span): number | null => (span === 'all' ? null : Number(span) * DAY_MS)

/** Where the curve begins: with `all` at its oldest point, though never less than a day ago. */
export function spanStart(span: Span, toMs: number, lines: LinePoint[][]): number {
  const back = spanMs(span)
  if (back !== null) return toMs - back
  return Math.min(toMs - DAY_MS, ...lines.flatMap((line) => line[0]?.[0] ?? []))
}
