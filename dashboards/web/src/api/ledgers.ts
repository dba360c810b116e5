/** Filing, incidents, enforcement and supervision: what the pages ask of them and may do with them. */

import { ROOT, call, part, query, send } from './client'
import type { components } from './schema'
import type { Page } from './types'

type Schemas = components['schemas']
export type FilingChoices = Schemas['FilingChoices']
export type Filed = Schemas['FiledShown']
export type StagedPhoto = Schemas['StagedPhoto']
export type ClauseEditions = Schemas['ClauseEditions']
export type SupervisedHazard = Schemas['SupervisedHazard']
export type IncidentListed = Schemas['IncidentListed']
export type Incident = Schemas['IncidentShown']
export type IncidentCounts = Schemas['IncidentCounts']
export type IncidentKind = IncidentListed['kind']
export type Lesson = Schemas['LessonShown']['lesson']
export type Enforcement = Schemas['Enforcement']
export type EnforcementDetail = Schemas['EnforcementDetail']
export type EnforcementChoices = Schemas['EnforcementChoices']
export type EnforcementTotal = Schemas['EnforcementTotal']

export const ledgers = {
  /** A ledger of all sites for a spreadsheet, as it is filtered. */
  tableUrl: (what: 'hazards' | 'incidents' | 'enforcement', chosen: Record<string, string | null | undefined>) => `${ROOT}/tables/${what}.csv${query(chosen)}`,
  clauses: (on: string | null = null) => call<ClauseEditions>('GET', `/clauses${query({ on })}`),
  filingChoices: (site: string) => call<FilingChoices>('GET', `/sites/${part(site)}/filing-choices`),
  stagedPhotos: (site: string) => call<{ items: StagedPhoto[] }>('GET', `/sites/${part(site)}/filing-photos`),
  stagePhoto: (site: string, sha256: string, photo: Blob, progress: (share: number) => void) =>
    send<StagedPhoto>(`/sites/${part(site)}/filing-photos/${sha256}`, photo, progress, 'PUT'),
  fileHazard: (site: string, given: object, key: string) => call<Filed>('POST', `/sites/${part(site)}/hazards`, given, undefined, key),
  supervision: (state: string, after: string | null = null) => call<Page<SupervisedHazard>>('GET', `/supervision${query({ state, after })}`),
  incidents: (asked: { kind?: string | null; status?: string | null; site?: string | null; hazard?: string | null }, after: string | null = null) =>
    call<Page<IncidentListed>>('GET', `/incidents${query({ ...asked, after })}`),
  incidentCounts: () => call<IncidentCounts>('GET', '/incidents/counts'),
  incident: (id: string) => call<Incident>('GET', `/incidents/${part(id)}`),
  fileIncident: (site: string, hazard: string | null, given: object, key: string) =>
    call<Incident>('POST', hazard === null ? `/sites/${part(site)}/incidents` : `/hazards/${part(hazard)}/incidents`, given, undefined, key),
  actOnIncident: (id: string, act: object, version: number) => call<Incident>('POST', `/incidents/${part(id)}/acts`, act, version),
  enforcement: (asked: { kind?: string | null; since?: string | null; until?: string | null; hazard?: string | null }, after: string | null = null) =>
    call<Page<Enforcement>>('GET', `/enforcement${query({ ...asked, after })}`),
  enforcementTotals: (since: string | null, until: string | null) => call<{ items: EnforcementTotal[] }>('GET', `/enforcement/totals${query({ since, until })}`),
  enforcementChoices: () => call<EnforcementChoices>('GET', '/enforcement/choices'),
  measure: (id: string) => call<EnforcementDetail>('GET', `/enforcement/${part(id)}`),
  recordMeasure: (given: object, key: string) => call<EnforcementDetail>('POST', '/enforcement', given, undefined, key),
  correctMeasure: (id: string, given: object, version: number) => call<EnforcementDetail>('POST', `/enforcement/${part(id)}/corrections`, given, version),
}
