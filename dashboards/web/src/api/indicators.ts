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
export type AlarmFigures = Schemas['AlarmFigures']

export interface Place { node?: string | null; site?: string | null }
export const readBoard = (node: string | null) => call<Board>('GET', `/board${query({ node })}`)
export const readBlindSpots = () => call<BlindSpots>('GET', '/blind-spots')
export const readIndicators = (place: Place, at: string | null = null) => call<Indicators>('GET', `/indicators${query({ ...place, at })}`)
export const readBehind = (indicator: string, part: string | null, place: Place, at: string | null) =>
  call<Schemas['RecordsBehind']>('GET', `/indicators/${indicator}/records${query({ part, ...place, at })}`)
export const readAlarmFigures = (place: Place, days: number) => call<AlarmFigures>('GET', `/alarm-figures${query({ ...place, days })}`)
