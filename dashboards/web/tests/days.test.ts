import { describe, expect, it } from 'vitest'
import { dayAfter, dayOf, readDay } from '@/domain/days'

describe('days', () => {
  it('are those of the site', () => {
    const at = Date.parse('2026-11-20T16:05:09Z')
    expect([dayOf(at, 'Asia/Shanghai'), dayOf(at, 'UTC')]).toEqual(['2026-11-21', '2026-11-20'])
  })
  it('follow each other by the calendar', () => {
    expect([dayAfter('2026-02-28', 1), dayAfter('2026-01-01', -1), dayAfter('2028-02-28', 1)]).toEqual(['2026-03-01', '2025-12-31', '2028-02-29'])
  })
  it('are real ones', () => {
    expect([readDay('2026-02-29'), readDay('2026-2-1'), readDay(undefined), readDay('2026-02-28')]).toEqual([null, null, null, '2026-02-28'])
  })
})
