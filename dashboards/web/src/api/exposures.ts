/** What is made known to the public: what the page asks of it. */

import { call, part, query } from './client'
import type { components } from './schema'
import type { Page } from './types'

type Schemas = components['schemas']
export type ExposureListed = Schemas['ExposureListed']
export type Exposure = Schemas['ExposureShown']

export const exposures = {
  list: (hazard: string | null, state: string | null, after: string | null) => call<Page<ExposureListed>>('GET', `/exposures${query({ hazard, state, after })}`),
  one: (id: string) => call<Exposure>('GET', `/exposures/${part(id)}`),
  prepare: (hazard: string, given: object) => call<Exposure>('POST', `/hazards/${part(hazard)}/exposures`, given),
  act: (id: string, given: object, version: number) => call<Exposure>('POST', `/exposures/${part(id)}/acts`, given, version),
  pageUrl: (id: string) => `/api/v1/exposures/${part(id)}/page`,
  fileUrl: (id: string) => `/api/v1/exposures/${part(id)}/file`,
}
