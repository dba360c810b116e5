import { createSSRApp, h } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { describe, expect, it } from 'vitest'
import type { Series } from '@/api/types'
import CurvePlot from '@/components/CurvePlot.vue'
import { beyond, endOf, extentOf, toldAt, type CurveLimit, type CurveLine, type Picture } from '@/domain/curves'
import type { LinePoint } from '@/domain/series'
import { i18n } from '@/i18n'

const line = (points: LinePoint[], given: Partial<CurveLine> = {}): CurveLine => ({ id: 'pit-1/h1', name: 'H1', colour: '--c1', points, patienceMs: 10, ...given })
const limit = (value: number, level: 2 | 4, direction: 'high' | 'low' = 'high'): CurveLimit => ({ limit: value, level, direction, text: `limit ${value}` })
const buckets: Series = {
  point: 'pit-1/h1', unit: 'mm', from_ms: 0, to_ms: 95, level: 'minute', computed_to_ms: null, bucket_ms: 30, t: [0, 30, 60], min: [1, null, 3], max: [2, null, 4],
  first: [1, null, 3], last: [2, null, 4], n: [5, 0, 5], good: [5, 0, 5], quality: ['good', '', 'good'], gaps: [], alarms: [], raw: false,
}

describe('what lies beyond a limit', () => {
  it('reaches to the next of its direction, or to the end of the axis', () => {
    const found = beyond([limit(14, 2), limit(20, 4), limit(-14, 2, 'low')], -30, 30)
    expect(found.map(({ from, to }) => [from, to])).toEqual([[14, 20], [20, 30], [-30, -14]])
  })
  it('is nothing outside the picture', () => {
    expect(beyond([limit(50, 4)], 0, 30)).toEqual([])
  })
})

describe('what a line is told to be', () => {
  it('is by its answer, and nothing in a hole', () => {
    expect([10, 40, 70].map((at) => toldAt(line([[0, 1]], { answer: buckets }), at)?.high ?? null)).toEqual([2, null, 4])
  })
  it('is what came since the answer, as long as that may be believed', () => {
    const live = line([[0, 1], [89, 4], [100, 7], [104, null]], { answer: buckets })
    expect([99, 103, 105].map((at) => toldAt(live, at)?.high ?? null)).toEqual([null, 7, null])
    expect(toldAt(line([[100, 7]], { answer: buckets }), 111)).toBeNull()
  })
  it('is its own where there is no answer', () => {
    expect(toldAt(line([[5, 3]]), 6)).toEqual({ atMs: 5, low: 3, high: 3, n: 1 })
    expect(toldAt(line([[5, 3]]), 4)).toBeNull()
  })
})

describe('a picture', () => {
  const picture: Picture = {
    panes: [{
      unit: 'mm', resolution: 0.1, isJudged: true, limits: [limit(14, 2), limit(20, 4)],
      lines: [line([[0, 1], [100, null], [200, 3]]), line([], { id: 'pit-1/h2', name: 'H2' })],
    }],
    span: { fromMs: 0, toMs: 1000 }, zone: 'Asia/Shanghai', holes: [{ kind: 'lost', reason: 'evicted', lost: 7, fromMs: 50, toMs: 150, points: ['pit-1/h1'] }],
    alarms: [{ id: 'a', level: 4, fromMs: 200, toMs: null, text: 'an alarm' }],
    moments: [{ atMs: 300, text: 'raised', colour: '--l4-ink', side: 'left' }, { atMs: 2000, text: 'never', colour: '--ok', side: 'left' }],
    marks: [{ atMs: 200, value: 3, text: 'worst 3', colour: '--l4-ink' }], label: 'curves of a pit',
  }
  const shown = async (of: Picture, isUnknown = false) => {
    const app = createSSRApp({ render: () => h(CurvePlot, { picture: of, nowMs: 1000, isNarrow: false, isUnknown, cursor: null }) })
    return renderToString(app.use(i18n))
  }
  it('joins no gap and says why it is there', async () => {
    const page = await shown(picture)
    const path = /<path[^>]* d="([^"]*)"/.exec(page)?.[1]
    expect(path?.match(/M/g)).toHaveLength(2)
    expect(page).toMatch(/data-kind="lost"[^>]*data-reason="evicted"/)
  })
  it('has every limit in sight with its name, and what lies beyond it tinted', async () => {
    const page = await shown(picture)
    expect([page.match(/data-limit\b(?!s)/g), page.match(/data-tint/g)].map((found) => found?.length)).toEqual([2, 2])
    expect([page.includes('limit 14'), page.includes('limit 20'), page.includes('data-limits="14 20"')]).toEqual([true, true, true])
  })
  it('names its worst value, its moments in sight and its alarms', async () => {
    const page = await shown(picture)
    expect(['worst 3', 'raised', 'never', 'an alarm'].map((text) => page.includes(text))).toEqual([true, true, false, true])
  })
  it('tells how much is to be seen, and says when there is nothing', async () => {
    const empty = { ...picture, panes: [{ ...picture.panes[0]!, lines: [line([[5, null]])] }] }
    expect(extentOf(picture.panes)).toEqual({ readings: 2, oldestMs: 0, newestMs: 200 })
    const pages = await Promise.all([shown(picture), shown(empty), shown(empty, true)])
    expect(pages.map((page) => page.includes('class="nothing"'))).toEqual([false, true, false])
  })
  it('marks where a line stands now, not where it once ended', () => {
    expect(endOf([[0, 1], [995, 2], [999, null]], picture.span)).toEqual([995, 2])
    expect(endOf([[0, 1], [500, 2]], picture.span)).toBeNull()
  })
})
