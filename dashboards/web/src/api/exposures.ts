/** What is made known to the public: what the page asks of it. */

import { ApiError, call, part, query, refusal } from './client'
import type { components } from './schema'
import type { Page } from './types'

type Schemas = components['schemas']
export type ExposureListed = Schemas['ExposureListed']
export type Exposure = Schemas['ExposureShown']

export const exposures = {
  list: (hazard: string | null, state: string | null, after: string | null) => call<Page<ExposureListed>>('GET', `/exposures${query({ hazard, state, after })}`),
  one: (id: string) => call<Exposure>('GET', `/exposures/${part(id)}`),
  prepare: (hazard: string, given: object) => call<Exposure>('POST', `/hazards/${part(hazard)}/exposures`, given),
  putMasked: async (hazard: string, picture: Blob) => {
    const response = await fetch(`/api/v1/hazards/${part(hazard)}/exposure-photos`, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: picture })
      .catch((cause: unknown) => { throw new ApiError(0, 'unreachable', String(cause)) })
    if (!response.ok) throw await refusal(response)
    return (await response.json()) as Schemas['MaskedPut']
  },
  act: (id: string, given: object, version: number) => call<Exposure>('POST', `/exposures/${part(id)}/acts`, given, version),
  pageUrl: (id: string) => `/api/v1/exposures/${part(id)}/page`,
  fileUrl: (id: string) => `/api/v1/exposures/${part(id)}/file`,
}
