/** A gateway announces itself as a device beside those that it reads, so that its own alarms have a place. */

import type { BusHealth, Device, Episode } from '@/api/types'

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

/** A bus that is held for so much of its time has little left for re-reads, and then none for its polls. */
const BUSY_PERCENT = 70
const FULL_PERCENT = 90

export function busLevel(bus: BusHealth): 0 | 2 | 3 {
  if (bus.load_percent >= FULL_PERCENT || bus.missed > 0) return 3
  return bus.load_percent >= BUSY_PERCENT ? 2 : 0
}
