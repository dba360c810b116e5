import { describe, expect, it } from 'vitest'
import { numberText, sparkline } from '../src/domain/indicators'

describe('numbers of indicators', () => {
  it('writes what is unknown as a dash and never as 0', () => {
    expect(numberText(null, 'count')).toBe('—')
    expect(numberText(0, 'count')).toBe('0')
    expect(numberText(0.9746, 'share')).toBe('97.5%')
    expect(numberText(2.345, 'days')).toBe('2.3')
    expect(numberText(0.0268, 'count')).toBe('0.03')
    expect(numberText(0.0003, 'share')).toBe('0.03%')
  })
  it('draws no line over months of which nothing is known', () => {
    expect(sparkline([1, null, 2])).toHaveLength(2)
    expect(sparkline([null, 1])).toEqual(['M100 2h0'])
    expect(sparkline([null, null])).toEqual([])
    expect(sparkline([0, 0])).toEqual(['M0 28L100 28'])
  })
})
