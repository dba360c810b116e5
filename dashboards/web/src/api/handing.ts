/** Reports by the public, and what is handed on to other platforms: what the pages ask of them. */

import { ApiError, call, part, query, refusal } from './client'
import type { components } from './schema'
import type { Page } from './types'

type Schemas = components['schemas']
export type TipAreas = Schemas['TipAreas']
export type TipReceipt = Schemas['TipReceipt']
export type OwnTip = Schemas['OwnTip']
export type TipListed = Schemas['TipListed']
export type Tip = Schemas['TipShown']
export type TipFigures = Schemas['TipFigures']
export type Outbound = Schemas['Outbound']
export type Connector = Schemas['ConnectorShown']
export type Package = Schemas['PackageShown']

/** The code goes in a header: addresses are written down by servers on the way. */
async function own<T>(method: string, path: string, code: string, body?: Blob | object): Promise<T> {
  const isFile = body instanceof Blob
  let response: Response
  try {
    response = await fetch(`/api/v1/public-reports/own${path}`, {
      method, credentials: 'omit',
      headers: { 'x-tip-code': code, ...(body === undefined ? {} : { 'content-type': isFile ? 'image/jpeg' : 'application/json' }) },
      body: body === undefined ? null : isFile ? body : JSON.stringify(body),
    })
  } catch (cause) {
    if (cause instanceof TypeError) throw new ApiError(0, 'unreachable', cause.message)
    throw cause
  }
  if (!response.ok) throw await refusal(response)
  return (await response.json()) as T
}

export const tips = {
  areas: (gate: string) => call<TipAreas>('GET', `/public-reports/areas${query({ gate: gate || null })}`),
  report: (given: object) => call<TipReceipt>('POST', '/public-reports', given),
  own: (code: string) => own<OwnTip>('GET', '', code),
  addWords: (code: string, words: string) => own<OwnTip>('POST', '/words', code, { words }),
  addPhoto: (code: string, photo: Blob) => own<OwnTip>('PUT', '/photos', code, photo),
  list: (state: string | null, after: string | null) => call<Page<TipListed>>('GET', `/tips${query({ state, after })}`),
  figures: () => call<TipFigures>('GET', '/tips/figures'),
  tip: (id: string) => call<Tip>('GET', `/tips/${part(id)}`),
  handlers: (id: string) => call<Schemas['TipHandlers']>('GET', `/tips/${part(id)}/handlers`),
  act: (id: string, act: object, version: number) => call<Tip>('POST', `/tips/${part(id)}/acts`, act, version),
  identity: (id: string, reason: string, password: string) => call<Schemas['IdentityShown']>('POST', `/tips/${part(id)}/identity`, { reason, signature: { password } }),
  gate: (site: string) => call<Schemas['Gate']>('GET', `/sites/${part(site)}/report-gate`),
  sites: () => call<{ items: { id: string; name: { zh: string; en: string } }[] }>('GET', '/sites'),
}

export const outbound = {
  all: () => call<Outbound>('GET', '/outbound'),
  packages: (connector: string | null, state: string | null, after: string | null) => call<Page<Package>>('GET', `/outbound/packages${query({ connector, state, after })}`),
  make: (given: object) => call<Connector>('POST', '/outbound/connectors', given),
  change: (id: string, given: object, version: number) => call<Connector>('PUT', `/outbound/connectors/${part(id)}`, given, version),
  resend: (id: string, reason: string) => call<Package>('POST', `/outbound/packages/${part(id)}/resend`, { reason }),
  note: (id: string, receipt: object) => call<Package>('POST', `/outbound/packages/${part(id)}/receipt`, receipt),
}
