/** Curves of several points: fetched once for a range, then continued by the values that come live. */

import { computed, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Point, Series, Value } from '@/api/types'
import { lineOf, type Stretch } from '@/domain/plot'
import { appendLive, continueLive, type LinePoint } from '@/domain/series'

/** Enough for hours of a pit; a crane's curve is fetched anew when its range changes. */
const TAIL = 2000

export function useHistory(
  site: () => string,
  points: () => Point[],
  /** So far back from now, `null` for as far as there is anything, or a stretch that stands. */
  spanOf: () => number | null | Stretch,
  nowMs: Ref<number>,
  values: Record<string, Value | undefined>,
  ask: typeof api.series = api.series,
) {
  const answers = shallowRef<Record<string, Series>>({})
  const tails = shallowRef<Record<string, LinePoint[]>>({})
  const error = shallowRef<ApiError | null>(null)
  const isAsking = shallowRef(false)
  let asked = 0

  async function load(): Promise<void> {
    const mine = (asked += 1)
    error.value = null
    // Before the first value of a replay nobody knows what time it is.
    if (nowMs.value <= 0) return
    const span = spanOf()
    const to = isStanding(span) ? span.toMs : nowMs.value
    const from = isStanding(span) ? span.fromMs : span === null ? null : to - span
    isAsking.value = true
    try {
      const found = await Promise.all(points().map((point) => ask(site(), point.id, from, to, 1000)))
      if (mine === asked) answers.value = Object.fromEntries(found.map((one) => [one.point, one]))
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught
      if (mine === asked) error.value = caught
    } finally {
      if (mine === asked) isAsking.value = false
    }
  }

  watch(() => points().map((point) => values[point.id]), (newest) => {
    const next = { ...tails.value }
    points().forEach((point, index) => {
      const value = newest[index]
      if (value) next[point.id] = appendLive(next[point.id] ?? [], value, TAIL)
    })
    tails.value = next
  }, { immediate: true })

  const fetched = computed(() => Object.fromEntries(Object.entries(answers.value).map(([id, answer]) => [id, lineOf(answer)])))
  const history: ComputedRef<Record<string, LinePoint[]>> = computed(() => Object.fromEntries(points().map((point) => {
    const line = fetched.value[point.id] ?? []
    const span = spanOf()
    if (isStanding(span)) return [point.id, line]
    return [point.id, continueLive(line, tails.value[point.id] ?? [], Math.max(point.stale_after_ms * 3, (span ?? 0) / 300))]
  })))
  return { answers, history, error, isAsking, load }
}

const isStanding = (span: number | null | Stretch): span is Stretch => typeof span === 'object' && span !== null
