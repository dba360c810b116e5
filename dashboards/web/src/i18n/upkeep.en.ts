/** Texts of the maintenance of devices and of what is to be done at them, in English. */
export default {
  title: 'Maintenance', none: 'No maintenance, and nothing to be done.', hint: 'Alarms during maintenance are kept and open no hazard record; those that still stand when it ends open theirs at once. Somebody else than who asked approves it, and only then it begins.',
  maintenance: 'Maintenance', tasks: 'To be done', ask: 'Ask for maintenance', workOrder: 'Work order', reason: 'Reason', from: 'From', until: 'Until', send: 'Ask', cancel: 'Cancel', approve: 'Approve', end: 'End it now', withdraw: 'Take back', note: 'Note', noteHelp: 'What was done, and how it came out', confirm: 'Confirm', close: 'Done',
  state: { asked: 'Waits for approval', coming: 'To come', under_way: 'Under way', over: 'Over', withdrawn: 'Never begun' },
  kind: { repair: 'Mend the sensor', calibration: 'Calibrate anew' },
  askedBy: 'asked by {who}', approvedBy: 'approved by {who}', endedBy: 'ended by {who}', own: 'Somebody else approves it', held: '{n} alarms meanwhile', openedBy: 'opened by {who}', closedBy: 'closed by {who}', ofHazard: 'Hazard {number}',
}
