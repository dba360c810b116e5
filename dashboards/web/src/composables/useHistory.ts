/** Curves of several points: fetched once for a range, then continued by the values that come live. */

import { computed, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Point, Value } from '@/api/types'
import { appendLive, continueLive, linePoints, type LinePoint } from '@/domain/series'

/** Enough for hours of a pit; a crane's curve is fetched anew when its range changes. */
const TAIL = 2000

export function useHistory(
  site: () => string,
  points: () => Point[],
  spanOf: () => number | null,
  nowMs: Ref<number>,
  values: Record<string, Value | undefined>,
  ask: typeof api.series = api.series,
) {
  const fetched = shallowRef<Record<string, LinePoint[]>>({})
  const tails = shallowRef<Record<string, LinePoint[]>>({})
  const error = shallowRef<ApiError | null>(null)
  let asked = 0

  async function load(): Promise<void> {
    const mine = (asked += 1)
    error.value = null
    const to = nowMs.value
    // Before the first value of a replay nobody knows what time it is.
    if (to <= 0) return
    const back = spanOf()
    try {
      const found = await Promise.all(points().map((point) => ask(site(), point.id, back === null ? null : to - back, to, 1000)))
      if (mine === asked) fetched.value = Object.fromEntries(found.map((one) => [one.point, linePoints(one)]))
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught
      if (mine === asked) error.value = caught
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

  const history: ComputedRef<Record<string, LinePoint[]>> = computed(() => Object.fromEntries(points().map((point) => [
    point.id,
    continueLive(fetched.value[point.id] ?? [], tails.value[point.id] ?? [], Math.max(point.stale_after_ms * 3, (spanOf() ?? 0) / 300)),
  ])))
  return { history, error, load }
}
