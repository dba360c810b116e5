import { describe, expect, it } from 'vitest'
import { blockSide } from '@/domain/masks'
import { dayHere, minuteHere } from '@/domain/here'

describe('what is covered', () => {
  it('has five blocks across at most, and none that is fine', () => {
    for (const [width, height] of [[40, 50], [300, 80], [1600, 1200]] as const) {
      const side = blockSide(width, height)
      expect(Math.ceil(Math.min(width, height) / side)).toBeLessThanOrEqual(5)
      expect(side).toBeGreaterThanOrEqual(16)
    }
  })
})

describe('an instant of no site', () => {
  it('is shown by the clock of whoever looks', () => {
    expect(minuteHere('2026-11-26T17:30:00Z', 'Asia/Shanghai')).toBe('2026-11-27 01:30')
    expect(dayHere('2026-11-26T17:30:00Z', 'Asia/Shanghai')).toBe('2026-11-27')
  })
})
