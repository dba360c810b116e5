import { expect, test } from 'vitest'
import { gravest, lastDay, monthAfter, weeksOf } from '@/domain/dutyCalendar'

test('months follow one another over the year', () => {
  expect(monthAfter('2026-12-01', 1)).toBe('2027-01-01')
  expect(monthAfter('2026-01-01', -1)).toBe('2025-12-01')
  expect(lastDay('2028-02-01')).toBe('2028-02-29')
})

test('a sheet has every day once, in its column', () => {
  const weeks = weeksOf('2026-11-01')
  expect(weeks.every((week) => week.length === 7)).toBe(true)
  // 1 November 2026 is a Sunday.
  expect(weeks[0]).toEqual([null, null, null, null, null, null, '2026-11-01'])
  expect(weeks.flat().filter(Boolean)).toHaveLength(30)
})

test('what was missed colours a day whatever else was done', () => {
  expect(gravest(['done', 'missed', 'noted'])).toBe('missed')
  expect(gravest([])).toBeNull()
})
