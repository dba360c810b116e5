/** What may be done with a hazard record, as forms: which fields an act has, what stands in them at first, what is sent. */

import type { ActShown, Clause, HazardRecord } from '@/api/hazard'
import type { components } from '@/api/schema'
import { localText, instantOf } from './trial'

/** Acts by the state that they are mostly done in, the next one first; one that is in no list stands under "more". */
const MAIN: Record<string, readonly string[]> = {
  candidate: ['confirm', 'opinion', 'reject'],
  confirmed: ['accept_plan', 'return_plan', 'plan'],
  rectifying: ['accept_plan', 'return_plan', 'grant_extension', 'refuse_extension', 'submit', 'request_extension'],
  rectified: ['pass_review', 'fail_review'],
  reviewed: ['close'],
  closed: ['reopen'],
}
/** Of no state: what cannot wait, and what the machine proposes. */
const ALWAYS = ['acknowledge', 'take_step', 'postpone_step', 'order_control', 'lift_control'] as const
/** Acts that answer something: with nothing to be answered there is no such act. */
const ANSWERS: ReadonlySet<string> = new Set(['accept_plan', 'return_plan', 'grant_extension', 'refuse_extension', 'acknowledge', 'take_step', 'postpone_step', 'lift_control', 'delist'])

/** Acts that stop or refuse something: drawn so that nobody presses them by mistake. */
export const GRAVE: ReadonlySet<string> = new Set(['reject', 'return_plan', 'refuse_extension', 'fail_review', 'reopen', 'downgrade', 'mark_refused', 'order_control'])

/** What the reader may do, with the next acts first; the rest is kept folded. */
export function sortedActs(acts: ActShown[], { status, escalation_proposed: proposed }: Pick<HazardRecord, 'status' | 'escalation_proposed'>): { main: ActShown[]; more: ActShown[] } {
  const mine = acts.filter((one) => one.permitted && !(ANSWERS.has(one.act) && one.unmet.length))
  const order: string[] = [...(MAIN[status] ?? []), ...ALWAYS]
  // Whoever may judge needs no opinion of his own, and a plan that waits for an answer is not made anew.
  const instead: Record<string, string> = { opinion: 'confirm', plan: 'accept_plan' }
  const isMain = (one: ActShown) => order.includes(one.act) && (one.act !== 'take_step' || Boolean(proposed)) && !mine.some((other) => other.act === instead[one.act])
  const main = mine.filter(isMain).sort((a, b) => order.indexOf(a.act) - order.indexOf(b.act))
  return { main, more: mine.filter((one) => !main.includes(one)) }
}

/** Whom the record waits for, as a word of the pages' texts; nothing where for nobody. */
export function waitsFor(record: Pick<HazardRecord, 'status' | 'level' | 'plan' | 'extensions'>): string | null {
  const { status } = record
  if (status === 'candidate' || status === 'rectified') return `${status}_${record.level === 'general' ? 'general' : 'major'}`
  if (status === 'confirmed') return record.plan && record.level !== 'general' ? 'plan' : 'confirmed'
  if (status === 'rectifying') return record.extensions.at(-1)?.outcome === 'pending' ? 'extension' : 'rectifying'
  return status === 'reviewed' ? 'reviewed' : null
}

export type FieldKind = 'note' | 'line' | 'choice' | 'clause' | 'handled' | 'instant' | 'number' | 'tick' | 'evidence' | 'hazard'
export type Stage = 'found' | 'before' | 'after' | 'review' | 'judgement'

export interface ActField {
  name: string
  kind: FieldKind
  required: boolean
  choices?: readonly string[]
  /** Of what is uploaded here. */
  stage?: Stage
}

const REASONS = ['sensor_fault', 'calibration', 'maintenance_test', 'misread', 'duplicate', 'other'] as const
const must = (name: string, kind: FieldKind, more: Partial<ActField> = {}): ActField => ({ name, kind, required: true, ...more })
const may = (name: string, kind: FieldKind, more: Partial<ActField> = {}): ActField => ({ name, kind, required: false, ...more })
const judged = may('evidence', 'evidence', { stage: 'judgement' })

