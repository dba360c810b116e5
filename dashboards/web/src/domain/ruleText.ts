/**
 * The numbers of a rule that are most often tried, found in its text and changed there: the text stays the one
 * truth, whether somebody changes a number or writes the rule anew.
 */

export type RuleField = 'limit' | 'fraction' | 'on_delay_s' | 'off_delay_s' | 'dead_band'

export const FIELDS: RuleField[] = ['limit', 'fraction', 'on_delay_s', 'off_delay_s', 'dead_band']

/** As the server writes them: the condition's keys one step in, a looked-up limit's one more. */
const PLACES: Record<RuleField, RegExp> = {
  limit: /^( {2}limit: )(-?[\d.]+(?:[eE][-+]?\d+)?)$/m,
  fraction: /^( {4}fraction: )(-?[\d.]+(?:[eE][-+]?\d+)?)$/m,
  on_delay_s: /^(on_delay_s: )(-?[\d.]+(?:[eE][-+]?\d+)?)$/m,
  off_delay_s: /^(off_delay_s: )(-?[\d.]+(?:[eE][-+]?\d+)?)$/m,
  dead_band: /^(dead_band: )(-?[\d.]+(?:[eE][-+]?\d+)?)$/m,
}

/** The number in that field; `null` where the text has none, or not one alone. */
export function numberIn(text: string, field: RuleField): number | null {
  const found = PLACES[field].exec(text)?.[2]
  return found === undefined || Number.isNaN(Number(found)) ? null : Number(found)
}

/** The text with another number in that field; unchanged where it has none. */
export function withNumber(text: string, field: RuleField, value: number): string {
  return text.replace(PLACES[field], (_, key: string) => `${key}${value}`)
}

export function fieldsIn(text: string): RuleField[] {
  return FIELDS.filter((field) => numberIn(text, field) !== null)
}
