import { afterEach, expect, it, vi } from 'vitest'
import { api } from '@/api/client'
import type { Replay } from '@/api/types'
import { replay, steer } from '@/stores/replay'

afterEach(() => vi.restoreAllMocks())

it('shows what a slow server answers, and nothing that a later answer has overtaken', async () => {
  const answers: ((found: Replay) => void)[] = []
  vi.spyOn(api, 'steer').mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
  const done = [1, 2, 3].map(() => steer({ do: 'step', steps: 1, on: true }))
  const answer = async (which: number) => {
    answers[which]!({ at_ms: which } as Replay)
    await done[which]
    return replay.value?.at_ms
  }
  expect(await answer(0)).toBe(0)
  expect(await answer(2)).toBe(2)
  expect(await answer(1)).toBe(2)
})
