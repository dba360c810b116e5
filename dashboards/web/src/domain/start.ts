/** Setting a site up: which of the steps are done follows from what there is, so that it can be left and resumed anywhere. */

import type { Access, Channels, GatewayAccess } from '@/api/types'
import type { Reading } from './reading'

export const START_STEPS = ['account', 'site', 'gateway', 'points', 'notices'] as const
export type StartStep = (typeof START_STEPS)[number]
export type SiteStep = Exclude<StartStep, 'account'>

export interface StartFacts {
  /** There is a site. */
  site: boolean
  access: Access | null
  readings: readonly Reading[]
  channels: Channels | null
}

/** Done is what somebody has seen work: a gateway that spoke, a value that is good, a test that the other side took. */
export function stepsDone(facts: StartFacts): ReadonlySet<StartStep> {
  const done = new Set<StartStep>(['account'])
  if (!facts.site) return done
  done.add('site')
  if (facts.access?.items.some((one) => one.state === 'online' && one.standing !== 'retired')) done.add('gateway')
  if (facts.readings.some((one) => one.judgement.state === 'good')) done.add('points')
  if (facts.channels?.items.some((one) => one.is_on && one.last?.state === 'sent')) done.add('notices')
  return done
}

/** The first that is not done; the last one where all are. */
export function firstOpen(done: ReadonlySet<StartStep>): SiteStep {
  return (START_STEPS.find((step) => !done.has(step)) ?? 'notices') as SiteStep
}

/** How far a gateway has come: what the page waits for, and says when it has happened. */
export type Progress = 'nothing' | 'code' | 'handed_out' | 'enrolled' | 'online' | 'offline'

export function progressOf(gateway: GatewayAccess): Progress {
  if (gateway.state === 'online') return 'online'
  if (gateway.standing === 'handed_out') return 'handed_out'
  if (gateway.standing === 'enrolled') return gateway.seen_at ? 'offline' : 'enrolled'
  return gateway.code_expires_at ? 'code' : 'nothing'
}

/** Why there is no value to look at, from the gateway outwards; nothing where there are devices. */
export type Absence = 'no_gateway' | 'not_heard' | 'gone' | 'no_device'

export function absence(access: Access | null, devices: number): Absence | null {
  if (devices > 0) return null
  const gateways = (access?.items ?? []).filter((one) => one.standing !== 'retired' && one.standing !== 'revoked')
  if (gateways.some((one) => one.state === 'online')) return 'no_device'
  if (gateways.some((one) => one.seen_at)) return 'gone'
  return gateways.some((one) => one.standing === 'enrolled' || one.standing === 'handed_out') ? 'not_heard' : 'no_gateway'
}

/** What is the matter with a point's value, in a word that the pages have a mend for; nothing where it is good. */
export function troubleOf(reading: Reading): string | null {
  const { state, reason } = reading.judgement
  if (state === 'good') return null
  return state === 'bad' ? (reason ?? 'bad') : state
}

/** The troubles of a device, each with the number of points that have it, the most frequent first. */
export function troubles(readings: readonly Reading[]): [string, number][] {
  const found = new Map<string, number>()
  for (const reading of readings) {
    const trouble = troubleOf(reading)
    if (trouble) found.set(trouble, (found.get(trouble) ?? 0) + 1)
  }
  return [...found].sort((a, b) => b[1] - a[1])
}
