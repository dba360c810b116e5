/** Texts of machines and their pages, in English. */
export default {
  offline: 'Offline since {time}', never: 'Never any data', partly: 'Some points silent', frozen: 'Data frozen', clockOff: 'Clock off',
  load_ratio: 'Load', moment_ratio: 'Moment', noLimiter: 'No limiter points', more: '{n} more points', operators: 'Operators', registration: 'Registered', finding: 'Findings', export: 'Export table (CSV)',
  people: 'People', standing: 'Stage', plan: 'Site from above', 
  groups: { crane: 'Tower cranes', pit: 'Pits', camera: 'Cameras' },
  findings: {
    noFile: 'No device file', notRegistered: 'Not registered for use', notInUse: 'File has not come to use', expired: '{of} expired', noOperator: 'No operator bound',
    operatorExpired: 'Certificate of {of} expired', operatorNotYet: 'Certificate of {of} not valid yet', operatorExpiring: 'Certificate of {of} ends soon',
  },
  pit: { nearest: 'Nearest to control value', fastest: 'Fastest', points: 'Points', blind: '{n} without good data' },
  counts: { machines: 'Devices', live: 'online', partly: 'partly online', offline: 'offline', none: 'never heard', points: 'Points', good: 'good', blind: 'stale or bad', wind: 'Strongest wind' },
  limits: { title: 'Limits in force', same: 'Same for {n} points', none: 'This device has no limits.', now: 'Now', limit: 'Limit', rule: 'Rule' },
  mayNotSee: 'Your account sees how gateways fare, but no live values.',
  otherReadings: 'Other readings', history: 'History', papers: 'Registration and people', file: 'Device file', live: 'Live values', noFile: 'This device has no file: registration, life and certificates cannot be checked.', notAnnounced: 'No gateway has announced this device; it only has a file.',
  spans: { '1': '24 h', '7': '7 days', '30': '30 days', all: 'All' },
  quiet: 'No data: ', quietOf: '{gateway} since {time} ({ago})', quietMeans: 'Alarms and values here may be incomplete; sirens on site work as long as the gateway has power.', quietAll: 'No gateway of this site sends data: no new alarm can be seen from here; sirens on site work as long as the gateway has power.',
}
