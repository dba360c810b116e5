import { describe, expect, it } from 'vitest'
import { chosenOf, queryOf, untilDue } from '@/domain/territory'

describe('filters of the list over all sites', () => {
  it('stand in the address as they were chosen', () => {
    const query = { status: 'closed', level: 'major', site: 'demo', category: '基坑', overdue: 'true', listed: 'true', mode: 'drill' }
    expect(queryOf(chosenOf(query))).toEqual(query)
  })
  it('are none where the address says something that there is not', () => {
    expect(queryOf(chosenOf({ status: 'gone', level: ['major'], overdue: 'perhaps', mode: 'live', site: '' }))).toEqual({})
  })
})

describe('a date', () => {
  it('lies ahead, or was missed', () => {
    const due = '2026-11-20T10:00:00.000Z'
    expect(untilDue(due, Date.parse(due) - 1000)).toEqual({ late: false, ms: 1000 })
    expect(untilDue(due, Date.parse(due) + 1000)).toEqual({ late: true, ms: 1000 })
    expect(untilDue(null, 0)).toBeNull()
  })
})
