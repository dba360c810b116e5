/** Instants in the zone of the site, whatever zone the browser is in. */

/** `date` has no year, `long` and `full` have all; `long` is to the minute. */
type Kind = 'clock' | 'minute' | 'date' | 'long' | 'full'

const STYLES: Record<Kind, Intl.DateTimeFormatOptions> = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  date: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  long: { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  full: {
    year: 'numeric', month: '2-digit', day: '2-digit',
    hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  },
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function parts(ms: number, zone: string, kind: Kind): Record<string, string> {
  const key = `${zone}|${kind}`
  const known = formatters.get(key) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...STYLES[kind] })
  formatters.set(key, known)
  return Object.fromEntries(known.formatToParts(ms).map((part) => [part.type, part.value]))
}

/** ISO order in both languages: it sorts, and no reader takes the day for the month. */
export function formatInstant(ms: number, zone: string, kind: Kind): string {
  const part = parts(ms, zone, kind)
  if (kind === 'minute') return `${part.hour}:${part.minute}`
  if (kind === 'clock') return `${part.hour}:${part.minute}:${part.second}`
  if (kind === 'date') return `${part.month}-${part.day} ${part.hour}:${part.minute}`
  const long = `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`
  return kind === 'long' ? long : `${long}:${part.second}`
}

/** Milliseconds that the zone is ahead of UTC at that instant. */
export function zoneOffsetMs(ms: number, zone: string): number {
  const part = parts(ms, zone, 'full')
  const asUtc = Date.UTC(
    Number(part.year), Number(part.month) - 1, Number(part.day),
    Number(part.hour), Number(part.minute), Number(part.second),
  )
  return asUtc - Math.floor(ms / 1000) * 1000
}

export const zoneHere = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** Where clocks differ from those of whoever looks, the instant says whose it is: on pages of several sites nothing else does. */
export function formatElsewhere(ms: number, zone: string, kind: Kind, here = zoneHere()): string {
  const text = formatInstant(ms, zone, kind)
  return zoneOffsetMs(ms, zone) === zoneOffsetMs(ms, here) ? text : `${text} ${zoneName(ms, zone)}`
}

/** `UTC+8`, `UTC-3:30`. */
export function zoneName(ms: number, zone: string): string {
  const minutes = Math.round(zoneOffsetMs(ms, zone) / 60_000)
  const rest = Math.abs(minutes) % 60
  const hours = Math.floor(Math.abs(minutes) / 60)
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`
}
