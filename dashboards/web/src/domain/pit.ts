/** A pit's points with their readings brought together: raw, cumulative and rate of one place are one row. */

import type { Device, Limit, PitLayout, Point } from '@/api/types'
import { fit, type Box, type Frame } from './frame'
import { controlLimit } from './levels'
import { isOccasional } from './occasional'

export interface PitPlace {
  /** The place's short name on the plan, such as `h1`. */
  key: string
  /** Metres on the pit's plan; `null` where the layout does not say. */
  at: [number, number] | null
  raw: Point | null
  cumulative: Point | null
  rate: Point | null
  control: Limit | null
  /** Forecasts, which mostly have nothing to say. */
  toLimit: Point | null
  toLimitLeast: Point | null
  toLimitMost: Point | null
  toFailure: Point | null
  toFailureLeast: Point | null
  creepState: Point | null
}

export function pitLayout(device: Device): PitLayout | null {
  const layout = device.layout as Partial<PitLayout>
  return Array.isArray(layout.outline_m) && layout.outline_m.length >= 3 ? (layout as PitLayout) : null
}

const DERIVED = /\.(cumulative|rate)$/

/** Told of a place, not read from a register of its own. */
export const isOfPlace = (kind: string): boolean => kind.startsWith('pit.') && DERIVED.test(kind)

/** A derived point's key is its raw point's with a suffix, whichever separator the gateway uses. */
function placeKey(point: Point): string {
  return DERIVED.test(point.kind) ? point.key.replace(/[._/-](cumulative|rate)$/, '') : point.key
}

export function pitPlaces(device: Device): PitPlace[] {
  const at = (device.layout as Partial<PitLayout>).points_m ?? {}
  const measured = device.points.filter((point) => point.kind.startsWith('pit.') && !isOccasional(point.kind))
  // Only what moves has a place in plan and table: a level, a temperature or a reference cell is told as it is read.
  const keys = [...new Set(measured.filter((point) => isOfPlace(point.kind)).map(placeKey))]
  const forecast = (key: string, kind: string) => device.points.find((point) => point.kind === kind && point.key.startsWith(`${key}.`)) ?? null
  return keys.map((key) => {
    const own = measured.filter((point) => placeKey(point) === key)
    const cumulative = own.find((point) => point.kind.endsWith('.cumulative')) ?? null
    return {
      key,
      at: at[key] ?? null,
      raw: own.find((point) => !DERIVED.test(point.kind)) ?? null,
      cumulative,
      rate: own.find((point) => point.kind.endsWith('.rate')) ?? null,
      control: cumulative ? controlLimit(cumulative.limits) : null,
      toLimit: forecast(key, 'pit.time_to_limit'),
      toLimitLeast: forecast(key, 'pit.time_to_limit.least'),
      toLimitMost: forecast(key, 'pit.time_to_limit.most'),
      toFailure: forecast(key, 'pit.creep.hours_to_failure'),
      toFailureLeast: forecast(key, 'pit.creep.hours_to_failure.least'),
      creepState: forecast(key, 'pit.creep.state'),
    }
  })
}

export function pitBox(layout: PitLayout): Box {
  const all = [...layout.outline_m, ...Object.values(layout.points_m ?? {})]
  const xs = all.map(([x]) => x)
  const ys = all.map(([, y]) => y)
  return { minX: Math.min(...xs), maxX: Math.max(...xs), minY: Math.min(...ys), maxY: Math.max(...ys) }
}

export function pitFrame(layout: PitLayout, width: number, height: number): Frame {
  return fit(pitBox(layout), width, height, { top: 30, right: 46, bottom: 34, left: 46 })
}

export function outlinePath(outline: [number, number][], frame: Frame): string {
  return `${outline.map(([x, y], index) => `${index ? 'L' : 'M'}${frame.x(x)} ${frame.y(y)}`).join('')}Z`
}

/** The outline drawn smaller towards its middle: the pit's floor as seen from above. */
export function inset(outline: [number, number][], factor: number): [number, number][] {
  const cx = outline.reduce((sum, [x]) => sum + x, 0) / outline.length
  const cy = outline.reduce((sum, [, y]) => sum + y, 0) / outline.length
  return outline.map(([x, y]) => [cx + (x - cx) * factor, cy + (y - cy) * factor])
}

/** Path of the part of a ring that `share` (0 to 1) of the control value fills, clockwise from the top. */
export function ringArc(x: number, y: number, radius: number, share: number): string {
  const part = Math.min(Math.max(share, 0), 0.9999)
  if (part === 0) return ''
  const angle = part * 2 * Math.PI
  const end = `${x + radius * Math.sin(angle)} ${y - radius * Math.cos(angle)}`
  return `M${x} ${y - radius}A${radius} ${radius} 0 ${part > 0.5 ? 1 : 0} 1 ${end}`
}
