/** Where the parts of a tower crane stand, from its layout and its readings. */

import type { CraneLayout, Device } from '@/api/types'
import { fit, type Box, type Frame } from './frame'

export interface CranePose {
  radiusM: number | null
  hookHeightM: number | null
  slewDeg: number | null
  loadT: number | null
  falls: number | null
}

/** The layout if it carries every number that a drawing needs; a crane without one is shown in figures only. */
export function craneLayout(device: Device): CraneLayout | null {
  const layout = device.layout as Partial<CraneLayout>
  const needed = [layout.x_m, layout.y_m, layout.jib_m, layout.counter_jib_m, layout.mast_m]
  return needed.every((n) => typeof n === 'number' && Number.isFinite(n)) ? (layout as CraneLayout) : null
}

/** Height of the tower head above the jib, in metres; a drawing convention, no measurement. */
const HEAD_M = 7.5

export function elevationFrame(layout: CraneLayout, width: number, height: number): Frame {
  const box = { minX: -layout.counter_jib_m - 2, maxX: layout.jib_m + 2, minY: 0, maxY: layout.mast_m + HEAD_M + 1 }
  return fit(box, width, height, { top: 10, right: 44, bottom: 34, left: 36 })
}

export interface Elevation {
  ground: number
  axis: number
  mastHalf: number
  jibBottom: number
  jibTop: number
  headTop: number
  jibEnd: number
  counterEnd: number
  /** Path data of the bracing: one path each keeps the document small. */
  mastLattice: string
  jibLattice: string
  trolleyX: number | null
  hookY: number | null
  /** Side of the square that stands for the load, in pixels; 0 for an empty hook. */
  loadSide: number
}

export function elevation(layout: CraneLayout, pose: CranePose, frame: Frame): Elevation {
  const mastHalf = Math.max(0.9 * frame.scale, 4)
  const jibBottom = frame.y(layout.mast_m + 0.5)
  const jibTop = Math.min(frame.y(layout.mast_m + 2.2), jibBottom - 8)
  const shape = {
    ground: frame.y(0), axis: frame.x(0), mastHalf, jibBottom, jibTop,
    headTop: frame.y(layout.mast_m + HEAD_M),
    jibEnd: frame.x(layout.jib_m), counterEnd: frame.x(-layout.counter_jib_m),
  }
  return {
    ...shape,
    mastLattice: zigzagUp(shape.axis, mastHalf, shape.ground, jibBottom),
    jibLattice: zigzagAlong(shape.axis + mastHalf, shape.jibEnd, jibBottom, jibTop),
    trolleyX: pose.radiusM === null ? null : frame.x(Math.min(Math.max(pose.radiusM, 0), layout.jib_m)),
    hookY: pose.hookHeightM === null ? null : frame.y(Math.min(Math.max(pose.hookHeightM, 0), layout.mast_m - 1)),
    loadSide: loadSide(pose.loadT, frame.scale),
  }
}

/** Area follows the load, so that twice the load looks twice as large; below a tenth of a tonne the hook is empty. */
export function loadSide(loadT: number | null, scale: number): number {
  if (loadT === null || loadT < 0.1) return 0
  return Math.max(8, 2.2 * Math.sqrt(loadT) * scale)
}

function zigzagUp(axis: number, half: number, bottom: number, top: number): string {
  const step = half * 2
  const count = Math.max(1, Math.round((bottom - top) / step))
  const rise = (bottom - top) / count
  return Array.from({ length: count }, (_, index) => {
    const y = bottom - index * rise
    const side = index % 2 ? half : -half
    return `M${axis + side} ${y}L${axis - side} ${y - rise}M${axis - half} ${y - rise}H${axis + half}`
  }).join('')
}

function zigzagAlong(from: number, to: number, bottom: number, top: number): string {
  const count = Math.max(4, Math.round((to - from) / ((bottom - top) * 1.3)))
  const run = (to - from) / count
  // The top chord falls to the tip over the last eighth.
  const chord = (x: number) => (x > to - (to - from) / 8 ? bottom - ((to - x) / ((to - from) / 8)) * (bottom - top) : top)
  return Array.from({ length: count }, (_, index) => {
    const x = from + index * run
    const mid = x + run / 2
    return `M${x} ${bottom}L${mid} ${chord(mid)}L${x + run} ${bottom}`
  }).join('')
}

/** The most that the plan may grow beyond the crane's own circle, for the circle is what it is looked at for. */
const PLAN_GROWTH = 1.6

/** The crane's circle and every pit that it reaches, whole, as far as that leaves the crane large enough. */
export function planBox(layout: CraneLayout, outlines: [number, number][][]): Box {
  const reach = Math.max(layout.jib_m, layout.counter_jib_m) + 1
  const own = { minX: layout.x_m - reach, maxX: layout.x_m + reach, minY: layout.y_m - reach, maxY: layout.y_m + reach }
  const reached = outlines.filter((outline) => outline.some(([x, y]) => x > own.minX && x < own.maxX && y > own.minY && y < own.maxY)).flat()
  const grown = {
    minX: Math.min(own.minX, ...reached.map(([x]) => x - 2)), maxX: Math.max(own.maxX, ...reached.map(([x]) => x + 2)),
    minY: Math.min(own.minY, ...reached.map(([, y]) => y - 2)), maxY: Math.max(own.maxY, ...reached.map(([, y]) => y + 2)),
  }
  const size = (box: Box) => Math.max(box.maxX - box.minX, box.maxY - box.minY)
  return size(grown) <= size(own) * PLAN_GROWTH ? grown : own
}

/** Slew 0° points along the site's +y (up in the plan) and grows clockwise, as a compass does. */
export function slewPoint(slewDeg: number, radiusM: number): { x: number; y: number } {
  const angle = (slewDeg * Math.PI) / 180
  return { x: Math.sin(angle) * radiusM, y: Math.cos(angle) * radiusM }
}

/** The turn from one angle to another by the short way, so that 359° to 1° is no full turn back. */
export function shortTurn(fromDeg: number, toDeg: number): number {
  return ((((toDeg - fromDeg) % 360) + 540) % 360) - 180
}
