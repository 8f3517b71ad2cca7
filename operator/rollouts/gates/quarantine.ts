import type { ContainerVersion } from '../../api/container-version.ts'
import type { Quarantined } from '../../api/status.ts'
import { clipped } from '../plan/in-short.ts'
import type { Gate } from './gate.ts'

/** More of a cause is only in `status.rollouts`. */
const maxCauseLength = 500

/** A version that failed is not tried again until the tag moves on or the spec changes. */
export const quarantine: Gate = {
  name: 'Quarantine',

  check({ object }, { digest }) {
    const entry = quarantineOf(object, digest)
    if (!entry) return undefined
    // The entry has the cause in short.
    const { rollouts = [] } = object.status
    const rollout = rollouts.find((ended) => ended.digest === digest && ended.outcome === entry.outcome)
    return { message: quarantineMessage(entry, object.spec.tag, rollout?.message ?? entry.message) }
  },
}

/** The entry of a digest that failed under the present spec. */
export function quarantineOf({ status, generation }: ContainerVersion, digest: string): Quarantined | undefined {
  return status.quarantined?.find((entry) => entry.digest === digest && entry.generation === generation)
}

export function quarantineMessage({ outcome, version }: Quarantined, tag: string | undefined, cause: string): string {
  const result = outcome === 'RolledBack' ? 'was rolled back' : 'was left in place'
  const moved = tag === undefined ? 'spec.policy chooses another image' : `the tag ${tag} moves on`
  return `${version} failed and ${result}: ${clipped(cause, maxCauseLength)}. It is not tried again until ${moved} or the spec changes.`
}
