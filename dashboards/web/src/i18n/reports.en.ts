/** Reports upward. */
import type zh from './reports.zh'

export default {
  title: 'Reports upward', open: 'Open', none: 'No reports yet. Once the leading authority has entered a campaign, its tables are made each month; or make one above.',
  node: 'Reported by', kind: 'Report', campaign: 'Campaign', cutOff: 'Cut-off (days before it count)', make: 'Make now', allKinds: 'All reports', noCampaign: 'No campaign entered',
  status: { draft: 'To approve', approved: 'Approved', sent: 'Sent' }, preliminary: 'Preliminary', late: 'Late', due: 'Due by {time}', before: 'Up to {day}', version: 'Version {n}', versions: '{n} versions',
  calendar: 'Calendar of returns', today: 'today', counted: 'Counted up to the beginning of that day',
  run: 'Enter a campaign', runSays: 'From then on the two tables are made each month for this authority and all below it; dates and titles follow the circular.', template: 'Campaign', code: 'Short name (a-z, 0-9, -)',
  back: 'Back to the reports', download: 'Excel', table: 'CSV', print: 'Print', recount: 'Count anew', words: 'What it puts right', wordsHelp: 'What was approved is put right by a new version alone; the old one stays.', makeVersion: 'Make a new version', cancel: 'Cancel',
  approve: 'Approve and sign', approveAct: 'Approve a report', approvedBy: 'Approved and signed by {who}', sendAct: 'Record as sent', send: 'Record as sent', to: 'Sent to', way: 'How', ways: { mail: 'Mail', platform: 'Their system', paper: 'On paper', other: 'Otherwise' }, receipt: 'Receipt, register number, or who took it',
  checks: 'Checks', ok: 'holds', failed: 'does not hold', failedSays: 'Some checks do not hold: mend the records and count anew, or make a version whose words say why.', versionsTitle: 'Versions', changed: 'Differs from the one before: {what}', changedRows: '{n} rows', sameAs: 'The same numbers as before', made: 'made by {who}, {time}', history: 'What was done',
  events: { made: 'Made', corrected: 'Corrected', approved: 'Approved', sent: 'Sent' }, signed: 'signed', behind: 'Records behind {cell}', more: '{n} more are not listed one by one', sentBefore: 'Earlier version sent', until: 'up to {day}', okOf: '{n} checks hold', ownVersion: 'You made this version; another person approves it.', onlyFinal: 'Only what is counted after the cut-off can be approved.', chooseKind: 'Choose a kind to make a report now; without one all are listed.', wholeYear: 'Show {n} more', notMade: 'Not made', hidden: '{n} more that you may not see', noRecords: 'No records.', noSource: '“—” means that there is no source; it is not 0',
  what: { hazard: 'Hazard', inspection: 'Inspection', enforcement: 'Enforcement', incident: 'Incident', alarm: 'Alarm', duty: 'Duty', site: 'Site', node: 'Enterprise', device: 'Device' }, group: 'Part', no: 'No.', item: 'Item', value: 'Value', notes: 'Beside the table', signHash: 'Content, SHA-256',
} satisfies Record<keyof typeof zh, unknown>
