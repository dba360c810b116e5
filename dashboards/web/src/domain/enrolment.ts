/** What the page of gateways' access decides: what may be done with which, and how long a code still holds. */

import type { GatewayAccess } from '@/api/types'

export type Act = 'enrol' | 'rotate' | 'again'

/** What making a code means for a gateway as it stands; nothing for one that is retired. */
export function actOf(gateway: GatewayAccess): Act | null {
  switch (gateway.standing) {
    case 'retired': return null
    case 'revoked':
    case 'expired': return 'again'
    case 'enrolled': return 'rotate'
    default: return 'enrol'
  }
}

export const mayRevoke = (gateway: GatewayAccess): boolean => gateway.standing !== 'revoked' && gateway.standing !== 'retired'

/** A certificate should have been renewed by now: agents do so when a third of its life is left. */
export function endsSoon(gateway: GatewayAccess, nowMs: number): boolean {
  if (!gateway.certificate_ends_at || !gateway.issued_at) return false
  const endsMs = Date.parse(gateway.certificate_ends_at)
  return endsMs - nowMs < (endsMs - Date.parse(gateway.issued_at)) / 4
}

/** The password that was handed out holds by then, whether the gateway says that it has it or not. */
export const OVERLAP_MS = 600_000

/** `14:05`; never below zero. */
export function countdown(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** What is typed on the gateway. */
export const commandOf = (origin: string, code: string): string => `sudo /opt/sitewarden/bin/sitewarden edge enrol ${origin} ${code}`