/** The fields of an act as the record and what is filled in so far ask for them. */
export function fieldsOf(act: string, record: HazardRecord, draft: Draft): ActField[] {
  const isMajor = record.level !== 'general'
  switch (act) {
    case 'confirm': {
      const major = draft.level === 'major'
      const clause = draft.clause as Clause | null
      return [
        must('level', 'choice', { choices: ['general', 'major'] }),
        ...(major ? [must('clause', 'clause')] : []),
        ...(major && clause?.two_part ? [must('handled', 'handled')] : []),
        must('reason', 'note'),
      ]
    }
    case 'reject': return [must('reason_code', 'choice', { choices: REASONS }), must('reason', 'note'), { ...judged, required: true }]
    case 'opinion': return [must('reason_code', 'choice', { choices: [...REASONS, 'is_hazard', 'is_major', 'is_general'] }), must('text', 'note')]
    case 'merge': return [must('into', 'hazard')]
    case 'plan': {
      const timed = draft.type !== 'immediate'
      return [
        must('type', 'choice', { choices: ['timed', 'immediate'] }), must('person', 'line'), must('measures', 'note'),
        { ...must('funds_wan', 'number'), required: timed }, must('due', 'instant'), { ...must('emergency_plan', 'note'), required: timed },
      ]
    }
    case 'request_extension': return [must('due', 'instant'), must('reason', 'note')]
    case 'submit': {
      const planned = record.plan?.type === 'immediate'
      return [
        may('before', 'evidence', { stage: 'before' }), may('after', 'evidence', { stage: 'after' }), must('rectified_at', 'instant'),
        { ...must('cause', 'note'), required: isMajor }, { ...must('followup_measures', 'note'), required: isMajor || planned },
      ]
    }
    case 'pass_review': return [must('note', 'note'), may('onsite', 'tick'), may('evidence', 'evidence', { stage: 'review' })]
    case 'fail_review': return [must('reason', 'note'), { ...must('evidence', 'evidence'), stage: 'review' }]
    case 'close': return [{ ...must('document', 'line'), required: isMajor }]
    case 'upgrade': return [must('clause', 'clause'), must('reason', 'note')]
    case 'list': return [must('authority_level', 'choice', { choices: ['county', 'city', 'province'] }), must('document', 'line'), must('due', 'instant')]
    case 'delist': return [must('document', 'line')]
    case 'mark_refused': return [must('reason', 'note'), { ...judged, required: true }]
    case 'order_control': return [must('control', 'choice', { choices: ['stop_work', 'partial_stop', 'evacuated'] }), must('reason', 'note')]
    case 'take_step': return [must('document', 'line'), must('text', 'note')]
    case 'postpone_step': return [must('until', 'instant'), must('reason', 'note')]
    case 'return_plan': case 'refuse_extension': case 'reopen': case 'downgrade': case 'lift_control': return [must('reason', 'note')]
    default: return []
  }
}

/** What stands in the fields, as the fields have it: texts, ticks, lists of evidence. */
export type Draft = Record<string, unknown>
export interface Handled { in_time: '' | 'yes' | 'no'; when: string; how: string }

const HOUR_MS = 3_600_000

/** What the record says of itself. */
export interface Known { content: string; letter: string; clause: Clause | null }

/** What is known already need not be typed: the machine's own words, its clause, the present. */
export function firstDraft(act: string, record: HazardRecord, words: Known, nowMs: number, zone: string): Draft {
  const now = localText(nowMs, zone)
  switch (act) {
    case 'confirm': return { level: record.level === 'general' ? 'general' : 'major', clause: words.clause, reason: words.content, handled: { in_time: '', when: '', how: '' } }
    case 'reject': return { reason_code: '', reason: '', evidence: [] }
    case 'opinion': return { reason_code: 'sensor_fault', text: '' }
    case 'plan': return { type: record.plan?.type ?? 'timed', person: record.plan?.person ?? '', measures: record.plan?.measures ?? '', funds_wan: record.plan?.funds_wan?.toString() ?? '', due: record.plan?.due ? localText(Date.parse(record.plan.due), zone) : '', emergency_plan: record.plan?.emergency_plan ?? '' }
    case 'submit': return { before: [], after: [], rectified_at: now, cause: '', followup_measures: '' }
    case 'upgrade': return { clause: words.clause, reason: '' }
    case 'list': return { authority_level: 'county', document: '', due: '' }
    case 'order_control': return { control: 'stop_work', reason: words.content }
    case 'take_step': return { document: '', text: words.letter }
    case 'postpone_step': return { until: localText(nowMs + 24 * HOUR_MS, zone), reason: '' }
    case 'pass_review': return { note: '', onsite: true, evidence: [] }
    default: return Object.fromEntries(fieldsOf(act, record, {}).map((field) => [field.name, field.kind === 'evidence' ? [] : '']))
  }
}

