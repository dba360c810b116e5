/** The hazard record beyond what lists show: what the pages ask of it and may do with it. */

import type { HazardDetail, HazardEvent, Text } from './types'

export interface Person { account: number; name: string; role: string; side: string }
export interface Signed { at: string; by: Person }
/** An item of an edition, with what the list of clauses says of it. */
export interface Clause { edition: string; id: string; text: string; two_part?: boolean; standing?: string }
export interface Judgement extends Signed { level: string; reason: string; clause?: { edition: string; id: string } | null; handled?: { in_time: boolean; when?: string | null; how?: string } | null }
export interface Opinion extends Signed { reason_code: string; text: string; is_expert?: boolean }
export interface Rejection extends Signed { reason_code: string; reason: string; evidence?: string[] }
export interface Plan extends Signed { type: 'immediate' | 'timed'; person: string; measures: string; due: string; funds_wan?: number | null; emergency_plan?: string; accepted?: Signed | null }
export interface Reasoned extends Signed { reason: string }
export interface Extension extends Signed { due: string; reason: string; outcome?: 'pending' | 'granted' | 'refused'; decided?: Signed | null; decision?: string }
export interface Submission extends Signed { rectified_at: string; followup_measures?: string; cause?: string; evidence?: string[] }
export interface Review extends Signed { round: number; is_passed: boolean; note: string; onsite?: boolean; evidence?: string[] }
export interface Closing extends Signed { document?: string }
export interface Listing extends Signed { authority_level: string; document: string; due: string; delisted?: Closing | null }
export interface Ordered extends Reasoned { control: string }
export interface StepTaken extends Signed { step: number; document: string; text?: string }

/** What the events of a record come to. */
export interface HazardRecord {
  status: string; level: string; signal: string; report: string; report_due_at: string | null; supervision: string; control: string
  escalation_step: number; escalation_proposed: number | null; overdue: boolean; refused: boolean
  due_at: string | null; due_original: string | null; verified_at: string | null; closed_at: string | null; ended_at: string | null
  merged_into: string | null; repeat_of: string | null; repeat_no: number; mode: string; source: string; source_detail: string
  judgements: Judgement[]; opinions: Opinion[]; rejection: Rejection | null; plan: Plan | null; returned: Reasoned[]; extensions: Extension[]
  submissions: Submission[]; reviews: Review[]; closings: Closing[]; reopenings: Reasoned[]; listings: Listing[]; orders: Ordered[]
  steps: StepTaken[]; acknowledged: Signed[]; incidents: string[]
}

/** An event with what the record was right after it. */
export type EventShown = HazardEvent & { role?: string | null; side?: string | null; status?: string; level?: string; signed?: boolean }

export interface Unmet { code: string; zh: string; en: string; values?: Record<string, unknown>; field?: string }
export interface ActShown { act: string; permitted: boolean; unmet: Unmet[] }
export type Acted = HazardDetail & { version: number; record: HazardRecord; acts: ActShown[]; events: EventShown[] }

export interface EvidenceItem { id: string; kind: string; stage: string; sha256: string; at: string; author: string; media_type: string; name: string; bytes: number }

export interface Check { code: string; met: boolean; text: Text; values?: Record<string, unknown> }
export interface Clearance { met: boolean; cleared_since: string | null; needed_s: number; elapsed_s: number; working_s: number | null; coverage: number | null; checks: Check[] }
export interface Report { no: number; kind: string; sent_at: string; addressee: Text | null; late?: boolean }
