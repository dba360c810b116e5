import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ActShown, EventShown, HazardRecord } from '@/api/hazard'
import { factsOf, openDays, stepsOf, told, draftLetter } from '@/domain/hazard'
import { bodyOf, fieldsOf, firstDraft, missingIn, nextStep, sortedActs, summaryOf, waitsFor } from '@/domain/hazardActs'
import { fitted } from '@/domain/photos'
import en from '@/i18n/en'
import rolesEn from '@/i18n/roles.en'
import rolesZh from '@/i18n/roles.zh'

const SERVER = join(import.meta.dirname, '..', '..', '..', 'cloud')
const ZONE = 'Asia/Shanghai'
const NOW = Date.parse('2026-11-27T02:00:00Z')

function record(given: Partial<HazardRecord> = {}): HazardRecord {
  return { status: 'candidate', level: 'major_proposed', plan: null, extensions: [], escalation_proposed: null, ...given } as HazardRecord
}
const event = (seq: number, status: string, given: Partial<EventShown> = {}) =>
  ({ seq, at: `2026-11-27T0${seq % 10}:00:00Z`, actor: 'sitewarden', kind: 'signal', body: {}, hash: 'a', status, ...given }) as EventShown
const act = (name: string, unmet: string[] = [], permitted = true): ActShown =>
  ({ act: name, permitted, unmet: unmet.map((code) => ({ code, zh: code, en: code, values: {}, field: '' })) })
const known = { content: 'Load 112 % of 100 %', letter: 'Letter', clause: { edition: '2022', id: '5-4', text: 'x', two_part: true } }

