/** The gateway's own page: asks for a snapshot each second while somebody looks, and shows it. */
import { WORDS } from '/words.js'

const EVERY_MS = 1000
const PATIENCE_MS = 3000
const PIN_KEPT_MS = 60_000
/** After the list has moved a touch is taken for one that was aimed before. */
const SETTLE_MS = 600
const MOST_EPISODES = 200
const NOTHING = '\u00a0'
const SVG = 'http://www.w3.org/2000/svg'
/** A shape of its own for each level, so that a level is read without its colour. */
const SHAPES = {
  1: ['M8 .8a7.2 7.2 0 1 0 0 14.4A7.2 7.2 0 1 0 8 .8z', 'M8 7.2v4M8 4.4v.3'],
  2: ['M8 1.2L15.4 14.4H.6z', 'M8 6v4M8 12.1v.3'],
  3: ['M8 .4L15.6 8 8 15.6.4 8z', 'M8 4.4v4.4M8 11.3v.3'],
  4: ['M4.9.6h6.2l4.3 4.3v6.2l-4.3 4.3H4.9L.6 11.1V4.9z', 'M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2'],
}
const CLOCK_TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }
const DAY_TIME = { month: '2-digit', day: '2-digit', ...CLOCK_TIME }

const at = (id) => document.getElementById(id)
let language = localStorage.getItem('sitewarden.language') === 'en' ? 'en' : 'zh'
let snapshot = null
let heardAt = null
let pin = { word: '', until: 0 }

const words = () => WORDS[language]
const say = (text) => (text ? text[language] : '')
const instant = (ms) => {
  const when = new Date(ms)
  const isToday = new Date().toDateString() === when.toDateString()
  return when.toLocaleString(words().lang, isToday ? CLOCK_TIME : DAY_TIME)
}

function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000))
  const [n, unit] = s < 60 ? [s, 's'] : s < 3600 ? [Math.floor(s / 60), 'm'] : s < 86_400 ? [Math.floor(s / 3600), 'h'] : [Math.floor(s / 86_400), 'd']
  return `${n} ${words().span[unit]}`
}

function figure(value, resolution, unit) {
  if (value === null || value === undefined) return words().none
  const decimals = Math.max(0, Math.ceil(-Math.log10(resolution) - 1e-9))
  return `${value.toFixed(decimals)}${unit === '1' ? '' : ` ${unit}`}`
}

/** Make an element; `parts` are elements or plain text, never markup. */
function make(name, attributes = {}, ...parts) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...parts)
  return made
}

function shape(level) {
  const svg = document.createElementNS(SVG, 'svg')
  for (const [key, value] of Object.entries({ viewBox: '0 0 16 16', 'aria-hidden': 'true', class: 'shape' })) svg.setAttribute(key, value)
  for (const [index, d] of SHAPES[level].entries()) {
    const path = document.createElementNS(SVG, 'path')
    path.setAttribute('d', d)
    path.setAttribute('class', index ? 'mark' : 'fill')
    svg.append(path)
  }
  return svg
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

function writeOrHide(element, text) {
  write(element, text)
  element.hidden = !text
}

/** Children by key: those that stay are written to, not made anew, so that a finger meets the button it aimed at. */
function keyed(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]))
  items.forEach((item, index) => {
    const key = keyOf(item)
    const child = known.get(key) ?? create(item)
    child.dataset.key = key
    known.delete(key)
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null)
    update(child, item)
  })
  for (const gone of known.values()) gone.remove()
}

const part = (element, name) => element.querySelector(`[data-part="${name}"]`)
const quality = (point) => (point.quality === 'good' && point.is_stale ? 'stale' : point.quality)
const valueOf = (point) => (point.is_bit && point.value !== null ? (point.value ? words().yes : words().no) : figure(point.value, point.resolution, point.unit))
const nameOf = (point) => [say(point.name), say(point.label)].filter(Boolean).join(' · ')

function showHeader() {
  document.documentElement.lang = words().lang
  for (const element of document.querySelectorAll('[data-word]')) write(element, words()[element.dataset.word])
  write(at('language'), words().other)
  document.title = words().name
  if (!snapshot) return
  document.title = `${heard(snapshot.alarms).length ? `(${heard(snapshot.alarms).length}) ` : ''}${snapshot.site} · ${words().name}`
  write(at('gateway'), `${snapshot.site} / ${snapshot.gateway}`)
  writeOrHide(at('mode'), words().mode[snapshot.mode] ?? '')
  write(at('clock'), `${instant(snapshot.at_ms)} · ${words().clock[snapshot.clock]}`)
  at('clock').className = snapshot.clock === 'synced' ? '' : 'doubt'
}

