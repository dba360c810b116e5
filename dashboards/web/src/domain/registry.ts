/** What the registry's pages show and ask of each kind of record: columns and fields as data. */

import type { ApiError, FieldError } from '@/api/client'

export type RecordValue = unknown
export type RegistryRecord = Record<string, RecordValue> & { id: string; version: number }

export type FieldKind = 'name' | 'line' | 'words' | 'note' | 'date' | 'number' | 'choice' | 'devices' | 'zone' | 'pit' | 'parties' | 'geometry' | 'parameters' | 'support' | 'pointKind' | 'category' | 'dimensions' | 'corners' | 'plan' | 'node' | 'level' | 'jurisdiction'

export interface Field {
  name: string
  kind: FieldKind
  /** Of a choice; texts under `registry.words.<name>`. */
  choices?: readonly (string | number)[]
  required?: boolean
}

export interface Kind {
  /** Path of its list, and its texts under `registry.kinds`. */
  path: string
  /** As the log of changes names it. */
  record: string
  columns: readonly string[]
  fields: readonly Field[]
  canRemove: boolean
}

export const PARTS = ['site', 'devices', 'pits', 'works', 'operators', 'gateways', 'zones', 'notices', 'import'] as const
export type Part = (typeof PARTS)[number]

export const STEPS = ['filed', 'installed', 'inspected', 'accepted', 'registered', 'in_use', 'climbed', 'maintained', 'dismantled'] as const
export const ROLES = ['contractor', 'owner', 'lessor', 'installer', 'supervisor', 'inspection_body', 'monitoring_body', 'maintainer'] as const
export const GEOMETRY = ['x_m', 'y_m', 'base_m', 'mast_m', 'jib_m', 'counter_jib_m'] as const

export const TREES = ['territory', 'enterprise'] as const
export type Tree = (typeof TREES)[number]
/** What nodes of a tree are, from the top down. */
export const LEVELS: Readonly<Record<Tree, readonly string[]>> = {
  territory: ['province', 'prefecture', 'county', 'park', 'town', 'grid'], enterprise: ['group', 'company', 'branch'],
}

/** How a site is described; it has no list. */
export const SITE: Kind = {
  path: 'site', record: 'site', canRemove: false, columns: [],
  fields: [
    { name: 'name', kind: 'words', required: true },
    { name: 'code', kind: 'line' }, { name: 'address', kind: 'line' }, { name: 'authority', kind: 'line' },
    { name: 'phase', kind: 'choice', choices: ['planned', 'building', 'suspended', 'finished'], required: true },
    { name: 'territory', kind: 'node' }, { name: 'enterprise', kind: 'node' },
    { name: 'time_zone', kind: 'line', required: true },
  ],
}

export const nodeKind = (tree: Tree): Kind => ({
  path: tree, record: 'tree_node', canRemove: true, columns: [],
  fields: [
    { name: 'parent', kind: 'node' }, { name: 'kind', kind: 'level', choices: LEVELS[tree], required: true },
    { name: 'name', kind: 'words', required: true }, { name: 'code', kind: 'line' },
    ...(tree === 'territory' ? [{ name: 'jurisdiction', kind: 'jurisdiction' } as const] : []),
  ],
})

const NOTE: Field = { name: 'note', kind: 'note' }

export const DEVICES: Kind = {
  path: 'devices', record: 'device_file', canRemove: true,
  columns: ['id', 'name', 'kind', 'standing', 'certificates', 'property_no', 'announced'],
  fields: [
    { name: 'id', kind: 'name', required: true },
    { name: 'kind', kind: 'choice', choices: ['crane', 'hoist', 'pit', 'weather', 'dust', 'camera', 'other'], required: true },
    { name: 'name', kind: 'words', required: true },
    { name: 'zone', kind: 'zone' },
    { name: 'maker', kind: 'line' }, { name: 'model', kind: 'line' }, { name: 'serial_no', kind: 'line' },
    { name: 'property_no', kind: 'line' }, { name: 'manufactured_on', kind: 'date' },
    { name: 'parties', kind: 'parties' }, { name: 'geometry', kind: 'geometry' }, NOTE,
  ],
}

