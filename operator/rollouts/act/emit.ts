import type { ContainerVersion } from '../../api/container-version.ts'
import { apiVersion, kind } from '../../api/names.ts'
import { messageOf } from '../../errors.ts'
import { orderOf, type PlannedEvent } from '../plan/events.ts'
import { workloadKind } from '../workloads/kinds.ts'
import type { Effects } from './effects.ts'

/** Writes events for people. One that cannot be written is logged and holds nothing up. */
export async function emit(
  { events: writer, log }: Effects,
  object: ContainerVersion,
  events: readonly PlannedEvent[],
): Promise<void> {
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
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === 'rejected')
      log.warn({ namespace, name: object.name, error: messageOf(result.reason) }, 'an event could not be written')
  }
}

function groupVersion(kind: string): string {
  const { group, version } = workloadKind(kind)
  return `${group}/${version}`
}