/** The cloud has shut this gateway out: said plainly, so that nobody looks for it in the wiring. */
function showRefused() {
  writeOrHide(at('refused'), words().refusal[snapshot.refusal] ?? '')
}

function showLost() {
  const isLost = heardAt === null ? performance.now() > PATIENCE_MS : performance.now() - heardAt > PATIENCE_MS
  document.body.classList.toggle('lost', isLost)
  writeOrHide(at('lost'), isLost ? (snapshot ? words().lost(instant(snapshot.at_ms)) : words().never) : '')
}

const heard = (alarms) => alarms.filter((alarm) => !alarm.test)

const isShelved = (alarm) => snapshot.shelved.some((shelf) => shelf.point === alarm.point && shelf.rule === alarm.rule)

function signalNote({ siren, alarms }) {
  if (siren.failed) return words().failed(siren.failed)
  if (siren.is_testing) return words().testing
  const loud = heard(alarms).filter((alarm) => alarm.level >= 2)
  const isLower = siren.siren !== 'continuous' && loud.some((alarm) => alarm.level >= 3)
  if (!loud.length || (siren.siren !== 'off' && !isLower)) return ''
  return loud.every((alarm) => alarm.acknowledged_at || isShelved(alarm)) ? words().silenced : words().ranOut
}

function showSignal() {
  const { siren, alarms } = snapshot
  write(at('signal'), `${words().siren[siren.siren]} · ${words().lamp[siren.lamp]}`)
  at('siren').className = `${siren.siren} ${siren.lamp}`
  writeOrHide(at('signal-note'), signalNote(snapshot))
  at('test').disabled = siren.is_testing || heard(alarms).length > 0
}

function makeAlarm(alarm) {
  const button = make('button', { type: 'button', class: 'main', 'data-part': 'acknowledge' })
  button.addEventListener('click', () => acknowledge([alarm.episode]))
  const shelve = make('button', { type: 'button', 'data-part': 'shelve' })
  shelve.addEventListener('click', () => shelveAlarm(alarm))
  return make('li', { class: `alarm l${alarm.level}${alarm.test ? ' test' : ''}`, 'data-episode': alarm.episode },
    make('span', { class: 'level' }, shape(alarm.level), make('span', { 'data-part': 'level' })),
    make('span', { class: 'what' }, make('span', { class: 'tag', 'data-part': 'trial' }), ' ', make('b', { 'data-part': 'where' }), ' ', make('span', { 'data-part': 'label' })),
    make('span', { class: 'figures' }, make('b', { 'data-part': 'now' }), make('span', { 'data-part': 'limit' })),
    make('span', { class: 'note', 'data-part': 'since' }),
    make('span', { class: 'note', 'data-part': 'state' }),
    make('span', { class: 'choices' }, shelve, button))
}

function showAlarm(row, alarm) {
  const point = snapshot.points.find((one) => one.point === alarm.point)
  const isGood = point && quality(point) === 'good'
  const value = isGood ? figure(point.value, point.resolution, point.unit) : words().qualities[point ? quality(point) : 'none']
  const isBit = alarm.unit === '1'
  write(part(row, 'level'), words().level[alarm.level])
  writeOrHide(part(row, 'trial'), alarm.test ? words().trialAlarm : '')
  write(part(row, 'where'), [say(alarm.device_label), say(point?.name)].filter(Boolean).join(' '))
  write(part(row, 'label'), say(alarm.label))
  write(part(row, 'now'), isBit && isGood ? '' : `${words().now} ${value}`)
  write(part(row, 'limit'), isBit ? '' : `${words().limit} ${figure(alarm.limit, alarm.resolution, alarm.unit)} · ${words().peak} ${figure(alarm.peak, alarm.resolution, alarm.unit)}`)
  write(part(row, 'since'), `${words().since} ${instant(alarm.raised_at)} · ${words().lasting(span(snapshot.at_ms - alarm.raised_at))}`)
  const by = words()[alarm.acknowledged_by] ?? alarm.acknowledged_by
  const said = [alarm.acknowledged_at ? `✓ ${words().acknowledged(by, instant(alarm.acknowledged_at))}` : '', alarm.is_beyond ? '' : words().back]
  // The line and the button stay where they are when they have nothing to say: what is below them must not move.
  write(part(row, 'state'), said.filter(Boolean).join(' · ') || NOTHING)
  const button = part(row, 'acknowledge')
  write(button, alarm.acknowledged_at ? words().done : words().acknowledge)
  button.disabled = Boolean(alarm.acknowledged_at)
  write(part(row, 'shelve'), words().shelve)
  part(row, 'shelve').disabled = isShelved(alarm)
}

