/** Whether a value may be believed now: an old value must never look fresh, nor a bad one look like a value. */

import type { Value } from '@/api/types'

export type Freshness = 'good' | 'stale' | 'bad' | 'none'

export interface Judgement {
  state: Freshness
  /** Since the source took the reading; `null` where there never was one. */
  ageMs: number | null
  /** The quality word where the state is `bad`. */
  reason: string | null
}

/** For a point whose profile does not say how long it may be silent. */
const STALE_AFTER_MS = 60_000

export function judge(value: Value | undefined, staleAfterMs: number, nowMs: number): Judgement {
  if (!value) return { state: 'none', ageMs: null, reason: null }
  // The source's clock may run ahead of ours by a little: an age is never negative.
  const ageMs = Math.max(0, nowMs - value.at_ms)
  if (value.quality !== 'good' && value.quality !== 'stale') return { state: 'bad', ageMs, reason: value.quality }
  if (value.value === null) return { state: 'bad', ageMs, reason: 'no_value' }
  const old = value.quality === 'stale' || ageMs > (staleAfterMs || STALE_AFTER_MS)
  return { state: old ? 'stale' : 'good', ageMs, reason: null }
}

/** The worst of several: what a drawing made from all of them may claim. */
export function worstFreshness(states: Freshness[]): Freshness {
  const order: Freshness[] = ['none', 'bad', 'stale', 'good']
  return order.find((state) => states.includes(state)) ?? 'none'
}

/**
 * How far the server's clock is ahead of this machine's, from one more message.
 * Delay on the way only ever makes the server look behind, so the largest sample is the truest; the slow
 * decay follows a clock that is set back.
 */
export function nextSkew(previous: number | null, serverNowMs: number, hereNowMs: number): number {
  const sample = serverNowMs - hereNowMs
  if (previous === null || sample >= previous) return sample
  // A jump of more than two seconds is a clock that was set, not a slow network.
  return previous - sample > 2000 ? sample : previous + (sample - previous) * 0.02
}

export type AgeUnit = 'instant' | 'second' | 'minute' | 'hour' | 'day'

/** An age as people say it: whole, and never rounded up to look older or younger than it is. */
export function ageParts(ageMs: number): { count: number; unit: AgeUnit } {
  const seconds = Math.floor(ageMs / 1000)
  if (seconds < 1) return { count: 0, unit: 'instant' }
  if (seconds < 100) return { count: seconds, unit: 'second' }
  if (seconds < 100 * 60) return { count: Math.floor(seconds / 60), unit: 'minute' }
  if (seconds < 48 * 3600) return { count: Math.floor(seconds / 3600), unit: 'hour' }
  return { count: Math.floor(seconds / 86_400), unit: 'day' }
}
