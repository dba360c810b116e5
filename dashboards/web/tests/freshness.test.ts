import { describe, expect, it } from 'vitest'
import { ageParts, judge, nextSkew, worstFreshness } from '@/domain/freshness'

const good = { at_ms: 10_000, value: 3.2, quality: 'good' }

describe('judge', () => {
  it('a value within its time is good', () => {
    expect(judge(good, 2000, 11_999)).toEqual({ state: 'good', ageMs: 1999, reason: null })
  })
  it('a value older than its time is stale, whatever quality it came with', () => {
    expect(judge(good, 2000, 12_001).state).toBe('stale')
  })
  it('zero is a value, not a gap', () => {
    expect(judge({ ...good, value: 0 }, 2000, 10_000).state).toBe('good')
  })
  it('a bad value stays bad with its reason, however old', () => {
    expect(judge({ ...good, quality: 'timeout' }, 2000, 99_000)).toEqual({ state: 'bad', ageMs: 89_000, reason: 'timeout' })
  })
  it('a quality this page has never heard of is bad, not good', () => {
    expect(judge({ ...good, quality: 'new_trouble' }, 2000, 10_000)).toMatchObject({ state: 'bad', reason: 'new_trouble' })
  })
  it('a good reading without a number is not shown as one', () => {
    expect(judge({ ...good, value: null }, 2000, 10_000)).toMatchObject({ state: 'bad', reason: 'no_value' })
  })
  it('what the server calls stale is stale even when young', () => {
    expect(judge({ ...good, quality: 'stale' }, 2000, 10_000).state).toBe('stale')
  })
  it('a point never heard of has neither value nor age', () => {
    expect(judge(undefined, 2000, 10_000)).toEqual({ state: 'none', ageMs: null, reason: null })
  })
  it('a source clock a little ahead gives no negative age', () => {
    expect(judge({ ...good, at_ms: 10_400 }, 2000, 10_000).ageMs).toBe(0)
  })
  it('a point that does not say when it is stale still becomes so', () => {
    expect(judge(good, 0, 10_000 + 61_000).state).toBe('stale')
  })
})

describe('nextSkew', () => {
  it('corrects a browser clock that is an hour behind', () => {
    expect(nextSkew(null, 3_600_000, 0)).toBe(3_600_000)
  })
  it('takes the message that was least delayed as the truth', () => {
    expect(nextSkew(500, 1700, 1000)).toBe(700)
  })
  it('hardly moves for one delayed message', () => {
    expect(nextSkew(700, 1000, 1000)).toBeGreaterThan(680)
  })
  it('follows at once when a clock is set', () => {
    expect(nextSkew(700, 1000, 60_000)).toBe(-59_000)
  })
})

describe('ages in words', () => {
  it.each([
    [0, 0, 'instant'], [999, 0, 'instant'], [1000, 1, 'second'], [99_999, 99, 'second'],
    [100_000, 1, 'minute'], [5_999_000, 99, 'minute'], [6_000_000, 1, 'hour'], [172_800_000, 2, 'day'],
  ])('%d ms is %d %s', (ms, count, unit) => {
    expect(ageParts(ms)).toEqual({ count, unit })
  })
})

it('a drawing made of a good and a bad value is bad', () => {
  expect(worstFreshness(['good', 'bad', 'stale'])).toBe('bad')
  expect(worstFreshness(['good', 'good'])).toBe('good')
})
