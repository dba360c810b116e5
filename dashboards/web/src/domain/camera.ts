/** What a camera's page draws: zones of its picture, heads, and how well it sees. Pure. */

import type { Device, Text } from '@/api/types'
import { firstOfKind, type Reading } from './reading'

export type Corner = readonly [number, number]

export interface DrawnZone {
  zone: string
  label: Text
  /** Corners as shares of the picture. */
  outline: Corner[]
  kind: 'site' | 'hook' | 'pit'
  duties: string[]
}

export interface CameraLayout { zones: DrawnZone[]; masks: Corner[][] }

/** The zones and masks that the gateway has announced; none of a device that is no camera. */
export function cameraLayout(device: Device): CameraLayout {
  const layout = device.layout as { zones?: unknown; masks?: unknown }
  const zones = Array.isArray(layout.zones) ? (layout.zones as DrawnZone[]).filter((zone) => isOutline(zone.outline)) : []
  const masks = Array.isArray(layout.masks) ? (layout.masks as Corner[][]).filter(isOutline) : []
  return { zones, masks }
}

const isOutline = (corners: unknown): corners is Corner[] =>
  Array.isArray(corners) && corners.length >= 3 && corners.every((one) => Array.isArray(one) && one.length === 2 && one.every(Number.isFinite))

/** Of the number that a gateway tells: what keeps the camera from seeing. */
export const STATES = ['sees', 'dark', 'covered', 'constant', 'torn', 'frozen', 'moved', 'overloaded', 'noDetector'] as const
export type CameraState = (typeof STATES)[number] | 'gone' | 'unknown'

/** Gone: the camera gives no picture; unknown: nobody has said anything of it. */
export function cameraState(readings: Reading[]): CameraState {
  const told = readings.find((one) => one.point.kind === 'camera.state')
  if (!told || (told.value === null && told.judgement.state !== 'bad')) return 'unknown'
  if (told.judgement.state !== 'good' || told.value === null) return 'gone'
  return STATES[told.value] ?? 'unknown'
}

/** Whether what is said of people may be believed at all. */
export const canSee = (state: CameraState): boolean => state === 'sees' || state === 'moved' || state === 'overloaded'

export interface ZoneNow { zone: DrawnZone; people: number | null; bare: number; intruders: number; underLoad: number }

/** Who is where now, as the points of each zone say; `people` is null where nobody can say. */
export function zonesNow(layout: CameraLayout, device: string, readings: Reading[]): ZoneNow[] {
  const good = new Map(readings.filter((one) => one.judgement.state === 'good').map((one) => [one.point.id, one.value ?? 0]))
  const of = (zone: string, key: string) => good.get(`${device}/${zone}.${key}`)
  return layout.zones.map((zone) => ({
    zone,
    people: of(zone.zone, 'people') ?? null,
    bare: readings.filter((one) => one.point.id.startsWith(`${device}/${zone.zone}.bare_`) && one.judgement.state === 'good').reduce((sum, one) => sum + (one.value ?? 0), 0),
    intruders: of(zone.zone, 'intruders') ?? 0,
    underLoad: of(zone.zone, 'under_load') ?? 0,
  }))
}

export const figuresOf = (readings: Reading[]) => {
  const first = firstOfKind(readings)
  return ['camera.coverage', 'camera.unknown', 'camera.fps', 'camera.age', 'camera.infer'].flatMap((kind) => first[kind] ?? [])
}

/** Corners for an SVG whose picture is `width` × `height`. */
export const points = (corners: readonly Corner[], width: number, height: number): string =>
  corners.map(([x, y]) => `${round(x * width)},${round(y * height)}`).join(' ')

const round = (n: number) => Math.round(n * 100) / 100

/** Where a zone's name stands: its topmost corner, kept within the picture. */
export function nameAt(corners: readonly Corner[]): Corner {
  const [x, y] = corners.reduce((best, corner) => (corner[1] < best[1] || (corner[1] === best[1] && corner[0] < best[0]) ? corner : best))
  return [Math.min(Math.max(x, 0.01), 0.8), Math.min(Math.max(y, 0.02), 0.94)]
}
