/** How grave a word of the registry is: 0 as it should be, 4 it must not be so. */

type Grave = 0 | 1 | 2 | 3 | 4

export const MONITORING: Readonly<Record<string, Grave>> = { connected: 0, silent: 3, not_connected: 4 }
export const VALIDITY: Readonly<Record<string, Grave>> = { valid: 0, expiring: 2, expired: 4, not_yet: 1 }
