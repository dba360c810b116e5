import { describe, expect, it } from 'vitest'
import type { AlarmRequest, Episode, Gateway, Shelf } from '@/api/types'
import { alarmState, countStates, heldBack, NOTHING_HELD, pendingOf, shelfOf, standingShelves } from '@/domain/alarmState'

const NOW = Date.parse('2026-11-20T10:00:00Z')
const alarm = (changes: Partial<Episode> = {}) => ({
  id: 'a', point: 'crane-1/load', rule: 'overload', cleared_at: null, acknowledged_at: null, ...changes,
}) as Episode
const shelf = (changes: Partial<Shelf> = {}) => ({ point: 'crane-1/load', rule: 'overload', until: '2026-11-20T11:00:00Z', ...changes }) as Shelf
const request = (changes: Partial<AlarmRequest>) => ({ id: 'r', episode: 'a', point: 'crane-1/load', rule: 'overload', kind: 'acknowledge', ...changes }) as AlarmRequest
const gateway = (changes: Partial<Gateway>) => ({ id: 'gw', state: 'online', shelved: [], states: {}, requests: [], ...changes }) as Gateway

const ACKNOWLEDGED = { acknowledged_at: '2026-11-20T09:00:00Z' }
const CLEARED = { cleared_at: '2026-11-20T09:30:00Z' }

describe('the state of an alarm', () => {
  it.each([
    ['unacknowledged', alarm(), {}],
    ['acknowledged', alarm(ACKNOWLEDGED), {}],
    ['returned-unacknowledged', alarm(CLEARED), {}],
    ['normal', alarm({ ...CLEARED, ...ACKNOWLEDGED }), {}],
    ['latched-unacknowledged', alarm(), { states: { a: 'latched-unacknowledged' as const } }],
    ['suppressed-by-design', alarm(ACKNOWLEDGED), { states: { a: 'suppressed-by-design' as const } }],
    ['out-of-service', alarm(), { states: { a: 'out-of-service' as const } }],
    ['shelved', alarm(), { shelved: [shelf()] }],
    ['shelved', alarm(ACKNOWLEDGED), { shelved: [shelf()], states: { a: 'suppressed-by-design' as const } }],
    ['returned-unacknowledged', alarm(CLEARED), { shelved: [shelf()] }],
  ])('is %s', (state, one, told) => {
    expect(alarmState(one, heldBack([gateway(told)]), NOW)).toBe(state)
  })
  it('is unacknowledged again where it got worse after somebody had acknowledged it', () => {
    expect(alarmState(alarm(ACKNOWLEDGED), heldBack([gateway({ states: { a: 'unacknowledged' } })]), NOW)).toBe('unacknowledged')
  })
  it('is not shelved by the shelf of another rule or point, nor by one whose time is over', () => {
    const others = heldBack([gateway({ shelved: [shelf({ rule: 'wind' }), shelf({ point: 'crane-2/load' })] })])
    expect(alarmState(alarm(), others, NOW)).toBe('unacknowledged')
    const over = heldBack([gateway({ state: 'offline', shelved: [shelf({ until: '2026-11-20T10:00:00Z' })] })])
    expect(alarmState(alarm(), over, NOW)).toBe('unacknowledged')
    expect([shelfOf(alarm(), over, NOW), standingShelves(over, NOW)]).toEqual([null, []])
  })
  it('is counted', () => {
    expect(countStates([alarm(), alarm(ACKNOWLEDGED), alarm()], NOTHING_HELD, NOW)).toEqual({ unacknowledged: 2, acknowledged: 1 })
  })
})

describe('what waits for a gateway', () => {
  const held = heldBack([
    gateway({ requests: [request({ id: 'r1' }), request({ id: 'r2', kind: 'shelve', episode: 'older' })] }),
    gateway({ id: 'gw-2', state: 'offline', requests: [request({ id: 'r3', episode: 'b', point: 'pit-1/h1' })] }),
  ])
  it('is an acknowledgement of this alarm alone, and a shelf of its rule', () => {
    expect(pendingOf(alarm(), held).map((one) => one.id)).toEqual(['r1', 'r2'])
    expect(pendingOf(alarm({ id: 'c' }), held).map((one) => one.id)).toEqual(['r2'])
  })
  it('says whether its gateway is away', () => {
    expect(held.away).toEqual({ r1: false, r2: false, r3: true })
  })
})
