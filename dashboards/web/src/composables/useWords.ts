/** Texts from the server and ages, in the language of the page. */

import { useI18n } from 'vue-i18n'
import type { ApiError, FieldError } from '@/api/client'
import type { Point, Text } from '@/api/types'
import { ageParts } from '@/domain/freshness'
import { figureOf } from '@/domain/names'
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
  /** What is wrong with a field. */
  const complaint = (error: FieldError) => {
    // What must hold before an act says itself in words, with their numbers.
    const { zh, en } = error.values ?? {}
    if (typeof zh === 'string' && typeof en === 'string') return say({ zh, en })
    const key = `problems.fields.${error.code}`
    const values = Object.entries(error.values ?? {}).map(([name, value]) => [name, named(name, value)])
    return te(key) ? t(key, { ...Object.fromEntries(values), said: error.message }) : error.message
  }
  /** A point as it is told apart from the others of its device. */
  const pointName = (point: Point, among: readonly Point[]) => {
    const figure = figureOf(point, among)
    return figure ? `${say(point.label)} · ${t(`pit.quantity.${figure}`)}` : say(point.label)
  }
  /** Several, as the language separates them. */
  const listed = (names: readonly string[]) => names.join(locale.value === 'en' ? ', ' : '、')
  const named = (name: string, value: string | number | string[]): string => {
    if (Array.isArray(value)) return listed(value.map((one) => named(name, one)))
    return name === 'step' || name === 'missing' ? known('registry.words.step', String(value)) : String(value)
  }
  /** Why a request was refused. */
  const problem = (error: ApiError) => {
    // Why it is not signed says what to do: that alone.
    if (error.slug === 'not-signed' && error.fields.length) return error.fields.map(complaint).join(' ')
    const key = `problems.of.${error.slug}`
    const detail = error.slug === 'invalid' && error.fields.length ? error.fields.map(complaint).join(' ') : error.message
    return te(key) ? t(key, { detail }) : error.message
  }
  const quality = (word: string) => known('quality', word)
  const withUnit = (value: number, resolution: number, unit: string) =>
    `${formatNumber(value, resolution)}${unit === '%' || unit === '°' ? '' : ' '}${unitText(unit)}`.trimEnd()
  /** A reading as one phrase, for labels that are read aloud. */
  const spoken = (given: Reading | undefined) => {
    if (!given || given.value === null || given.judgement.state === 'bad') return t('quality.none')
    const text = withUnit(given.value, given.point.resolution, given.point.unit)
    return given.judgement.state === 'stale' ? `${text} (${t('quality.stale')})` : text
  }
  return { t, te, say, pointName, listed, age, lasting, known, complaint, problem, quality, withUnit, spoken, locale }
}
