/** Duties, rounds, themes and safety logs: what the pages ask of them and may do with them. */

import { ROOT, call, part, query, send } from './client'
import type { components } from './schema'
import type { Text } from './types'

type Schemas = components['schemas']
export type DutyCalendar = Schemas['DutyCalendar']
export type CalendarEntry = Schemas['Entry']
export type Coverage = Schemas['CoverageShown']
export type Share = Schemas['ShareShown']
export type Theme = Schemas['Theme']
export type DutyChoice = Schemas['DutyChoice']
export type DutyDone = Schemas['DutyDone']
export type DutiesDone = Schemas['DutiesDone']
export type DutyListed = Schemas['DutyDoneListed']
export type ThemeProposal = Schemas['ThemeProposal']
export type Draw = Schemas['Draw']
export type Draws = Schemas['Draws']
export type LogDays = Schemas['LogDays']
export type SafetyLog = Schemas['SafetyLog']

/** Whose duties: a node of either tree, or a site. */
export interface Place { node?: string | null; site?: string | null }

/** What the machine knows of a day; see `cloud/duties/log_facts.py`. */
export interface LogFacts {
  at: string
  alarms: { count: number; by_level: Record<string, number>; items: { level: 1 | 2 | 3 | 4; device: string; label: Text; raised_at: string; cleared_at: string | null }[] }
  hazards: { new: number; verified: number; closed: number; open: number; items: { id: string; number: string; content: Text; level: string; is_new: boolean; is_closed: boolean | null; is_verified: boolean | null; due_at: string | null }[] }
  devices: { count: number; silent: { device: string; label: Text; good_at: string | null }[] }
  gateways: { gateway: string; state: 'online' | 'offline' | 'unknown'; seen_at: string | null; gaps: number }[]
  wind: { device: string; value: number; at: string } | null
  maintenance: { device: string; work_order: string; reason: string; since: string; until: string }[]
  inspections: { id: string; kind: string; note: string; devices: string[] }[]
  done: { kind: string; words: string }[]
  present: { name: string; post: string; first_in: string; last_out: string | null }[]
}

const log = (site: string, day: string) => `/sites/${part(site)}/logs/${part(day)}`

export const duties = {
  calendar: (of: Place, month: string) => call<DutyCalendar>('GET', `/duties/calendar${query({ ...of, month })}`),
  coverage: (of: Place, day: string) => call<{ round: Coverage | null }>('GET', `/duties/coverage${query({ ...of, day })}`),
  themes: (of: Place, year: string) => call<{ items: Theme[] }>('GET', `/duties/themes${query({ ...of, year })}`),
  putTheme: (node: string, month: string, code: string, given: object, version?: number) => call<{ items: Theme[] }>('PUT', `/duties/themes/${part(node)}/${part(month)}/${part(code)}`, given, version),
  proposals: (of: Place) => call<{ items: ThemeProposal[] }>('GET', `/duties/themes/proposals${query({ ...of })}`),
  draws: (node: string) => call<Draws>('GET', `/duties/draws${query({ node })}`),
  makeDraw: (node: number, seed: string | null) => call<Draw>('POST', '/duties/draws', { node, ...(seed ? { seed } : {}) }),
  recorded: (of: Place, since: string, until: string) => call<DutiesDone>('GET', `/duties/done${query({ ...of, since, until })}`),
  correct: (one: DutyListed, given: object) => call<DutyDone>('POST', `/duties/done/${part(one.id)}/corrections`, given, one.seq),
  photoUrl: (id: string, sha256: string) => `${ROOT}/duties/done/${part(id)}/photos/${sha256}`,
  kinds: () => call<{ items: DutyChoice[] }>('GET', '/duties/kinds'),
  record: (given: object, key: string) => call<DutyDone>('POST', '/duties/done', given, undefined, key),
  addPhoto: (id: string, sha256: string, photo: Blob, progress: (share: number) => void) => send<DutyDone>(`/duties/done/${part(id)}/photos/${sha256}`, photo, progress, 'PUT'),
  logs: (site: string, since: string, until: string) => call<LogDays>('GET', `/sites/${part(site)}/logs${query({ since, until })}`),
  logsUrl: (site: string, ending: 'csv' | 'xlsx', since: string, until: string) => `${ROOT}/sites/${part(site)}/logs.${ending}${query({ since, until })}`,
  log: (site: string, day: string) => call<SafetyLog>('GET', log(site, day)),
  editLog: (site: string, day: string, given: { weather: string; words: string }, version: number) => call<SafetyLog>('PUT', log(site, day), given, version || 1),
  drawAgain: (site: string, day: string) => call<SafetyLog>('POST', `${log(site, day)}/facts`),
  signLog: (site: string, day: string, password: string, version: number) => call<SafetyLog>('POST', `${log(site, day)}/signature`, { signature: { password } }, version),
  amendLog: (site: string, day: string, words: string, password: string) => call<SafetyLog>('POST', `${log(site, day)}/amendments`, { words, signature: { password } }),
}
