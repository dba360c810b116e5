/** The hazard record as the pages ask for it and act on it, from the interface's own description. */

import type { components } from './schema'
import type { HazardDetail } from './types'

type Schemas = components['schemas']

export type Acted = HazardDetail
/** What the events of a record come to. */
export type HazardRecord = Schemas['RecordShown']
/** An event with what the record was right after it. */
export type EventShown = Schemas['HazardEvent']
export type ActShown = Schemas['ActShown']
export type Signed = Schemas['SignedShown']
export type Plan = Schemas['PlanShown']
export type Ordered = Schemas['OrderShown']
export type Report = Schemas['ReportsShown']['items'][number]
export type Past = Schemas['Past']
/** An item of an edition, with what the list of clauses says of it. */
export interface Clause { edition: string; id: string; text: string; two_part?: boolean; standing?: string }

export type EvidenceItem = Schemas['EvidenceItemShown']
/** Whether a danger that was measured is seen to be over, as a list of what holds and what does not. */
export type Clearance = Schemas['ClearanceShown']
