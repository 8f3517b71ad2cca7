/** The objects of a team: an application behind a Service, and the ContainerVersion that follows its tag. */
import type { KubernetesObject } from '../harness/cluster.ts'

export const namespace = 'shop'
export const tag = 'env-prod'
const replicas = 2
/** Each Service that this machine reaches has a port of the node. */
export const nodePorts = { simple: 30080, blueGreen: 30081 } as const

/** Its pods must be as Pod Security "restricted" demands, those of checks as well. */
export const shopNamespace: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
}

export function deployment(
  name: string,
  labels: Readonly<Record<string, string>>,
  image: string,
  pods = replicas,
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: labels.app } },
    spec: {
      replicas: pods,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: podSpec(image) },
    },
  }
}

const podSpec = (image: string) => ({
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      name: 'web',
      image,
      ports: [{ containerPort: 8080 }],
      readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
      // Until every node knows that the pod is no endpoint any more.
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    },
  ],
})

export function service(name: string, selector: Readonly<Record<string, string>>, nodePort?: number): KubernetesObject {
  const port = { port: 80, targetPort: 8080, ...(nodePort ? { nodePort } : {}) }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector, ports: [port], ...(nodePort ? { type: 'NodePort' } : {}) },
  }
}

export function containerVersion(name: string, imageRepo: string, strategy: object): KubernetesObject {
  return {
    apiVersion: 'cvmanager.io/v1',
    kind: 'ContainerVersion',
    metadata: { name, namespace },
    spec: {
      imageRepo,
      tag,
      versionSyntax: 'v[0-9]+\\.[0-9]+\\.[0-9]+(-[a-z0-9]+)?',
      pollIntervalSeconds: 5,
      timeoutSeconds: 60,
      selector: { app: name },
      container: { name: 'web' },
      strategy,
    },
  }
}
