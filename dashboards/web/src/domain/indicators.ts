/** How numbers of indicators are written: unknown is a dash, never 0. */

const UNKNOWN = '—'

export function numberText(value: number | null, unit: string): string {
  if (value === null) return UNKNOWN
  if (unit === 'share') return `${written(value * 100)}%`
  return written(value)
}

/** With one digit; what is little is not written as nothing. */
function written(value: number): string {
  const known = round(value, 1)
  return String(known === 0 && value !== 0 ? Number(value.toPrecision(1)) : known)
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
  // A month alone is a dot.
  return (line ? [...parts, line] : parts).map((one) => (one.includes('L') ? one : `${one}h0`))
}
