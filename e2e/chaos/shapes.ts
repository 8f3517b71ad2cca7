import type { Check } from '../../operator/api/checks.ts'
import type { StrategySpec } from '../../operator/api/strategy.ts'
import type { KubernetesObject } from '../harness/cluster.ts'
import { containerName, type RollingKindName, type WorkloadWanted, workload } from '../scenario/manifests.ts'

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
  readonly spec?: {
    readonly strategy?: StrategySpec
    readonly container?: { readonly verify: readonly Check[] }
  }
}

const labels = { cvapp: 'web' }

const one =
  (kind: RollingKindName, name: string, more: Partial<WorkloadWanted> = {}): Shape['objects'] =>
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

const pod = (image: string, restartPolicy: 'Always' | 'Never') => ({
  terminationGracePeriodSeconds: 0,
  restartPolicy,
  containers: [{ name: containerName, image }],
})

const other =
  (apiVersion: string, kind: string, name: string, spec: (image: string) => object): Shape['objects'] =>
  (namespace, image) => [{ apiVersion, kind, metadata: { name, namespace, labels }, spec: spec(image) }]

const matchLabels = { app: 'set' }
const replicaSet = other('apps/v1', 'ReplicaSet', 'set', (image) => ({
  replicas: 2,
  selector: { matchLabels },
  template: { metadata: { labels: matchLabels }, spec: pod(image, 'Always') },
}))
const barePod = other('v1', 'Pod', 'solo', (image) => pod(image, 'Always'))
const cronJob = other('batch/v1', 'CronJob', 'report', (image) => ({
  schedule: '0 3 * * *',
  jobTemplate: { spec: { template: { spec: pod(image, 'Never') } } },
}))
const job = other('batch/v1', 'Job', 'import', (image) => ({ template: { spec: pod(image, 'Never') } }))

/** One of two, behind a Service. */
const side = (color: string, replicas: number): Shape['objects'] => {
  const podLabels = { app: 'web', color }
  return (namespace, image) => {
    const template = { metadata: { labels: podLabels }, spec: pod(image, 'Always') }
    const spec = { selector: { matchLabels: podLabels }, template }
    return [workload({ kind: 'Deployment', name: `web-${color}`, namespace, image, labels, replicas, spec })]
  }
}

const service =
  (name: string, color: string): Shape['objects'] =>
  (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { selector: { app: 'web', color }, ports: [{ port: 80 }] },
    },
  ]

const blueGreen = (more: Partial<StrategySpec['blueGreen']> = {}, verify: readonly Check[] = []): StrategySpec => ({
  kind: 'ServiceBlueGreen',
  blueGreen: { serviceName: 'web', labelNames: ['color'], ...more },
  ...(verify.length > 0 ? { verify } : {}),
})

/** It passes if the version runs well. */
const check = (name: string, more: Partial<Check> = {}): Check => ({
  kind: 'Command',
  name,
  command: ['./self-test'],
  timeoutSeconds: 6,
  ...more,
})

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
  { name: 'a ReplicaSet whose pods people delete', objects: replicaSet, peopleDeletePods: true },
  { name: 'a Pod', objects: barePod },
  { name: 'a Pod and a Deployment', objects: together(barePod, one('Deployment', 'web')) },
  { name: 'a CronJob', objects: cronJob },
  { name: 'a CronJob and a Deployment', objects: together(cronJob, one('Deployment', 'web')) },
  { name: 'a Job and a Deployment', objects: together(job, one('Deployment', 'web')) },
  {
    name: 'two sides of a Service',
    objects: together(side('blue', 2), side('green', 0), service('web', 'blue')),
    serviceName: 'web',
    spec: { strategy: blueGreen() },
  },
  {
    name: 'two sides of a Service, of which the old one goes',
    objects: together(side('blue', 2), side('green', 0), service('web', 'blue'), service('web-preview', 'green')),
    serviceName: 'web',
    spec: {
      strategy: blueGreen({ verificationServiceName: 'web-preview', scaleDown: true, scaleDownDelaySeconds: 1 }),
    },
  },
  {
    name: 'two sides of a Service, with a check before the switch',
    objects: together(side('blue', 1), side('green', 1), service('web', 'blue')),
    serviceName: 'web',
    spec: { strategy: blueGreen({ scaleDown: true, scaleDownDelaySeconds: 1 }, [check('self-test')]) },
  },
  {
    name: 'a Deployment, with a check before the patch',
    objects: one('Deployment', 'web'),
    spec: { container: { verify: [check('self-test')] } },
  },
  {
    name: 'a Deployment and a StatefulSet, with checks before the patch and after it',
    objects: together(one('Deployment', 'web'), one('StatefulSet', 'carts')),
    spec: {
      strategy: { kind: 'Simple', verify: [check('smoke', { workload: { kind: 'StatefulSet', name: 'carts' } })] },
      container: {
        verify: ['first', 'second'].map((name) => check(name, { workload: { kind: 'Deployment', name: 'web' } })),
      },
    },
  },
]
