/** Texts of a gateway's configuration, in English. */
export default {
  open: 'Configuration',
  now: 'The gateway works from', nowVersion: 'version {n}', nowOwn: 'its own file', onProbation: 'on probation', online: 'online', offline: 'offline', newest: 'Newest version', inForce: 'Version in force', none: 'none yet',
  notHandedOver: "This gateway’s own gateway.yaml says what it reads; nothing is sent to it. Enrol it, or write configuration: {'{'}owner: cloud{'}'} into its gateway.yaml and restart it, and it is configured from here.",
  untold: 'The gateway does not hand its own file over. Mend it at the gateway; it is told then at the next connection:',
  nothing: 'The gateway has not told what its own file says, and there is no version yet.',
  states: { waiting: 'Waiting for the gateway', refused: 'Refused', probation: 'On probation', in_force: 'In force', rolled_back: 'Rolled back', superseded: 'Superseded' },
  waits: 'It is sent as soon as the gateway is there, until it answers.', probationNote: 'If it proves no good the gateway goes back by itself; judging and sounding on site go on.',
  files: 'Files', newFile: 'name of a new file, such as charts/crane-1.yaml', add: 'Add', removeFile: 'Remove {file}', editor: 'Text of {file}', readOnly: 'Your account may only look.',
  basedOn: 'A change of version {n}', basedOnOwn: 'Begins with the gateway’s own file', basedOnNone: 'Begins with nothing', changed: 'There are changes that are not sent', unchanged: 'Nothing is changed', discard: 'Discard changes', stale: 'Version {n} has come meanwhile: discard the changes and make them anew, or compare first.',
  draft: 'Take from the registry', draftNone: 'The design values of the registry are those of the configuration.', draftDone: '{n} values taken from the registry. Look at them before you send:', unplaced: 'Devices of the registry that the configuration lacks: {devices}', was: 'was',
  check: 'Check', checking: 'Asking the gateway…', checkLate: 'The gateway has not answered yet.', checkOk: 'The gateway can work from this.', checkBad: 'The gateway cannot work from this:', checkOld: 'It was changed since the check. Check again.',
  load: 'Load of the buses', bus: 'Bus', percent: 'Of its time', requests: 'Requests a second', line: 'line {n}', goTo: 'Go to {file}, line {n}',
  reason: 'Reason', reasonHint: 'why; it stays with the version', send: 'Send', sending: 'Sending…', sent: 'Version {n} is kept and on its way.',
  history: 'History', version: 'Version', by: 'Author', at: 'Time', state: 'State', compare: 'Compare', hide: 'Hide', rollback: 'Roll back to this', rollbackTo: 'Send version {n} again as a new version?', doRollback: 'Roll back', cancel: 'Cancel', noDiff: 'The texts are the same.', against: 'Against version {n}', more: 'Older versions',
}
