import type { ContainerVersionStatus } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'

type Fields<K extends keyof ContainerVersionStatus> = { readonly [Key in K]: ContainerVersionStatus[Key] | undefined }

/**
 * The status of the first cvmanager, as copies of the other fields, for those who still read it. They change only when
 * those do, so that they cause no write of their own.
 * @param status with the copies of before
 */
export function statusOf2018(
  status: ContainerVersionStatus,
  now: number,
): Fields<'deployed' | 'currVersion' | 'currStatus' | 'currStatusTime' | 'successVersion'> {
  const { current, currStatusTime } = status
  const latest = latestOf(status)
  const isSame = latest.currVersion === status.currVersion && latest.currStatus === status.currStatus
  return {
    ...latest,
    deployed: current !== undefined,
    currStatusTime: isSame ? currStatusTime : timestamp(now),
    successVersion: current?.version,
  }
}

function latestOf({
  phase,
  rollout,
  rollouts,
  current,
  currVersion,
  currStatus,
}: ContainerVersionStatus): Fields<'currVersion' | 'currStatus'> {
  if (rollout) return { currVersion: rollout.version, currStatus: 'Progressing' }
  if (phase === 'UpToDate' && current) return { currVersion: current.version, currStatus: 'Success' }
  if (phase === 'RolledBack' || phase === 'Failed') {
    const failed = rollouts?.find(({ outcome }) => outcome === phase)
    return { currVersion: failed?.version ?? currVersion, currStatus: 'Failed' }
  }
  // It is held, or cannot be seen at the moment: the last rollout is still the last one.
  return { currVersion, currStatus }
}
