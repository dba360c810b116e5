/** What the pages ask of indicators, the board and figures of alarms. */
import { call, query } from './client'
import type { components } from './schema'

type Schemas = components['schemas']
export type Board = Schemas['Board']
export type Tile = Schemas['Tile']
export type BlindSpots = Schemas['BlindSpots']
export type Indicator = Schemas['IndicatorShown']
export type Indicators = Schemas['IndicatorsShown']
export type IndicatorPart = Schemas['PartShown']
export type RecordBehind = Schemas['RecordBehind']
export type Ranking = Schemas['RankingShown']
export type Ranked = Schemas['RankedShown']
export type AlarmFigures = Schemas['AlarmFigures']

export interface Place { node?: string | null; site?: string | null }
export const readBoard = (node: string | null) => call<Board>('GET', `/board${query({ node })}`)
export const readBlindSpots = (node: string | null) => call<BlindSpots>('GET', `/blind-spots${query({ node })}`)
export const readIndicators = (place: Place, at: string | null = null) => call<Indicators>('GET', `/indicators${query({ ...place, at })}`)
export const indicatorsUrl = (place: Place, at: string | null) => `/api/v1/indicators.csv${query({ ...place, at })}`
export const readBehind = (indicator: string, part: string | null, key: string, place: Place, at: string | null) =>
  call<Schemas['RecordsBehind']>('GET', `/indicators/${indicator}/records${query({ part, key, ...place, at })}`)
export const readRanking = (by: Ranking['by'], node: string | null, at: string | null) => call<Ranking>('GET', `/ranking${query({ by, node, at })}`)
export const readAlarmFigures = (place: Place, days: number) => call<AlarmFigures>('GET', `/alarm-figures${query({ ...place, days })}`)
