/** What the dialog of exports needs beside the interface: instants by the clocks of the site, and sizes. */

import { formatInstant, zoneOffsetMs } from './time'

/** As a field for date and time has it, to the second, in the zone of the site. */
export function zoned(ms: number, zone: string): string {
  return formatInstant(ms, zone, 'full').replace(' ', 'T')
}

/** The inverse; `NaN` where nothing is written. Of an hour that comes twice it is the second. */
export function unzoned(text: string, zone: string): number {
  const local = Date.parse(`${text}${text.length === 16 ? ':00' : ''}Z`)
  if (Number.isNaN(local)) return NaN
  return local - zoneOffsetMs(local - zoneOffsetMs(local, zone), zone)
}

export function formatSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`
}
