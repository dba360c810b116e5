import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import { complaints, DEVICES, draftOf, givenOf, OPERATORS, PITS, POINTS, SITE, WORKS, ZONES, type RegistryRecord } from '@/domain/registry'
import { inOrder } from '@/domain/tree'

const NONE = new Map<string, readonly (string | number)[]>()
const record = (fields: object) => ({ id: 'x', version: 1, ...fields }) as RegistryRecord

describe('a form', () => {
  it('sends a record as it came', () => {
    const crane = record({
      kind: 'crane', name: { zh: '1号塔机', en: 'Crane 1' }, zone: null, maker: '', model: 'TC5610', serial_no: '', property_no: '', manufactured_on: '2021-03-05',
      parties: [{ role: 'lessor', name: '甲', credit_code: '', certificate_no: '' }], geometry: { x_m: 20, y_m: 0, base_m: 0, mast_m: 40, jib_m: 56, counter_jib_m: 12 }, note: '',
    })
    const { id: _id, version: _version, ...fields } = crane
    expect(givenOf(DEVICES, draftOf(DEVICES, crane), false, NONE)).toEqual(fields)
  })
  it('leaves out what was not filled in, and empties what was emptied', () => {
    const given = givenOf(OPERATORS, draftOf(OPERATORS, null), true, NONE)
    expect(given).toEqual({ name: '', certificate_no: '', valid_from: null, devices: [], note: '' })
  })
  it('takes a name in one language for both', () => {
    const draft = { ...draftOf(PITS, null), name: { zh: '甲坑', en: ' ' } }
    expect(givenOf(PITS, draft, true, NONE).name).toEqual({ zh: '甲坑', en: '甲坑' })
  })
  it('sends numbers as numbers, and what is none as it is, for the server to say so', () => {
    const draft = { ...draftOf(POINTS, null), parameters: { f2_kn: '1800', control_crack_mm: 'much', crack_of: 'ground-new', slab_complete: '1', f1_kpa: ' ' } }
    expect(givenOf(POINTS, draft, true, new Map([['crack_of', ['ground-new']], ['slab_complete', [0, 1]]])).parameters)
      .toEqual({ f2_kn: 1800, control_crack_mm: 'much', crack_of: 'ground-new', slab_complete: 1 })
  })
  it('keeps a choice of numbers a number', () => {
    expect(givenOf(PITS, { ...draftOf(PITS, null), pit_class: '2' }, true, NONE).pit_class).toBe(2)
  })
  it('keeps the plan that a zone lies on', () => {
    const zone = record({ name: { zh: '东', en: 'East' }, plan: 'p-1', polygon: [[0, 0], [1, 0], [0, 1]], note: '' })
    expect(givenOf(ZONES, draftOf(ZONES, zone), false, NONE)).toMatchObject({ plan: 'p-1', polygon: [[0, 0], [1, 0], [0, 1]] })
  })
  it('reads an outline a corner a line', () => {
    expect(givenOf(ZONES, { ...draftOf(ZONES, null), polygon: '0 0\n1,0\n\n0.5 1' }, true, NONE).polygon).toEqual([[0, 0], [1, 0], [0.5, 1]])
  })
  it('hangs a site where it was hung, or nowhere', () => {
    const site = record({ territory: 3, enterprise: null })
    expect(givenOf(SITE, draftOf(SITE, site), false, NONE)).toMatchObject({ territory: 3, enterprise: null })
  })
})

const said = (field: string, code: string) => ({ field, code, message: code, values: {}, line: null, mend: null })

describe('complaints', () => {
  it('stand at their fields, and those of no field on top', () => {
    const error = new ApiError(422, 'invalid', 'all of it', [
      said('body.name.en', 'missing'), said('dimensions.span_m', 'unknown'), said('If-Match', 'stale'),
    ])
    const found = [...complaints(WORKS, error)].map(([name, complaints]) => [name, complaints.map((one) => one.code)])
    expect(found).toEqual([['name', ['missing']], ['dimensions', ['unknown']], ['', ['stale']]])
  })
  it('are none where the refusal is of no field', () => {
    expect(complaints(WORKS, new ApiError(0, 'unreachable', 'no answer')).size).toBe(0)
    expect(complaints(WORKS, null).size).toBe(0)
  })
})

it('a tree stands in rows, each node after the one it hangs from', () => {
  const nodes = [{ id: 5, parent: 2 }, { id: 2, parent: 1 }, { id: 3, parent: 1 }, { id: 9, parent: 7 }, { id: 1, parent: null }]
  expect(inOrder(nodes).map(({ node, depth }) => [node.id, depth])).toEqual([[9, 0], [1, 0], [2, 1], [5, 2], [3, 1]])
})
