/** How numbers of indicators are written: unknown is a dash, never 0. */

const UNKNOWN = '—'

export function numberText(value: number | null, unit: string): string {
  if (value === null) return UNKNOWN
  if (unit === 'share') return `${round(value * 100, 1)}%`
  return String(round(value, Number.isInteger(value) ? 0 : 1))
}

function round(value: number, digits: number): number {
  const by = 10 ** digits
  return Math.round(value * by) / by
}

/** A line through the months that are known, in a box of 100 by 30; with its gaps. */
export function sparkline(values: (number | null)[]): string[] {
  const known = values.filter((value): value is number => value !== null)
  const most = Math.max(...known, 0)
  const step = values.length > 1 ? 100 / (values.length - 1) : 0
  const parts: string[] = []
  let line = ''
  values.forEach((value, at) => {
    if (value === null) {
      if (line) parts.push(line)
      line = ''
      return
    }
    line += `${line ? 'L' : 'M'}${round(at * step, 2)} ${round(28 - (most ? (value / most) * 26 : 0), 2)}`
  })
  return line ? [...parts, line] : parts
}
