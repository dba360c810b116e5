/** Lists of alarms and hazards kept right while changes arrive in whatever order. */

import type { Episode, Hazard } from '@/api/types'
import type { LevelOrNone } from './levels'

/** Those that call somebody: none of a device on trial. */
export function heardOf(episodes: Episode[]): Episode[] {
  return episodes.filter((episode) => !episode.test)
}

/** Worst first, then newest, tests last: what somebody must look at stands on top. */
export function byUrgency(a: Episode, b: Episode): number {
  return Number(a.test) - Number(b.test) || b.level - a.level || Date.parse(b.raised_at) - Date.parse(a.raised_at)
}

export function byRaised(a: Episode, b: Episode): number {
  return Date.parse(b.raised_at) - Date.parse(a.raised_at)
}

/** A clear and an acknowledgement are final: an older message of the same episode that comes after changes nothing. */
export function withEpisode(list: Episode[], episode: Episode): Episode[] {
  const known = list.find((other) => other.id === episode.id)
  if ((known?.cleared_at && !episode.cleared_at) || (known?.acknowledged_at && !episode.acknowledged_at)) return list
  return [...list.filter((other) => other.id !== episode.id), episode]
}

export function activeOnly(list: Episode[]): Episode[] {
  return list.filter((episode) => episode.cleared_at === null).sort(byUrgency)
}

const ENDED: ReadonlySet<string> = new Set(['closed', 'rejected', 'merged'])

/** Of the open ones: what has ended leaves the list. */
export function withHazard(list: Hazard[], hazard: Hazard): Hazard[] {
  const others = list.filter((other) => other.id !== hazard.id)
  return ENDED.has(hazard.status) ? others : [...others, hazard].sort(hazardUrgency)
}

/** Those that count: a drill is shown, marked, and never counted. */
export function liveOf(hazards: Hazard[]): Hazard[] {
  return hazards.filter((hazard) => hazard.mode !== 'drill')
}

export function hazardUrgency(a: Hazard, b: Hazard): number {
  const major = (hazard: Hazard) => (hazard.level === 'general' ? 0 : 1)
  return major(b) - major(a) || b.worst_level - a.worst_level || Date.parse(b.opened_at) - Date.parse(a.opened_at)
}

/** Of those that call somebody. */
export function worstLevel(episodes: Episode[]): LevelOrNone {
  return heardOf(episodes).reduce<LevelOrNone>((worst, episode) => (episode.level > worst ? episode.level : worst), 0)
}
