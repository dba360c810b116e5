/** What explains a curve beside its limits: alarms as bands with their words. */

import type { Level, Point, Series } from '@/api/types'
import type { AlarmBand, CurveLimit } from '@/domain/curves'
import { formatFigure } from '@/domain/numbers'
import { formatInstant } from '@/domain/time'
import { useWords } from './useWords'

export function useBands(zone: () => string) {
  const { t, say } = useWords()
  const instant = (ms: number) => formatInstant(ms, zone(), 'full')

  /** The mild first, so that the grave lie upon them. */
  function bandsOf(told: { point: Point | null; answer: Series | null | undefined }[]): AlarmBand[] {
    return told.flatMap(({ point, answer }) => (answer?.alarms ?? []).map((alarm) => {
      const named = point?.limits.find((limit) => limit.rule === alarm.rule)
      const until = alarm.to_ms === null ? t('history.standing') : instant(alarm.to_ms).slice(11)
      return {
        id: alarm.id, level: alarm.level, fromMs: alarm.from_ms, toMs: alarm.to_ms,
        text: `${t('history.alarm')} · ${t(`level.${alarm.level}`)} · ${named ? say(named.label) : alarm.rule} · ${instant(alarm.from_ms).slice(5)} – ${until}`,
      }
    })).sort((a, b) => a.level - b.level)
  }

  /** On a phone the colour alone names the level. */
  const limitOf = (limit: { limit: number; level: Level; direction: 'high' | 'low' }, isNarrow: boolean): CurveLimit => ({
    limit: limit.limit, level: limit.level, direction: limit.direction,
    text: isNarrow ? formatFigure(limit.limit) : `${t(`level.${limit.level}`)} ${formatFigure(limit.limit)}`,
  })
  return { bandsOf, limitOf }
}
