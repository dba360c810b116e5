/** Wind over the whole site. */

import type { Reading } from './reading'

/** The strongest that may be believed; `null` where none may. */
export function strongest(winds: Reading[]): Reading | null {
  return winds.filter((one) => one.judgement.state === 'good' && one.value !== null)
    .reduce<Reading | null>((most, one) => (most === null || one.value! > most.value! ? one : most), null)
}
