/** Reads a page anew while somebody looks at it: now and then, and at once when he comes back to it. */

import { onBeforeUnmount, onMounted } from 'vue'

export function useRefresh(everyMs: number, again: () => void): void {
  const look = () => { if (!document.hidden) again() }
  let timer = 0
  onMounted(() => {
    timer = window.setInterval(look, everyMs)
    document.addEventListener('visibilitychange', look)
  })
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    document.removeEventListener('visibilitychange', look)
  })
}
