/** Roles and permissions as a table: permissions in groups, as one looks for them. */

import type { RoleExplained, RolesExplained, Text } from '@/api/types'

const GROUPS: Record<string, readonly string[]> = {
  alarms: ['alarms', 'limits'],
  devices: ['devices', 'profiles'],
  site: ['registry', 'trees', 'gateways', 'configuration', 'notices', 'rota'],
  hazards: ['hazards'],
  rectification: ['rectification'],
  duties: ['inspections', 'duties', 'logs', 'intake', 'sources', 'tips'],
  reports: ['incidents', 'reports', 'enforcement', 'connectors'],
  rules: ['backtests', 'replay'],
  accounts: ['accounts'],
}
export const PERMISSION_GROUPS = ['see', ...Object.keys(GROUPS), 'other']

/** Whatever only looks stands together; one that is new and of no group stands at the end, never nowhere. */
export function groupOf(permission: string): string {
  if (permission.endsWith('.view')) return 'see'
  const of = permission.split('.')[0] ?? ''
  return Object.keys(GROUPS).find((group) => GROUPS[group]?.includes(of)) ?? 'other'
}

export interface PermissionRow { name: string; label: string; roles: ReadonlySet<string> }

/** The permissions that have these letters in their text or name, by group; groups without any are left out. */
export function permissionGroups(found: RolesExplained, say: (text: Text) => string, letters = ''): { group: string; rows: PermissionRow[] }[] {
  const wanted = letters.trim().toLowerCase()
  const rows = Object.entries(found.permissions).map(([name, text]) => ({
    name, label: say(text), roles: new Set(found.roles.filter((role) => role.permissions.includes(name)).map((role) => role.name)),
  })).filter((row) => `${row.label} ${row.name}`.toLowerCase().includes(wanted))
  return PERMISSION_GROUPS.map((group) => ({ group, rows: rows.filter((row) => groupOf(row.name) === group) })).filter(({ rows: its }) => its.length > 0)
}

/** Roles that stand for the same side beside one another, in the order of the first of each. */
export function bySide(roles: readonly RoleExplained[]): { side: RoleExplained['side']; roles: RoleExplained[] }[] {
  return [...new Set(roles.map((role) => role.side))].map((side) => ({ side, roles: roles.filter((role) => role.side === side) }))
}
