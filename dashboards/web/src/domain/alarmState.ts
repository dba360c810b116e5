/** Where an alarm stands, in the words of ANSI/ISA-18.2: from its own record and from what its gateway says of it. */

import type { AlarmRequest, Episode, Gateway, Shelf } from '@/api/types'

/** In the order in which somebody wants to see them. */
export const ALARM_STATES = [
  'unacknowledged', 'latched-unacknowledged', 'acknowledged', 'shelved', 'suppressed-by-design', 'out-of-service',
  'returned-unacknowledged', 'normal',
] as const
export type AlarmState = (typeof ALARM_STATES)[number]

/** What all gateways of a site say of alarms beyond their transitions, and what they have not confirmed yet. */
export interface HeldBack {
  shelves: Shelf[]
  /** By episode. */
  states: Record<string, Gateway['states'][string]>
  requests: AlarmRequest[]
  /** Gateways that are not there: what waits for them is sent when they are back. */
  away: Record<string, boolean>
}

export function heldBack(gateways: Gateway[]): HeldBack {
  return {
    shelves: gateways.flatMap((gateway) => gateway.shelved),
    states: Object.assign({}, ...gateways.map((gateway) => gateway.states)),
    requests: gateways.flatMap((gateway) => gateway.requests),
    away: Object.fromEntries(gateways.flatMap((gateway) => gateway.requests.map((one) => [one.id, gateway.state !== 'online']))),
  }
}

export const NOTHING_HELD: HeldBack = { shelves: [], states: {}, requests: [], away: {} }

/** A gateway that is away may not have said that a shelf is over: its time alone tells. */
export function standingShelves(held: HeldBack, nowMs: number): Shelf[] {
  return held.shelves.filter((shelf) => Date.parse(shelf.until) > nowMs)
}

export function shelfOf(alarm: Episode, held: HeldBack, nowMs: number): Shelf | null {
  return standingShelves(held, nowMs).find((shelf) => shelf.point === alarm.point && shelf.rule === alarm.rule) ?? null
}

/** An alarm that has ended is past being held back; of one that stands, holding back counts before acknowledging. */
export function alarmState(alarm: Episode, held: HeldBack, nowMs: number): AlarmState {
  if (alarm.cleared_at !== null) return alarm.acknowledged_at === null ? 'returned-unacknowledged' : 'normal'
  if (shelfOf(alarm, held, nowMs)) return 'shelved'
  return held.states[alarm.id] ?? (alarm.acknowledged_at === null ? 'unacknowledged' : 'acknowledged')
}

/** What was asked of an alarm, or of its rule, and is not confirmed yet. */
export function pendingOf(alarm: Episode, held: HeldBack): AlarmRequest[] {
  return held.requests.filter((one) => (one.kind === 'acknowledge' ? one.episode === alarm.id : one.point === alarm.point && one.rule === alarm.rule))
}

export function countStates(alarms: Episode[], held: HeldBack, nowMs: number): Partial<Record<AlarmState, number>> {
  const counts: Partial<Record<AlarmState, number>> = {}
  for (const alarm of alarms) {
    const state = alarmState(alarm, held, nowMs)
    counts[state] = (counts[state] ?? 0) + 1
  }
  return counts
}
