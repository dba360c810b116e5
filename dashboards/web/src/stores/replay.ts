/** The replay that this server shows, if it shows one: asked for twice a second, because it may be steered elsewhere. */

import { computed, shallowRef } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Replay, ReplayAsked } from '@/api/types'
import { server, session } from './session'

const EVERY_MS = 500

export const isReplay = computed(() => server.value?.replay === true)
export const replay = shallowRef<Replay | null>(null)
/** Whether the replay was there at the last look. */
export const isGone = shallowRef(false)

let asked = 0
/** The latest of what was asked for that has been answered. */
let taken = 0

/** Looks at once and then again and again; returns what ends it. */
export function followReplay(): () => void {
  const timer = window.setInterval(() => void look(), EVERY_MS)
  void look()
  return () => window.clearInterval(timer)
}

async function look(): Promise<void> {
  if (session.value && !document.hidden) await take(api.replay())
}

export async function steer(wanted: ReplayAsked): Promise<void> {
  await take(api.steer(wanted))
}

/** An answer that a later one has overtaken is old; one that is merely slow is not, or a slow server would show none. */
async function take(answer: Promise<Replay>): Promise<void> {
  const mine = (asked += 1)
  try {
    const found = await answer
    if (mine > taken) [taken, replay.value] = [mine, found]
    isGone.value = false
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    isGone.value = true
  }
}
