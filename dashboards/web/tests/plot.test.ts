import { describe, expect, it } from 'vitest'
import type { Limit, Series } from '@/api/types'
import { dragged, holesOf, joined, lineOf, moved, pathOf, queryOf, timeTicks, valueAt, valueAxis, viewOf, zoomed } from '@/domain/plot'

const series = (given: Partial<Series> & { t: number[]; min: (number | null)[] }): Series => ({
  point: 'crane-1/load', unit: 't', from_ms: 0, to_ms: 100, level: 'raw', computed_to_ms: null, bucket_ms: 0, max: given.min,
  first: given.min, last: given.min, n: given.min.map((value) => (value === null ? 0 : 1)), good: [], quality: given.min.map(() => ''),
  gaps: [], alarms: [], raw: true, ...given,
})
const limit = (value: number): Limit => ({ limit: value, level: 3, direction: 'high', rule: 'x', label: { zh: '', en: '' } }) as unknown as Limit

describe('a span', () => {
  const span = { fromMs: 1_000_000, toMs: 2_000_000 }
  it('is zoomed around the instant under the cursor, which stays where it is', () => {
    expect(zoomed(span, 0.5, 1_250_000, 9e9)).toEqual({ fromMs: 1_125_000, toMs: 1_625_000 })
    expect(zoomed(span, 2, 1_250_000, 9e9)).toEqual({ fromMs: 750_000, toMs: 2_750_000 })
  })
  it('is never shorter than can be read, nor beyond now', () => {
    const near = zoomed(span, 1e-9, 1_500_000, 9e9)
    expect(near.toMs - near.fromMs).toBe(10_000)
    expect(zoomed(span, 2, 1_500_000, 2_000_000)).toEqual({ fromMs: 0, toMs: 2_000_000 })
    expect(moved(span, 0.5, 2_100_000)).toEqual({ fromMs: 1_100_000, toMs: 2_100_000 })
  })
  it('is dragged either way', () => {
    expect(dragged(200_000, 100_000)).toEqual({ fromMs: 100_000, toMs: 200_000 })
    expect(dragged(100_000, 101_000)).toEqual({ fromMs: 95_500, toMs: 105_500 })
    expect(dragged(5, 5)).toBeNull()
  })
})

describe('a line', () => {
  it('of buckets runs through the first, both extremes and the last', () => {
    const rising = series({ t: [0], bucket_ms: 30, min: [1], max: [9], first: [2], last: [8] })
    expect(lineOf(rising).map(([, value]) => value)).toEqual([2, 1, 9, 8])
    expect(lineOf({ ...rising, first: [8], last: [2] }).map(([, value]) => value)).toEqual([8, 9, 1, 2])
  })
  it('is one path, broken at gaps, with a dot for a reading alone', () => {
    const line = lineOf(series({ t: [0, 1, 2, 3], min: [1, 2, null, 5] }))
    expect(pathOf(line, (ms) => ms * 10, (value) => value)).toBe('M0.0 1.0L10.0 2.0M30.0 5.0h0')
  })
  it('of twelve thousand corners takes no time to speak of', () => {
    const t = Array.from({ length: 2000 }, (_, i) => i * 30)
    const long = series({ t, bucket_ms: 30, min: t.map(() => 1), max: t.map(() => 9), first: t.map(() => 2), last: t.map(() => 8) })
    expect(lineOf(long)).toHaveLength(8000)
    expect(pathOf(lineOf(long), (ms) => ms, (value) => value).match(/M/g)).toHaveLength(1)
  })
})

describe('holes', () => {
  it('say why there is nothing', () => {
    const answer = series({
      t: [0, 10, 20, 30, 40, 50, 60], min: [1, null, 2, null, 3, null, 4], n: [1, 0, 1, 1, 1, 0, 1], quality: ['good', '', 'good', 'timeout', 'good', '', 'good'],
      gaps: [{ from_ms: 45, to_ms: 55, lost: 7, reason: 'evicted' }],
    })
    expect(holesOf(answer).map(({ kind, reason, fromMs, toMs }) => [kind, reason, fromMs, toMs])).toEqual([
      ['lost', 'evicted', 45, 55], ['silent', '', 0, 20], ['bad', 'timeout', 20, 40],
    ])
  })
  it('of several points are one', () => {
    const gap = { from_ms: 45, to_ms: 55, lost: 7, reason: 'evicted' as const }
    const both = ['a/x', 'a/y'].flatMap((point) => holesOf(series({ point, t: [0], min: [1], gaps: [gap] })))
    expect(joined(both)).toMatchObject([{ points: ['a/x', 'a/y'], lost: 7 }])
  })
})

