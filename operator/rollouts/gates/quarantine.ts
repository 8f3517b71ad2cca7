import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { Quarantined } from '../../api/status.ts'
import type { Gate } from './gate.ts'

/** A version that failed is not tried again until the tag moves on or the spec changes. */
export const quarantine: Gate = {
  name: 'Quarantine',

  check({ object }, { digest }) {
    const entry = quarantineOf(object, digest)
    return entry && { message: quarantineMessage(entry, object.spec) }
  },
}

/** The entry of a digest that failed under the present spec. */
export function quarantineOf({ status, generation }: ContainerVersion, digest: string): Quarantined | undefined {
  return status.quarantined?.find((entry) => entry.digest === digest && entry.generation === generation)
}

export function quarantineMessage({ outcome, version, message }: Quarantined, { tag }: ContainerVersionSpec): string {
  const result = outcome === 'RolledBack' ? 'was rolled back' : 'was left in place'
  const moved = tag === undefined ? 'spec.policy chooses another image' : `the tag ${tag} moves on`
  return `${version} failed and ${result}: ${message}. It is not tried again until ${moved} or the spec changes.`
}
