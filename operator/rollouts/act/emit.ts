import type { ContainerVersion } from '../../api/container-version.ts'
import { apiVersion, kind } from '../../api/names.ts'
import { isRefused, lacksRight } from '../../kubernetes/api-error.ts'
import { orderOf, type PlannedEvent } from '../plan/events.ts'
import { workloadKind } from '../workloads/kinds.ts'
import type { Effects } from './effects.ts'

/**
 * Writes events for people, and one log line for each that is new. One that cannot be written holds nothing up.
 * @returns a failure that may pass, for another try; undefined if there is none
 */
export async function emit(
  { events: writer, onEvent, log }: Effects,
  object: ContainerVersion,
  events: readonly PlannedEvent[],
): Promise<unknown> {
  const { namespace, name, uid } = object
  const writes = events.map(async ({ workloads, type, reason, message, id }) => {
    const event = { type, reason, message, id, order: orderOf(reason) }
    const self = { apiVersion, kind, namespace, name, uid }
    const others = workloads.map((workload) => ({
      apiVersion: groupVersion(workload.kind),
      kind: workload.kind,
      namespace,
      name: workload.name,
      uid: workload.uid,
    }))
    return Promise.all([self, ...others].map((regarding) => writer.emit(regarding, event)))
  })
  const emissions = await Promise.all(writes)
  for (const [at, event] of events.entries()) {
    const { type, reason, from, to, message } = event
    const [own, ...others] = emissions[at] ?? []
    const line = { namespace, containerVersion: name, reason }
    if (own?.isNew) {
      log[type === 'Warning' ? 'warn' : 'info']({ ...line, from, to }, message)
      onEvent(object, event)
    }
    const failed = [own, ...others].find((emission) => emission?.isNew && emission.failure !== undefined)
    if (failed && !lacksRight(failed.failure))
      log.warn({ ...line, error: failed.failure }, 'the event cannot be written')
  }
  return emissions.flat().find(({ failure }) => failure !== undefined && !isRefused(failure))?.failure
}

function groupVersion(kind: string): string {
  const { group, version } = workloadKind(kind)
  return group === '' ? version : `${group}/${version}`
}
