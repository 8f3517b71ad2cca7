import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import type { Version } from '../../discovery/following.ts'
import { timestamp } from '../../time/clock.ts'

/** The status' memory, without what the present state is to say anew; quarantine is kept only of the digest on offer. */
export function kept({ status, generation }: ContainerVersion, digestOnOffer?: string): ContainerVersionStatus {
  const { next: _next, rollout: _rollout, quarantined, ...rest } = status
  const entries =
    quarantined?.filter((entry) => entry.digest === digestOnOffer && entry.generation === generation) ?? []
  return entries.length > 0 ? { ...rest, quarantined: entries } : rest
}

/** What the registry offers, and since when that has been seen. */
export function observed(
  { spec, status }: ContainerVersion,
  version: Version,
  now: number,
): NonNullable<ContainerVersionStatus['observed']> {
  const before = status.observed
  const tag = spec.tag ?? version.name
  const firstSeenTime = before?.digest === version.digest && before.tag === tag ? before.firstSeenTime : timestamp(now)
  return { tag, digest: version.digest, version: version.name, source: version.source, firstSeenTime }
}