function makeShelf(shelf) {
  const button = make('button', { type: 'button', 'data-part': 'end' })
  button.addEventListener('click', () => putShelf({ ...shelf, until: 0 }))
  return make('li', { class: 'shelf' }, make('span', { 'data-part': 'what' }), make('span', { class: 'note', 'data-part': 'why' }), button)
}

function showShelf(row, shelf) {
  const point = snapshot.points.find((one) => one.point === shelf.point)
  write(part(row, 'what'), `${[say(point?.device_label), say(point?.name)].filter(Boolean).join(' ')} · ${shelf.rule}`)
  write(part(row, 'why'), words().shelvedUntil(instant(shelf.until), words()[shelf.by] ?? shelf.by, shelf.reason))
  write(part(row, 'end'), words().unshelve)
}

function showShelves() {
  keyed(at('shelf-list'), snapshot.shelved, (shelf) => `${shelf.point} ${shelf.rule}`, makeShelf, showShelf)
  at('shelves').hidden = !snapshot.shelved.length
}

let order = ''
let movedAt = -Infinity
function showAlarms() {
  const { alarms, points } = snapshot
  const now = alarms.map((alarm) => alarm.episode).join()
  if (now !== order) movedAt = performance.now()
  order = now
  keyed(at('alarm-list'), alarms, (alarm) => alarm.episode, makeAlarm, showAlarm)
  const blind = points.filter((point) => quality(point) !== 'good' && quality(point) !== 'none').length
  writeOrHide(at('calm'), heard(alarms).length ? '' : blind ? words().blind(blind) : words().calm)
  at('calm').classList.toggle('doubt', blind > 0)
  at('all').hidden = alarms.filter((alarm) => !alarm.acknowledged_at).length < 2
}

function makeDevice(device) {
  const head = make('tr', {}, ...['point', 'value', 'quality', 'age'].map((word) => make('th', { scope: 'col', 'data-part': word })))
  return make('section', {},
    make('h2', {}, make('span', { 'data-part': 'name' }), ' ', make('code', {}, device.name), ' ', make('span', { class: 'tag', 'data-part': 'trial' })),
    make('table', { class: 'points' }, make('thead', {}, head), make('tbody', {})))
}

function showDevice(section, device) {
  write(part(section, 'name'), say(device.label))
  writeOrHide(part(section, 'trial'), device.on_trial ? words().onTrial : '')
  for (const word of ['point', 'value', 'quality', 'age']) write(part(section, word), words()[word])
  keyed(section.querySelector('tbody'), device.points, (point) => point.point, makePoint, showPoint)
}

function makePoint(point) {
  return make('tr', { 'data-point': point.point },
    make('th', { scope: 'row', title: point.point, 'data-part': 'name' }),
    make('td', { class: 'value', 'data-part': 'value' }),
    make('td', { class: 'quality', 'data-part': 'quality' }),
    make('td', { class: 'age', 'data-part': 'age' }))
}

function showPoint(row, point) {
  const how = quality(point)
  row.className = how === 'good' ? 'good' : how === 'none' ? 'unknown' : 'bad'
  write(part(row, 'name'), nameOf(point))
  write(part(row, 'value'), valueOf(point))
  write(part(row, 'quality'), words().qualities[how] ?? how)
  write(part(row, 'age'), point.age_ms === null ? words().none : words().ago(span(point.age_ms)))
}

function showPoints() {
  const devices = new Map()
  for (const point of snapshot.points) {
    if (!devices.has(point.device)) devices.set(point.device, { name: point.device, label: point.device_label, on_trial: point.on_trial, points: [] })
    devices.get(point.device).points.push(point)
  }
  keyed(at('devices'), [...devices.values()], (device) => device.name, makeDevice, showDevice)
}

/** Nested mappings become nested rows, whatever they hold. */
function rows(mapping, depth) {
  return Object.entries(mapping).flatMap(([key, value]) => {
    const isMapping = value !== null && typeof value === 'object'
    const name = make('th', { scope: 'row', class: `d${Math.min(depth, 3)}` }, words().keys[key] ?? key)
    const told = typeof value === 'boolean' ? (value ? words().yes : words().no) : isMapping || value === null ? '' : String(value)
    return [make('tr', isMapping ? { class: 'group' } : {}, name, make('td', {}, told)), ...(isMapping ? rows(value, depth + 1) : [])]
  })
}

