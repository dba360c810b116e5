/** From metres on site to pixels of a drawing: one scale for both axes, centred, y upwards. */

export interface Box {
  minX: number
  minY: number
  maxX: number
  maxY: number
}

export interface Frame {
  /** Pixels a metre. */
  scale: number
  x: (metres: number) => number
  y: (metres: number) => number
}

export interface Margin {
  top: number
  right: number
  bottom: number
  left: number
}

export function fit(box: Box, width: number, height: number, margin: Margin): Frame {
  const spanX = Math.max(box.maxX - box.minX, 1e-6)
  const spanY = Math.max(box.maxY - box.minY, 1e-6)
  const innerW = Math.max(width - margin.left - margin.right, 1)
  const innerH = Math.max(height - margin.top - margin.bottom, 1)
  const scale = Math.min(innerW / spanX, innerH / spanY)
  const left = margin.left + (innerW - spanX * scale) / 2
  const bottom = height - margin.bottom - (innerH - spanY * scale) / 2
  return { scale, x: (m) => left + (m - box.minX) * scale, y: (m) => bottom - (m - box.minY) * scale }
}

/** A step of 1, 2 or 5 times a power of ten that cuts `span` into about `count` pieces. */
export function niceStep(span: number, count: number): number {
  const raw = span / Math.max(count, 1)
  const power = 10 ** Math.floor(Math.log10(raw))
  return ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power
}

export function ticks(max: number, step: number): number[] {
  return Array.from({ length: Math.floor(max / step + 1e-9) }, (_, index) => (index + 1) * step)
}