export const STEP: Kind = {
  path: 'steps', record: 'device_step', canRemove: true, columns: [],
  fields: [
    { name: 'step', kind: 'choice', choices: STEPS, required: true },
    { name: 'done_on', kind: 'date', required: true },
    { name: 'body', kind: 'line', required: true },
    { name: 'document_no', kind: 'line' }, { name: 'valid_until', kind: 'date' }, NOTE,
  ],
}

export const PITS: Kind = {
  path: 'pits', record: 'pit', canRemove: true, columns: ['id', 'name', 'pit_class', 'support', 'depth_m', 'design_document'],
  fields: [
    { name: 'id', kind: 'name', required: true }, { name: 'name', kind: 'words', required: true },
    { name: 'pit_class', kind: 'choice', choices: [1, 2, 3], required: true },
    { name: 'support', kind: 'support', required: true }, { name: 'depth_m', kind: 'number', required: true },
    { name: 'zone', kind: 'zone' }, { name: 'design_document', kind: 'line' }, NOTE,
  ],
}

export const POINTS: Kind = {
  path: 'points', record: 'pit_point', canRemove: true, columns: ['id', 'name', 'point_kind', 'parameters', 'design_document', 'announced'],
  fields: [
    { name: 'id', kind: 'name', required: true }, { name: 'pit', kind: 'pit', required: true },
    { name: 'kind', kind: 'pointKind', required: true }, { name: 'name', kind: 'words', required: true },
    { name: 'parameters', kind: 'parameters' }, { name: 'design_document', kind: 'line' }, NOTE,
  ],
}

export const WORKS: Kind = {
  path: 'works', record: 'dangerous_work', canRemove: true,
  columns: ['name', 'category', 'status', 'scale', 'monitoring', 'devices', 'span'],
  fields: [
    { name: 'name', kind: 'words', required: true }, { name: 'category', kind: 'category', required: true },
    { name: 'dimensions', kind: 'dimensions' },
    { name: 'status', kind: 'choice', choices: ['planned', 'under_way', 'finished'], required: true },
    { name: 'devices', kind: 'devices' }, { name: 'scheme_no', kind: 'line' }, { name: 'review_no', kind: 'line' },
    { name: 'conclusion', kind: 'line' }, { name: 'reviewed_on', kind: 'date' },
    { name: 'starts_on', kind: 'date' }, { name: 'ends_on', kind: 'date' }, NOTE,
  ],
}

export const OPERATORS: Kind = {
  path: 'operators', record: 'operator', canRemove: true,
  columns: ['person', 'trade', 'certificate_no', 'validity', 'devices'],
  fields: [
    { name: 'name', kind: 'line', required: true },
    { name: 'trade', kind: 'choice', required: true, choices: ['crane_operator', 'hoist_operator', 'signaller', 'rigger', 'erector', 'platform_installer', 'electrician', 'other'] },
    { name: 'certificate_no', kind: 'line', required: true },
    { name: 'valid_from', kind: 'date' }, { name: 'valid_until', kind: 'date', required: true },
    { name: 'devices', kind: 'devices' }, NOTE,
  ],
}

export const GATEWAYS: Kind = {
  path: 'gateways', record: 'site_gateway', canRemove: false, columns: ['id', 'service', 'note'],
  fields: [{ name: 'id', kind: 'name', required: true }, { name: 'retired_on', kind: 'date' }, NOTE],
}

export const ZONES: Kind = {
  path: 'zones', record: 'zone', canRemove: true, columns: ['id', 'name', 'plan', 'corners', 'note'],
  fields: [
    { name: 'id', kind: 'name', required: true }, { name: 'name', kind: 'words', required: true },
    { name: 'plan', kind: 'plan' }, { name: 'polygon', kind: 'corners', required: true }, NOTE,
  ],
}

/** Names that may be chosen in a form. */
export interface Lists {
  devices: string[]
  zones: string[]
  pits: string[]
  plans?: string[]
  /** By the field that takes them. */
  nodes?: Readonly<Record<string, readonly { id: number; text: string }[]>>
}
export const NO_LISTS: Lists = { devices: [], zones: [], pits: [] }

