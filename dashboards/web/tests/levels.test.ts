import { describe, expect, it } from 'vitest'
import type { Level, Limit } from '@/api/types'
import { limitGroups } from '@/domain/limitGroups'
import type { Reading } from '@/domain/reading'
import { bands, controlLimit, fraction, levelOf, limitRows, limitsOnSideOf, scaleFor } from '@/domain/levels'

const limit = (level: Level, value: number, direction: 'high' | 'low' = 'high'): Limit => ({
  rule: `r${level}`, level, limit: value, direction, label: { zh: '', en: '' },
})
const ratio = [limit(2, 90), limit(3, 100), limit(4, 110)]

describe('levelOf', () => {
  it.each([[89.9, 0], [90, 2], [99.9, 2], [100, 3], [110, 4], [250, 4]])('%d %% is level %d', (value, level) => {
    expect(levelOf(value, ratio)).toBe(level)
  })
  it('a low limit is passed downwards', () => {
    expect(levelOf(-21, [limit(3, -20, 'low')])).toBe(3)
    expect(levelOf(-19, [limit(3, -20, 'low')])).toBe(0)
  })
  it('no value has no level', () => {
    expect(levelOf(null, ratio)).toBe(0)
  })
})

describe('bands', () => {
  it('cuts the scale at every limit', () => {
    expect(bands(ratio, 0, 132).map(({ from, to, level }) => [from, to, level])).toEqual([
      [0, 90, 0], [90, 100, 2], [100, 110, 3], [110, 132, 4],
    ])
  })
  it('leaves a scale without limits in one piece', () => {
    expect(bands([], 0, 10)).toEqual([{ from: 0, to: 10, level: 0 }])
  })
})

it('a scale shows every limit and grows with a value beyond it', () => {
  expect(scaleFor(ratio, 20).max).toBeCloseTo(132)
  expect(scaleFor(ratio, 200).max).toBeCloseTo(210)
  expect(scaleFor([limit(3, -20, 'low')], 3).min).toBeLessThan(-20)
})

describe('limitsOnSideOf', () => {
  const eitherWay = [limit(2, 14), limit(2, -14, 'low'), limit(4, 20), limit(4, -20, 'low')]
  it.each([[3, [14, 20]], [0, [14, 20]], [null, [14, 20]], [-3, [-14, -20]]])('%d has those on its side', (value, shown) => {
    expect(limitsOnSideOf(value, eitherWay).map((one) => one.limit)).toEqual(shown)
  })
  it('leaves a limit that mirrors none', () => {
    expect(limitsOnSideOf(-1, ratio)).toEqual(ratio)
    expect(limitsOnSideOf(5, [limit(3, -20, 'low')])).toHaveLength(1)
  })
})

it('a position never leaves its scale', () => {
  expect(fraction(-5, 0, 10)).toBe(0)
  expect(fraction(5, 0, 10)).toBe(0.5)
  expect(fraction(50, 0, 10)).toBe(1)
})

it('the control value is the limit of the highest level', () => {
  expect(controlLimit([limit(2, 14), limit(4, 20), limit(3, 17)])?.limit).toBe(20)
  expect(controlLimit([])).toBeNull()
})

describe('limits in a table', () => {
  const limit = (rule: string, level: 2 | 4, value: number, direction: 'high' | 'low') => ({ rule, level, limit: value, direction, label: { zh: '', en: '' } })
  it('that mirror each other across zero are one row', () => {
    const rows = limitRows([limit('a', 4, 20, 'high'), limit('a', 4, -20, 'low'), limit('b', 2, 14, 'high'), limit('b', 2, -14, 'low')])
    expect(rows.map((row) => [row.limit, row.isMirrored])).toEqual([[14, true], [20, true]])
  })
  it('that hold on one side alone stay what they are', () => {
    expect(limitRows([limit('a', 2, 9, 'high'), limit('c', 4, -5, 'low')]).map((row) => [row.limit, row.isMirrored])).toEqual([[9, false], [-5, false]])
  })
  it('of many points of a kind that have the same are told once', () => {
    const at = (id: string, kind: string, value: number) => ({ point: { id, kind, limits: [limit('a', 4, value, 'high')] } }) as unknown as Reading
    const groups = limitGroups([at('h1', 'x', 20), at('h2', 'x', 20), at('h3', 'x', 30), at('s1', 'y', 20)])
    expect(groups.map((group) => [group.one.point.id, group.others])).toEqual([['h1', 1], ['h3', 0], ['s1', 0]])
  })
})
