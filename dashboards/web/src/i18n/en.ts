/** The same texts in English; the type makes a missing or surplus key a compile error. */
import accounts from './accounts.en'
import arrivals from './arrivals.en'
import cameras from './cameras.en'
import configuration from './configuration.en'
import duties from './duties.en'
import enrolment from './enrolment.en'
import notices from './notices.en'
import sending from './sending.en'
import gatewayPage from './gatewayPage.en'
import record from './hazardRecord.en'
import inspections from './inspections.en'
import exposures from './exposures.en'
import handing from './handing.en'
import indicators from './indicators.en'
import ledgers from './ledgers.en'
import machine from './machine.en'
import problems from './problems.en'
import people from './people.en'
import profiles from './profiles.en'
import registry from './registry.en'
import returns from './returns.en'
import mailing from './mailing.en'
import roles from './roles.en'
import rotas from './rotas.en'
import start from './start.en'
import reports from './reports.en'
import waysIn from './waysIn.en'
import upkeep from './upkeep.en'
import history from './history.en'
import territory from './territory.en'
import telling from './telling.en'
import type zh from './zh'

const en: typeof zh = {
  accounts,
  inspections,
  configuration,
  duties,
  enrolment,
  notices,
  sending,
  gatewayPage,
  arrivals,
  cameras,
  exposures,
  handing,
  indicators,
  ledgers,
  returns,
  mailing,
  machine,
  problems,
  people,
  profiles,
  record,
  registry,
  roles,
  rotas,
  start,
  reports,
  waysIn,
  upkeep,
  history,
  territory,
  telling,
  app: { name: 'SiteWarden', skip: 'Skip to main content', notFound: 'There is no such page', home: 'Back to the start' },
  demo: { badge: 'Demo data', text: 'From simulated devices, not a real site' },
  replay: {
    badge: 'Replay', text: 'A record of the past, not the present', mark: 'Replay', pause: 'Pause', resume: 'Go on', step: 'Step', speed: 'Speed of the replay', fastest: 'Fastest', loop: 'Loop', seek: 'Jump to an instant',
    gone: 'The replay does not answer', states: { waiting: 'Waiting for the gateway', running: 'Playing', paused: 'Paused', ended: 'At its end' },
  },
  nav: { site: 'Site', alarms: 'Alarms', hazards: 'Hazards', backtest: 'Back-test', registry: 'Registry', sites: 'All sites', main: 'Main navigation' },
  session: {
    signIn: 'Sign in', signOut: 'Sign out', name: 'User name', password: 'Password', signingIn: 'Signing in…',
    wrong: 'The user name or password is wrong.', unreachable: 'The server cannot be reached. Check the network and try again.', failed: 'Sign-in failed: {detail}',
    lostPassword: 'Forgotten? Whoever manages your account can reset it, or run {command} on the server.',
    needsSetup: 'This system has no account yet', needsSetupText: 'Open the set-up link that the server printed in its terminal when it started (it looks like /setup#…, is valid for 30 minutes and works once) to create the first account.',
    needsSetupAgain: 'If the link has expired, run this on the server for a new one:',
  },
  setup: {
    title: 'Create the first account', intro: 'This account is the administrator: it sees every site and creates the other accounts. There is no built-in user name or password.',
    repeat: 'Password again', create: 'Create account', creating: 'Creating…',
    nameHelp: 'Used to sign in, for example zhang.wei', passwordHelp: 'At least 12 characters. A few unrelated words in a row are easier to remember and safer than a short, complicated password.',
    tooShort: 'At least 12 characters: {n} more needed.', mismatch: 'The two passwords differ.', nameMissing: 'Enter a user name.',
    noToken: 'This link is incomplete: the one-time token after # is missing. Copy the whole set-up link from the terminal.',
    expired: 'This set-up link has expired or was already used. Run this on the server for a new one:', failed: 'The account was not created: {detail}',
  },
  sites: { title: 'Sites', none: 'There is no site for you to see yet.' },
  language: { label: 'Language', zh: '中文', en: 'English' },
  theme: { label: 'Appearance', auto: 'As the system', light: 'Light', dark: 'Dark' },
  connection: {
    connecting: 'Connecting', open: 'Live', lost: 'Disconnected',
    banner: 'Connection lost since {time}: no new data. Values on this page may be out of date; reconnecting…',
    never: 'No live data yet; trying again…', restored: 'Connection restored',
  },
  load: { loading: 'Loading…', retry: 'Try again', failed: 'Loading failed: {detail}', notFound: 'Not found, or not yours to see.', more: 'Load more' },
  level: { 0: 'Normal', 1: 'Notice', 2: 'Warning', 3: 'Alarm', 4: 'Critical' },
  quality: {
    good: 'good', stale: 'stale', none: 'no data', bad: 'bad',
    timeout: 'no answer', exception: 'device error', disconnected: 'line down', out_of_range: 'out of range',
    sentinel: 'no valid value', not_a_number: 'not a number', clock: 'clock not trusted', bad_input: 'bad input', frozen: 'value stands still', jump: 'implausible jump', no_value: 'no value',
  },
  age: {
    instant: '<1 s ago', second: '{n} s ago', minute: '{n} min ago', hour: '{n} h ago', day: '{n} d ago', label: 'Age of data',
    for: { instant: '<1 s', second: '{n} s', minute: '{n} min', hour: '{n} h', day: '{n} d' },
  },
  time: { zone: 'All times in the site’s zone, {zone} ({offset})' },
  site: { noDevices: 'No gateway has announced a device yet. Cranes and pits appear here by themselves once one has.' },
  now: {
    title: 'Wrong now', calm: 'No active alarm', calmText: 'Every monitored value is within its limits.', beyond: '{n} values are beyond a limit but have not raised an alarm yet.', blind: 'Data of {n} points are stale or bad: whether they are safe cannot be said.',
    alarms: 'Active alarms', hazards: 'Open hazards', noHazards: 'No open hazard.', noAlarms: 'No active alarm.',
    all: 'Show all {n}', since: 'For', newAlarm: 'New alarm: {label}',
  },
  crane: {
    elevation: 'Elevation', plan: 'Plan', elevationOf: 'Elevation of {name}: radius {radius}, hook height {height}, load {load}',
    planOf: 'Plan of {name}: slew angle {slew}, radius {radius}', limiter: 'Limiter', readings: 'Readings', noLayout: 'No dimensions configured, so there is no drawing.',
    stalePose: 'Position is stale', badPose: 'Position is bad', active: 'active', normal: 'not active', drawing: 'Drawing', more: 'More readings and the limiter',
    bits: {
      cutoff: { name: 'Cut-off', on: 'has cut off', off: 'has not cut off' }, bypass: { name: 'Bypass', on: 'bypassed', off: 'not bypassed' },
      fault: { name: 'Fault', on: 'faulty', off: 'no fault' },
    }, fallsUnit: 'falls', north: 'N',
  },
  pit: {
    plan: 'Plan', planOf: 'Plan of {name}, {n} points', point: 'Point', cumulative: 'Cumulative', rate: 'Rate', control: 'Control', share: '% of control',
    age: 'Age', depth: 'Excavated to {depth} m', curve: 'Trend', noLayout: 'No outline configured, so there is no drawing.', table: 'Readings of the points',
    toLimit: 'control value in about {h} h', limitBounds: ' (95 %: {least}–{most} h)', toFailure: 'quickening: failure in about {h} h', leastToFailure: ' (at the earliest {h} h)',
    forecastNote: 'Forecasts come from the last 2–4 days of movement; they are no measurements and replace no limit.', noForecast: 'No forecast ({why}): {points}.',
    motions: { unknown: 'too few data', still: 'no clear movement', steady: 'steady or slowing', 'new-pace': 'a new pace', quickening: 'quickening, not to be forecast yet', failing: 'failing' },
    selectCurve: 'Show the trend of {name}', quantity: { reading: 'Reading', cumulative: 'Cumulative', rate: 'Rate' }, legend: 'The ring shows the share of the control value', gap: 'Where a line is broken there are no data', parts: { plan: 'Plan', points: 'Points', curve: 'Trend' }, partsLabel: 'Part shown',
    rangeLabel: 'Time range', quantityLabel: 'Quantity',
  },
  weather: { title: 'Conditions', none: 'No wind sensor.' },
  gateway: {
    title: 'Gateways', online: 'Online', offline: 'Offline', unknown: 'Unknown', seen: 'Last seen', outbox: 'To send', alarms: '{n} alarms', readings: '{n} readings',
    oldest: 'oldest {age}', empty: 'nothing waiting', disk: 'Disk free', clock: 'Clock', clocks: { synced: 'synchronised', unsynced: 'not synchronised', unknown: 'unknown' }, none: 'No gateway configured.',
  },
  alarms: {
    title: 'Alarms', active: 'Active', all: 'All', filter: 'Filter by state', level: 'Level', what: 'Alarm', value: 'Peak / limit', raised: 'Raised', lasted: 'Lasted',
    state: 'State', ongoing: 'Active', acknowledgedAt: 'Acknowledged {time} ({by})', by: { local: 'on site', cloud: 'cloud' }, basis: 'Basis', hazard: 'Hazard', openHazard: 'Open hazard', none: 'No alarm on record.',
    only: 'Alarms of {name} alone', allDevices: 'Show all devices',
    noneActive: 'No alarm is active now.', noneState: 'No alarm is in this state.', handle: 'Handle the alarm', handleShort: 'Handle…', close: 'Close',
    worse: '(got worse)',
    states: {
      unacknowledged: 'Unacknowledged', acknowledged: 'Acknowledged', 'latched-unacknowledged': 'Latched, unacknowledged', 'returned-unacknowledged': 'Returned, unacknowledged',
      shelved: 'Shelved', 'suppressed-by-design': 'Suppressed by design', 'out-of-service': 'Out of service', normal: 'Normal',
    },
    stateHelp: {
      again: 'It got clearly worse after somebody had acknowledged it', unacknowledged: 'The alarm stands and nobody has acknowledged it', acknowledged: 'The alarm stands; somebody knows of it', 'latched-unacknowledged': 'The value is back; it ends once somebody acknowledges it',
      'returned-unacknowledged': 'The alarm has ended, and nobody ever acknowledged it', shelved: 'Held back for a time on request; it comes back by itself', 'suppressed-by-design': 'Held back by its rule while one at least as grave stands on the same point',
      'out-of-service': 'The point is out of service: no new alarm is raised', normal: 'The alarm has ended and was acknowledged',
    },
    acknowledge: 'Acknowledge', acknowledgeHelp: 'Says that you know. Once the gateway has it, this alarm sounds no longer; the danger may stand. Until somebody in charge says so too, the next are told.', acknowledgeHelpEnded: 'The alarm has ended: this is noted here alone and not sent to the gateway.',
    shelve: 'Shelve', unshelve: 'Unshelve', shelveHelp: 'For a time this rule makes no sound and raises no new alarm (one that is still due is raised at the end); the lamp of a standing one stays on. At most 24 hours, with a reason. In force once the gateway confirms it.',
    replayed: 'This is a record of the past: nothing can be asked of it.', mayNot: 'Your account may only look. An administrator acknowledges and shelves.', refused: 'Not done: {detail}', history: 'What was asked', noHistory: 'Nobody has handled it yet.',
    kinds: { acknowledge: 'asked to acknowledge', shelve: 'asked to shelve', unshelve: 'asked to unshelve' },
    outcomes: { pending: 'not confirmed yet', done: 'in force', ended: 'the alarm had ended; not shelved', lapsed: 'never confirmed in time', replaced: 'replaced by a later request' },
    asked: {
      acknowledge: '{by} asked to acknowledge at {time};', shelve: '{by} asked to shelve at {time};', unshelve: '{by} asked to unshelve at {time};',
      waiting: 'the gateway has not confirmed yet', away: 'the gateway is offline, it is sent when it is back',
    },
    test: 'TEST', testHelp: 'Of a device on trial: no siren, no hazard, nobody is called', ended: { orphaned: 'its rule or point is gone', in_use: 'the device was put into use; its tests end here', trial: 'the device went back on trial' },
    late: 'sent late', modes: { test: 'test', drill: 'drill', replay: 'replay' }, clockSet: 'clock set from {from} to {to}', clockUnsynced: 'gateway clock not synchronised',
  },
  shelves: {
    title: 'Shelved rules', help: 'A shelved rule makes no sound and raises no new alarm; it comes back by itself.', until: 'until {time}', left: '{time} left', ending: 'asked to end; the gateway has not confirmed yet',
    duration: 'Shelve for', for: { '15': '15 min', '60': '1 h', '240': '4 h', '480': '8 h', '1440': '24 h' },
    reason: 'Reason (required)', reasonHint: 'Such as: sensor is being calibrated', change: 'Change or end the shelving',
  },
  cycles: {
    title: 'Work cycles', open: 'Work cycles', back: 'Back to the site', crane: 'Crane', day: 'Day', previous: 'Day before', next: 'Day after', today: 'Today', table: 'Download the table (CSV)',
    count: 'Cycles', brokenOff: 'of these broken off', lifting: 'Time under load', peakLoad: 'Heaviest load', peakRatio: 'Worst moment ratio', busiest: 'Busiest hour',
    hours: 'Cycles an hour', ratios: 'Worst moment ratio', ratiosHelp: 'The highest share of the rated moment in each cycle; colours follow the limits of this crane.', withoutRatio: '{n} cycles have no moment ratio.',
    none: 'No work cycle was recorded on this day.', start: 'Start', end: 'End', lasted: 'Lasted m:s', load: 'Peak load', moment: 'Peak moment', ratio: 'Moment ratio', loadRatio: 'Load ratio', radii: 'Radius, from → to', heights: 'Height, from → to',
    broken: 'broken off', brokenHelp: 'Data were lost under load; where it was set down is unknown', inHour: '{hour}:00: {n}', inRatio: '{span}: {n}', over: '≥{low} %', span: '{low}–{high} %',
  },
  hazards: {
    title: 'Hazards', open: 'Open', all: 'All', filter: 'Which hazards', number: 'Number', content: 'Content', level: 'Grade', status: 'Status', signal: 'Signal', opened: 'Opened',
    episodes: 'Alarms', none: 'No hazard on record.', noneOpen: 'No hazard is open.', category: 'Category', worst: 'Worst level', times: '{n}×',
    levels: { major: 'Major', major_proposed: 'Suspected major', general: 'General' },
    statuses: { candidate: 'To be verified', rejected: 'Rejected', merged: 'Merged', confirmed: 'Confirmed', rectifying: 'Being rectified', rectified: 'To be reviewed', reviewed: 'Reviewed, to be closed', closed: 'Closed' },
    signals: { none: 'Filed by a person', active: 'Beyond the limit', cleared: 'Back within', unknown: 'Signal unknown' },
  },
  hazard: {
    accident: 'Possible accident', clause: 'Basis of judgement', noClause: 'No clause applies.', device: 'Device', opened: 'Opened', detected: 'Detected',
    latest: 'Latest alarm', handlingDue: 'Handle by', evidence: 'Evidence', episodes: 'Alarm episodes', timeline: 'Event record', hash: 'Hash', raisedMark: 'Raised {time}', clearedMark: 'Cleared {time}', limit: 'Limit {limit}', peak: 'Worst {value}',
    span: 'Range', spans: { '1': '±1 min', '5': '±5 min', '30': '±30 min' }, evidenceLine: 'Kept by the gateway with the alarm', seriesLine: 'History',
    chain: 'Each hash covers the one before it: a change anywhere makes every later hash fail.', unverified: 'Opened by the system itself. Only a named person may declare it a major hazard after verifying it.',
    episode: 'No. {n}', back: 'Back to hazards', pack: 'Download case pack', packHelp: 'Readings around the alarm, the rules in force and the alarms they give: to be checked and replayed offline.', actors: { sitewarden: 'by the system' },
    events: { opened: 'Hazard opened', episode: 'New alarm', signal: 'Signal changed', handling_clock: 'Handling clock started', handling_expired: 'Not handled in time: suspected major' },
  },
  backtest: {
    title: 'Back-test', intro: 'What would other rules have done? History is judged anew; no rule in force is changed.', range: 'Range', from: 'From', to: 'To', zone: 'site time ({zone})',
    quick: { '6': '6 h', '24': '24 h', '72': '3 days', '168': '7 days' }, quickLabel: 'The last', device: 'Device', allDevices: 'All devices',
    rules: 'Rules', rulesHint: 'Start from those in force; a changed rule is marked.', noRules: 'The cloud does not know the rules in force here: connect the gateway first.', unknown: 'Gateways also run rules whose text the cloud does not have; they are left out: {names}',
    fields: { limit: 'Limit', fraction: 'Share of the control value', on_delay_s: 'On-delay s', off_delay_s: 'Off-delay s', dead_band: 'Dead-band' },
    changed: 'changed', wasText: 'in force {value}', undo: 'Undo', editText: 'Edit as text', closeText: 'Close the text', textLabel: 'Text of the rule {rule} (YAML)', leaveOut: 'Leave out', removed: 'left out',
    run: 'Run the back-test', running: 'Running…', nothingChanged: 'Nothing is changed yet: this only checks the rules in force against what was recorded.', failed: 'The back-test failed: {detail}',
    result: 'Result', added: 'Added', removedCount: 'Removed', moved: 'Moved', unchanged: 'Unchanged', alarmsOf: 'Rules in force: {before} alarms; proposed: {after}.', readings: '{n} readings judged in {s} s.',
    changes: 'Alarms that change', none: 'No alarm changes.', more: 'Only the first {n} are listed.', later: '{by} later', earlier: '{by} earlier', sameStart: 'same start', standing: 'still standing', lasts: 'lasts {time}', 
    curve: 'Curve', inForceLimit: 'in force {limit}', proposedLimit: 'proposed {limit}', before: 'in force {time}', after: 'proposed {time}',
    leads: 'Lead time', leadsHint: 'From the raise of the lower level to the first reading beyond the higher limit; negative where the limit came first.', noLeads: 'No warning before a higher limit in this range.', warns: '{rule} → {of}', reached: 'reached', least: 'least', median: 'median', notReached: 'not reached', unwarned: 'unwarned', inForce: 'in force', proposed: 'proposed',
    falseAlarms: 'False alarms', noneJudged: 'No hazard has been judged by people yet, so there is no rate.', rate: 'in force {before}, proposed {after} (of judged alarms alone).',
    check: 'Check against what was recorded', checkSame: 'The rules in force give exactly the {n} alarms that were recorded.', checkDiffers: '{same} the same, {moved} at other instants, {recorded} recorded only, {ours} of the back-test only.', notJudged: 'Rules that could not be judged', notes: 'Notes',
  },
  chart: { label: 'Chart of {names}', failed: 'The chart could not be loaded: {detail}' },
}

export default en
