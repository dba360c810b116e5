/** What a crane's own safety devices report bit by bit: limiter, warnings and alarms of its recorder, limit switches. */

import type { Reading } from './reading'

export const isBit = (kind: string): boolean => kind === 'crane.limit' || kind.startsWith('crane.limiter.')

/** The bit's own name among the texts (`crane.bits`); `null` where it shares its kind with others and its label tells which it is. */
export function bitName(bit: Reading, all: Reading[]): string | null {
  const isAlone = all.filter((one) => one.point.kind === bit.point.kind).length === 1
  return isAlone ? (bit.point.kind.split('.').pop() ?? null) : null
}
