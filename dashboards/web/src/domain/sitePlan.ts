/** What a plan of the whole site must hold. */

import type { CraneLayout, PitLayout } from '@/api/types'
import type { Box } from './frame'

/** Every jib's circle and every pit; a unit square where there is nothing. */
export function siteBox(cranes: CraneLayout[], pits: PitLayout[]): Box {
  const xs = [...cranes.flatMap(({ x_m, jib_m }) => [x_m - jib_m, x_m + jib_m]), ...pits.flatMap((pit) => pit.outline_m.map(([x]) => x))]
  const ys = [...cranes.flatMap(({ y_m, jib_m }) => [y_m - jib_m, y_m + jib_m]), ...pits.flatMap((pit) => pit.outline_m.map(([, y]) => y))]
  if (!xs.length) return { minX: 0, maxX: 1, minY: 0, maxY: 1 }
  return { minX: Math.min(...xs), maxX: Math.max(...xs), minY: Math.min(...ys), maxY: Math.max(...ys) }
}
