import { isCoded, isOccasional } from '@/domain/occasional'
import { describe, expect, it } from 'vitest'
import type { Device, Episode, Hazard, Point } from '@/api/types'
import { activeOnly, liveOf, withEpisode, withHazard, worstLevel } from '@/domain/lists'
import { basisOf, figureOf, namesOf, place } from '@/domain/names'
import { decimals, formatFigure, formatNumber, unitText } from '@/domain/numbers'
import { pitRow, withoutForecast } from '@/domain/pitRow'
import { reading } from '@/domain/reading'
import { formatElsewhere, formatInstant, zoneName } from '@/domain/time'

describe('numbers', () => {
  it('have the decimals that their resolution means', () => {
    expect([decimals(1), decimals(0.1), decimals(0.01), decimals(0.5), decimals(0)]).toEqual([0, 1, 2, 1, 0])
    expect(formatNumber(3.14159, 0.01)).toBe('3.14')
  })
  it('have no minus before a zero', () => {
    expect(formatNumber(-0.04, 0.1)).toBe('0.0')
    expect(formatNumber(-0.4, 0.1)).toBe('-0.4')
  })
  it('of unknown resolution keep at most two decimals', () => {
    expect([formatFigure(110), formatFigure(10.8), formatFigure(18.444)]).toEqual(['110', '10.8', '18.44'])
  })
  it('of a bare count have no unit', () => {
    expect([unitText('1'), unitText('mm')]).toEqual(['', 'mm'])
  })
})

describe('instants', () => {
  const at = Date.parse('2026-11-20T16:05:09Z')
  it('are told in the zone of the site', () => {
    expect(formatInstant(at, 'Asia/Shanghai', 'full')).toBe('2026-11-21 00:05:09')
    expect(formatInstant(at, 'Asia/Shanghai', 'minute')).toBe('00:05')
  })
  it('name their zone', () => {
    expect([zoneName(at, 'Asia/Shanghai'), zoneName(at, 'America/St_Johns'), zoneName(at, 'UTC')]).toEqual(['UTC+8', 'UTC-3:30', 'UTC+0'])
  })
  it('say whose they are where the reader\'s own clock differs, by another name for the same clock they do not', () => {
    expect([formatElsewhere(at, 'Asia/Shanghai', 'date', 'UTC'), formatElsewhere(at, 'Asia/Shanghai', 'long', 'Asia/Taipei')]).toEqual(['11-21 00:05 UTC+8', '2026-11-21 00:05'])
  })
})

describe('what a limit rests on', () => {
  it('is a clause, or a word of ours also where the design gives the number', () => {
    expect(basisOf({ clause: 'GB 5144 6.1.2', source: 'standard' })).toEqual({ text: 'GB 5144 6.1.2', isWord: false })
    expect(['practice', 'design'].map((source) => basisOf({ clause: 'practice', source }))).toEqual(Array(2).fill({ text: 'practice', isWord: true }))
    expect(basisOf({ clause: '', source: 'practice' })).toEqual({ text: 'practice', isWord: true })
  })
})

describe('points of one name', () => {
  const point = (kind: string, zh: string) => ({ id: kind, kind, label: { zh, en: zh } }) as unknown as Point
  const of = ['pit.displacement.horizontal', 'pit.displacement.horizontal.cumulative', 'pit.displacement.horizontal.rate'].map((kind) => point(kind, 'H1'))
  it('are told apart by what is worked out of the reading, and others are left as they are called', () => {
    expect(of.map((one) => figureOf(one, of))).toEqual(['reading', 'cumulative', 'rate'])
    expect(figureOf(of[2]!, [of[2]!, point('pit.water_level', 'W1')])).toBe(null)
  })
})

describe('lists', () => {
  const episode = (id: string, level: number, cleared: string | null = null) =>
    ({ id, level, test: false, raised_at: '2026-11-20T10:00:00Z', cleared_at: cleared }) as unknown as Episode
  it('have the worst on top and the cleared gone', () => {
    const list = activeOnly([episode('a', 2), episode('b', 4), episode('c', 3, '2026-11-20T10:01:00Z')])
    expect(list.map((one) => one.id)).toEqual(['b', 'a'])
    expect(worstLevel(list)).toBe(4)
    expect(worstLevel([])).toBe(0)
  })
  it('puts alarms of devices on trial last, and counts none of them', () => {
    const list = activeOnly([{ ...episode('shadow', 4), test: true }, episode('live', 2)])
    expect(list.map((one) => one.id)).toEqual(['live', 'shadow'])
    expect(worstLevel(list)).toBe(2)
    expect(worstLevel(list.slice(1))).toBe(0)
  })
  it('do not bring a cleared alarm back for an old message', () => {
    const cleared = episode('a', 2, '2026-11-20T10:01:00Z')
    expect(withEpisode([cleared], episode('a', 2))).toEqual([cleared])
    expect(withEpisode([episode('a', 2)], cleared)).toEqual([cleared])
  })
  it('do not forget an acknowledgement for an old message', () => {
    const acknowledged = { ...episode('a', 2), acknowledged_at: '2026-11-20T10:00:30Z', acknowledged_by: 'local' }
    expect(withEpisode([acknowledged], episode('a', 2))).toEqual([acknowledged])
    expect(withEpisode([episode('a', 2)], acknowledged)).toEqual([acknowledged])
  })
  it('have suspected major hazards before general ones', () => {
    const hazard = (id: string, level: string, worst: number) => ({ id, level, worst_level: worst, opened_at: '2026-11-20T10:00:00Z' }) as unknown as Hazard
    expect(withHazard([hazard('a', 'general', 4)], hazard('b', 'major_proposed', 3)).map((one) => one.id)).toEqual(['b', 'a'])
  })
  it('have no hazard among the open ones that has ended, and count no drill', () => {
    const hazard = (id: string, status: string, mode = 'live') => ({ id, status, mode, level: 'general', worst_level: 2, opened_at: '2026-11-20T10:00:00Z' }) as unknown as Hazard
    for (const ended of ['closed', 'rejected', 'merged']) expect(withHazard([hazard('a', 'reviewed'), hazard('b', 'candidate')], hazard('a', ended)).map((one) => one.id)).toEqual(['b'])
    expect(withHazard([], hazard('a', 'closed'))).toEqual([])
    expect(liveOf([hazard('a', 'candidate', 'drill'), hazard('b', 'candidate')]).map((one) => one.id)).toEqual(['b'])
  })
})

