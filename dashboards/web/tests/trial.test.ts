import { describe, expect, it } from 'vitest'
import type { Backtest, PastAlarm, RuleInForce } from '@/api/types'
import { fieldsIn, numberIn, withNumber } from '@/domain/ruleText'
import { changedTexts, instantOf, isChanged, lengthText, localText, rowsOf, spanOf, watchesAny } from '@/domain/trial'

const FIXED = `rule: crane-load-90
condition:
  when: high
  limit: 90.0
  magnitude: false
dead_band: 2.0
on_delay_s: 2.0
off_delay_s: 0.0
level: 2
`
const LOOKED_UP = `rule: pit-70
condition:
  when: high
  limit:
    parameter: control_cumulative_mm
    fraction: 0.7
dead_band: 0.5
on_delay_s: 0
off_delay_s: 60
`

const rule = (name: string, text: string): RuleInForce => ({ rule: name, pack: 'p', family: 'f', watch: 'crane.load_ratio', level: 2, label: { zh: '', en: '' }, text })

describe('a rule', () => {
  const kinds = new Set(['crane.load', 'crane.wind_speed'])
  it.each([['crane.load', true], ['crane.loa', false], ['crane.*', true], ['pit.*', false], ['*', true], ['pit.tilt', false]])('on %s concerns a crane: %s', (watch, expected) => {
    expect(watchesAny(watch, kinds)).toBe(expected)
  })
})

describe('the numbers of a rule', () => {
  it('are found in its text', () => {
    expect(numberIn(FIXED, 'limit')).toBe(90)
    expect(numberIn(FIXED, 'off_delay_s')).toBe(0)
    expect(fieldsIn(FIXED)).toEqual(['limit', 'on_delay_s', 'off_delay_s', 'dead_band'])
    expect(fieldsIn(LOOKED_UP)).toEqual(['fraction', 'on_delay_s', 'off_delay_s', 'dead_band'])
  })
  it('are changed there and nowhere else', () => {
    expect(withNumber(FIXED, 'limit', 85.5)).toBe(FIXED.replace('limit: 90.0', 'limit: 85.5'))
    expect(withNumber(LOOKED_UP, 'fraction', 0.6)).toBe(LOOKED_UP.replace('0.7', '0.6'))
    expect(withNumber(LOOKED_UP, 'limit', 1)).toBe(LOOKED_UP)
  })
  it('are none in a text that somebody broke', () => {
    expect(fieldsIn('rule: [')).toEqual([])
  })
})

describe('a trial', () => {
  const rules = [rule('a', FIXED), rule('b', LOOKED_UP), rule('c', FIXED)]
  it('sends only what differs', () => {
    const edits = { a: { text: withNumber(FIXED, 'limit', 80), removed: false }, b: { text: LOOKED_UP, removed: true }, c: { text: FIXED, removed: false } }
    expect(changedTexts(rules, edits)).toEqual({ rules: [edits.a.text], removed: ['b'] })
    expect(isChanged(rules[2]!, edits.c)).toBe(false)
    expect(changedTexts(rules, {})).toEqual({ rules: [], removed: [] })
  })

  const alarm = (raised: number, cleared: number | null): PastAlarm => ({ point: 'crane-1/load_ratio', kind: 'crane.load_ratio', rule: 'a', rule_version: 1, family: 'f', level: 2, label: { zh: '', en: '' }, limit: 90, raised_at: raised, cleared_at: cleared, peak: 95 })
  it('has a row for every alarm that changes, in order of time', () => {
    const found: Backtest['changes'] = {
      added: [alarm(3000, 4000)], removed: [alarm(1000, 2000)], moved: [{ before: alarm(2500, 9000), after: alarm(2000, 9000), raised_later_ms: -500 }],
      added_count: 1, removed_count: 1, moved_count: 1, unchanged_count: 7,
    }
    expect(rowsOf(found).map((row) => [row.change, row.laterMs])).toEqual([['removed', 0], ['moved', -500], ['added', 0]])
  })
  it('shows both alarms of a row whole, and an alarm that stands from its raise', () => {
    const moved = { change: 'moved' as const, alarm: alarm(100_000, 200_000), before: alarm(80_000, 190_000), laterMs: 20_000 }
    expect(spanOf(moved)).toEqual({ fromMs: 20_000, toMs: 260_000 })
    expect(spanOf({ change: 'added', alarm: alarm(100_000, null), before: null, laterMs: 0 })).toEqual({ fromMs: 40_000, toMs: 160_000 })
  })
})

describe('instants of an input', () => {
  it('are on the site\'s clocks', () => {
    const ms = Date.UTC(2026, 8, 21, 14, 13)
    expect(localText(ms, 'Asia/Shanghai')).toBe('2026-09-21T22:13')
    expect(instantOf('2026-09-21T22:13', 'Asia/Shanghai')).toBe(ms)
    expect(instantOf('2026-03-29T03:30', 'Europe/Berlin')).toBe(Date.UTC(2026, 2, 29, 1, 30))
    expect(instantOf('', 'Asia/Shanghai')).toBeNull()
  })
})

describe('lengths', () => {
  it('have the unit that people would use', () => {
    expect([1500, -2000, 90_000, 7_200_000].map(lengthText)).toEqual(['1.5 s', '-2.0 s', '1.5 min', '2.0 h'])
  })
})
