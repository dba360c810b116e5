/** Loading with its two ends: a refusal is shown, and a session that ended sends to the sign-in page. */

import { ref, shallowRef } from 'vue'
import { ApiError } from '@/api/client'
import { sessionEnded } from '@/stores/session'

export function useLoad(task: () => Promise<void>) {
  const error = shallowRef<ApiError | null>(null)
  const loading = ref(false)
  async function load(): Promise<void> {
    loading.value = true
    error.value = null
    try {
      await task()
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught
      error.value = caught
      if (caught.status === 401) sessionEnded()
    } finally {
      loading.value = false
    }
  }
  return { error, loading, load }
}
