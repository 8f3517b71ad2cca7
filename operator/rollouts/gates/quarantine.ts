import type { ContainerVersion } from '../../api/container-version.ts'
import type { PastRollout } from '../../api/rollout-status.ts'
import type { Quarantined } from '../../api/status.ts'
import { composeImage } from '../../images/reference.ts'
import { neverWentOut } from '../plan/checks.ts'
import { clipped } from '../plan/in-short.ts'
import type { Gate } from './gate.ts'

/** More of a cause is only in `status.rollouts`. */
const maxCauseLength = 500

/** A version that failed is not tried again until the tag moves on or the spec changes. */
export const quarantine: Gate = {
  name: 'Quarantine',

  check({ object, workloads }, version) {
    const { digest } = version
    const entry = quarantineOf(object, digest)
    if (!entry) return undefined
    const image = composeImage(object.spec.imageRepo, version)
    const runs = workloads.length > 0 && workloads.every((workload) => workload.runs(image))
    // The entry has the cause in short.
    const { rollouts = [] } = object.status
    const rollout = rollouts.find((ended) => ended.digest === digest && ended.outcome === entry.outcome)
    const cause = rollout?.message ?? entry.message
    return { message: quarantineMessage({ ...entry, ...rollout }, object.spec.tag, cause, runs) }
  },
}

/** The entry of a digest that failed under the present spec. */
export function quarantineOf({ status, generation }: ContainerVersion, digest: string): Quarantined | undefined {
  return status.quarantined?.find((entry) => entry.digest === digest && entry.generation === generation)
}

/** @param runs whether the workloads run the version now: somebody may have set another one, or this one again */
export function quarantineMessage(
  { outcome, version, checks }: Pick<PastRollout, 'outcome' | 'version'> & Parameters<typeof neverWentOut>[0],
  tag: string | undefined,
  cause: string,
  runs = outcome === 'Failed',
): string {
  const result =
    outcome === 'RolledBack'
      ? `was ${neverWentOut({ checks }) ? 'not rolled out' : 'rolled back'}${runs ? ', and somebody has set it again' : ''}`
      : `was left in place${runs ? '' : ', and does not run any more'}`
  const moved = tag === undefined ? 'spec.policy chooses another image' : `the tag ${tag} moves on`
  return `${version} failed and ${result}: ${clipped(cause, maxCauseLength)}. It is not tried again until ${moved} or the spec changes.`
}
