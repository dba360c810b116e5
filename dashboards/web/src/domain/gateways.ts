/** A gateway announces itself as a device beside those that it reads, so that its own alarms have a place. */

import type { Device, Episode } from '@/api/types'

/** What stands on the site: less the gateways, which have a panel of their own. */
export const machines = (devices: Device[]): Device[] => devices.filter((device) => device.profile !== 'gateway')

export interface ClockSet {
  fromMs: number
  toMs: number
}

/** Of an alarm that a gateway's clock was set: what it said before and after; its peak is the step in seconds. */
export function clockSet(alarm: Episode): ClockSet | null {
  if (!alarm.kind.startsWith('gateway.clock_')) return null
  const toMs = Date.parse(alarm.raised_at)
  return { fromMs: toMs - alarm.peak * 1000, toMs }
}
