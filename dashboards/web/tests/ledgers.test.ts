import { describe, expect, it } from 'vitest'
import { daysUntil, fromField, inTenThousand, toField } from '@/domain/ledgers'

const NOW = Date.parse('2026-11-20T10:00:00Z')

describe('days until a due date', () => {
  it('counts whole days that are left, and every day begun that is late', () => {
    expect(daysUntil('2026-11-22T09:00:00Z', NOW)).toBe(1)
    expect(daysUntil('2026-11-20T11:00:00Z', NOW)).toBe(0)
    expect(daysUntil('2026-11-20T09:00:00Z', NOW)).toBe(-1)
    expect(daysUntil('2026-11-18T09:00:00Z', NOW)).toBe(-3)
  })
})

describe('an instant in a field', () => {
  it('comes back as it went in, to the minute', () => {
    expect(fromField(toField(NOW))).toBe('2026-11-20T10:00:00.000Z')
    expect(fromField('soon')).toBeNull()
  })
})

describe('yuan in ten thousand', () => {
  it('is rounded once, and exact where floating point is not', () => {
    expect(inTenThousand('12345.67')).toBe('1.23')
    expect(inTenThousand('12350.00')).toBe('1.24')
    expect(inTenThousand('9999999999.99')).toBe('1000000.00')
    expect(inTenThousand('0')).toBe('0.00')
  })
})
