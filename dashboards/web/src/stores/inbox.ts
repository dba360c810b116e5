/** How many things the account is to do, for the mark in the bar on top. */

import { ref } from 'vue'
import { api, ApiError } from '@/api/client'
import { sessionEnded } from './session'

export const waiting = ref(0)
const EVERY_MS = 60_000

export async function askInbox(): Promise<void> {
  try {
    waiting.value = (await api.inbox(0)).total
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    // The number stays as it was: the next question comes by itself.
    if (error.status === 401) sessionEnded()
  }
}

/** Until the answer is called. */
export function followInbox(): () => void {
  void askInbox()
  const timer = window.setInterval(() => { if (!document.hidden) void askInbox() }, EVERY_MS)
  return () => {
    window.clearInterval(timer)
    waiting.value = 0
  }
}