/** Fields that are texts and stand empty where nothing is said; all others are left out or null. */
const TEXTS: ReadonlySet<FieldKind> = new Set(['line', 'note'])

/** A record as it is edited: every field a text or a small structure, whatever is missing empty. */
export function draftOf(kind: Kind, record: RegistryRecord | null): Record<string, unknown> {
  return Object.fromEntries(kind.fields.map((field) => [field.name, draft(field, record?.[field.name])]))
}

function draft(field: Field, value: unknown): unknown {
  switch (field.kind) {
    case 'words': return { zh: '', en: '', ...(value as object | undefined) }
    case 'devices': return [...((value as string[] | undefined) ?? [])]
    case 'parties': return ((value as object[] | undefined) ?? []).map((party) => ({ ...party }))
    case 'geometry': case 'parameters': case 'dimensions':
      return Object.fromEntries(Object.entries((value as Record<string, unknown> | null | undefined) ?? {}).map(([name, one]) => [name, String(one)]))
    case 'corners': return ((value as [number, number][] | undefined) ?? []).map((corner) => corner.join(' ')).join('\n')
    default: return value === null || value === undefined ? '' : String(value)
  }
}

/** What the server is sent of a draft; a key that cannot be changed is left out of a change. */
export function givenOf(kind: Kind, draft: Record<string, unknown>, isNew: boolean, choices: ReadonlyMap<string, readonly (string | number)[]>): Record<string, unknown> {
  const fields = kind.fields.filter((field) => isNew || field.name !== 'id')
  return Object.fromEntries(fields.map((field) => [field.name, given(field, draft[field.name], choices)]).filter(([, value]) => value !== undefined))
}

function given(field: Field, value: unknown, choices: ReadonlyMap<string, readonly (string | number)[]>): unknown {
  switch (field.kind) {
    case 'words': { const { zh, en } = value as { zh: string; en: string }; return { zh: zh.trim(), en: en.trim() || zh.trim() } }
    case 'parties': return (value as { name: string }[]).filter((party) => party.name.trim())
    case 'devices': return value
    case 'geometry': { const said = numbers(value); return Object.keys(said).length ? said : null }
    case 'dimensions': return numbers(value)
    case 'parameters': return Object.fromEntries(said(value).map(([name, text]) => [name, ofChoices(text, choices.get(name)) ?? numberOf(text)]))
    case 'corners': return (value as string).split('\n').map((line) => line.trim()).filter(Boolean).map((line) => line.split(/[\s,，]+/).map(numberOf))
    case 'number': return numberOf(value as string)
    case 'node': return value === '' ? null : Number(value)
    case 'choice': case 'level': return ofChoices(value as string, field.choices) ?? undefined
    default: {
      const text = (value as string).trim()
      return text || TEXTS.has(field.kind) ? text : field.required ? undefined : null
    }
  }
}

const said = (value: unknown) => Object.entries(value as Record<string, string>).filter(([, text]) => text.trim() !== '')
const numbers = (value: unknown) => Object.fromEntries(said(value).map(([name, text]) => [name, numberOf(text)]))
/** What is no number goes to the server as it is, which says so by its field. */
const numberOf = (text: string) => (Number.isFinite(Number(text)) && text.trim() !== '' ? Number(text) : text)
const ofChoices = (text: string, choices: readonly (string | number)[] | undefined) => choices?.find((choice) => String(choice) === text)

/** The complaints of a refusal by field; those of no field here are under the empty name. */
export function complaints(kind: Kind, error: ApiError | null): Map<string, FieldError[]> {
  const found = new Map<string, FieldError[]>()
  for (const complaint of error?.fields ?? []) {
    const name = complaint.field.replace(/^body\./, '').split('.')[0] ?? ''
    const at = kind.fields.some((one) => one.name === name) ? name : ''
    found.set(at, [...(found.get(at) ?? []), complaint])
  }
  return found
}
