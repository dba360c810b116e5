/** The site on screen: what it is, its newest values, its active alarms and open hazards, and whether all that is live. */

import { computed, reactive, ref, shallowReactive, shallowRef } from 'vue'
import { api, ApiError } from '@/api/client'
import { listen } from '@/api/live'
import type { Episode, Gateway, Hazard, MachineFacts, Site, Value, Values } from '@/api/types'
import { heldBack } from '@/domain/alarmState'
import { nextSkew } from '@/domain/freshness'
import { activeOnly, hazardUrgency, withEpisode, withHazard } from '@/domain/lists'
import { isReplay } from './replay'
import { sessionEnded } from './session'

export type Connection = 'connecting' | 'open' | 'lost'
export type Change = { kind: 'alarm'; item: Episode } | { kind: 'hazard'; item: Hazard }

export const site = shallowRef<Site | null>(null)
/** Whether the account may do that on this site; the server asks again at every request. */
export const mayHere = (permission: string) => site.value?.permissions.includes(permission) === true
export const values = shallowReactive<Record<string, Value | undefined>>({})
export const alarms = shallowRef<Episode[]>([])
export const hazards = shallowRef<Hazard[]>([])
/** What the registry says of devices, by their names. */
export const machines = shallowRef<Record<string, MachineFacts>>({})
/** What the gateways say of alarms beyond their transitions. */
export const held = computed(() => heldBack(site.value?.gateways ?? []))
/** The newest alarm or hazard event, for lists that a view keeps itself. */
export const lastChange = shallowRef<Change | null>(null)
export const failure = shallowRef<ApiError | null>(null)
export const connection = reactive({ state: 'connecting' as Connection, lostAtMs: null as number | null })

const skewMs = ref<number | null>(null)
const hereMs = ref(Date.now())
/** In a replay: the newest recorded instant that has arrived; between two of them it stands. */
const recordedMs = ref(0)
/** The server's clock, as well as it is known here; ticks twice a second. In a replay it is recorded time. */
export const nowMs = computed(() => (isReplay.value ? recordedMs.value : hereMs.value + (skewMs.value ?? 0)))
window.setInterval(() => { hereMs.value = Date.now() }, 500)

/** A page may be opened before a gateway has said what it has, and stay open while devices are added. */
const knownPoints = computed(() => new Set(site.value?.devices.flatMap((device) => device.points.map((point) => point.id))))
const RELOAD_MS = 3000

let reloading = 0
let current: string | null = null
let stop: (() => void) | null = null

export async function openSite(id: string): Promise<void> {
  if (current === id && failure.value === null) return
  closeSite()
  current = id
  try {
    await load(id)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (current === id) fail(error)
    return
  }
  if (current === id && mayHere('live.view')) stop = listen(id, listener(id))
}

export function closeSite(): void {
  window.clearTimeout(reloading)
  reloading = 0
  stop?.()
  stop = null
  current = null
  site.value = null
  alarms.value = []
  hazards.value = []
  machines.value = {}
  failure.value = null
  Object.assign(connection, { state: 'connecting', lostAtMs: null })
  for (const point of Object.keys(values)) delete values[point]
}

function fail(error: ApiError): void {
  if (error.status === 401) sessionEnded()
  failure.value = error
}

async function load(id: string): Promise<void> {
  const home = await api.home(id)
  if (current !== id) return
  take(home.values)
  machines.value = home.machines
  alarms.value = activeOnly(home.alarms)
  hazards.value = home.hazards.sort(hazardUrgency)
  site.value = home.site
}

function take(message: Values): void {
  if (message.now_ms > 0) recordedMs.value = message.now_ms
  skewMs.value = nextSkew(skewMs.value, message.now_ms, Date.now())
  for (const [point, value] of Object.entries(message.values)) {
    const known = values[point]
    // Newest wins: a late delivery never sets a value back. In a replay recorded time may jump back.
    if (isReplay.value || !known || value.at_ms >= known.at_ms) values[point] = value
  }
}

function listener(id: string) {
  let opened = false
  return {
    opened: () => {
      const wasLost = connection.state === 'lost'
      Object.assign(connection, { state: 'open', lostAtMs: null })
      // The browser resumes alarms and hazards by itself; after a reopened stream only a fresh look is sure.
      if (opened || wasLost) void refresh(id)
      opened = true
    },
    lost: () => {
      void checkSession()
      if (connection.state === 'lost') return
      Object.assign(connection, { state: 'lost', lostAtMs: nowMs.value })
    },
    values: (message: Values) => {
      take(message)
      if (Object.keys(message.values).some((point) => !knownPoints.value.has(point))) reloadSoon(id)
    },
    alarm: (item: Episode) => {
      alarms.value = activeOnly(withEpisode(alarms.value, item))
      lastChange.value = { kind: 'alarm', item }
    },
    hazard: (item: Hazard) => {
      hazards.value = withHazard(hazards.value, item)
      lastChange.value = { kind: 'hazard', item }
    },
    reset: () => void refresh(id),
    gateway: (item: Gateway) => {
      const known = site.value
      if (!known) return
      const before = known.gateways.find((gateway) => gateway.id === item.id)
      site.value = { ...known, gateways: withGateway(known.gateways, item) }
      // A gateway that started anew may have other devices or limits.
      if (before?.boot !== item.boot) reloadSoon(id)
    },
  }
}

function withGateway(list: Gateway[], item: Gateway): Gateway[] {
  return list.some((gateway) => gateway.id === item.id)
    ? list.map((gateway) => (gateway.id === item.id ? item : gateway))
    : [...list, item]
}

/** At most once in a while: a point that the site does not list must not make every event a question. */
function reloadSoon(id: string): void {
  if (reloading) return
  reloading = window.setTimeout(() => {
    reloading = 0
    void refresh(id)
  }, RELOAD_MS)
}

/** The stream does not say why it was refused; a session that ended is one reason, and there is no use in retrying. */
async function checkSession(): Promise<void> {
  try {
    await api.session()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.status === 401) sessionEnded()
  }
}

async function refresh(id: string): Promise<void> {
  try {
    await load(id)
  } catch (error) {
    // The next reconnection tries again; until then the lists stay as they were and the ages tell the truth.
    if (!(error instanceof ApiError)) throw error
    if (error.status === 401) sessionEnded()
  }
}
