/** A hazard record as people read it: where it stands, whom it waits for, and its events without what nobody needs. */

import type { EventShown, HazardRecord } from '@/api/hazard'
import type { Hazard } from '@/api/types'

export const PATH = ['candidate', 'confirmed', 'rectifying', 'rectified', 'reviewed', 'closed'] as const
export type Step = (typeof PATH)[number] | 'rejected' | 'merged'
export interface StepShown {
  status: Step
  /** When the record came to it last, and by whose act; nothing where it has not, or was sent back since. */
  at: string | null
  by: string | null
  role: string | null
  state: 'done' | 'now' | 'ahead'
}

/** The steps from candidate to closed, or to where a record ended early. */
export function stepsOf(status: string, events: EventShown[]): StepShown[] {
  const ended = status === 'rejected' || status === 'merged'
  const path: readonly Step[] = ended ? ['candidate', status] : PATH
  const here = path.indexOf(status as Step)
  return path.map((step, index) => {
    const came = index <= here ? arrival(step, events) : null
    return { status: step, at: came?.at ?? null, by: personOf(came), role: came?.role ?? null, state: index < here ? 'done' : index === here ? 'now' : 'ahead' }
  })
}

/** The event after which the record last came to that status. */
function arrival(step: Step, events: EventShown[]): EventShown | null {
  let before: string | null = null
  let found: EventShown | null = null
  for (const event of events) {
    if (event.status === step && before !== step) found = event
    before = event.status ?? null
  }
  return found
}

export const MACHINE = 'sitewarden'
const personOf = (event: EventShown | null) => (event && event.actor !== MACHINE ? event.actor : null)

export interface Told { events: EventShown[]; folded: boolean }
/** So many of the machine's events in a row are told one by one; more are folded into one line. */
const SHOWN_IN_A_ROW = 2
const NOISE: ReadonlySet<string> = new Set(['episode', 'signal', 'evidence'])

/** The newest first; alarms that came and went in a row are one entry. */
export function told(events: EventShown[]): Told[] {
  const rows: Told[] = []
  for (const event of events) {
    const last = rows.at(-1)
    const isNoise = event.actor === MACHINE && NOISE.has(event.kind)
    if (isNoise && last?.folded) last.events.push(event)
    else rows.push({ events: [event], folded: isNoise })
  }
  return rows.flatMap((row) => (row.folded && row.events.length <= SHOWN_IN_A_ROW ? row.events.map((event) => ({ events: [event], folded: false })) : [row]))
    .map((row) => (row.folded && row.events.length > 1 ? row : { ...row, folded: false })).reverse()
}

/** Days that the record has been open, which no extension sets back. */
export function openDays(hazard: Pick<Hazard, 'opened_at'>, endMs: number): number {
  return Math.max(0, Math.floor((endMs - Date.parse(hazard.opened_at)) / 86_400_000))
}

/** What is said of a fact in an event's body: those that a person wrote or chose, in the order of reading. */
const SAID = ['report_kind', 'why', 'due_at', 'number', 'level', 'from', 'to', 'reason_code', 'reason', 'text', 'type', 'person', 'measures', 'funds_wan', 'due', 'emergency_plan', 'cause', 'followup_measures',
  'rectified_at', 'note', 'onsite', 'document', 'authority_level', 'control', 'step', 'until', 'into', 'value', 'limit'] as const
const WORDED: ReadonlySet<string> = new Set(['report_kind', 'why', 'level', 'from', 'to', 'reason_code', 'type', 'authority_level', 'control'])
/** Measured: they want the unit of their alarm. */
const MEASURED: ReadonlySet<string> = new Set(['value', 'limit'])
const INSTANTS: ReadonlySet<string> = new Set(['due', 'due_at', 'rectified_at', 'until'])

export interface Fact { name: (typeof SAID)[number]; value: string; kind: 'word' | 'instant' | 'yes' | 'number' | 'plain' }

export function factsOf(body: unknown): Fact[] {
  if (!body || typeof body !== 'object') return []
  const given = body as Record<string, unknown>
  return SAID.flatMap((name): Fact[] => {
    const value = given[name]
    if (value === null || value === undefined || value === '' || typeof value === 'object') return []
    const kind = WORDED.has(name) ? 'word' : INSTANTS.has(name) ? 'instant' : typeof value === 'boolean' ? 'yes' : MEASURED.has(name) && typeof value === 'number' ? 'number' : 'plain'
    return [{ name, value: String(value), kind }]
  })
}

/** The letter that the machine has drafted for the step that it proposes now. */
export function draftLetter(events: EventShown[]): string {
  const proposal = [...events].reverse().find((event) => event.kind === 'escalation_proposed')
  const draft = (proposal?.body as { draft?: unknown } | undefined)?.draft
  if (typeof draft === 'string') return draft
  return draft && typeof draft === 'object' && 'zh' in draft ? String(draft.zh) : ''
}

export const isOver = (record: Pick<HazardRecord, 'status'>) => ['closed', 'rejected', 'merged'].includes(record.status)

export function hasRectification(record: HazardRecord): boolean {
  return record.plan !== null || [record.returned, record.submissions, record.reviews, record.extensions].some((list) => list.length > 0)
}

export function hasJudgement(record: HazardRecord): boolean {
  return record.rejection !== null || [record.judgements, record.opinions, record.listings, record.steps, record.closings].some((list) => list.length > 0)
}
