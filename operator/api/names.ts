/** The names and defaults of the API, without its schemas, which only `make generate` loads. */

export const group = 'cvmanager.io'
export const version = 'v1'
export const kind = 'ContainerVersion'
export const plural = 'containerversions'
export const apiVersion = `${group}/${version}`

/** Present only while a rollout is in progress, so that deleting the object ends the rollout cleanly. */
export const finalizer = `${group}/rollout`

export const strategyKinds = ['Simple', 'ServiceBlueGreen'] as const
export type StrategyKind = (typeof strategyKinds)[number]

export const checkKinds = ['Image', 'Command', 'HTTP'] as const
export type CheckKind = (typeof checkKinds)[number]

export const outcomes = ['Succeeded', 'RolledBack', 'Failed', 'Superseded', 'Aborted'] as const
export type Outcome = (typeof outcomes)[number]

/** On a workload, an integer: workloads change in this order, those of one number together. Default: 0. */
export const orderAnnotation = `${group}/order`
/** On a ContainerVersion: a new value asks for a poll and a reconcile at once. */
export const reconcileAnnotation = `${group}/reconcile`
/** On a ContainerVersion that `cvmanager migrate` has created: the UID of the one of the group custom.k8s.io. */
export const migratedFromAnnotation = `${group}/migrated-from`
/** On the pod of a check, in place of the labels of the workload: the name of the check. */
export const checkLabel = `${group}/check`
/** On the pod of a check: the name of its ContainerVersion. */
export const containerVersionLabel = `${group}/containerversion`

export const defaultVersionSyntax = '[0-9a-f]{5,40}'
/** The registry is not polled more often than this for one tag. */
export const minPollIntervalSeconds = 5
export const defaultTimeoutSeconds = 900
export const defaultScaleDownDelaySeconds = 30
