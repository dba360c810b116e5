/** Texts of the pages of device profiles and of a device's way into use, in English. */
export default {
  title: 'Device profiles', link: 'Device profiles', intro: 'A profile says how a model of device is read: registers, order of words, units, ranges. Devices are only ever read, never written to.',
  columns: { profile: 'Name', kind: 'Kind', products: 'Products', version: 'Version', driver: 'Protocol', points: 'Points', verified: 'Verified', origin: 'Origin' },
  origin: { shipped: 'shipped', brought: 'brought' }, verified: { simulator: 'simulator only', bench: 'bench', site: 'site' },
  driver: { modbus: 'Modbus', hj212: 'HJ 212', frames: 'frames of its maker', json: 'JSON' },
  bring: 'Bring a profile', edit: 'Edit as a new version', text: 'Profile (YAML)', file: 'Read from a file', check: 'Check', checking: 'Checking…', keep: 'Keep as version {n}', keepFirst: 'Keep', reason: 'Why', reasonHelp: 'Such as: from the manual, page 14', cancel: 'Cancel',
  sound: 'Nothing is wrong with it.', unsound: '{n} to mend:', line: 'Line {n}', whole: 'The whole text', mend: 'Mend', checks: 'What it lacks', level: { ok: 'ok', note: 'note', finding: 'finding' },
  readOnly: 'Safety devices are only read: a profile that asks to write is refused.', denied: 'not let in', deniedHere: 'A product is on the deny-list: {what}',
  back: 'Back to the profiles', source: 'Source', versions: 'Versions', versionOf: 'Version {n}', by: '{who}, {when}', changes: 'What version {after} changed of version {before}', noChanges: 'Nothing.', current: 'shown', see: 'Show',
  points: { title: 'Points', key: 'Name', label: 'Meaning', place: 'Place', scale: 'Conversion', range: 'Range', every: 'Every' }, noRange: 'none',
  tryIt: 'Test read', tryHint: 'A gateway reads the device once by this version: raw words beside values. Its polls go on undisturbed.', gateway: 'Gateway', bus: 'Bus', unit: 'Unit', run: 'Test read', running: 'Reading…',
  speaks: 'Such a device speaks by itself, there is nothing to ask: run it on trial and see what is heard.',
  trial: {
    states: { asked: 'asked, waiting for the gateway', running: 'reading', done: 'done', refused: 'refused by the gateway', failed: 'came to nothing', lapsed: 'the gateway did not answer' },
    point: 'Point', place: 'Register', raw: 'Raw words', value: 'Value', quality: 'Quality', hint: 'Likely', rounds: 'read {n} times', function: 'function {n}', sound: 'fits', unsound: '{n} findings', by: '{who}, {when}',
  },
  denial: {
    title: 'Models not let in', none: 'The list is empty: the sources at hand name no model.', add: 'Deny a model', brand: 'Brand (empty: any)', model: 'Model (* is anything)', where: 'Where', everywhere: 'all sites', thisSite: 'this site', reason: 'Why', source: 'Source (catalogue, number, page)', listedOn: 'Listed on',
    lift: 'Let in again', liftReason: 'Why', lifted: 'let in again by {who}, {when}: {why}', site: 'site {site}', node: 'territory {node}', shipped: 'shipped',
  },
  rollout: {
    title: 'Roll-out of a new version', intro: 'To one gateway first, to the rest once it is in force there; back at any time. A roll-out changes by what devices are read, not whether they are in use: alarms go on.', first: 'First to', begin: 'Roll out version {n}', rest: 'To the rest ({n})', back: 'Bring the old version back', stage: { first: 'first gateway', rest: 'all gateways', back: 'brought back' },
    none: 'Nothing was rolled out yet.', from: 'from version {n}', configuration: 'configuration {n}', waitFirst: 'The rest waits until it is in force at the first.',
  },
  configuration: { waiting: 'waiting for the gateway', refused: 'refused by the gateway', probation: 'on probation', in_force: 'in force', rolled_back: 'rolled back by itself', superseded: 'superseded' },
  commissioning: {
    title: 'Into use', link: 'Into use', list: 'Devices on their way', listIntro: 'From profile to use: test read, conformance run, file, trial, witnessed check, commissioning.',
    states: { not_bound: 'not bound', bound: 'bound', trial: 'on trial', in_use: 'in use', unwitnessed: 'in use at the gateway, not commissioned here' },
    steps: { profile: 'Bound to a profile', read: 'Test read', conformance: 'Conformance run', file: 'File of the device', trial: 'On trial', witness: 'Witnessed check', commission: 'In use' },
    standing: { done: 'done', open: 'to do', waiting: 'waiting for the gateway', blocked: 'something is wrong' },
    bind: 'Bind', rebind: 'Bind otherwise', profile: 'Profile', version: 'Version', newer: 'there is version {n}', identity: 'How it names itself', noBus: 'The gateway has told of no bus; type its name', notHere: 'The gateway works from a file of its own: hand it over before anything runs on trial.', boundTo: '{gateway} / {bus} / unit {unit}, {profile} version {version}', boundAs: '{gateway} / {bus} / {identity}, {profile} version {version}',
    runRead: 'Read once', runConformance: 'Run', seconds: '{n} s', toFile: 'Open the file', runTrial: 'Run on trial', runTrialAgain: 'Send anew', backToTrial: 'Back on trial', trialHint: 'On trial: data are shown, alarms are only marked; no siren, no hazard.', reason: 'Why',
    sentAs: 'Configuration {n}: {state}', runs: 'The gateway runs {profile} version {version}, {state}',
    live: 'Values now', known: 'Known value', tolerance: 'Tolerance', method: 'By what', methodHelp: 'Such as: a weight of 3 t, number of its certificate', sign: 'Sign', signHint: 'The reading of this moment is kept with its age, for good. The tolerance is at most half of the known value.', approve: 'Approve', approveHint: 'Another account approves.',
    checked: '{point}: known {reference} {unit}, read {value} {unit} ({age} old), tolerance ±{tolerance}', passed: 'passed', failed: 'failed', signedBy: 'signed by {who}', approvedBy: 'approved by {who}', waitsApproval: 'waits for approval', ofVersion: 'version {n} of the profile',
    commission: 'Put into use', commissionHint: 'In use its alarms are live: siren, hazards, statistics.', commissioned: 'put into use by {who}, {when} ({profile})', allDone: 'All conditions are met.', missing: '{n} missing:', noPoint: 'The gateway has told of no point of it yet.', fresh: 'may be witnessed',
  },
}
