/** Fetches a file and saves it; where the server is busy, one learns why and in how many seconds to try again. */

import { computed, onBeforeUnmount, ref } from 'vue'
import { useLoad } from './useLoad'

const LET_GO_MS = 60_000

export function useSaving(fetchIt: () => Promise<{ name: string; content: Blob }>) {
  const untilMs = ref(0)
  const nowMs = ref(Date.now())
  let timer = 0
  const { error, loading, load } = useLoad(async () => {
    const file = await fetchIt()
    const link = document.createElement('a')
    link.href = URL.createObjectURL(file.content)
    link.download = file.name
    link.click()
    window.setTimeout(() => URL.revokeObjectURL(link.href), LET_GO_MS)
  })
  function tick(): void {
    nowMs.value = Date.now()
    if (nowMs.value >= untilMs.value) window.clearInterval(timer)
  }
  async function save(): Promise<void> {
    await load()
    window.clearInterval(timer)
    nowMs.value = Date.now()
    untilMs.value = nowMs.value + 1000 * (error.value?.againS ?? 0)
    timer = window.setInterval(tick, 500)
  }
  onBeforeUnmount(() => window.clearInterval(timer))
  /** So many seconds must pass before there is any use in trying again. */
  const leftS = computed(() => Math.max(0, Math.ceil((untilMs.value - nowMs.value) / 1000)))
  return { error, loading, leftS, save }
}
