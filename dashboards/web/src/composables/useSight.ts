/** Watching a camera: asked once a second while the page is before somebody's eyes, and not at all behind them. */

import { onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'
import { ApiError } from '@/api/client'
import { watchCamera, type Sight } from '@/api/cameras'
import { sessionEnded } from '@/stores/session'

const ASK_MS = 1_000
const REST_MS = 5_000

/** `may` says whether there is anything to be watched at all. */
export function useSight(site: () => string, camera: () => string, may: () => boolean = () => true) {
  const sight = shallowRef<Sight | null>(null)
  const failure = shallowRef<ApiError | null>(null)
  const watching = ref(false)
  let timer = 0
  let ended = false

  async function ask(): Promise<void> {
    let pause = ASK_MS
    if (!document.hidden) {
      try {
        sight.value = await watchCamera(site(), camera())
        failure.value = null
      } catch (caught) {
        if (!(caught instanceof ApiError)) throw caught
        failure.value = caught
        pause = REST_MS
        if (caught.status === 401) sessionEnded()
      }
    }
    // Away while the answer was on its way: nobody looks any more.
    if (!ended && watching.value) timer = window.setTimeout(ask, pause)
  }
  function start(): void {
    if (watching.value || !may()) return
    watching.value = true
    void ask()
  }
  function stop(): void {
    watching.value = false
    window.clearTimeout(timer)
    sight.value = null
  }
  onMounted(start)
  onBeforeUnmount(() => { ended = true; stop() })
  return { sight, failure, watching, start, stop }
}
