import type { KubernetesObject } from '../harness/cluster.ts'

export type WorkloadKindName = RollingKindName | 'ReplicaSet' | 'CronJob' | 'Job' | 'Pod'
export type RollingKindName = 'Deployment' | 'StatefulSet' | 'DaemonSet'

export interface WorkloadWanted {
  readonly kind: RollingKindName
  readonly name: string
  readonly namespace: string
  readonly image: string
  /** DaemonSets have none. Default 2. */
  readonly replicas?: number | undefined
  /** Labels of the workload itself, which `spec.selector` matches. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly podAnnotations?: Readonly<Record<string, string>> | undefined
  readonly podSpec?: object | undefined
  readonly spec?: object | undefined
}

export const containerName = 'main'

export function workload(wanted: WorkloadWanted): KubernetesObject {
  const { kind, name, namespace, image, labels = {}, podAnnotations: annotations, podSpec, spec } = wanted
  const matchLabels = { app: name }
  const template = {
    metadata: { labels: matchLabels, ...(annotations ? { annotations } : {}) },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: containerName, image }], ...podSpec },
  }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels },
    spec: {
      ...(kind === 'DaemonSet' ? {} : { replicas: wanted.replicas ?? 2 }),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels },
      template,
      ...spec,
    },
  }
}

export function containerVersion(name: string, namespace: string, spec: object): KubernetesObject {
  return { apiVersion: 'cvmanager.io/v1', kind: 'ContainerVersion', metadata: { name, namespace }, spec }
}