/** The items by which may be judged, each with its edition; an edition that is not in force yet has none. */
export function itemsOf(editions: components['schemas']['ClauseEdition'][]): Clause[] {
  return editions.filter((edition) => edition.standing !== 'not_yet' && edition.standing !== 'replaced')
    .flatMap((edition) => edition.items.map((item) => ({ edition: edition.edition, id: item.id, text: item.text, two_part: item.two_part, standing: edition.standing })))
}

/** The clause as the list of clauses has it, which says more of it than the record. */
export function clauseOf(clause: { edition: string; id: string; text: string } | null, clauses: Clause[]): Clause | null {
  return clauses.find((one) => one.edition === clause?.edition && one.id === clause.id) ?? clause
}

export interface Line { name: string; texts: string[]; word: boolean }

/** What was filled in, for whoever is about to sign it: fields that are empty are left out. */
export function summaryOf(fields: ActField[], draft: Draft): Line[] {
  return fields.filter((field) => !isEmpty(field, draft[field.name]) && !(field.kind === 'tick' && draft[field.name] !== true))
    .map((field) => ({ name: field.name, texts: textsOf(field, draft[field.name]), word: field.kind === 'choice' }))
}

function textsOf(field: ActField, value: unknown): string[] {
  switch (field.kind) {
    case 'clause': { const clause = value as Clause; return [clause.id, clause.edition] }
    case 'handled': { const said = value as Handled; return [said.in_time, said.when.replace('T', ' '), said.how].filter((text, index) => index === 0 || text) }
    case 'evidence': return [`× ${(value as string[]).length}`]
    case 'instant': return [String(value).replace('T', ' ')]
    default: return [String(value)]
  }
}

/** Names of the fields that are required and empty. */
export function missingIn(fields: ActField[], draft: Draft): string[] {
  return fields.filter((field) => field.required && isEmpty(field, draft[field.name])).map((field) => field.name)
}

function isEmpty(field: ActField, value: unknown): boolean {
  if (field.kind === 'tick') return false
  if (field.kind === 'evidence') return !(value as string[] | undefined)?.length
  if (field.kind === 'handled') {
    const said = value as Handled | undefined
    return !said?.in_time || (said.in_time === 'yes' && (!said.when || !said.how.trim()))
  }
  return typeof value === 'string' ? !value.trim() : value === null || value === undefined
}

/** The step of the ladder that is taken: the proposed one, or the one after the last. */
export function nextStep(record: Pick<HazardRecord, 'escalation_proposed' | 'escalation_step'>): number {
  return record.escalation_proposed ?? Math.min(5, record.escalation_step + 1)
}

/** The act as it is sent: instants with their zone, numbers as numbers, nothing that was not asked for. */
export function bodyOf(act: string, fields: ActField[], draft: Draft, record: HazardRecord, zone: string): Record<string, unknown> {
  const body: Record<string, unknown> = { act }
  for (const field of fields) {
    const value = draft[field.name]
    if (field.kind === 'evidence') body.evidence = [...((body.evidence as string[] | undefined) ?? []), ...((value as string[] | undefined) ?? [])]
    else body[field.name] = sent(field, value, zone)
  }
  if (act === 'take_step') body.step = nextStep(record)
  return body
}

function sent(field: ActField, value: unknown, zone: string): unknown {
  switch (field.kind) {
    case 'tick': return value === true
    case 'clause': return value ? { edition: (value as Clause).edition, id: (value as Clause).id } : null
    case 'handled': return handledSent(value as Handled, zone)
    case 'instant': return instantText(value, zone)
    case 'number': return typeof value === 'string' && value.trim() !== '' ? Number(value.trim().replace(',', '.')) : null
    default: return typeof value === 'string' ? value.trim() : (value ?? null)
  }
}

function handledSent(said: Handled, zone: string): object {
  return { in_time: said.in_time === 'yes', when: instantText(said.when, zone), how: said.how.trim() }
}

function instantText(value: unknown, zone: string): string | null {
  const at = typeof value === 'string' && value ? instantOf(value, zone) : null
  return at === null ? null : new Date(at).toISOString()
}
