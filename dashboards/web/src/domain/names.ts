/** What things are called for people: devices by their labels, points where the device alone does not say which. */

import type { Device, Episode, Point, Text } from '@/api/types'

export interface Names {
  /** By device id. */
  devices: Record<string, Text>
  /** By point id; only points of which their device has several of the same kind, for "pit 1" alone does not say where. */
  points: Record<string, Text>
}

export function namesOf(devices: Device[]): Names {
  return { devices: Object.fromEntries(devices.map((device) => [device.id, device.label])), points: pointNames(devices) }
}

function pointNames(devices: Device[]): Record<string, Text> {
  return Object.fromEntries(devices.flatMap((device) => device.points
    .filter((point) => device.points.some((other) => other !== point && other.kind === point.kind))
    .map((point) => [point.id, point.label])))
}

/** Which figure of a place a point is, where others of the device are called the same: what is read, or what is worked out of it. */
export function figureOf(point: Point, among: readonly Point[]): 'reading' | 'cumulative' | 'rate' | null {
  if (!among.some((other) => other.id !== point.id && other.label.zh === point.label.zh)) return null
  const last = point.kind.split('.').at(-1)
  return last === 'cumulative' || last === 'rate' ? last : 'reading'
}

/** Where an alarm is: the device, and the point where that is needed; ids where no name is known. */
export function place(names: Names, device: string, point: string): Text {
  const at = names.devices[device] ?? { zh: device, en: device }
  const which = names.points[point]
  return which ? { zh: `${at.zh} ${which.zh}`, en: `${at.en}, ${which.en}` } : at
}

/** What a limit rests on: a clause as the standard calls it, or a word of ours, which each language has its own for. */
export function basisOf({ clause, source }: Pick<Episode['basis'], 'clause' | 'source'>): { text: string; isWord: boolean } {
  return clause && clause !== 'practice' ? { text: clause, isWord: false } : { text: clause || source, isWord: true }
}
