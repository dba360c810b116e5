import { effectScope, nextTick, ref, shallowRef, type EffectScope } from 'vue'
import { afterEach, describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import type { Point, Series } from '@/api/types'
import { useCurve, type Wanted } from '@/composables/useCurve'
import { useHistory } from '@/composables/useHistory'

const OLD: Wanted = { site: 'demo', point: 'crane-1/load', fromMs: 0, toMs: 10 }
const NEW: Wanted = { ...OLD, point: 'crane-2/load' }
const LONGER: Wanted = { ...OLD, toMs: 20 }

const answer = (point: string, value: number): Series => ({
  point, unit: 't', from_ms: 0, to_ms: 10, bucket_ms: 0, t: [5], min: [value], max: [value], raw: true, first: [value], last: [value],
  level: 'raw', computed_to_ms: null, n: [1], good: [1], quality: ['good'], gaps: [], alarms: [],
})

let scope: EffectScope
afterEach(() => scope.stop())

/** A curve whose answers come when they are told to. */
function looking() {
  const wanted = shallowRef(OLD)
  const asked: { wanted: Wanted; answer: (value: number) => Promise<void>; refuse: () => Promise<void> }[] = []
  const ask = (site: string, point: string, fromMs: number, toMs: number) => new Promise<Series>((resolve, reject) => {
    const settled = async (settle: () => void) => { settle(); await nextTick(); await nextTick() }
    asked.push({
      wanted: { site, point, fromMs, toMs },
      answer: (value) => settled(() => { resolve(answer(point, value)) }),
      refuse: () => settled(() => { reject(new ApiError(503, 'busy', 'too busy')) }),
    })
  })
  scope = effectScope()
  const curve = scope.run(() => useCurve(() => wanted.value, ask))!
  const shown = () => curve.points.value.map((point) => point[1])
  const lookAt = async (what: Wanted) => { wanted.value = what; await nextTick() }
  return { asked, curve, shown, lookAt }
}

describe('the curve that is looked at', () => {
  it('is asked for at once, and anew when another point or span is looked at', async () => {
    const { asked, lookAt } = looking()
    await lookAt(NEW)
    await lookAt({ ...NEW })
    await lookAt(LONGER)
    expect(asked.map((one) => one.wanted)).toEqual([OLD, NEW, LONGER])
  })

  it.each([['another point', NEW], ['another span', LONGER]])('is of %s although the older answer comes last', async (_, next) => {
    const { asked, shown, lookAt } = looking()
    await lookAt(next)
    await asked[1]!.answer(2)
    await asked[0]!.answer(1)
    expect(shown()).toEqual([2])
  })

  it('is not shown before its own answer has come, although the older one has', async () => {
    const { asked, shown, lookAt } = looking()
    await lookAt(NEW)
    await asked[0]!.answer(1)
    expect(shown()).toEqual([])
  })

  it('is the newest one asked for, where the same was looked at before', async () => {
    const { asked, shown, lookAt } = looking()
    await lookAt(NEW)
    await lookAt(OLD)
    await asked[2]!.answer(3)
    await asked[0]!.answer(1)
    expect(shown()).toEqual([3])
  })

  it('is not taken away by a late refusal', async () => {
    const { asked, curve, shown, lookAt } = looking()
    await lookAt(NEW)
    await asked[1]!.answer(2)
    await asked[0]!.refuse()
    expect([shown(), curve.failure.value]).toEqual([[2], null])
  })

  it('is taken away by a refusal of its own, which is told until something else is asked for', async () => {
    const { asked, curve, shown, lookAt } = looking()
    await asked[0]!.answer(1)
    await lookAt(LONGER)
    expect(shown()).toEqual([1])
    await asked[1]!.refuse()
    expect([shown(), curve.failure.value?.slug]).toEqual([[], 'busy'])
    await lookAt(OLD)
    expect(curve.failure.value).toBeNull()
  })

  it('never stands under the name of another point', async () => {
    const { asked, shown, lookAt } = looking()
    await asked[0]!.answer(1)
    await lookAt(NEW)
    expect(shown()).toEqual([])
  })
})

describe('the curves of a device', () => {
  it('are those asked for last, whatever comes late', async () => {
    const settle: { answer: (value: number) => void; refuse: () => void }[] = []
    const ask = (_site: string, point: string) => new Promise<Series>((resolve, reject) => {
      settle.push({ answer: (value) => { resolve(answer(point, value)) }, refuse: () => { reject(new ApiError(503, 'busy', 'too busy')) } })
    })
    scope = effectScope()
    const points = [{ id: 'crane-1/load', stale_after_ms: 2000 } as Point]
    const { history, error, load } = scope.run(() => useHistory(() => 'demo', () => points, () => 10, ref(100), {}, ask))!
    const loads = [load(), load(), load()]
    settle[2]!.answer(3)
    settle[0]!.answer(1)
    settle[1]!.refuse()
    await Promise.all(loads)
    expect([history.value['crane-1/load'], error.value]).toEqual([[[5, 3]], null])
  })
})
