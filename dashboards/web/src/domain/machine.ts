/** How a machine as a whole may be believed: whether it speaks, since when not, and what is odd about its data. */

import type { Device, Gateway, MachineFacts } from '@/api/types'
import { isCoded, isOccasional } from './occasional'
import type { Reading } from './reading'

/** `live`: all that it measures is good; `partly`: some of it; `offline`: nothing any more; `none`: nothing ever. */
export type Speaking = 'live' | 'partly' | 'offline' | 'none'

export interface MachineState {
  speaking: Speaking
  /** Of what was good last, by its source's clock. */
  lastGoodMs: number | null
  isFrozen: boolean
  isClockOff: boolean
}

/** Beyond it a gateway's clock is said to be off. */
export const CLOCK_TOLERANCE_MS = 2000

/** What a machine measures all the time: of the rest silence says nothing. */
export const steady = (readings: Reading[]): Reading[] =>
  readings.filter(({ point }) => !isOccasional(point.kind) && !isCoded(point.kind))

export function machineState(readings: Reading[], gateway: Gateway | undefined): MachineState {
  const own = steady(readings)
  const good = own.filter((one) => one.judgement.state === 'good')
  const ever = own.flatMap((one) => lastGoodMs(one) ?? [])
  return {
    speaking: good.length === 0 ? (ever.length ? 'offline' : 'none') : good.length === own.length ? 'live' : 'partly',
    lastGoodMs: ever.length ? Math.max(...ever) : null,
    isFrozen: own.some((one) => one.judgement.reason === 'frozen'),
    isClockOff: own.some((one) => one.judgement.reason === 'clock') || isClockOff(gateway),
  }
}

function lastGoodMs(one: Reading): number | null {
  if (one.judgement.state === 'good' || one.judgement.state === 'stale') return one.atMs
  return one.last?.atMs ?? null
}

export function isClockOff(gateway: Gateway | undefined): boolean {
  const offset = gateway?.clock_offset_ms
  return gateway?.state === 'online' && offset !== null && offset !== undefined && Math.abs(offset) > CLOCK_TOLERANCE_MS
}

/** How many machines speak, by the age of their data. */
export function counted(states: MachineState[]): Record<Speaking, number> {
  const counts = { live: 0, partly: 0, offline: 0, none: 0 }
  for (const state of states) counts[state.speaking] += 1
  return counts
}

/** What an inspector would object to in a machine's papers, with how grave it is. */
export interface Finding {
  text: 'noFile' | 'on_trial_in_use' | 'in_use_unrecorded' | 'notRegistered' | 'notInUse' | 'expired' | 'noOperator' | 'operatorExpired' | 'operatorNotYet' | 'operatorExpiring'
  level: 2 | 3 | 4
  /** Which step of its life, or whose certificate. */
  of: string
}

/** Machines that lift are registered for use and worked by people with a certificate. */
const LIFTING: readonly Device['kind'][] = ['crane', 'hoist']
export const isLifting = (kind: Device['kind']): boolean => LIFTING.includes(kind)

/** Who drives it, of all who are bound to it: a signaller's certificate lets nobody into the cab. */
export const drivers = (facts: MachineFacts): MachineFacts['operators'] =>
  facts.operators.filter(({ trade }) => trade === 'crane_operator' || trade === 'hoist_operator')

export function findings(kind: Device['kind'], facts: MachineFacts | undefined): Finding[] {
  const lifts = isLifting(kind)
  if (!facts) return lifts ? [{ text: 'noFile', level: 3, of: '' }] : []
  const found: Finding[] = facts.expired.map((step) => ({ text: 'expired', level: 4, of: step }))
  if (facts.finding) found.push({ text: facts.finding, level: facts.finding === 'on_trial_in_use' ? 4 : 2, of: '' })
  if (!lifts) return found
  if (!facts.registration_no) found.push({ text: 'notRegistered', level: 3, of: '' })
  if (!facts.is_in_use && !facts.finding) found.push({ text: 'notInUse', level: 3, of: '' })
  if (!drivers(facts).length) found.push({ text: 'noOperator', level: 3, of: '' })
  for (const { name, validity } of facts.operators) {
    if (validity === 'expired') found.push({ text: 'operatorExpired', level: 4, of: name })
    if (validity === 'not_yet') found.push({ text: 'operatorNotYet', level: 4, of: name })
    if (validity === 'expiring') found.push({ text: 'operatorExpiring', level: 2, of: name })
  }
  return found.sort((a, b) => b.level - a.level)
}
