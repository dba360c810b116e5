/** Rotas: who is on duty where, and what may be done with them. */
import { call, query } from './client'
import type { components } from './schema'

type Schemas = components['schemas']
export type Rota = Schemas['RotaShown']
export type Rotas = Schemas['RotasShown']
export type Shift = Schemas['ShiftGiven']
export type Span = Schemas['SpanShown']
export interface Hours { starts_at: string; ends_at: string }

export const rotas = {
  all: (since: string, days: number) => call<Rotas>('GET', `/rotas${query({ since, days: String(days) })}`),
  make: (given: { site?: string; node?: number; role: string; time_zone: string }) => call<Rota>('POST', '/rotas', { ...given, week: [] }),
  change: (rota: Rota, week: Shift[]) => call<Rota>('PUT', `/rotas/${rota.id}`, { week }, rota.version),
  remove: (rota: number) => call<void>('DELETE', `/rotas/${rota}`),
  override: (rota: number, given: Hours & { account: number | null; reason: string }) => call<Rota>('POST', `/rotas/${rota}/overrides`, given),
  endOverride: (rota: number, override: number) => call<Rota>('DELETE', `/rotas/${rota}/overrides/${override}`),
  swap: (rota: number, one: Hours, other: Hours, reason: string) => call<Rota>('POST', `/rotas/${rota}/swaps`, { one, other, reason }),
}
