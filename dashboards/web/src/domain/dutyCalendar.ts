/** A month as a sheet of weeks, Monday first; days as `YYYY-MM-DD`. */

import { dayAfter } from './days'

/** The first of the month so many months later. */
export function monthAfter(month: string, months: number): string {
  const [year, number] = month.split('-').map(Number) as [number, number]
  const count = year * 12 + number - 1 + months
  return `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}-01`
}

export function lastDay(month: string): string {
  return dayAfter(monthAfter(month, 1), -1)
}

/** Weeks of seven places; a place outside the month is null. */
export function weeksOf(month: string): (string | null)[][] {
  const weekday = (new Date(`${month}T00:00:00Z`).getUTCDay() + 6) % 7
  const days = Number(lastDay(month).slice(8))
  const places = Array.from({ length: Math.ceil((weekday + days) / 7) * 7 }, (_, place) => {
    const day = place - weekday
    return day >= 0 && day < days ? dayAfter(month, day) : null
  })
  return Array.from({ length: places.length / 7 }, (_, week) => places.slice(week * 7, week * 7 + 7))
}

const GRAVEST = ['missed', 'due', 'unknown', 'done', 'noted'] as const
export type DutyState = (typeof GRAVEST)[number]

/** By which a day is coloured. */
export function gravest(states: readonly DutyState[]): DutyState | null {
  return GRAVEST.find((state) => states.includes(state)) ?? null
}
