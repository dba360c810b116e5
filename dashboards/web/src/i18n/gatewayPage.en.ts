/** Texts of a gateway's page, in English. */
export default {
  one: 'Gateway', tabsLabel: 'Pages of the gateway', tabs: { state: 'State', configuration: 'Configuration', access: 'Access' },
  buses: 'Buses', bus: 'Bus', load: 'Held (last minute)', p95: '95 % answer within', noBuses: 'This gateway tells nothing of its buses.', devices: 'Devices', noDevices: 'This gateway has announced no device.', answers: 'answers', silent: 'no answer',
  counts: { requests: 'Requests', timeouts: 'Timeouts', late: 'Late', broken: 'Broken', exceptions: 'Exceptions', missed: 'Missed polls', rereads: 'Re-reads' },
  countHelp: {
    requests: 'Since the agent started', timeouts: 'No answer came', late: 'Late answers are dropped, never taken for another value', broken: 'Frames with a wrong checksum or length', exceptions: 'The device answered with an error', missed: 'The bus was too busy to poll in time', rereads: 'Read once more to confirm an alarm or a jump',
  },
  facts: { software: 'Version', boot: 'This start', clock: 'Clock', offset: 'Clock against the platform', steps: 'Clock was set', outbox: 'Waiting to be sent', evicted: 'Given up for want of room', disk: 'Disk free', memory: 'Memory', cpu: 'CPU for 1000 readings' },
  clockEqual: 'within 0.1 s', clockAhead: '{s} s ahead', clockBehind: '{s} s behind',
}
