import { compareNaturally } from '../natural-order.ts'
import type { Candidate } from './policy.ts'

/**
 * The candidate with the greatest key. Of equal ones (`v1.2.0` and `1.2.0`) the last in natural order, so that the answer
 * never depends on the order in which a registry lists.
 * @param keyOf undefined for a candidate that does not count
 */
export function highest<K>(
  candidates: Iterable<Candidate>,
  keyOf: (candidate: Candidate) => K | undefined,
  compare: (one: K, other: K) => number,
): Candidate | undefined {
  let best: { readonly candidate: Candidate; readonly key: K } | undefined
  for (const candidate of candidates) {
    const key = keyOf(candidate)
    if (key === undefined) continue
    const difference =
      best === undefined ? 1 : compare(key, best.key) || compareNaturally(candidate.tag, best.candidate.tag)
    if (difference > 0) best = { candidate, key }
  }
  return best?.candidate
}

export function compareWholeNumbers(one: bigint, other: bigint): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
