/** A number that follows its target smoothly, and rests when there is nothing new to follow. */

import { onBeforeUnmount, ref, watch, type Ref } from 'vue'
import { shortTurn } from '@/domain/crane'

interface Options {
  /** Take the short way round a circle. */
  angle?: boolean
  /** Below this distance the target is reached. */
  epsilon?: number
}

/** Two samples of a 5 Hz source: smooth to the eye, and never seconds behind the truth. */
const TIME_CONSTANT_MS = 160

const still = window.matchMedia('(prefers-reduced-motion: reduce)')

/** `null` targets are passed on at once: a drawing must not show where a lost signal might be. */
export function useTween(target: () => number | null, options: Options = {}): Ref<number | null> {
  const shown = ref(target())
  const epsilon = options.epsilon ?? 0.005
  let frame = 0
  let before = 0

  function step(at: number): void {
    frame = 0
    const goal = target()
    if (goal === null || shown.value === null) return
    const gap = options.angle ? shortTurn(shown.value, goal) : goal - shown.value
    if (Math.abs(gap) < epsilon) {
      shown.value = goal
      return
    }
    // A tab that slept gets one bounded step, not a leap computed from an hour.
    const passed = Math.min(at - before, 100)
    before = at
    shown.value += gap * (1 - Math.exp(-passed / TIME_CONSTANT_MS))
    frame = requestAnimationFrame(step)
  }

  watch(target, (goal) => {
    if (goal === null || shown.value === null || still.matches) shown.value = goal
    else if (!frame) {
      before = performance.now()
      frame = requestAnimationFrame(step)
    }
  })
  onBeforeUnmount(() => cancelAnimationFrame(frame))
  return shown
}
