import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import type { Series } from '@/api/types'
import { useSpan } from '@/composables/useSpan'
import { formatSize, unzoned, zoned } from '@/domain/exports'

describe('the span of an export', () => {
  it('is written by the clocks of the site, and read back', () => {
    const at = Date.parse('2026-11-20T16:05:09Z')
    expect(zoned(at, 'Asia/Shanghai')).toBe('2026-11-21T00:05:09')
    expect(unzoned('2026-11-21T00:05:09', 'Asia/Shanghai')).toBe(at)
    // Where no second was chosen the field leaves it out.
    expect(unzoned('2026-11-21T00:05', 'Asia/Shanghai')).toBe(at - 9000)
    expect(unzoned('', 'Asia/Shanghai')).toBeNaN()
  })
  it('survives clocks that are put back', () => {
    for (const at of ['2026-10-24T23:30:00Z', '2026-10-25T02:30:00Z'].map(Date.parse)) expect(unzoned(zoned(at, 'Europe/Berlin'), 'Europe/Berlin')).toBe(at)
  })
  it('comes to a size that is read at a glance', () => {
    expect([200, 78_000, 4_200_000, 1_500_000_000].map(formatSize)).toEqual(['1 kB', '78 kB', '4.2 MB', '1.5 GB'])
  })
})

describe('answers for a span', () => {
  const asked = (points: string[], toMs: number) => ({ site: 's', points, fromMs: 0, toMs, most: 10 })
  it('are of the newest question, whichever comes last', async () => {
    const waiting: (() => void)[] = []
    const { answers, load } = useSpan((_, point, __, toMs) => new Promise((take) => waiting.push(() => take({ point, to_ms: toMs } as Series))))
    const older = load(asked(['a'], 1)), newer = load(asked(['a'], 2))
    waiting[1]!()
    await newer
    waiting[0]!()
    await older
    expect(answers.value.a?.to_ms).toBe(2)
  })
  it('stay where the next question fails, which is said', async () => {
    let fails = false
    const { answers, failure, isAsking, load } = useSpan(async (_, point) => {
      if (fails) throw new ApiError(503, 'database-away', 'away')
      return { point } as Series
    })
    await load(asked(['a'], 1))
    fails = true
    await load(asked(['a'], 2))
    expect([Object.keys(answers.value), failure.value?.status, isAsking.value]).toEqual([['a'], 503, false])
  })
})
