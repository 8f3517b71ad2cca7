import type { KubernetesObject } from '../harness/cluster.ts'
import { type WorkloadKindName, type WorkloadWanted, workload } from '../scenario/manifests.ts'

/** What a world is made of. */
export interface Shape {
  readonly name: string
  /** What a user applies, with this image in every workload. The label `cvapp: web` marks the workloads of the ContainerVersion. */
  objects(namespace: string, image: string): readonly KubernetesObject[]
  /** Nothing replaces its pods: a person deletes those that have an older image. */
  readonly peopleDeletePods?: boolean
  /** The Service whose selector says which of the workloads serve users; all do without one. */
  readonly serviceName?: string
  /** More of the ContainerVersion's spec. */
  readonly spec?: { readonly strategy?: object; readonly container?: object }
}

const labels = { cvapp: 'web' }

const one =
  (kind: WorkloadKindName, name: string, more: Partial<WorkloadWanted> = {}): Shape['objects'] =>
  (namespace, image) => [workload({ kind, name, namespace, image, labels, replicas: 1, ...more })]

const inOrder =
  (order: number, objects: Shape['objects']): Shape['objects'] =>
  (...made) =>
    objects(...made).map((object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { 'cvmanager.io/order': String(order) } },
    }))

const together = (...all: readonly Shape['objects'][]): Shape['objects'] => {
  return (namespace, image) => all.flatMap((objects) => objects(namespace, image))
}

/** Every shape. To add one, add its line here. */
export const shapes: readonly Shape[] = [
  { name: 'a Deployment', objects: one('Deployment', 'web', { replicas: 2 }) },
  { name: 'a StatefulSet', objects: one('StatefulSet', 'carts', { replicas: 2 }) },
  { name: 'a DaemonSet', objects: one('DaemonSet', 'agent') },
  {
    name: 'a StatefulSet whose pods people delete',
    objects: one('StatefulSet', 'carts', { replicas: 2, spec: { updateStrategy: { type: 'OnDelete' } } }),
    peopleDeletePods: true,
  },
  { name: 'two Deployments', objects: together(one('Deployment', 'web'), one('Deployment', 'api')) },
  { name: 'a Deployment and a StatefulSet', objects: together(one('Deployment', 'web'), one('StatefulSet', 'carts')) },
  {
    name: 'a StatefulSet before a Deployment',
    objects: together(inOrder(1, one('StatefulSet', 'carts')), inOrder(2, one('Deployment', 'web'))),
  },
]
