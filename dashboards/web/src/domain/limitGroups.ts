/** The limits of a device for people: sixty points with the same limits are one entry, not sixty. */

import { limitRows, type LimitRow } from './levels'
import type { Reading } from './reading'

export interface LimitGroup {
  one: Reading
  /** How many more of the same kind have the very same limits. */
  others: number
  limits: LimitRow[]
}

export function limitGroups(readings: Reading[]): LimitGroup[] {
  const groups = new Map<string, LimitGroup>()
  for (const one of readings) {
    const key = JSON.stringify([one.point.kind, one.point.limits.map(({ rule, level, limit, direction }) => [rule, level, limit, direction])])
    const known = groups.get(key)
    if (known) known.others += 1
    else groups.set(key, { one, others: 0, limits: limitRows(one.point.limits) })
  }
  return [...groups.values()]
}
