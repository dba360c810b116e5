/** Texts of a hazard's page and of what is done with it, in English. */
import type zh from './hazardRecord.zh'

const en: typeof zh = {
  steps: 'Progress', waitsFor: 'Waits for:', openDays: 'Open for {n} d', due: 'Due {time}', overdue: 'Overdue', overdueBy: 'Overdue by {time}', left: '{time} left', drillText: 'A drill: the whole chain, but nothing is reported or counted.', refused: 'Refused to rectify',
  waits: {
    candidate_general: 'the site, supervision or an officer to verify it', candidate_major: 'an enforcement officer to judge it; until then it is treated as suspected major', confirmed: 'the project manager to plan the rectification', plan: 'supervision to look at the plan', extension: 'a decision on the extension', rectifying: 'the rectification to be done and submitted',
    rectified_general: 're-inspection by supervision or an officer', rectified_major: 're-inspection by supervision and by the authority', reviewed: 'whoever may close it',
  },
  next: 'Next', nothing: 'Nothing waits for you here.', others: 'Other acts', mayNot: 'A demo or viewing account can only look: sign in with your own account to act.', notice: 'Somebody has acted meanwhile', noticeText: '"{act}" did not take effect: the record has just changed. What you filled in is kept; look at the new state, then sign again.', look: 'Show the new state',
  acts: {
    reject: 'Reject', confirm: 'Confirm and grade', merge: 'Merge', opinion: 'Give an opinion', plan: 'Plan the rectification', accept_plan: 'Accept the plan', return_plan: 'Send the plan back', request_extension: 'Ask for more time', grant_extension: 'Grant the extension', refuse_extension: 'Refuse the extension',
    submit: 'Submit the rectification', pass_review: 'Review passed', fail_review: 'Review failed', close: 'Close', reopen: 'Reopen', upgrade: 'Upgrade to major', downgrade: 'Downgrade to general', list: 'List for supervision', delist: 'Take off the list', mark_refused: 'Mark as refused',
    order_control: 'Order stop of work', lift_control: 'Lift the control', take_step: 'Take the step', postpone_step: 'Postpone the step', acknowledge: 'I have been told', expert_opinion: 'Expert opinion',
  },
  actHelp: {
    confirm: "Filled in from the alarm: check it, then sign. A major hazard is reported formally at once, and the enterprise's principal is told.", opinion: 'A suspected major hazard is judged by the authority. Your opinion, such as a faulty sensor, is shown to them.', reject: 'Needs a reason and evidence; a report already sent is withdrawn with the reason.',
    plan: 'A timed rectification needs all five: person, measures, funds, deadline, emergency plan. An immediate one needs no funds and no emergency plan.', submit: 'Attach photos of before and after; the newest no older than 24 hours.', pass_review: 'First look below at how the signal has recovered.', fail_review: 'The record goes back to rectification: say what is wrong, with evidence.', close: 'Only when every condition is met.',
    order_control: 'Holds until it is lifted; until then the record cannot be closed.', mark_refused: 'Needs a notice that was served and a deadline that has passed; enforcement and referral may follow.', merge: 'Alarms and evidence move to the chosen record; this one ends.', downgrade: "Needs an expert's opinion or two signatures.", take_step: 'Drafted from the record: edit it, then sign.', postpone_step: 'It is proposed again when that time has come.',
    acknowledge: 'Says that the enterprise knows of this hazard.', list: 'Only that level or a higher one can then close it or take it off the list.', reopen: 'Where the same defect was never cured; a new alarm opens a record of its own.', request_extension: 'Before the deadline; at most twice.',
  },
  events: {
    filed: 'Hazard filed', signal_returned: 'Beyond the limit again: back to rectification', judging_overdue: 'Not judged in time: the next level was told', report: 'Report', overdue: 'Rectification overdue', escalation_proposed: 'A step is proposed', escalation_withdrawn: 'The proposed step was withdrawn', supervision_proposed: 'Listing is proposed', reminded: 'Reminder of the deadline', principal_silent: 'The principal has not answered',
    evidence: 'Evidence added', absorbed: 'Another record was merged into this one', incident: 'Incident recorded',
  },
  fields: {
    level: 'Grade', clause: 'Clause', handled: 'Handled in time', reason: 'Reason', reason_code: 'Cause', text: 'Text', into: 'Into which record', type: 'Kind', person: 'Responsible person', measures: 'Measures', funds_wan: 'Funds (10 000 CNY)', due: 'Deadline', emergency_plan: 'Emergency plan',
    followup_measures: 'Follow-up measures', cause: 'Cause of the hazard', rectified_at: 'Rectified at', evidence: 'Evidence', before: 'Photos before', after: 'Photos after', note: 'Findings', onsite: 'Seen on site', document: 'Document number', authority_level: 'Listed by', control: 'Measure', until: 'Postpone until', step: 'Step',
    report_kind: 'Report', why: 'Why', due_at: 'Deadline', number: 'Number', from: 'Was', to: 'Is now', value: 'Value', limit: 'Limit',
  },
  words: {
    report_kind: { provisional: 'Provisional', unverified: 'Unverified at end of day', formal: 'Formal', withdrawal: 'Withdrawal', correction: 'Correction' },
    why: { plan: 'no plan was made', rectification: 'not rectified', overdue: 'overdue', failed_reviews: 'reviews failed', refused: 'refused to rectify', escalation: 'escalated', policy_all: 'every major hazard is listed here', policy_selected: 'major hazards may be listed here' },
    level: { general: 'General', major_proposed: 'Suspected major', major: 'Major' },
    reason_code: { is_hazard: 'It is a hazard', is_major: 'It is major', is_general: 'It is general', sensor_fault: 'Faulty sensor', calibration: 'Wrong calibration', maintenance_test: 'Maintenance test', misread: 'Misread', duplicate: 'Duplicate', other: 'Other' },
    type: { timed: 'Timed', immediate: 'Immediate' },
    authority_level: { county: 'County', city: 'City', province: 'Province' },
    control: { none: 'None', partial_stop: 'Partial stop', stop_work: 'Work stopped', evacuated: 'People evacuated' },
    signal: { none: 'No signal', active: 'Beyond the limit', cleared: 'Back within', unknown: 'Signal unknown' },
  },
  handled: { ask: 'Under this clause it is major only if it was "not handled in time". Was it?', yes: 'Handled in time', no: 'Not handled in time', when: 'When', how: 'How' },
  ladder: { '1': 'Letter or warning', '2': 'Bulletin, more inspections', '3': 'Warning talk', '4': 'Publication, listing', '5': 'Stop, penalty, referral' },
  proposed: 'Proposed: {step}', required: 'required', empty: '{name} is missing.', chooseClause: 'Choose a clause', chooseRecord: 'Choose a record', choose: 'Choose', unconfirmed: 'date of effect to be verified',
  sign: 'Sign and submit', cancel: 'Cancel', submitting: 'Submitting…', done: 'Done: {act}',
  signature: { title: 'Sign', says: 'In your own name you sign:', on: 'Hazard {number}', password: 'Your password', help: 'It only opens your own signing key and is not kept.', wrong: 'Wrong password. What you filled in is kept.', go: 'Sign' },
  unmet: { title: 'Not yet possible. Still needed:', none: 'Every condition is met', see: 'Conditions not met' },
  evidence: {
    title: 'Photos and evidence', add: 'Choose photos or files', camera: 'Take a photo', addMore: 'Add another', uploading: 'Uploading {percent} %', failed: 'Upload failed: {detail}', retry: 'Retry', remove: 'Remove', none: 'No photo or file yet.', open: 'Open the original', use: 'Use', shrunk: 'Photos are reduced to {n} pixels before upload, and the place is removed.', by: '{who} · {time}',
    stages: { found: 'When found', before: 'Before', after: 'After', review: 'Review', judgement: 'Judgement' },
    kinds: { series: 'Curve', photo: 'Photo', video: 'Video', document: 'Document', still: 'Still', device_file: 'Device file', rule: 'Rule and limits', configuration: "Gateway's configuration" },
  },
  clearance: {
    title: 'Has the signal recovered?', pass: 'passed', fail: 'not passed', met: 'The signal has recovered', unmet: 'The signal has not recovered yet', signal: 'Back within the limit', lasted: 'For how long', working: 'Of it at work', coverage: 'Data coverage', rate: 'Rate', need: 'needed: {value}', since: 'since {time}', never: 'An unknown signal is no recovery: an unplugged device proves nothing.',
    none: 'No signal belongs to this record: review goes by what is seen on site.', curve: 'Curve since the rectification', hours: '{n} h', percent: '{n} %',
  },
  control: { banner: '{control}', since: 'ordered by {who} at {time}', reason: 'Reason: {reason}', proposed: 'Stop of work is proposed' },
  rectification: { title: 'Rectification', plan: 'Plan', accepted: 'accepted', waiting: 'waits to be accepted', returned: 'sent back', extensions: 'Extensions', extensionRequested: 'asked until {time}', granted: 'granted', refused: 'refused', pending: 'waits for a decision', original: 'first deadline {time}', submission: 'What was done', reviews: 'Reviews', passed: 'passed', failed: 'failed', round: 'No. {n}' },
  yes: 'Yes', no: 'No', judgement: 'Judgement', supervision: { title: 'Listing', none: 'Not listed', proposed: 'Listing proposed', listed: 'Listed for supervision', delisted: 'Taken off the list' }, escalation: 'Escalation',
  report: { late: 'late', title: 'Reports', states: { not_due: 'Not to be reported', due: 'To be reported', provisional: 'Provisionally reported', reported: 'Reported', reported_late: 'Reported late', withdrawn: 'Withdrawn' }, kinds: { provisional: 'Provisional', unverified: 'Unverified at end of day', formal: 'Formal', withdrawal: 'Withdrawal', correction: 'Correction' }, due: 'Report due {time}', to: 'to {who}', sent: 'sent {time}', none: 'Nothing was reported yet.', nobody: 'no authority on file' },
  device: { title: 'Device file', open: 'Open the file', registration: 'Registration', inspected: 'Inspected on', validUntil: 'Valid until', parties: 'Parties', none: 'No device belongs to this record.', unknown: 'There is no file of this device.', location: 'Place' },
  past: { title: 'Earlier hazards', device: 'This device', enterprise: 'This enterprise', none: 'No earlier hazard.', repeat: 'Repeated: no. {n}', repeatOf: 'the last record' },
  merged: 'Merged into another record', mergedLink: 'Open that record', details: 'More', facts: 'Facts',
  timeline: { machine: 'by the system', folded: '{n} alarms and changes of the signal', signed: 'signed with the person’s own key', signedShort: 'signed', raw: 'As recorded, with its hash' },
  sides: { authority: 'Authority', contractor: 'Contractor', supervision: 'Supervision', owner: 'Owner', third_party: 'Third party', operator: 'Operator', platform: 'Platform', audit: 'Audit' },
  acknowledgeAlarm: 'Acknowledge the alarm', acknowledged: 'Acknowledgement asked for', alarmsWaiting: '{n} alarms nobody has acknowledged',
}
export default en
