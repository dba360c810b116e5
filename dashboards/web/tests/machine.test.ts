import { describe, expect, it } from 'vitest'
import type { Device, Gateway, MachineFacts, Point, Value } from '../src/api/types'
import { busLevel } from '../src/domain/gateways'
import { counted, findings, machineState } from '../src/domain/machine'
import { curvesOf, MOST_CURVES, pitSummary, type PitRow } from '../src/domain/pitRow'
import { reading } from '../src/domain/reading'
import { strongest } from '../src/domain/weather'
import { spanStart } from '../src/domain/spans'

const NOW = 1_800_000_000_000
const point = (kind: string) => ({ id: `crane-1/${kind}`, key: kind, kind: `crane.${kind}`, unit: 't', resolution: 0.01, stale_after_ms: 2000, limits: [] }) as unknown as Point
const read = (kind: string, value: Partial<Value> | undefined) => reading(point(kind), value as Value | undefined, NOW)
const good = (kind: string, agoMs = 100) => read(kind, { at_ms: NOW - agoMs, value: 3, quality: 'good' })
const silent = (kind: string, lastAgoMs: number | null) => read(kind, {
  at_ms: NOW - 100, value: null, quality: 'timeout', last: lastAgoMs === null ? null : { at_ms: NOW - lastAgoMs, value: 3.25 },
})
const gateway = (offset: number | null, state = 'online') => ({ state, clock_offset_ms: offset }) as Gateway

describe('a machine', () => {
  it('is alive while all that it measures is good', () => {
    expect(machineState([good('load'), good('slew')], gateway(0))).toEqual({ speaking: 'live', lastGoodMs: NOW - 100, isFrozen: false, isClockOff: false })
  })
  it('is only partly there where one sensor is silent', () => {
    expect(machineState([good('load'), silent('slew', 9000)], undefined).speaking).toBe('partly')
  })
  it('is offline since its last good value, not since the last attempt', () => {
    const state = machineState([silent('load', 60_000), silent('slew', 61_000)], undefined)
    expect([state.speaking, state.lastGoodMs]).toEqual(['offline', NOW - 60_000])
  })
  it('is offline when its values are only old', () => {
    expect(machineState([good('load', 30_000)], undefined)).toMatchObject({ speaking: 'offline', lastGoodMs: NOW - 30_000 })
  })
  it('that never said anything is not called offline', () => {
    expect(machineState([read('load', undefined), silent('slew', null)], undefined).speaking).toBe('none')
  })
  it('is not blamed for a forecast or a far neighbour that says nothing', () => {
    expect(machineState([good('load'), read('group.distance', undefined)], undefined).speaking).toBe('live')
  })
  it('says that its data are frozen', () => {
    expect(machineState([read('load', { at_ms: NOW, value: null, quality: 'frozen' })], undefined).isFrozen).toBe(true)
  })
  it.each([[2500, true], [-2500, true], [1500, false], [null, false]])('whose gateway is off by %s ms has a clock that is off: %s', (offset, off) => {
    expect(machineState([good('load')], gateway(offset)).isClockOff).toBe(off)
  })
  it('does not judge the clock of a gateway that is away', () => {
    expect(machineState([good('load')], gateway(9000, 'offline')).isClockOff).toBe(false)
  })
  it('counts by the age of data', () => {
    const states = [machineState([good('load')], undefined), machineState([silent('load', 5000)], undefined), machineState([read('load', undefined)], undefined)]
    expect(counted(states)).toEqual({ live: 1, partly: 0, offline: 1, none: 1 })
  })
})

it('a value that is not good keeps what was good last', () => {
  expect(silent('load', 4000).last).toEqual({ value: 3.25, atMs: NOW - 4000 })
  expect(good('load').last).toBeNull()
})