describe('readings', () => {
  const point = {
    id: 'c/load_ratio', key: 'load_ratio', kind: 'crane.load_ratio', unit: '%', resolution: 0.1, label: { zh: '', en: '' }, stale_after_ms: 1000,
    limits: [{ rule: 'r', level: 4 as const, limit: 110, direction: 'high' as const, label: { zh: '', en: '' } }],
  }
  it('have a level only while they are good', () => {
    const value = { at_ms: 0, value: 120, quality: 'good' }
    expect(reading(point, value, 500).level).toBe(4)
    expect(reading(point, value, 5000).level).toBe(0)
    expect(reading(point, { ...value, quality: 'timeout' }, 500).level).toBe(0)
  })
  it('of a pit name what is wrong with the sensor, not with the sum made from it', () => {
    const place = { key: 'h1', at: null, raw: { ...point, id: 'raw' }, cumulative: { ...point, id: 'cum' }, rate: null, control: point.limits[0]!, toLimit: null, toLimitLeast: null, toLimitMost: null, toFailure: { ...point, id: 'failure', kind: 'pit.creep.hours_to_failure' }, toFailureLeast: null, creepState: null }
    const row = pitRow(place, {
      raw: { at_ms: 0, value: null, quality: 'timeout' }, cum: { at_ms: 0, value: 5, quality: 'bad_input' },
    }, 500)
    expect(row.cumulative?.judgement.reason).toBe('timeout')
    expect(row.share).toBeNull()
    expect(row.hoursToFailure).toBeNull()
    expect(pitRow(place, { failure: { at_ms: 400, value: 7, quality: 'good' } }, 500).hoursToFailure).toBe(7)
  })
})

describe('what is forecast of a pit', () => {
  const point = (id: string) => ({ id, kind: 'pit.x', resolution: 0.1, stale_after_ms: 1000, limits: [] }) as unknown as Point
  const place = {
    key: 'h1', at: null, raw: null, cumulative: null, rate: null, control: null, toLimit: point('limit'), toLimitLeast: point('least'),
    toLimitMost: point('most'), toFailure: point('failure'), toFailureLeast: point('earliest'), creepState: point('state'),
  }
  const said = (values: Record<string, number>, quality = 'good') =>
    pitRow(place, Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { at_ms: 0, value, quality }])), 500)
  it('comes with its bounds', () => {
    const row = said({ limit: 12, least: 8, most: 20, failure: 40, earliest: 30, state: 5 })
    expect([row.hoursToLimit, row.limitBounds, row.hoursToFailure, row.leastToFailure, row.motion]).toEqual([12, { least: 8, most: 20 }, 40, 30, 'failing'])
    expect(withoutForecast([row])).toEqual([])
  })
  it('says why there is none', () => {
    expect(withoutForecast([said({ state: 1 }), said({}), said({ state: 1 })])).toEqual([
      { motion: 'unknown', keys: ['h1'] }, { motion: 'still', keys: ['h1', 'h1'] },
    ])
  })
  it('is nothing where it is bad or old', () => {
    expect([said({ limit: 12, state: 2 }, 'bad_input').hoursToLimit, said({ state: 2 }, 'bad_input').motion]).toEqual([null, 'unknown'])
  })
})

describe('where an alarm is', () => {
  const point = (id: string, kind: string, zh: string) => ({ id, kind, label: { zh, en: zh } })
  const names = namesOf([
    { id: 'pit-1', label: { zh: 'P', en: 'Pit 1' }, points: [point('pit-1/h1', 'pit.x', 'H1'), point('pit-1/h2', 'pit.x', 'H2')] },
    { id: 'crane-1', label: { zh: 'C', en: 'Crane 1' }, points: [point('crane-1/load', 'crane.load', 'Load')] },
  ] as unknown as Device[])
  it('names the point where the device has several of its kind', () => {
    expect(place(names, 'pit-1', 'pit-1/h2').en).toBe('Pit 1, H2')
  })
  it('names the device alone where that says it', () => {
    expect(place(names, 'crane-1', 'crane-1/load').en).toBe('Crane 1')
  })
  it('falls back to the id of a device that is gone', () => {
    expect(place(names, 'crane-9', 'crane-9/load').zh).toBe('crane-9')
  })
})

describe('points that speak only at times', () => {
  it('are forecasts, windows, a mast at rest and far neighbours, never a sensor', () => {
    const occasional = ['pit.creep.state', 'pit.time_to_limit.least', 'crane.wind_speed.gust', 'crane.verticality', 'crane.group.distance']
    expect(occasional.every(isOccasional)).toBe(true)
    expect(['crane.load', 'crane.load_ratio', 'crane.wind_speed', 'pit.displacement.horizontal.rate', 'gas.co'].some(isOccasional)).toBe(false)
  })
  it('and some numbers stand for a name', () => {
    expect(['crane.group.distance.partner', 'crane.zone.nearest', 'crane.moving'].every(isCoded)).toBe(true)
    expect(['crane.group.distance', 'crane.load'].some(isCoded)).toBe(false)
  })
})
