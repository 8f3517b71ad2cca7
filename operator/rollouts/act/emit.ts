import type { ContainerVersion } from '../../api/container-version.ts'
import { apiVersion, kind } from '../../api/names.ts'
import { messageOf } from '../../errors.ts'
import { isRefused } from '../../kubernetes/api-error.ts'
import { orderOf, type PlannedEvent } from '../plan/events.ts'
import { workloadKind } from '../workloads/kinds.ts'
import type { Effects } from './effects.ts'

/**
 * Writes events for people. One that cannot be written is logged and holds nothing up.
 * @returns a failure that may pass, for another try; undefined if there is none
 */
export async function emit(
  { events: writer, log }: Effects,
  object: ContainerVersion,
  events: readonly PlannedEvent[],
): Promise<unknown> {
  const { namespace } = object
  const writes = events.flatMap(({ workloads, type, reason, message, id }) => {
    const event = { type, reason, message, id, order: orderOf(reason) }
    const self = { apiVersion, kind, namespace, name: object.name, uid: object.uid }
    const others = workloads.map((workload) => ({
      apiVersion: groupVersion(workload.kind),
      kind: workload.kind,
      namespace,
      name: workload.name,
      uid: workload.uid,
    }))
    return [self, ...others].map((regarding) => writer.emit(regarding, event))
  })
  const failures = (await Promise.allSettled(writes)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  for (const failure of failures)
    log.warn({ namespace, name: object.name, error: messageOf(failure) }, 'an event could not be written')
  return failures.find((failure) => !isRefused(failure))
}

function groupVersion(kind: string): string {
  const { group, version } = workloadKind(kind)
  return `${group}/${version}`
}
