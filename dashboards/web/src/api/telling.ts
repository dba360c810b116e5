/** What persons are told, their own ways of being told, and links by which they answer. */
import { call } from './client'
import type { components } from './schema'

type Schemas = components['schemas']
export type Way = Schemas['WayShown']
export type Ways = Schemas['WaysShown']
export type WaySent = Schemas['WaySent']
export type Link = Schemas['ToldLinkShown']
export type ToldItem = Schemas['ToldShown']
export interface ToldPage { items: ToldItem[]; next: string | null }

const after = (cursor: string | null) => (cursor ? `?after=${encodeURIComponent(cursor)}` : '')

export const telling = {
  ways: () => call<Ways>('GET', '/account/ways'),
  addWay: (via: string, to: string, language: 'zh' | 'en') => call<WaySent>('POST', '/account/ways', { via, to, language }),
  sendCode: (way: string) => call<WaySent>('POST', `/account/ways/${way}/code`),
  proveWay: (way: string, code: string) => call<Way>('POST', `/account/ways/${way}/proof`, { code }),
  testWay: (way: string) => call<WaySent>('POST', `/account/ways/${way}/test`),
  changeWay: (way: Way, changes: Partial<Pick<Way, 'is_on' | 'position'>>) =>
    call<Way>('PUT', `/account/ways/${way.id}`, { language: way.language, is_on: way.is_on, position: way.position, ...changes }, way.version),
  removeWay: (way: string) => call<void>('DELETE', `/account/ways/${way}`),
  own: (cursor: string | null) => call<ToldPage>('GET', `/account/told${after(cursor)}`),
  ofSite: (site: string, cursor: string | null) => call<ToldPage>('GET', `/sites/${encodeURIComponent(site)}/told${after(cursor)}`),
  acknowledge: (told: string) => call<void>('POST', `/told/${told}/acknowledge`),
  look: (token: string) => call<Link>('POST', '/told-links/look', { token }),
  answer: (token: string) => call<Link>('POST', '/told-links/acknowledge', { token }),
}