describe('the cursor', () => {
  it('tells the reading under it, and nothing in a hole', () => {
    const raw = series({ t: [0, 1000, 2000, 3000], min: [1, 2, null, 4] })
    expect([0, 1500, 2500, 3500].map((at) => valueAt(raw, at)?.low ?? null)).toEqual([1, 2, null, 4])
    expect([-1, 90_000].map((at) => valueAt(raw, at))).toEqual([null, null])
  })
  it('tells both ends of a bucket', () => {
    const buckets = series({ t: [0, 90], bucket_ms: 30, min: [1, 2], max: [9, 2], n: [30, 30] })
    expect(valueAt(buckets, 29)).toEqual({ atMs: 0, low: 1, high: 9, n: 30 })
    expect(valueAt(buckets, 30)).toBeNull()
  })
})

describe('axes', () => {
  it('have their ticks on the clocks of the site', () => {
    const from = Date.parse('2026-11-20T10:07:00Z')
    const ticks = timeTicks({ fromMs: from, toMs: from + 86_400_000 }, 'Asia/Shanghai', 8)
    expect(ticks.map((tick) => tick.text)).toEqual(['21:00', '11-21', '03:00', '06:00', '09:00', '12:00', '15:00', '18:00'])
    expect(ticks[1]).toMatchObject({ isDay: true, atMs: Date.parse('2026-11-20T16:00:00Z') })
    expect(timeTicks({ fromMs: from, toMs: from + 30_000 }, 'Asia/Shanghai', 4).map((tick) => tick.text)).toEqual(['18:07:00', '18:07:10', '18:07:20', '18:07:30'])
  })
  it('end on whole steps, and at nothing where the values begin near it', () => {
    expect(valueAxis([[[0, 61], [1, 118]]], [], 0.1)).toMatchObject({ low: 40, high: 140 })
    expect(valueAxis([[[0, 0.5], [1, 20]]], [], 0.1).low).toBe(0)
  })
  it('follow clocks that are put forward', () => {
    const from = Date.parse('2026-03-28T23:00:00Z')
    const texts = timeTicks({ fromMs: from, toMs: from + 12 * 3_600_000 }, 'Europe/Berlin', 6).map((tick) => tick.text)
    expect(texts).toEqual(['03-29', '03:00', '04:00', '06:00', '08:00', '10:00', '12:00'])
  })
  it('have limits in the picture as long as they leave the line its shape', () => {
    expect(valueAxis([[[0, 10], [1, 20]]], [limit(25)], 0.1)).toMatchObject({ low: 5, high: 30 })
    expect(valueAxis([[[0, 10], [1, 20]]], [limit(500)], 0.1).high).toBeLessThan(30)
    expect(valueAxis([[[0, 10], [1, 20]]], [limit(500)], 0.1, true).high).toBeGreaterThanOrEqual(500)
    expect(valueAxis([[]], [], 0.1)).toMatchObject({ low: 0 })
    expect(valueAxis([[[0, 3]]], [], 0.1).ticks.length).toBeGreaterThan(2)
  })
})

describe('the address', () => {
  it('tells the whole view, and comes back as it was', () => {
    const known = ['a/x', 'a/y']
    const fixed = { points: ['a/y', 'a/x'], span: '7d', range: { fromMs: 1_790_000_000_000, toMs: 1_790_000_100_000 } }
    expect(viewOf(queryOf(fixed), known)).toEqual(fixed)
    const following = { points: [], span: '1d', range: null }
    expect(queryOf(following)).toEqual({})
    expect(viewOf({}, known)).toEqual(following)
  })
  it('is not believed where it makes no sense', () => {
    expect(viewOf({ points: 'b/z,a/x,a/x', span: 'constructor', from: '2026-01-02', to: '2026-01-01' }, ['a/x'])).toEqual({ points: ['a/x'], span: '1d', range: null })
  })
})
