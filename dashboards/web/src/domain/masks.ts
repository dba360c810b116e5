/** How coarse a part of a picture becomes that is covered. */

/** A face or a plate is told by some twenty blocks across; of what is covered five are left at most. */
const MOST_BLOCKS = 5
const LEAST_SIDE = 16

export function blockSide(width: number, height: number): number {
  return Math.max(LEAST_SIDE, Math.ceil(Math.min(width, height) / MOST_BLOCKS))
}
