import { describe, expect, it } from 'vitest'
import { fieldOf, hoursText, instantOf, startOf, strip } from '@/domain/rota'

const SHANGHAI = 'Asia/Shanghai'

describe('a strip of days', () => {
  it('cuts what goes over midnight, and keeps a gap as a piece of its own', () => {
    const night = { starts_at: '2026-11-02T12:00:00.000Z', ends_at: '2026-11-03T00:00:00.000Z', accounts: [2] }
    const gap = { starts_at: '2026-11-03T00:00:00.000Z', ends_at: '2026-11-04T16:00:00.000Z', accounts: [] }
    const [monday, tuesday, wednesday] = strip([night, gap], '2026-11-02', 3, SHANGHAI)
    expect(monday?.pieces).toEqual([{ span: night, from: 20 / 24, to: 1 }])
    expect(tuesday?.pieces.map((piece) => [piece.from, piece.to])).toEqual([[0, 8 / 24], [8 / 24, 1]])
    expect(wednesday?.pieces).toEqual([{ span: gap, from: 0, to: 1 }])
  })
  it('knows days of 23 hours', () => {
    expect(startOf('2026-03-30', 'Europe/Berlin') - startOf('2026-03-29', 'Europe/Berlin')).toBe(23 * 3_600_000)
  })
})

it('hours name the second day only where it is another one', () => {
  expect(hoursText('2026-11-02T00:00:00Z', '2026-11-02T12:00:00Z', SHANGHAI)).toBe('11-02 08:00 – 20:00')
  expect(hoursText('2026-11-02T00:00:00Z', '2026-11-02T16:00:00Z', SHANGHAI)).toBe('11-02 08:00 – 24:00')
  expect(hoursText('2026-11-02T12:00:00Z', '2026-11-03T00:00:00Z', SHANGHAI)).toBe('11-02 20:00 – 11-03 08:00')
})

it('a field of date and time is by the clocks of the rota, whatever those of the browser say', () => {
  expect(fieldOf('2026-11-02T12:00:00.000Z', SHANGHAI)).toBe('2026-11-02T20:00')
  expect(instantOf('2026-11-02T20:00', SHANGHAI)).toBe('2026-11-02T12:00:00.000Z')
  expect(instantOf('', SHANGHAI)).toBeNull()
})
