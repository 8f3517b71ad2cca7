import { compareNaturally } from '../natural-order.ts'
import type { Candidate, VersionPolicy } from './policy.ts'

/**
 * A policy that chooses the candidate with the highest key. Of equal ones (`v1.2.0` and `1.2.0`) it chooses the last in
 * natural order, so that the choice never depends on the order in which a registry lists its tags.
 * @param keyOf undefined for a candidate that is not what is wanted
 */
export function highest<K>(
  wanted: string,
  keyOf: (candidate: Candidate) => K | undefined,
  compare: (one: K, other: K) => number,
): VersionPolicy {
  return {
    wanted,
    choose: (candidates) => {
      let best: { readonly candidate: Candidate; readonly key: K } | undefined
      for (const candidate of candidates) {
        const key = keyOf(candidate)
        if (key === undefined) continue
        const difference =
          best === undefined ? 1 : compare(key, best.key) || compareNaturally(candidate.tag, best.candidate.tag)
        if (difference > 0) best = { candidate, key }
      }
      return best?.candidate
    },
  }
}

export function compareWholeNumbers(one: bigint, other: bigint): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
