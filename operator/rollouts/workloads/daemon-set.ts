import type { V1ControllerRevision, V1DaemonSet } from '@kubernetes/client-node'
import { appsKind, controllerOf, healthy, isObserved, onDelete, waiting } from './strip.ts'
import type { Health, Revision, WorkloadObject } from './workload.ts'

const label = 'controller-revision-hash'

export const daemonSet = appsKind('DaemonSet', 'daemonsets', fieldsOf, { templates: 'controllerrevisions', revisionOf })

function fieldsOf(object: V1DaemonSet) {
  const { numberAvailable = 0, updatedNumberScheduled = 0, desiredNumberScheduled = 0 } = object.status ?? {}
  const observed = isObserved(object)
  return {
    progress: progress(object),
    availablePods: numberAvailable,
    missingPods: observed
      ? Math.max(0, desiredNumberScheduled - Math.min(numberAvailable, updatedNumberScheduled))
      : undefined,
    uncreatedPods: Math.max(0, desiredNumberScheduled - (object.status?.currentNumberScheduled ?? 0)),
    revision: observed ? String(object.metadata?.generation) : undefined,
  }
}

/** As `kubectl rollout status` judges it. */
function progress(object: V1DaemonSet): Health {
  const { numberAvailable = 0, updatedNumberScheduled = 0, desiredNumberScheduled: wanted = 0 } = object.status ?? {}
  if (!isObserved(object)) return waiting('its change is not observed yet')
  if (updatedNumberScheduled < wanted) {
    if (object.spec?.updateStrategy?.type === 'OnDelete') return onDelete(updatedNumberScheduled, wanted)
    return waiting(`${updatedNumberScheduled} of ${wanted} pods updated`)
  }
  if (numberAvailable < wanted) return waiting(`${numberAvailable} of ${wanted} pods available`)
  return healthy
}

/** Before its controller observes a change, it makes the ControllerRevision of the present template the newest. */
function revisionOf({ uid, revision }: WorkloadObject, templates: readonly unknown[]): Revision {
  const [newest] = (templates as readonly V1ControllerRevision[])
    .filter(({ metadata }) => controllerOf(metadata) === uid)
    .sort((one, other) => other.revision - one.revision)
  return {
    controllers: new Set([uid]),
    label,
    present: revision === undefined ? undefined : newest?.metadata?.labels?.[label],
  }
}
