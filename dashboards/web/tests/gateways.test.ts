import { describe, expect, it } from 'vitest'
import type { Device, Episode } from '../src/api/types'
import { clockSet, machines } from '../src/domain/gateways'

const device = (id: string, profile: string) => ({ id, profile }) as Device
const alarm = (kind: string, peak: number) => ({ kind, peak, raised_at: '2026-03-01T08:00:00Z' }) as Episode
const AT_MS = Date.parse('2026-03-01T08:00:00Z')

describe('what a gateway says of itself', () => {
  it('is no machine of the site', () => {
    const found = machines([device('crane-1', 'reference-tower-crane'), device('gw-1', 'gateway')])
    expect(found.map((one) => one.id)).toEqual(['crane-1'])
  })

  it('tells from when to when its clock was set', () => {
    expect(clockSet(alarm('gateway.clock_step', 3600))).toEqual({ fromMs: AT_MS - 3_600_000, toMs: AT_MS })
    expect(clockSet(alarm('gateway.clock_first_set', -5))).toEqual({ fromMs: AT_MS + 5_000, toMs: AT_MS })
    expect(clockSet(alarm('crane.load_ratio', 104))).toBeNull()
  })
})
