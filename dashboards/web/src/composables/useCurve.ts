/** The curve of the point and span that are looked at now: an answer to an older question changes nothing. */

import { computed, shallowRef, watch } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Series } from '@/api/types'
import { lineOf } from '@/domain/plot'

export interface Wanted { site: string; point: string; fromMs: number; toMs: number }

export function useCurve(
  wanted: () => Wanted,
  ask: (site: string, point: string, fromMs: number, toMs: number) => Promise<Series> = api.series,
) {
  const answer = shallowRef<Series | null>(null)
  const points = computed(() => (answer.value ? lineOf(answer.value) : []))
  const failure = shallowRef<ApiError | null>(null)
  const isAsking = shallowRef(false)
  let newest = 0

  async function load(site: string, point: string, fromMs: number, toMs: number): Promise<void> {
    const mine = (newest += 1)
    failure.value = null
    isAsking.value = true
    try {
      const found = await ask(site, point, fromMs, toMs)
      // Answers overtake one another; this one is late where something else was asked for since.
      if (mine === newest) answer.value = found
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (mine !== newest) return
      failure.value = error
      answer.value = null
    } finally {
      if (mine === newest) isAsking.value = false
    }
  }

  watch(
    [() => wanted().site, () => wanted().point, () => wanted().fromMs, () => wanted().toMs] as const,
    ([site, point, fromMs, toMs], [, before]) => {
      // Under another point's name and limits not even for a moment; over another span of its own it may stay.
      if (point !== before) answer.value = null
      return load(site, point, fromMs, toMs)
    },
    { immediate: true },
  )
  return { answer, points, failure, isAsking }
}