describe('the papers of a machine', () => {
  const facts = (changes: Partial<MachineFacts>) => ({ registration_no: 'R-1', property_no: '', standing: 'in_use', is_in_use: true, expired: [], expires_on: null, finding: null, operators: [], ...changes }) as MachineFacts
  const who = (validity: string, trade = 'crane_operator') => ({ name: 'A', validity, trade }) as MachineFacts['operators'][number]
  const texts = (kind: Device['kind'], given: MachineFacts | undefined) => findings(kind, given).map((one) => one.text)

  it('are in order with a registration and an operator whose certificate holds', () => {
    expect(texts('crane', facts({ operators: [who('valid')] }))).toEqual([])
  })
  it('lack what nobody has entered', () => {
    expect(texts('crane', facts({ registration_no: '', is_in_use: false }))).toEqual(['notRegistered', 'notInUse', 'noOperator'])
    expect(texts('crane', undefined)).toEqual(['noFile'])
  })
  it('do not take a signaller for an operator, though his certificate counts', () => {
    expect(texts('crane', facts({ operators: [who('expired', 'signaller')] }))).toEqual(['operatorExpired', 'noOperator'])
  })
  it('put what has expired before what is missing', () => {
    expect(texts('hoist', facts({ expired: ['inspected'], registration_no: '', operators: [who('expired'), who('expiring')] })))
      .toEqual(['expired', 'operatorExpired', 'notRegistered', 'operatorExpiring'])
  })
  it('that contradict the gateway on a trial are said to, and gravely where its alarms call nobody', () => {
    expect(findings('pit', facts({ finding: 'on_trial_in_use' }))).toEqual([{ text: 'on_trial_in_use', level: 4, of: '' }])
    expect(texts('crane', facts({ finding: 'in_use_unrecorded', is_in_use: false, operators: [who('valid')] }))).toEqual(['in_use_unrecorded'])
  })
  it('of an instrument ask for no operator', () => {
    expect(texts('pit', facts({ registration_no: '', is_in_use: false }))).toEqual([])
    expect(texts('dust', undefined)).toEqual([])
  })
})

describe('a pit at a glance', () => {
  const row = (key: string, share: number | null, rate = 0, more: Partial<PitRow> = {}) => ({
    place: { key }, share, hoursToLimit: null, level: 0,
    rate: read('rate', { at_ms: NOW, value: rate, quality: 'good' }),
    cumulative: share === null ? silent('load', 5000) : good('load'), ...more,
  }) as unknown as PitRow
  const rows = [row('a', 0.2, -3), row('b', 0.9, 1, { hoursToLimit: 20 }), row('c', null), row('d', 0.5, 2, { hoursToLimit: 4 })]

  it('names what is nearest to its control value, what is fastest either way, what comes first, and what is unseen', () => {
    const { nearest, fastest, soonest, blind } = pitSummary(rows)
    expect([nearest?.place.key, fastest?.place.key, soonest?.place.key, blind]).toEqual(['b', 'a', 'd', 1])
  })
  it('without any points names nothing', () => {
    expect(pitSummary([])).toEqual({ nearest: null, fastest: null, soonest: null, newest: null, blind: 0 })
  })
  it('of many points draws those nearest to their control values, or the one that is chosen', () => {
    const many = Array.from({ length: 60 }, (_, index) => row(`h${index}`, index / 60))
    expect(curvesOf(many, null).map((one) => one.place.key)).toEqual(many.slice(-MOST_CURVES).map((one) => one.place.key))
    expect(curvesOf(many, 'h3').map((one) => one.place.key)).toEqual(['h3'])
    expect(curvesOf(rows, null)).toEqual(rows)
  })
})

it('the strongest wind is one that may be believed', () => {
  const wind = (value: number, quality = 'good') => read('wind_speed', { at_ms: NOW, value: quality === 'good' ? value : null, quality })
  expect(strongest([wind(3), wind(7), wind(99, 'timeout')])?.value).toBe(7)
  expect(strongest([wind(9, 'timeout')])).toBeNull()
})

it('a bus with little time left is marked, and one that misses polls is worse', () => {
  const bus = (load_percent: number, missed = 0) => busLevel({ bus: 'a', load_percent, missed } as Parameters<typeof busLevel>[0])
  expect([bus(40), bus(75), bus(95), bus(40, 3)]).toEqual([0, 2, 3, 3])
})

it('a curve over everything begins with its oldest reading', () => {
  expect(spanStart('7', NOW, [[[NOW - 5, 1]]])).toBe(NOW - 7 * 86_400_000)
  expect(spanStart('all', NOW, [[[NOW - 90 * 86_400_000, 1]], []])).toBe(NOW - 90 * 86_400_000)
  expect(spanStart('all', NOW, [])).toBe(NOW - 86_400_000)
})