let shownHealth = ''
function showHealth() {
  const told = language + JSON.stringify(snapshot.health)
  if (told === shownHealth) return
  shownHealth = told
  const tables = Object.entries(snapshot.health).map(([key, value]) => make('table', { class: 'health' }, make('tbody', {}, ...rows({ [key]: value }, 0))))
  at('health').replaceChildren(...tables)
}

function show() {
  showHeader()
  showLost()
  if (!snapshot) return write(at('signal'), words().loading)
  showRefused()
  showSignal()
  showAlarms()
  showShelves()
  showPoints()
  showHealth()
}

let saidUntil = 0
function tell(text) {
  writeOrHide(at('said'), text)
  saidUntil = performance.now() + 5000
}

function askPin() {
  if (!snapshot?.needs_pin || performance.now() < pin.until) return Promise.resolve(pin.word)
  const dialog = at('ask')
  at('pin').value = ''
  dialog.returnValue = 'cancel'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'go' ? at('pin').value : null), { once: true })
  })
}

async function post(path, body) {
  const word = await askPin()
  if (word === null) return null
  let answer = null
  try {
    const headers = { 'Content-Type': 'application/json', 'X-SiteWarden': 'page' }
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ ...body, pin: word }), signal: AbortSignal.timeout(PATIENCE_MS) })
    answer = await response.json()
  } catch {
    answer = { error: 'other' }
  }
  if (answer.error) {
    pin = { word: '', until: 0 }
    const why = words().errors[answer.error] ?? words().errors.other
    tell(typeof why === 'function' ? why(Math.ceil(answer.wait_s)) : why)
    return null
  }
  pin = { word, until: performance.now() + PIN_KEPT_MS }
  return answer
}

/** Only alarms that were shown: nobody acknowledges what came meanwhile. */
async function acknowledge(episodes) {
  if (performance.now() - movedAt < SETTLE_MS) return tell(words().moved)
  const answer = await post('/acknowledge', { episodes: episodes.slice(0, MOST_EPISODES) })
  if (answer) tell(answer.acknowledged.length ? words().done : words().nothing)
  await look()
}

/** Why and for how long; `null` where somebody thinks better of it. */
function askReason() {
  const dialog = at('why')
  at('reason').value = ''
  dialog.returnValue = 'cancel'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const reason = at('reason').value.trim()
      resolve(dialog.returnValue === 'go' && reason ? { reason, until: snapshot.at_ms + Number(at('hours').value) * 3_600_000 } : null)
    }, { once: true })
  })
}

async function shelveAlarm(alarm) {
  if (performance.now() - movedAt < SETTLE_MS) return tell(words().moved)
  const asked = await askReason()
  if (asked) await putShelf({ point: alarm.point, rule: alarm.rule, ...asked })
}

async function putShelf(shelf) {
  const answer = await post('/shelve', { shelf })
  if (answer) tell(shelf.until ? words().shelvedNow : words().unshelved)
  await look()
}

async function look() {
  try {
    const response = await fetch('/snapshot.json', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })
    if (response.ok) {
      snapshot = await response.json()
      heardAt = performance.now()
    }
  } catch {
    // No answer is told by the age of the last one.
  }
  show()
}

async function follow() {
  for (;;) {
    if (!document.hidden) await look()
    if (saidUntil && performance.now() > saidUntil) writeOrHide(at('said'), '')
    await new Promise((resolve) => { setTimeout(resolve, EVERY_MS) })
  }
}

at('language').addEventListener('click', () => {
  language = language === 'zh' ? 'en' : 'zh'
  localStorage.setItem('sitewarden.language', language)
  show()
})
at('all').addEventListener('click', () => acknowledge(snapshot.alarms.filter((alarm) => !alarm.acknowledged_at).map((alarm) => alarm.episode)))
at('test').addEventListener('click', async () => {
  if (await post('/test-outputs', {})) tell(words().began)
  await look()
})
document.addEventListener('visibilitychange', () => { if (!document.hidden) look() })
// Chooses OK, not the first button, when somebody presses Enter.
for (const dialog of [at('ask'), at('why')]) {
  dialog.querySelector('form').addEventListener('keydown', (event) => {
    if (event.key === 'Enter') { event.preventDefault(); dialog.close('go') }
  })
}
show()
follow()
