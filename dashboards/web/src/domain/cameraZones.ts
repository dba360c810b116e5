/** Zones of cameras in the text of a configuration: read, and written back so that all else, comments too, stays as it is. Pure. */

import { Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Corner } from './camera'

export const KINDS = ['site', 'hook', 'pit'] as const
export const DUTIES = ['helmet', 'keep_out', 'under_load'] as const
export type ZoneKind = (typeof KINDS)[number]
export type Duty = (typeof DUTIES)[number]

export interface EditedZone { zone: string; label: { zh: string; en: string } | null; outline: Corner[]; kind: ZoneKind; duties: Duty[] }
export interface EditedCamera { camera: string; zones: EditedZone[] }

const NAME = /^[a-z0-9][a-z0-9_]{0,62}$/
export const isZoneName = (name: string) => NAME.test(name)

/** The cameras of a text, or none where it is no YAML or has none. */
export function camerasIn(text: string): EditedCamera[] {
  const cameras = camerasOf(parseDocument(text))
  return (cameras?.items ?? []).flatMap((item) => {
    if (!isMap(item)) return []
    const plain = item.toJSON() as { camera?: unknown; zones?: unknown }
    if (typeof plain.camera !== 'string') return []
    const zones = Array.isArray(plain.zones) ? plain.zones.flatMap(zoneOf) : []
    return [{ camera: plain.camera, zones }]
  })
}

function camerasOf(document: Document): YAMLSeq | null {
  if (document.errors.length) return null
  const cameras = document.get('cameras')
  return isSeq(cameras) ? cameras : null
}

function zoneOf(given: unknown): EditedZone[] {
  const zone = given as Partial<EditedZone> | null
  if (!zone || typeof zone.zone !== 'string') return []
  const outline = Array.isArray(zone.outline) ? zone.outline.filter((corner): corner is Corner => Array.isArray(corner) && corner.length === 2) : []
  return [{ zone: zone.zone, label: zone.label ?? null, outline, kind: zone.kind ?? 'site', duties: zone.duties ?? ['helmet'] }]
}

/** The text with these zones of a camera in place of those that it had; what the editor does not know of a zone stays. */
export function withZones(text: string, camera: string, zones: readonly EditedZone[]): string {
  const document = parseDocument(text)
  const found = camerasOf(document)?.items.find((item): item is YAMLMap => isMap(item) && item.get('camera') === camera)
  if (!found) return text
  const had = found.get('zones')
  const before = new Map<string, YAMLMap>()
  if (isSeq(had)) for (const item of had.items) if (isMap(item)) before.set(String(item.get('zone')), item)
  const nodes = zones.map((zone) => {
    const node = before.get(zone.zone) ?? (document.createNode({ zone: zone.zone }) as YAMLMap)
    fill(document, node, zone)
    return node
  })
  if (nodes.length) {
    const list = document.createNode([]) as YAMLSeq
    list.items.push(...nodes)
    found.set('zones', list)
  } else {
    found.delete('zones')
  }
  return document.toString({ lineWidth: 0 })
}

function fill(document: Document, node: YAMLMap, zone: EditedZone): void {
  const flow = (value: unknown) => document.createNode(value, { flow: true })
  if (zone.label) node.set('label', flow(zone.label))
  else node.delete('label')
  node.set('outline', flow(zone.outline.map(([x, y]) => [x, y])))
  if (zone.kind === 'site') node.delete('kind')
  else node.set('kind', zone.kind)
  if (zone.duties.length === 1 && zone.duties[0] === 'helmet') node.delete('duties')
  else node.set('duties', flow(zone.duties))
}

/** A place in the picture, to a thousandth, within it. */
export const cornerAt = (x: number, y: number): Corner => [clamped(x), clamped(y)]
const clamped = (share: number) => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000

/** The outline with one corner elsewhere. */
export const moved = (outline: readonly Corner[], at: number, corner: Corner): Corner[] => outline.map((one, i) => (i === at ? corner : one))

/** The outline with a corner more, in the side that it lies nearest to. */
export function inserted(outline: readonly Corner[], corner: Corner): Corner[] {
  if (outline.length < 2) return [...outline, corner]
  const distances = outline.map((a, i) => toSide(corner, a, outline[(i + 1) % outline.length]!))
  const nearest = distances.indexOf(Math.min(...distances))
  return [...outline.slice(0, nearest + 1), corner, ...outline.slice(nearest + 1)]
}

function toSide([x, y]: Corner, [ax, ay]: Corner, [bx, by]: Corner): number {
  const [dx, dy] = [bx - ax, by - ay]
  const along = dx || dy ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy))) : 0
  return Math.hypot(x - ax - along * dx, y - ay - along * dy)
}
