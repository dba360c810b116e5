/** What the page of gateways' access decides: what may be done with which, and how long a code still holds. */

import type { GatewayAccess } from '@/api/types'

export type Act = 'enrol' | 'rotate' | 'again'

/** What making a code means for a gateway as it stands; nothing for one that is retired. */
export function actOf(gateway: GatewayAccess): Act | null {
  switch (gateway.standing) {
    case 'retired': return null
    case 'revoked': return 'again'
    case 'enrolled': return 'rotate'
    default: return 'enrol'
  }
}

export const mayRevoke = (gateway: GatewayAccess): boolean => gateway.standing !== 'revoked' && gateway.standing !== 'retired'

/** The password that was handed out holds by then, whether the gateway says that it has it or not. */
export const OVERLAP_MS = 600_000

/** `14:05`; never below zero. */
export function countdown(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** What is typed on the gateway. */
export const commandOf = (origin: string, code: string): string => `sudo /opt/sitewarden/bin/sitewarden edge enrol ${origin} ${code}`
