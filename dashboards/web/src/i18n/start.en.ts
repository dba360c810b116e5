/** The same in English. */
import type zh from './start.zh'

const en: typeof zh = {
  title: 'Set a site up', steps: { account: 'Account', site: 'Site', gateway: 'Gateway', points: 'Points', notices: 'Notices' }, step: 'Step {n} of 5', done: 'done', here: 'here', open: 'not done',
  next: 'Next', back: 'Back', skip: 'Skip', finish: 'Go to the site', resume: 'Go on setting up', resumeText: 'Setting up is not finished; go on whenever you like.',
  later: 'Leave whenever you like: what is done is kept, and the registry of the site leads back here.',
  skips: {
    gateway: 'Skipped: nothing of what happens on site reaches this system. Later: Registry → Gateways.', points: 'Skipped: values are relied upon that nobody has checked. Later: on the site’s page.', notices: 'Skipped: whoever looks at no page is not told of alarms. Later: Registry → Notices.',
  },
  account: { done: 'Signed in as {name}.' },
  site: {
    intro: 'First say which site it is and where.', made: 'The site is there.', more: 'Code, address, authority and more are in the registry.', place: 'Where it lies', placeHelp: 'Decides which authorities see the site; make the place here where there is none.', noPlace: 'Not now', newPlace: 'A new one…', placeName: 'Name of the new place', placeKind: 'Level', placeIn: 'Within', noParent: 'nothing',
    plan: 'Plan (optional, PNG or JPEG, at most 4 MiB)', planOf: 'Plan', addPlan: 'Bring a plan', hasPlan: 'Plans: {n}.', planFailed: 'The site is there, but the plan was not kept: {detail}', make: 'Make the site', failed: 'Not made: {detail}',
    zhMissing: 'Give it a name.', idWrong: 'Use a–z, 0–9 and -, beginning with a letter or digit, at most 63 characters.', there: 'There is a site of that name already: choose another.', zoneWrong: 'There is no such time zone: use a name like Asia/Shanghai.', placeMissing: 'Give the new place a name.', placeWrong: 'The place cannot be used: {detail}', planWrong: 'The image cannot be used: {detail}',
  },
  gateway: {
    intro: 'Give the gateway on site a name, make a one-time code, and type one command on the gateway.', id: 'Name of the gateway', idHelp: 'a–z, 0–9 and -', make: 'Register it and make a code', wrong: 'Use a–z, 0–9 and -, beginning with a letter or digit.', there: 'There is a gateway of that name already.', failed: 'Not registered: {detail}',
    waits: {
      nothing: 'Next: make a code.', code: 'Waiting for the gateway to use its code… Type the command above on the gateway; this line changes by itself.', handed_out: 'The gateway has used its code and is putting its password away…', enrolled: 'The gateway is let in; waiting for it to come on-line. Start its program:',
      online: 'The gateway is on-line.', offline: 'The gateway was on-line and is not now. Check its power, its network and its program:',
    }, startCommand: 'sudo systemctl restart sitewarden-edge', checkCommand: 'sudo /opt/sitewarden/bin/sitewarden doctor',
    guide: 'Nothing installed on the gateway yet? See “Deploy a gateway”, then type the command.',
  },
  points: {
    intro: 'Compare each value with the instrument on site. The younger the better; what is marked must be mended first.', live: '{n} of {all} points have a good live value.', absent: 'No data of a device yet',
    absences: {
      no_gateway: 'No gateway is let in yet: finish the step before.', not_heard: 'The gateway has its password and was not heard yet: start its program, and check that it reaches the broker.', gone: 'The gateway is off-line: check its power, its network and its program.', no_device: 'The gateway is on-line and announces no device: write its devices into gateway.yaml, then restart its program.',
    },
    trouble: '{n} points: {what}',
    mends: {
      none: 'No value yet: means wait for their span, others for a poll; then check the register addresses.', stale: 'Out of date: check the line and the gateway.', timeout: 'Check power, wiring (A and B swapped?), unit number and baud rate.', exception: 'The device refused to be read: is the profile that of its model?', disconnected: 'Check cable, address and port.', out_of_range: 'Check range and scaling, or whether the sensor is broken.',
      sentinel: 'The sensor says that it has no value: check its probe.', not_a_number: 'Check word order and type.', clock: 'The gateway’s clock is not trusted: check its time source.', frozen: 'It stands still: is the sensor stuck?', jump: 'A jump, waiting to be confirmed.', bad_input: 'Made of another point: mend that one first.', bad: 'The value is bad.', no_value: 'There is no value.',
    },
  },
  notices: { intro: 'Set one channel up and send a test, so that you know somebody gets it.', all: 'All done: the gateway is on-line, values are good, a notice got through.', some: 'Not done yet: {steps}. That can be done later.' },
}
export default en
