/** A trial of other rules: what is sent, and the rows that its answer becomes. Pure. */

import type { Backtest, PastAlarm, RuleInForce } from '@/api/types'
import { formatInstant, zoneOffsetMs } from './time'

/** Whether a rule looks at a point of one of these kinds; `crane.*` is any crane's, `*` any device's. */
export function watchesAny(watch: string, kinds: Iterable<string>): boolean {
  const beginning = watch.endsWith('*') ? watch.slice(0, -1) : null
  for (const kind of kinds) {
    if (beginning === null ? kind === watch : kind.startsWith(beginning)) return true
  }
  return false
}

/** What somebody has done to a rule: another text, or left out. */
export interface Edit {
  text: string
  removed: boolean
}

export function isChanged(rule: RuleInForce, edit: Edit | undefined): boolean {
  return edit !== undefined && (edit.removed || edit.text !== rule.text)
}

/** Only what differs is sent: everything else is in force already. */
export function changedTexts(rules: RuleInForce[], edits: Record<string, Edit>): { rules: string[]; removed: string[] } {
  const changed = rules.filter((rule) => isChanged(rule, edits[rule.rule]))
  return {
    rules: changed.filter((rule) => !edits[rule.rule]!.removed).map((rule) => edits[rule.rule]!.text),
    removed: changed.filter((rule) => edits[rule.rule]!.removed).map((rule) => rule.rule),
  }
}

export type Change = 'added' | 'removed' | 'moved'

/** One alarm that the trial changes; where it moved, as it was and as it would be. */
export interface Row {
  change: Change
  alarm: PastAlarm
  before: PastAlarm | null
  laterMs: number
}

export function rowsOf(found: Backtest['changes']): Row[] {
  const rows: Row[] = [
    ...found.added.map((alarm) => ({ change: 'added' as const, alarm, before: null, laterMs: 0 })),
    ...found.removed.map((alarm) => ({ change: 'removed' as const, alarm, before: alarm, laterMs: 0 })),
    ...found.moved.map((pair) => ({ change: 'moved' as const, alarm: pair.after, before: pair.before, laterMs: pair.raised_later_ms })),
  ]
  return rows.sort((a, b) => a.alarm.raised_at - b.alarm.raised_at)
}

/** What an `<input type="datetime-local">` shows of an instant, on the site's clocks. */
export function localText(ms: number, zone: string): string {
  return formatInstant(ms, zone, 'full').slice(0, 16).replace(' ', 'T')
}

/** The instant that such an input means on the site's clocks; `null` where it is empty. */
export function instantOf(text: string, zone: string): number | null {
  const asUtc = Date.parse(`${text}Z`)
  return Number.isNaN(asUtc) ? null : asUtc - zoneOffsetMs(asUtc - zoneOffsetMs(asUtc, zone), zone)
}

const AROUND_MS = 60_000

/** What to show of the curve around a row: both alarms with some room, never more than an hour beyond the raise. */
export function spanOf(row: Row): { fromMs: number; toMs: number } {
  const alarms = [row.alarm, ...(row.before ? [row.before] : [])]
  const first = Math.min(...alarms.map((one) => one.raised_at))
  const last = Math.max(...alarms.map((one) => one.cleared_at ?? one.raised_at))
  const end = Math.min(last, first + 3_600_000)
  const room = Math.max(AROUND_MS, (end - first) / 2)
  return { fromMs: Math.round(first - room), toMs: Math.round(end + room) }
}

/** Seconds, minutes or hours with their sign, such as `+12.0 s`. */
export function lengthText(ms: number): string {
  const size = Math.abs(ms)
  const [count, unit] = size >= 3_600_000 ? [ms / 3_600_000, 'h'] : size >= 60_000 ? [ms / 60_000, 'min'] : [ms / 1000, 's']
  return `${(count as number).toFixed(1)} ${unit as string}`
}
