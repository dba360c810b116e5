/** Texts from the server and ages, in the language of the page. */

import { useI18n } from 'vue-i18n'
import type { Text } from '@/api/types'
import { ageParts } from '@/domain/freshness'
import type { Reading } from '@/domain/reading'
import { formatNumber, unitText } from '@/domain/numbers'

export function useWords() {
  const { t, te, locale } = useI18n()
  const say = (text: Text) => (locale.value === 'en' ? text.en : text.zh)
  const age = (ms: number) => {
    const { count, unit } = ageParts(ms)
    return t(`age.${unit}`, { n: count })
  }
  const lasting = (ms: number) => {
    const { count, unit } = ageParts(ms)
    return t(`age.for.${unit}`, { n: count })
  }
  /** A word that the pages do not know yet is shown as the server sent it: better raw than hidden. */
  const known = (prefix: string, word: string) => (te(`${prefix}.${word}`) ? t(`${prefix}.${word}`) : word)
  const quality = (word: string) => known('quality', word)
  const withUnit = (value: number, resolution: number, unit: string) =>
    `${formatNumber(value, resolution)}${unit === '%' || unit === '°' ? '' : ' '}${unitText(unit)}`.trimEnd()
  /** A reading as one phrase, for labels that are read aloud. */
  const spoken = (given: Reading | undefined) => {
    if (!given || given.value === null || given.judgement.state === 'bad') return t('quality.none')
    const text = withUnit(given.value, given.point.resolution, given.point.unit)
    return given.judgement.state === 'stale' ? `${text} (${t('quality.stale')})` : text
  }
  return { t, te, say, age, lasting, known, quality, withUnit, spoken, locale }
}
