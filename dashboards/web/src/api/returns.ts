/** What is put together about an accident or an overdue hazard. */

import { ROOT, call, part, query } from './client'
import type { components } from './schema'

export type Dossier = components['schemas']['DossierShown']
export type AttendanceTrace = components['schemas']['TraceShown']

export const returns = {
  dossiers: (of: { incident?: string | null; hazard?: string | null }) => call<{ items: Dossier[] }>('GET', `/dossiers${query(of)}`),
  trace: (dossier: string) => call<AttendanceTrace>('GET', `/dossiers/${part(dossier)}/trace`),
  makePackage: (incident: string) => call<Dossier>('POST', `/incidents/${part(incident)}/packages`),
  fileUrl: (dossier: string) => `${ROOT}/dossiers/${part(dossier)}/file`,
}
