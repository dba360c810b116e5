import { describe, expect, it } from 'vitest'
import type { Episode, Series } from '@/api/types'
import { axisEnd, shifted, trendOption, unshifted, type Trend } from '@/components/chartOption'
import { fittingMinutes, spanAround, spanOf, spanQuery, worstPoint } from '@/domain/evidence'
import { appendLive, continueLive, evidencePoints, linePoints } from '@/domain/series'

const series = (t: number[], min: (number | null)[], max: (number | null)[]): Series => ({
  point: 'p', unit: 'mm', from_ms: 0, to_ms: 10, bucket_ms: 1, t, min, max, raw: false,
})

describe('lines', () => {
  it('keep a gap as a gap', () => {
    expect(linePoints(series([1, 2, 3], [5, null, 6], [5, null, 6]))).toEqual([[1, 5], [2, null], [3, 6]])
  })
  it('show both ends of a bucket, so that a spike stays visible', () => {
    expect(linePoints(series([1], [2], [9]))).toEqual([[1, 2], [1, 9]])
  })
  it('break where the evidence was not good', () => {
    expect(evidencePoints({ point: 'p', t: [1, 2, 3], x: [5, 6, 0], q: ['good', 'timeout', 'good'] })).toEqual([[1, 5], [2, null], [3, 0]])
    expect(evidencePoints({ point: 'p', t: [1], x: [5], q: ['good', 'good', 'good'] })).toEqual([[1, 5]])
  })
  it('continue with what comes live, without doubling', () => {
    expect(continueLive([[1, 5], [2, 6]], [[2, 6], [3, 7]], 10)).toEqual([[1, 5], [2, 6], [3, 7]])
  })
  it('are not joined across a silence', () => {
    expect(continueLive([[1, 5]], [[100, 7]], 10)).toEqual([[1, 5], [2, null], [100, 7]])
  })
  it('grow only by newer values and forget the oldest', () => {
    const value = (at_ms: number, quality = 'good') => ({ at_ms, value: at_ms, quality })
    expect(appendLive([[5, 5]], value(5), 3)).toEqual([[5, 5]])
    expect(appendLive([[5, 5], [6, 6]], value(7), 2)).toEqual([[6, 6], [7, 7]])
    expect(appendLive([], value(7, 'timeout'), 2)).toEqual([[7, null]])
  })
})

describe('the range of evidence', () => {
  const episode = { raised_at: '2026-11-20T10:00:00.000Z' } as never
  const at = Date.parse('2026-11-20T10:00:00.000Z')
  it('reaches five minutes either side', () => {
    expect(spanAround(episode, 5, at + 3_600_000)).toEqual({ fromMs: at - 300_000, toMs: at + 300_000 })
  })
  it('ends now while the alarm is young', () => {
    expect(spanAround(episode, 5, at + 60_000).toMs).toBe(at + 60_000)
  })
  it('goes through the address unharmed', () => {
    const span = { fromMs: at, toMs: at + 1000 }
    expect(spanOf(spanQuery(span))).toEqual(span)
  })
  it('is not taken from a senseless address', () => {
    expect(spanOf({})).toBeNull()
    expect(spanOf({ from: 'x', to: 'y' })).toBeNull()
    expect(spanOf({ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' })).toBeNull()
  })
})

describe('a trend', () => {
  const trend: Trend = {
    lines: [{ id: 'a', name: 'H1', colour: '--c1', points: [[0, 1], [1, null], [2, 3]] }],
    limits: [
      { value: 14, level: 2, direction: 'high', text: '14' }, { value: 20, level: 4, direction: 'high', text: '20' },
    ],
    moments: [{ atMs: 1, text: 'raised', colour: '--l4-ink', side: 'left' }],
    marks: [{ atMs: 2, value: 3, text: 'worst', colour: '--l4-ink' }],
    fromMs: 0, toMs: 10, unit: 'mm', resolution: 0.01, zone: 'Asia/Shanghai', zoomable: false, label: 'trend',
  }
  const option = trendOption(trend, (name) => name) as unknown as {
    series: { connectNulls?: boolean; data: [number, number | null][]; markLine?: { data: object[] }; markArea?: { data: object[][] } }[]
    yAxis: { max: (range: { min: number; max: number }) => number }
  }
  it('joins no gap', () => {
    expect(option.series[0]?.connectNulls).toBe(false)
    expect(option.series[0]?.data[1]?.[1]).toBeNull()
  })
  it('shows every limit as a line and as an area up to the next', () => {
    const backdrop = option.series.at(-1)
    expect(backdrop?.markLine?.data).toHaveLength(3)
    expect(backdrop?.markArea?.data[0]).toMatchObject([{ yAxis: 14 }, { yAxis: 20 }])
    expect(backdrop?.markArea?.data[1]).toMatchObject([{ yAxis: 20 }, {}])
  })
  it('names its worst value', () => {
    const eight = 8 * 3_600_000
    expect(option.series.at(-2)).toMatchObject({ data: [[2 + eight, 3]], label: { formatter: 'worst' } })
  })
  it('always has its limits in the picture', () => {
    expect(option.yAxis.max({ min: 1, max: 3 })).toBeGreaterThan(20)
  })
  it('has an axis that ends on whole steps', () => {
    expect([axisEnd(61, 118, 'min'), axisEnd(61, 118, 'max')]).toEqual([40, 140])
    expect(axisEnd(0.5, 20, 'min')).toBe(0)
  })
  it('has its ticks on the midnights of the site', () => {
    const midnight = Date.parse('2026-11-20T16:00:00Z')
    expect(shifted(midnight, 'Asia/Shanghai') % 86_400_000).toBe(0)
    expect(unshifted(shifted(midnight, 'Asia/Shanghai'), 'Asia/Shanghai')).toBe(midnight)
  })
})

describe('the curve of an episode', () => {
  const raised = Date.parse('2026-11-20T10:00:00Z')
  const episode = (lastedS: number | null) => ({
    raised_at: new Date(raised).toISOString(), cleared_at: lastedS === null ? null : new Date(raised + lastedS * 1000).toISOString(),
  }) as unknown as Episode
  it('opens as near as shows all of it', () => {
    expect(fittingMinutes(episode(20), [[raised - 60_000, 1]], 0)).toBe(1)
    expect(fittingMinutes(episode(20), [[raised - 200_000, 1]], 0)).toBe(5)
    expect(fittingMinutes(episode(null), [], raised + 500_000)).toBe(30)
    expect(fittingMinutes(episode(86_400), [], 0)).toBe(30)
  })
  it('has its worst value between raise and clear', () => {
    const points: [number, number | null][] = [[raised - 5000, 90], [raised, 110], [raised + 5000, 116], [raised + 8000, null], [raised + 90_000, 300]]
    expect(worstPoint(episode(20), 'high', points, 0)).toEqual([raised + 5000, 116])
    expect(worstPoint(episode(20), 'low', points, 0)).toEqual([raised - 5000, 90])
    expect(worstPoint(episode(20), 'high', [], 0)).toBeNull()
  })
})
