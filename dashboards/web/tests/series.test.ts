import { describe, expect, it } from 'vitest'
import type { Episode, Series } from '@/api/types'
import { fittingMinutes, spanAround, spanOf, spanQuery, worstPoint } from '@/domain/evidence'
import { lineOf } from '@/domain/plot'
import { appendLive, continueLive, evidencePoints } from '@/domain/series'

const series = (t: number[], min: (number | null)[], max: (number | null)[]): Series => ({
  point: 'p', unit: 'mm', from_ms: 0, to_ms: 10, bucket_ms: 0, t, min, max, raw: false, first: min, last: max,
  level: 'minute', computed_to_ms: null, n: [], good: [], quality: [], gaps: [], alarms: [],
})

describe('lines', () => {
  it('keep a gap as a gap', () => {
    expect(lineOf(series([1, 2, 3], [5, null, 6], [5, null, 6]))).toEqual([[1, 5], [2, null], [3, 6]])
  })
  it('show both ends of a bucket, so that a spike stays visible', () => {
    expect(lineOf(series([1], [2], [9]))).toEqual([[1, 2], [1, 9]])
  })
  it('of a bucket that is still being filled end where the answer ends, so that what comes live goes on', () => {
    const hour = { ...series([0], [2], [9]), bucket_ms: 3_600_000, to_ms: 61 }
    expect(lineOf(hour).map(([at]) => at)).toEqual([0, 61 / 3, 122 / 3, 60])
    expect(continueLive(lineOf(hour), [[70, 5]], 1000).at(-1)).toEqual([70, 5])
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
