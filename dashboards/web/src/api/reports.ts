/** Reports upward: what is to be handed in, what was made of it, who approved it. */

import { ROOT, call, part, query } from './client'
import type { components } from './schema'
import type { Page } from './types'

type Schemas = components['schemas']
export type ReportRow = Schemas['ReportRow']
export type ReportDetail = Schemas['ReportDetail']
export type ReportChoices = Schemas['ReportChoices']
export type ReportCalendar = Schemas['ReportCalendar']
export type RecordsBehind = Schemas['ReportRecords']

export const reports = {
  list: (node: number | null, kind: string | null, after: string | null = null) => call<Page<ReportRow>>('GET', `/reports${query({ node, kind, after })}`),
  choices: () => call<ReportChoices>('GET', '/reports/choices'),
  calendar: (node: number) => call<ReportCalendar>('GET', `/reports/calendar${query({ node })}`),
  read: (id: string, version: number | null = null) => call<ReportDetail>('GET', `/reports/${part(id)}${query({ version })}`),
  behind: (id: string, cell: string, version: number) => call<RecordsBehind>('GET', `/reports/${part(id)}/records${query({ cell, version })}`),
  make: (given: object, key: string) => call<ReportDetail>('POST', '/reports', given, undefined, key),
  again: (id: string, words: string, seq: number) => call<ReportDetail>('POST', `/reports/${part(id)}/versions`, { words }, seq),
  approve: (id: string, given: object, seq: number) => call<ReportDetail>('POST', `/reports/${part(id)}/approve`, given, seq),
  sent: (id: string, given: object, seq: number) => call<ReportDetail>('POST', `/reports/${part(id)}/sent`, given, seq),
  beginCampaign: (given: object) => call<ReportChoices>('POST', '/campaigns', given),
  fileUrl: (id: string, version: number, what: 'file' | 'table') => `${ROOT}/reports/${part(id)}/${what}${query({ version })}`,
}
