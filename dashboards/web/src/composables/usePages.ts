/** A list that grows page by page, with the server's cursor. */

import { computed, ref, shallowRef } from 'vue'
import type { Page } from '@/api/types'
import { useLoad } from './useLoad'

export function usePages<T>(ask: (after: string | null) => Promise<Page<T>>) {
  const items = shallowRef<T[] | null>(null)
  const next = ref<string | null>(null)
  let asked = 0

  async function fetchPage(after: string | null): Promise<void> {
    const mine = (asked += 1)
    const page = await ask(after)
    // The filter changed while the answer was on its way.
    if (mine !== asked) return
    items.value = after === null ? page.items : [...(items.value ?? []), ...page.items]
    next.value = page.next
  }
  const first = useLoad(async () => {
    items.value = null
    await fetchPage(null)
  })
  const rest = useLoad(() => fetchPage(next.value))
  return {
    items, next, loadFirst: first.load, loadMore: rest.load, busy: rest.loading,
    error: computed(() => first.error.value ?? rest.error.value),
  }
}
