import { hash } from 'node:crypto'
import type { V1Deployment, V1PodTemplateSpec, V1ReplicaSet } from '@kubernetes/client-node'
import { appsKind, controllerOf, healthy, isObserved, paused, refused, waiting } from './strip.ts'
import type { Health, Revision, WorkloadObject } from './workload.ts'

const label = 'pod-template-hash'

export const deployment = appsKind('Deployment', 'deployments', fieldsOf, { templates: 'replicasets', revisionOf })

function fieldsOf(object: V1Deployment) {
  const { updatedReplicas = 0, availableReplicas = 0 } = object.status ?? {}
  return {
    progress: progress(object),
    availablePods: availableReplicas,
    missingPods: isObserved(object)
      ? Math.max(0, wantedOf(object) - Math.min(updatedReplicas, availableReplicas))
      : undefined,
    revision: templateHash(object.spec?.template),
    timedOut: timedOut(object),
  }
}

const wantedOf = ({ spec }: V1Deployment): number => spec?.replicas ?? 1

const conditionOf = ({ status }: V1Deployment, type: string) =>
  status?.conditions?.find((condition) => condition.type === type)

/** As `kubectl rollout status` judges it (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). */
function progress(object: V1Deployment): Health {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = object.status ?? {}
  const wanted = wantedOf(object)
  if (object.spec?.paused) return paused
  const refusal = refusalOf(object)
  const wait = (reason: string): Health =>
    refusal === undefined ? waiting(reason) : refused(`${reason}; it is refused: ${refusal}`)
  if (!isObserved(object)) return wait('its change is not observed yet')
  if (updatedReplicas < wanted) return wait(`${updatedReplicas} of ${wanted} pods updated`)
  const old = replicas - updatedReplicas
  if (old > 0) return wait(`${updatedReplicas} of ${wanted} pods updated, ${old} old still to go`)
  if (availableReplicas < updatedReplicas) return wait(`${availableReplicas} of ${updatedReplicas} pods available`)
  return healthy
}

/** Why the API server refuses its pods, or the ReplicaSet that would create them. */
function refusalOf(object: V1Deployment): string | undefined {
  const progressing = conditionOf(object, 'Progressing')
  const condition =
    conditionOf(object, 'ReplicaFailure') ?? (progressing?.reason === 'ReplicaSetCreateError' ? progressing : undefined)
  return condition?.message ?? condition?.reason
}

function timedOut(object: V1Deployment): WorkloadObject['timedOut'] {
  const { reason, message, lastUpdateTime } = conditionOf(object, 'Progressing') ?? {}
  if (reason !== 'ProgressDeadlineExceeded' || !isObserved(object)) return undefined
  return { message: message || reason, time: Date.parse(String(lastUpdateTime)) }
}

/**
 * Finds the ReplicaSet of the present template as the controller does, by the template itself (FindNewReplicaSet in
 * k8s.io/kubernetes/pkg/controller/deployment/util). The annotation `deployment.kubernetes.io/revision` will not do: a
 * Deployment that is paused, scales, recreates its pods or goes back to an old template keeps that of the last one for a
 * while, after it has observed the change.
 */
function revisionOf({ uid, revision }: WorkloadObject, replicaSets: readonly unknown[]): Revision {
  const own = (replicaSets as readonly V1ReplicaSet[]).filter(({ metadata }) => controllerOf(metadata) === uid)
  const [present] = own
    .filter(({ spec }) => templateHash(spec?.template) === revision)
    .sort((one, other) => createdAt(one) - createdAt(other))
  return {
    controllers: new Set(own.map(({ metadata }) => metadata?.uid ?? '')),
    label,
    present: present?.metadata?.labels?.[label],
    replicaSet: present?.metadata?.name,
  }
}

const createdAt = ({ metadata }: V1ReplicaSet): number => Date.parse(String(metadata?.creationTimestamp))

/** The template of a ReplicaSet is its Deployment's, with one more label. */
function templateHash({ metadata, spec }: V1PodTemplateSpec = {}): string {
  const { [label]: _, ...labels } = metadata?.labels ?? {}
  return hash('sha256', JSON.stringify([{ ...metadata, labels }, spec]), 'base64url')
}
