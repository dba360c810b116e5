import { describe, expect, it } from 'vitest'
import type { GatewayAccess } from '../src/api/types'
import { actOf, commandOf, countdown, endsSoon, mayRevoke } from '../src/domain/enrolment'

const gateway = (standing: GatewayAccess['standing']) => ({ standing }) as GatewayAccess

describe('what may be done with a gateway', () => {
  it('depends on how it stands', () => {
    expect(actOf(gateway('not_enrolled'))).toBe('enrol')
    expect(actOf(gateway('handed_out'))).toBe('enrol')
    expect(actOf(gateway('enrolled'))).toBe('rotate')
    expect(actOf(gateway('revoked'))).toBe('again')
    expect(actOf(gateway('expired'))).toBe('again')
    expect(actOf(gateway('retired'))).toBeNull()
  })
  it('is to shut it out unless it is out, also one that got its password by hand', () => {
    expect((['not_enrolled', 'handed_out', 'enrolled', 'revoked', 'retired'] as const).map((one) => mayRevoke(gateway(one))))
      .toEqual([true, true, true, false, false])
  })
})

describe('a certificate', () => {
  const day = 86_400_000
  const held = { issued_at: new Date(0).toISOString(), certificate_ends_at: new Date(90 * day).toISOString() } as GatewayAccess
  it('should have been renewed when a quarter of its life is left', () => {
    expect([60, 67, 68, 91].map((days) => endsSoon(held, days * day))).toEqual([false, false, true, true])
  })
  it('is nothing to a gateway with a password', () => {
    expect(endsSoon({ issued_at: new Date(0).toISOString(), certificate_ends_at: null } as GatewayAccess, 99 * day)).toBe(false)
  })
})

describe('a code', () => {
  it('counts down to nothing and no further', () => {
    expect([900_000, 61_000, 60_001, 999, 0, -5_000].map((left) => countdown(left, 0))).toEqual(['15:00', '1:01', '1:01', '0:01', '0:00', '0:00'])
  })
  it('stands in the command that is typed on the gateway', () => {
    expect(commandOf('https://cloud', 'K7QF-3M9X-PW4T')).toMatch(/edge enrol https:\/\/cloud K7QF-3M9X-PW4T$/)
  })
})
