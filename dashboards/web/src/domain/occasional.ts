/** Points that are not looked at like a sensor's: some speak only at times, some stand for a name. */

/** A forecast, a moving window, a far neighbour, a mast at rest: saying nothing is no fault of theirs. */
const OCCASIONAL = /^pit\.(creep|time_to_limit)(\.|$)|^crane\.(verticality|group|obstacle|zone|power_line)(\.|$)|^gate\.passage$|\.(gust|mean)$/

/** Numbers that stand for a crane, a part, a state or an instant: of use to rules and evidence. */
const CODED = /^crane\.moving$|^crane\..*\.(partner|parts|nearest|time)$|^pit\.creep\.(state|fit)$/

export const isOccasional = (kind: string): boolean => OCCASIONAL.test(kind)
export const isCoded = (kind: string): boolean => CODED.test(kind)
