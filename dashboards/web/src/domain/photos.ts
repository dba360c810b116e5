/** How large a photo is made before it leaves the phone. */

/** Enough to read a bolt or a number plate; a tenth of what a camera makes. */
export const LONGEST_SIDE = 2000

export function fitted(width: number, height: number, longest = LONGEST_SIDE): { width: number; height: number } {
  const factor = Math.min(1, longest / Math.max(width, height, 1))
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) }
}
