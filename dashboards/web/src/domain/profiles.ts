/** What the pages of profiles decide: the next version of a text, raw words as people compare them, marks. */

import type { Commissioning, DeviceTrial } from '@/api/types'

const VERSION = /^version:[ \t]*(\d+)[ \t]*$/m

/** The text as the version after `newest`; as it is where it does not say its version on a line of its own. */
export function nextVersion(text: string, newest: number): string {
  return text.replace(VERSION, `version: ${newest + 1}`)
}

/** `5000 447D`, as manuals and other programs print registers. */
export function rawWords(registers: number[]): string {
  return registers.map((word) => word.toString(16).toUpperCase().padStart(4, '0')).join(' ')
}

export const isUnderWay = (trial: DeviceTrial | null): boolean => trial !== null && (trial.state === 'asked' || trial.state === 'running')

type Standing = Commissioning['steps'][number]['standing']

/** Of a mark: 0 as it should be, 1 to do, 2 under way, 4 wrong. */
export const levelOf = (standing: Standing): 0 | 1 | 2 | 4 => ({ done: 0, open: 1, waiting: 2, blocked: 4 } as const)[standing]

/** Whether something will come by itself, so that it is worth looking soon again. */
export const isWaiting = (seen: Commissioning): boolean => seen.steps.some((step) => step.standing === 'waiting')

/** Of a line of a unified difference. */
export function lineKind(line: string): 'added' | 'removed' | 'place' | 'same' {
  if (line.startsWith('@@')) return 'place'
  if (line.startsWith('+')) return 'added'
  return line.startsWith('-') ? 'removed' : 'same'
}
