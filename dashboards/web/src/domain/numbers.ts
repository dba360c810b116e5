/** Numbers as people read them: no more decimals than the point's resolution means, units as they are spoken. */

export function decimals(resolution: number): number {
  if (!(resolution > 0) || resolution >= 1) return 0
  return Math.min(6, Math.ceil(-Math.log10(resolution) - 1e-9))
}

export function formatNumber(value: number, resolution: number): string {
  const text = value.toFixed(decimals(resolution))
  // "-0.0" is a rounding artefact that reads like a measurement.
  return Number(text) === 0 ? text.replace('-', '') : text
}

/** A value without a known resolution: as many decimals as it carries, at most two. */
export function formatFigure(value: number): string {
  return formatNumber(value, Number.isInteger(value) ? 1 : Number.isInteger(value * 10) ? 0.1 : 0.01)
}

/** `1` is the unit of a bare count; it is never printed. */
export function unitText(unit: string): string {
  return unit === '1' ? '' : unit
}

export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
}
