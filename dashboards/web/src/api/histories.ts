/** Exports of histories: asked for, looked at, saved, ended. */

import { call, part, ROOT } from './client'
import type { components } from './schema'

export type HistoryExport = components['schemas']['ExportShown']
export type ExportWanted = components['schemas']['ExportWanted']

const of = (site: string, id = '') => `/sites/${part(site)}/history-exports${id && `/${part(id)}`}`

export const histories = {
  list: (site: string) => call<{ items: HistoryExport[] }>('GET', of(site)),
  ask: (site: string, wanted: ExportWanted) => call<HistoryExport>('POST', of(site), wanted),
  end: (site: string, id: string) => call<void>('DELETE', of(site, id)),
  fileUrl: (site: string, id: string) => `${ROOT}${of(site, id)}/file`,
}
