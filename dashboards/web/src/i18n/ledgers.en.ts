/** The same texts in English. */
import type zh from './ledgers.zh'

const en: typeof zh = {
  nav: { label: 'Safety ledgers', hazards: 'Hazards', listing: 'Supervision list', incidents: 'Incidents', enforcement: 'Enforcement', tips: 'Public reports', outbound: 'Handed on', exposures: 'Made public', duties: 'Duty calendar', rotas: 'Rotas', reports: 'Reports', board: 'Board', indicators: 'Indicators', figures: 'Alarm figures', inspections: 'Inspections', sources: 'Data sources' },
  sign: { password: 'Your password (signature)', help: 'Signed with your own key: whoever checks signs and answers for it. The password is not kept.', wrong: 'The password is wrong; it is not signed.' },
  choose: 'Choose', cancel: 'Cancel', save: 'Save', back: 'Back', none: 'None', all: 'All', optional: 'optional',
  filing: {
    title: 'File a hazard', where: 'Where', device: 'Device', noDevice: 'Of no device', location: 'Place', locationHelp: 'Such as: block 3, floor 5, eastern edge', category: 'Category', content: 'What was found', contentHelp: 'Write what you see.', accident: 'What it may lead to',
    detail: 'How it came to light', level: 'Level', general: 'General', major: 'Major', majorProposed: 'Suspected major (an authority judges)', clause: 'Basis', noClause: 'No clause', unconfirmed: 'first day not confirmed', notInForce: 'not in force yet', replaced: 'replaced by a newer edition',
    handled: '"And not handled in time": was it handled in time?', handledYes: 'Handled in time', handledNo: 'Not handled in time', how: 'How', reason: 'Reason for the judgement',
    judge: 'Judge it at once (my own finding)', judgeHelp: 'Signed, it is confirmed. Without this mark somebody else judges.', waits: 'Signed, it waits for judgement.',
    photos: 'Photos', takePhoto: 'Take a photo', addPhoto: 'Choose photos', photosHelp: 'At least {n}; made no larger than 2000 pixels before they are sent, and without the place.', noPhotosNeeded: 'It may be filed without a photo.', sending: 'Sending {percent} %', sent: 'Sent', retry: 'Again', remove: 'Remove', waitsForNet: 'Waits for the network',
    drill: 'Exercise', distinct: 'It is another danger, file it all the same', already: 'There is an open record of the same danger:', open: 'Open {number}', send: 'Sign and file', sendingNow: 'Filing…', done: 'Filed', doneText: 'Number {number}, {status}.', see: 'See the hazard', another: 'File another',
    draft: 'The draft is kept on this device', draftFound: 'What you had not filed is back.', discard: 'Discard the draft', offline: 'The network is away; the draft is kept on this device and can be filed later.', mayNot: 'Your account may not file hazards at this site.',
  },
  listing: {
    title: 'Supervision list', none: 'No hazard is listed for supervision.', filter: 'State', states: { current: 'Current', proposed: 'Proposed', listed: 'Listed', delisted: 'Taken off', all: 'All' },
    level: 'Level', levels: { county: 'County', city: 'Prefecture', province: 'Province' }, document: 'Document', listedAt: 'Listed', due: 'Due', left: '{n} days left', today: 'due today', late: '{n} days late', by: 'Signed by', delistedAt: 'Taken off', delistingDocument: 'Document of that', enterprise: 'Enterprise', days: 'open for {n} days',
    notice: 'Public notice', noticeHelp: 'The five contents of a notice of supervision.', project: 'Project', hazard: 'The hazard', demand: 'Demand and due date', release: 'How it is lifted', releaseText: 'The enterprise reports what it did and asks for release; the authority looks on site, lifts it where it is satisfied and keeps it where not.', other: 'Other', basis: 'Basis', noPlan: 'no plan yet', noListing: 'not listed yet',
    source: 'Contents and release follow circular 158 of 2011 of the housing ministry, written down from memory: compare with the original before use.',
  },
  incidents: {
    title: 'Incidents', none: 'No records.', file: 'File an incident', filter: 'Ledger', status: 'State', kinds: { near_miss: 'Near miss', non_fatal: 'Accident, nobody killed', fatal: 'Fatal accident' }, ledgers: { near_miss: 'Near misses', non_fatal: 'Accidents, nobody killed', fatal: 'Fatal accidents' }, states: { open: 'Open', closed: 'Closed' },
    open: 'Open', overdue: 'Late', counts: 'Exercises are not counted', drill: 'Exercise', site: 'Site', kind: 'What happened', what: 'In short', whatHelp: 'A sentence or two; more may follow.', place: 'Where', when: 'When', now: 'Now', killed: 'Killed', injured: 'Injured', missing: 'Missing', persons: 'People', person: '{n}',
    reported: 'Reported already', reportedTo: 'To whom', reportedHow: 'How', reportedAt: 'When', reportedHelp: 'When it is due is shown once it is filed; the number is not confirmed, local rules prevail.', send: 'File', sending: 'Filing…', isDrill: 'It is an exercise', fromHazard: 'Out of hazard {number}, which stays open.', noPassword: 'No password is asked for.', filedBy: 'Filed by {who}, {time}', filedAt: 'Filed',
    clocks: { title: 'Deadlines', first_report: 'First report', details_warning: 'Reminder of the details', details: 'Details', left: '{time} left', late: '{time} late', done: 'done', passed: 'passed' }, lessonsDone: 'Lessons {n}/4',
    report: { title: 'First report', none: 'None is recorded.', add: 'Record a report' }, correct: { title: 'Correct, add', reason: 'Why', change: 'Correct' },
    details: { title: 'Details', none: 'Not handed in yet.', add: 'Hand in the details', course: 'How it came to pass', measures: 'What was done', loss: 'Direct loss (10,000 yuan)', receipt: 'Receipt number', inTime: 'in time', late: 'late' },
    lessons: { title: 'Four lessons', help: 'It is closed only when all four are shown.', cause: 'The cause is found', responsible: 'Those responsible are dealt with', measures: 'Measures are taken', education: 'The people concerned are taught', text: 'What shows it (documents, meetings, training)', tick: 'Confirm' },
    close: { title: 'Close', note: 'Closing note', act: 'Sign and close', unmet: 'It cannot be closed yet:' }, events: 'What was done', hazardLink: 'Hazard',
    kindsOfEvent: { filed: 'Filed', report: 'First report', correct: 'Corrected', submit_details: 'Details handed in', learn: 'Lesson', close: 'Closed', first_report_overdue: 'First report is late', details_due_soon: 'Details are due soon', details_overdue: 'Details are late' }, signed: 'signed', machine: 'System',
  },
  enforcement: {
    title: 'Enforcement', none: 'No records.', record: 'New record', kind: 'Measure', since: 'From', until: 'To', totals: 'Totals', acts: 'acts', enterprises: 'enterprises', persons: 'people', amount: 'Amount (10,000 yuan)', both: 'Both punished', crimes: 'Crime of dangerous operations', cell: 'Dispatch table, item {n}', notCounted: 'not in the dispatch table',
    level: 'Level', levels: { province: 'Province', prefecture: 'Prefecture', county: 'County' }, territory: 'Territory of the authority', enterprise: 'Enterprise', otherEnterprise: 'Another enterprise', enterpriseName: 'Name of the enterprise', site: 'Site', noSite: 'Of no site', amountYuan: 'Fine (yuan)', bothPunished: 'Enterprise and principal both punished', personCount: 'People concerned (no names)', crime: 'Crime of dangerous operations', caseNo: 'Case number', document: 'Document number', decidedOn: 'Decided on', note: 'Note', hazard: 'Hazard',
    sign: 'Sign and save', saving: 'Saving…', correct: 'Correct', correction: 'Correct the record', reason: 'Why', withdraw: 'Recorded in error: withdraw it', withdrawn: 'withdrawn', corrected: 'corrected {n} times', before: 'Before', by: 'Recorded by {who}, {time}', penaltyNote: 'A penalty changes no hazard: a fine mends nothing.', required: 'This kind of measure needs it', noTerritory: 'There is no territory for which your account records.', sourceTitle: 'Source',
  },
}
export default en