it('roles have the names that the server gives them', () => {
  const text = readFileSync(join(SERVER, 'accounts', 'roles.yaml'), 'utf8')
  const said = [...text.slice(text.indexOf('\nroles:')).matchAll(/\n {2}(\w+):\n(?: {4}#[^\n]*\n)* {4}name: \{zh: "?(.+?)"?, en: "?(.+?)"?\}/g)]
  expect(said.length).toBeGreaterThan(15)
  expect(Object.fromEntries(said.map(([, role, zh]) => [role, zh]))).toEqual(rolesZh)
  expect(Object.fromEntries(said.map(([, role, , inEnglish]) => [role, inEnglish]))).toEqual(rolesEn)
})

describe('the way of a record', () => {
  const person = { actor: 'li', role: 'enforcement_officer' }
  it('tells when each state was reached, and by whom', () => {
    const steps = stepsOf('confirmed', [event(1, 'candidate'), event(2, 'candidate'), event(3, 'confirmed', { kind: 'confirm', ...person })])
    expect(steps.map((one) => one.state)).toEqual(['done', 'now', 'ahead', 'ahead', 'ahead', 'ahead'])
    expect([steps[0]!.by, steps[1]!.by, steps[1]!.role, steps[1]!.at]).toEqual([null, 'li', 'enforcement_officer', '2026-11-27T03:00:00Z'])
  })
  it('forgets what was reached and lost again', () => {
    const steps = stepsOf('rectifying', [event(1, 'candidate'), event(2, 'confirmed'), event(3, 'rectifying'), event(4, 'rectified'), event(5, 'rectifying')])
    expect([steps[2]!.at, steps[3]!.at]).toEqual(['2026-11-27T05:00:00Z', null])
  })
  it('of a rejected record has two steps', () => {
    expect(stepsOf('rejected', [event(1, 'candidate'), event(2, 'rejected')]).map((one) => one.status)).toEqual(['candidate', 'rejected'])
  })
  it('counts its days from its opening', () => {
    expect(openDays({ opened_at: '2026-11-20T02:00:01Z' }, NOW)).toBe(6)
  })
})

describe('events', () => {
  it('of the machine in a row are one entry, those of persons stand alone', () => {
    const rows = told([event(1, 'candidate', { kind: 'opened' }), ...[2, 3, 4].map((n) => event(n, 'candidate')), event(5, 'confirmed', { kind: 'confirm', actor: 'li' }), event(6, 'confirmed')])
    expect(rows.map((row) => [row.folded, row.events.length])).toEqual([[false, 1], [false, 1], [true, 3], [false, 1]])
  })
  it('say what was chosen and written, and nothing that is no fact', () => {
    expect(factsOf({ reason: 'x', level: 'major', evidence: ['id'], due: '2026-12-01T00:00:00Z', state: {}, onsite: true }).map((one) => [one.name, one.kind]))
      .toEqual([['level', 'word'], ['reason', 'plain'], ['due', 'instant'], ['onsite', 'yes']])
  })
  it('tell what was measured as numbers, which want a unit', () => {
    expect(factsOf({ value: 1.74, limit: 2 }).map((one) => [one.name, one.kind])).toEqual([['value', 'number'], ['limit', 'number']])
  })
  it('carry the letter of the newest proposal', () => {
    expect(draftLetter([event(1, 'rectifying', { kind: 'escalation_proposed', body: { draft: 'old' } }), event(2, 'rectifying', { kind: 'escalation_proposed', body: { draft: 'new' } })])).toBe('new')
    expect(draftLetter([])).toBe('')
  })
})

describe('acts', () => {
  it('begin with the next one, without those that are for others or answer nothing', () => {
    const { main, more } = sortedActs([act('reject', [], false), act('opinion'), act('order_control'), act('acknowledge', ['told-already']), act('merge')], record())
    expect(main.map((one) => one.act)).toEqual(['opinion', 'order_control'])
    expect(more.map((one) => one.act)).toEqual(['merge'])
  })
  it('ask nobody for an opinion who may judge', () => {
    expect(sortedActs([act('opinion'), act('confirm'), act('reject')], record()).main.map((one) => one.act)).toEqual(['confirm', 'reject'])
  })
  it('that are only not yet possible stay in sight', () => {
    expect(sortedActs([act('close', ['signal'])], record({ status: 'reviewed' })).main.map((one) => one.act)).toEqual(['close'])
  })
  it('offer a step at once where the machine proposes one, else among the others', () => {
    const places = (proposed: number | null) => sortedActs([act('take_step')], record({ status: 'rectifying', escalation_proposed: proposed })).main.length
    expect([places(2), places(null)]).toEqual([1, 0])
    expect([nextStep({ escalation_proposed: 3, escalation_step: 1 }), nextStep({ escalation_proposed: null, escalation_step: 1 })]).toEqual([3, 2])
  })
  it('are waited for from somebody', () => {
    expect(waitsFor(record())).toBe('candidate_major')
    expect(waitsFor(record({ status: 'confirmed', plan: {} as HazardRecord['plan'] }))).toBe('plan')
    expect(waitsFor(record({ status: 'rectifying', extensions: [{ outcome: 'pending' }] as HazardRecord['extensions'] }))).toBe('extension')
    expect(waitsFor(record({ status: 'closed' }))).toBeNull()
  })
  it('have words for each that the server knows', () => {
    const names = [...readFileSync(join(SERVER, 'hazards', 'transitions.py'), 'utf8').matchAll(/^ {4}"(\w+)": _row\(/gm)].map((found) => found[1]!)
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !(name in en.record.acts))).toEqual([])
  })
})

describe('the form of an act', () => {
  it('of confirming is filled in from the alarm, and asks of a two-part clause whether it was handled', () => {
    const draft = firstDraft('confirm', record(), known, NOW, ZONE)
    expect([draft.level, draft.reason]).toEqual(['major', known.content])
    expect(fieldsOf('confirm', record(), draft).map((field) => field.name)).toEqual(['level', 'clause', 'handled', 'reason'])
    expect(fieldsOf('confirm', record(), { ...draft, level: 'general' }).map((field) => field.name)).toEqual(['level', 'reason'])
  })
  it('of a timed plan wants all five elements, of an immediate one three', () => {
    const draft = firstDraft('plan', record(), known, NOW, ZONE)
    expect(missingIn(fieldsOf('plan', record(), draft), draft)).toEqual(['person', 'measures', 'funds_wan', 'due', 'emergency_plan'])
    const immediate = { ...draft, type: 'immediate' }
    expect(missingIn(fieldsOf('plan', record(), immediate), immediate)).toEqual(['person', 'measures', 'due'])
  })
  it('sends instants by the site\'s clocks and numbers as numbers', () => {
    const draft = { type: 'timed', person: ' Li ', measures: 'm', funds_wan: '2.5', due: '2026-12-01T18:00', emergency_plan: 'e' }
    expect(bodyOf('plan', fieldsOf('plan', record(), draft), draft, record(), ZONE)).toEqual({
      act: 'plan', type: 'timed', person: 'Li', measures: 'm', funds_wan: 2.5, due: '2026-12-01T10:00:00.000Z', emergency_plan: 'e',
    })
  })
  it('sends photos of before and after as one list of evidence', () => {
    const draft = { ...firstDraft('submit', record(), known, NOW, ZONE), before: ['a'], after: ['b'], cause: 'c', followup_measures: 'f' }
    expect(bodyOf('submit', fieldsOf('submit', record(), draft), draft, record(), ZONE)).toMatchObject({ evidence: ['a', 'b'], rectified_at: '2026-11-27T02:00:00.000Z' })
  })
  it('names the clause and the step that it is about', () => {
    const draft = { ...firstDraft('confirm', record(), known, NOW, ZONE), handled: { in_time: 'no', when: '', how: '' } }
    expect(bodyOf('confirm', fieldsOf('confirm', record(), draft), draft, record(), ZONE)).toMatchObject({ clause: { edition: '2022', id: '5-4' }, handled: { in_time: false, when: null, how: '' } })
    const proposed = record({ escalation_proposed: 2 })
    const step = firstDraft('take_step', proposed, known, NOW, ZONE)
    expect(bodyOf('take_step', fieldsOf('take_step', proposed, step), step, proposed, ZONE)).toMatchObject({ step: 2, text: 'Letter' })
  })
  it('is told to its author in full before he signs it', () => {
    const draft = { ...firstDraft('order_control', record(), known, NOW, ZONE) }
    expect(summaryOf(fieldsOf('order_control', record(), draft), draft)).toEqual([
      { name: 'control', texts: ['stop_work'], word: true }, { name: 'reason', texts: [known.content], word: false },
    ])
  })
  it('has words for each of its fields', () => {
    const acts = Object.keys(en.record.acts)
    const names = new Set(acts.flatMap((name) => fieldsOf(name, record(), { level: 'major', clause: known.clause }).map((field) => field.name)))
    expect([...names].filter((name) => !(name in en.record.fields))).toEqual([])
  })
})

it('photos are made no larger than what is looked at, and never enlarged', () => {
  expect([fitted(4000, 3000), fitted(300, 200), fitted(1000, 9000)]).toEqual([{ width: 2000, height: 1500 }, { width: 300, height: 200 }, { width: 222, height: 2000 }])
})
