/** What became of a gateway's readings. */
import { call } from './client'
import type { components } from './schema'

export type Arrivals = components['schemas']['Arrivals']

export const arrivalsOf = (site: string, gateway: string) =>
  call<Arrivals>('GET', `/sites/${encodeURIComponent(site)}/gateways/${encodeURIComponent(gateway)}/arrivals`)
