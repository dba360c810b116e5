/** What the HTTP interface answers; instants are RFC 3339 texts unless the name ends in `_ms`. */

export interface Text {
  zh: string
  en: string
}

export type Level = 1 | 2 | 3 | 4

export interface Server {
  version: string
  demo: boolean
  needs_setup: boolean
}

export interface Session {
  account: { name: string; role: string }
  demo: boolean
}

export interface Page<T> {
  items: T[]
  next: string | null
}

export interface SiteSummary {
  id: string
  name: Text
  time_zone: string
  demo: boolean
}

export interface Gateway {
  id: string
  state: 'online' | 'offline' | 'unknown'
  seen_at: string | null
  boot: string | null
  outbox: { alarms: number; readings: number; oldest_at: string | null }
  disk_free_bytes: number | null
  clock: string
}

export interface Limit {
  rule: string
  level: Level
  limit: number
  direction: 'high' | 'low'
  label: Text
}

export interface Point {
  /** `device/key`. */
  id: string
  key: string
  /** A kind of the point vocabulary, such as `crane.load`. */
  kind: string
  unit: string
  /** The smallest step that is meant; it decides how many decimals are shown. */
  resolution: number
  label: Text
  stale_after_ms: number
  limits: Limit[]
}

export interface CraneLayout {
  kind: 'crane'
  x_m: number
  y_m: number
  jib_m: number
  counter_jib_m: number
  mast_m: number
}

export interface PitLayout {
  kind: 'pit'
  outline_m: [number, number][]
  depth_m: number
  points_m: Record<string, [number, number]>
}

export interface Device {
  id: string
  gateway: string
  kind: 'crane' | 'pit' | 'weather' | 'other'
  label: Text
  profile: string
  layout: Record<string, unknown>
  points: Point[]
}

export interface Site extends SiteSummary {
  now: string
  gateways: Gateway[]
  devices: Device[]
}

export interface Value {
  at_ms: number
  /** `null` where there is no value that may be shown. */
  value: number | null
  /** `good`, or the word of what is wrong with it. */
  quality: string
}

export interface Values {
  now_ms: number
  values: Record<string, Value>
}

export interface Series {
  point: string
  unit: string
  from_ms: number
  to_ms: number
  bucket_ms: number
  t: number[]
  min: (number | null)[]
  max: (number | null)[]
  /** True where every row is there; false where rows were gathered into buckets. */
  raw: boolean
}

export interface Basis {
  clause: string
  source: string
  confidence: string
}

export interface Episode {
  id: string
  site: string
  device: string
  point: string
  kind: string
  rule: string
  rule_version: number
  family: string
  level: Level
  label: Text
  value: number
  peak: number
  limit: number
  unit: string
  raised_at: string
  cleared_at: string | null
  received_at: string
  mode: string
  clock: string
  basis: Basis
  hazard: string | null
  late: boolean
}

export interface Clause {
  edition: string
  id: string
  text: string
}

export interface Hazard {
  id: string
  number: string
  site: string
  device: string
  category: Text
  family: string
  level: 'general' | 'major_proposed'
  status: 'candidate'
  content: Text
  potential_accident: Text
  clause: Clause | null
  signal: 'active' | 'cleared' | 'unknown'
  opened_at: string
  detected_at: string
  episodes: number
  last_episode_at: string
  worst_level: Level
}

export interface HazardEvent {
  seq: number
  at: string
  actor: string
  kind: string
  body: unknown
  hash: string
}

export interface EvidenceSeries {
  point: string
  t: number[]
  x: (number | null)[]
  q?: (string | number)[] | null
}

export interface HazardDetail extends Omit<Hazard, 'episodes'> {
  episodes: Episode[]
  events: HazardEvent[]
  evidence: { episode: string; series: EvidenceSeries[] }[]
}

export interface Statistics {
  readings: number
  readings_late: number
  alarm_transitions: number
  episodes: number
  hazards_open: number
  dead_letters: Record<string, number>
  readings_written: Record<string, number>
}
