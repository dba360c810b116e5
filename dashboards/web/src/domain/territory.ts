/** The filters of the list over all sites, as they stand in the address. */

export const STATUSES = ['open', 'candidate', 'confirmed', 'rectifying', 'rectified', 'reviewed', 'closed', 'rejected', 'merged', 'all'] as const
export const LEVELS = ['major', 'major_proposed', 'general'] as const
const KEYS = ['status', 'level', 'site', 'category', 'overdue', 'listed', 'mode'] as const
export type Filter = (typeof KEYS)[number]
export type Chosen = Record<Filter, string | null>

/** What the address says; an unknown word there is none. */
export function chosenOf(query: Record<string, unknown>): Chosen {
  const text = (key: Filter) => (typeof query[key] === 'string' && query[key] ? query[key] : null)
  const among = (key: Filter, words: readonly string[]) => { const found = text(key); return found && words.includes(found) ? found : null }
  return {
    status: among('status', STATUSES), level: among('level', LEVELS), site: text('site'), category: text('category'),
    overdue: among('overdue', ['true']), listed: among('listed', ['true']), mode: among('mode', ['drill']),
  }
}

/** For the address: only what is chosen. */
export function queryOf(chosen: Chosen): Record<string, string> {
  return Object.fromEntries(Object.entries(chosen).filter((entry): entry is [string, string] => entry[1] !== null))
}

/** Until when, or since when it is too late. */
export function untilDue(due: string | null, nowMs: number): { late: boolean; ms: number } | null {
  if (due === null) return null
  const ms = Date.parse(due) - nowMs
  return { late: ms < 0, ms: Math.abs(ms) }
}
