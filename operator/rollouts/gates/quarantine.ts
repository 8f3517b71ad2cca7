import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { Quarantined } from '../../api/status.ts'
import type { State } from '../plan/conditions.ts'
import type { Gate } from './gate.ts'

/** A digest that failed is not tried again until the tag moves on or the spec changes. */
export const quarantine: Gate = {
  name: 'Quarantine',

  check(object, candidate) {
    const entry = quarantineOf(object, candidate.digest)
    if (!entry) return { verdict: 'open' }
    return { verdict: 'held', by: 'Quarantine', message: failureState(entry, object.spec).message }
  },
}

/** The state of an object whose offered version has failed. */
export function failureState({ outcome, version, message }: Quarantined, { tag }: ContainerVersionSpec): State {
  const moved = tag === undefined ? 'spec.policy chooses another image' : `the tag ${tag} moves on`
  const until = `It is not tried again until ${moved} or the spec changes.`
  return outcome === 'RolledBack'
    ? {
        phase: 'RolledBack',
        reason: 'RolledBack',
        message: `${version} failed and was rolled back: ${message}. ${until}`,
      }
    : {
        phase: 'Failed',
        reason: 'RolloutFailed',
        message: `${version} failed and was left in place: ${message}. ${until}`,
      }
}

/** The entry that holds a digest under the present spec. */
export function quarantineOf({ status, generation }: ContainerVersion, digest: string): Quarantined | undefined {
  return status.quarantined?.find((entry) => entry.digest === digest && entry.generation === generation)
}
