/** Inspections, patrols, what other systems know of a site, and who keeps what. */

import { call, part, query, send } from './client'
import type { components } from './schema'
import type { Page } from './types'

type Schemas = components['schemas']
export type Inspection = Schemas['InspectionShown']
export type InspectionDetail = Schemas['InspectionDetail']
export type InspectionChoices = Schemas['InspectionChoices']
export type Outside = Schemas['OutsideShown']
export type Sources = Schemas['Sources']
export type IntakeKind = Schemas['IntakeKindShown']
export type Brought = Schemas['BroughtShown']

interface Asked { kind?: string | null; site?: string | null; since?: string | null; until?: string | null; question?: string | null }

export const inspections = {
  list: (asked: Asked, after: string | null = null) => call<Page<Inspection>>('GET', `/inspections${query({ ...asked, after })}`),
  tableUrl: (asked: Asked) => `/api/v1/inspections.csv${query({ ...asked })}`,
  choices: () => call<InspectionChoices>('GET', '/inspections/choices'),
  one: (id: string) => call<InspectionDetail>('GET', `/inspections/${part(id)}`),
  record: (given: object, key: string) => call<InspectionDetail>('POST', '/inspections', given, undefined, key),
  correct: (id: string, given: object, version: number) => call<InspectionDetail>('POST', `/inspections/${part(id)}/corrections`, given, version),
  patrol: (site: string, given: object, key: string) => call<InspectionDetail>('POST', `/sites/${part(site)}/remote-patrols`, given, undefined, key),
  archiveUrl: (id: string, seq: number) => `/api/v1/inspections/${part(id)}/archive${query({ seq: String(seq) })}`,
  photoUrl: (id: string, sha256: string) => `/api/v1/inspections/${part(id)}/photos/${part(sha256)}`,
  outside: (site: string) => call<Outside>('GET', `/sites/${part(site)}/outside`),
  sources: () => call<Sources>('GET', '/sources'),
  declare: (given: object) => call<Sources>('POST', '/sources', given),
  intake: () => call<{ items: IntakeKind[] }>('GET', '/intake'),
  templateUrl: (kind: string, language: string) => `/api/v1/intake/${part(kind)}/template.csv${query({ language })}`,
  bring: (kind: string, system: string, table: Blob, isTrial: boolean) =>
    send<Brought>(`/intake/${part(kind)}${query({ system, dry_run: String(isTrial) })}`, table, () => {}, 'POST'),
}

