/** Texts of a configuration while somebody edits them. Pure. */

export type Files = Record<string, string>
export const MAIN = 'gateway.yaml'
const NAME = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/){0,3}[A-Za-z0-9_][A-Za-z0-9_.-]*\.(?:ya?ml|csv)$/

/** The main text first, the others by name. */
export const namesOf = (files: Files) => Object.keys(files).sort((a, b) => Number(b === MAIN) - Number(a === MAIN) || a.localeCompare(b))

/** Whether a bundle may have a file of that name; the server says so again. */
export const isName = (name: string) => name.length <= 128 && NAME.test(name)

export const areEqual = (a: Files, b: Files) =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, text]) => b[name] === text)

/** Where the nth line (from 1) begins and ends in a text. */
export function lineAt(text: string, line: number): [number, number] {
  const lines = text.split('\n')
  const place = Math.min(Math.max(1, line), lines.length) - 1
  const begin = lines.slice(0, place).reduce((sum, one) => sum + one.length + 1, 0)
  return [begin, begin + (lines[place]?.length ?? 0)]
}

/** What a line of a diff is. */
export function kindOf(line: string): 'added' | 'removed' | 'place' | 'same' {
  if (line.startsWith('@@')) return 'place'
  if (line.startsWith('+')) return 'added'
  return line.startsWith('-') ? 'removed' : 'same'
}
