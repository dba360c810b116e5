/** Answers for several points over one span; an answer to an older question changes nothing, and what is drawn stays until the next is here. */

import { shallowRef } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Series } from '@/api/types'

export interface AskedSpan { site: string; points: string[]; fromMs: number | null; toMs: number; most: number }

export function useSpan(ask: typeof api.series = api.series) {
  const answers = shallowRef<Record<string, Series>>({})
  const failure = shallowRef<ApiError | null>(null)
  const isAsking = shallowRef(false)
  let newest = 0

  async function load(wanted: AskedSpan): Promise<void> {
    const mine = (newest += 1)
    isAsking.value = true
    try {
      const found = await Promise.all(wanted.points.map((point) => ask(wanted.site, point, wanted.fromMs, wanted.toMs, wanted.most)))
      if (mine !== newest) return
      answers.value = Object.fromEntries(found.map((one) => [one.point, one]))
      failure.value = null
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (mine === newest) failure.value = error
    } finally {
      if (mine === newest) isAsking.value = false
    }
  }
  return { answers, failure, isAsking, load }
}
