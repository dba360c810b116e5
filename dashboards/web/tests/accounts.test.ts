import { describe, expect, it } from 'vitest'
import type { Assignment, RolesExplained } from '@/api/types'
import { askedOf, daysLeft, filterFrom, NO_FILTER, queryOf, type AccountFilter } from '@/domain/accounts'
import { bySide, groupOf, permissionGroups } from '@/domain/roles'

const NOW = Date.parse('2026-11-27T08:00:00Z')
const given = (fields: object) => ({ valid_until: null, is_over: false, ...fields }) as Assignment

describe('a filter of accounts', () => {
  const narrowed: AccountFilter = { search: 'wang', state: 'without_second_factor', role: 'viewer', place: 'site/a/b' }
  it('comes back from the address as it went there', () => {
    expect(filterFrom(queryOf(narrowed))).toEqual(narrowed)
    expect(queryOf(NO_FILTER)).toEqual({})
    expect(filterFrom({})).toEqual(NO_FILTER)
  })
  it('narrows nothing by what nobody could have chosen', () => {
    expect(filterFrom({ state: 'lost', place: 'moon/3', role: ['a', 'b'] })).toEqual(NO_FILTER)
  })
  it('asks for a node or a site by its own name', () => {
    expect(askedOf(narrowed)).toEqual({ search: 'wang', role: 'viewer', state: 'without_second_factor', site: 'a/b' })
    expect(askedOf({ ...NO_FILTER, place: 'node/3' })).toEqual({ search: null, role: null, state: null, node: '3' })
  })
})

describe('a role with an end', () => {
  it.each([
    ['2026-11-27T20:00:00Z', 0], ['2026-11-30T20:00:00Z', 3], ['2027-11-30T20:00:00Z', null], ['2026-11-20T20:00:00Z', null],
  ])('until %s is marked by its days', (until, days) => { expect(daysLeft(given({ valid_until: until }), NOW)).toBe(days) })
  it('is not marked where it is over, or has none', () => {
    expect(daysLeft(given({ valid_until: '2026-11-30T20:00:00Z', is_over: true }), NOW)).toBeNull()
    expect(daysLeft(given({}), NOW)).toBeNull()
  })
})

describe('the table of roles', () => {
  const text = (zh: string) => ({ zh, en: zh })
  const role = (name: string, side: string, permissions: string[]) => ({ name, side, permissions, gives: [], label: text(name) })
  const found = {
    source: text(''), permissions: { 'live.view': text('看'), 'hazards.file': text('上报'), 'fresh.deed': text('新') },
    roles: [role('a', 'authority', ['live.view']), role('b', 'contractor', ['hazards.file']), role('c', 'authority', [])],
  } as unknown as RolesExplained
  const rows = (letters = '') => permissionGroups(found, (one) => one.zh, letters).map(({ group, rows: its }) => [group, ...its.map((row) => row.name)])
  it('has every permission once, and one of no known group too', () => {
    expect(rows()).toEqual([['see', 'live.view'], ['hazards', 'hazards.file'], ['other', 'fresh.deed']])
    expect(groupOf('hazards.view')).toBe('see')
  })
  it('is narrowed by letters of a permission', () => { expect(rows('上报')).toEqual([['hazards', 'hazards.file']]) })
  it('has those of one side beside one another', () => {
    expect(bySide(found.roles).map((side) => side.roles.map((one) => one.name))).toEqual([['a', 'c'], ['b']])
  })
})
