import type { ContainerVersionStatus } from '../../operator/api/status.ts'
import { tagOf } from '../../operator/images/image.ts'
import { ApiClient } from '../../operator/kubernetes/client.ts'
import { loadKubeConfig } from '../../operator/kubernetes/kube-config.ts'
import type { Terminal } from './terminal.ts'
import type { Watchable } from './watcher.ts'

export const namespace = 'shop'
export const name = 'web'

export interface ShopPod {
  readonly name: string
  readonly image: string
  readonly ready: boolean
  /** Why the pod cannot run, if it cannot. */
  readonly problem: string | undefined
}

/** The state of the application at one moment. */
export interface ShopState {
  readonly image: string
  readonly pods: readonly ShopPod[]
  readonly status: ContainerVersionStatus
}

export interface RawPod {
  readonly metadata: {
    readonly name: string
    readonly creationTimestamp: string
    readonly deletionTimestamp?: string
  }
  readonly spec: { readonly containers: readonly { readonly image: string }[] }
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly state?: { readonly waiting?: { readonly reason?: string } } }[]
  }
}

interface RawDeployment {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
}

/** Reads the application from the API server. */
export class Shop implements Watchable<ShopState> {
  readonly #client: ApiClient

  constructor(kubeconfig: string) {
    this.#client = new ApiClient({ kubeConfig: loadKubeConfig({ file: kubeconfig }), version: 'demo' })
  }

  async read(): Promise<ShopState> {
    const [deployment, pods, object] = await Promise.all([
      this.#client.get<RawDeployment>(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`),
      this.#client.get<{ readonly items: readonly RawPod[] }>(`/api/v1/namespaces/${namespace}/pods`),
      this.#client.get<{ readonly status?: ContainerVersionStatus }>(
        `/apis/cvmanager.io/v1/namespaces/${namespace}/containerversions/${name}`,
      ),
    ])
    const alive = pods.items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .sort((one, other) => one.metadata.creationTimestamp.localeCompare(other.metadata.creationTimestamp))
    return {
      image: deployment.spec.template.spec.containers[0]?.image ?? '',
      pods: alive.map(podOf),
      status: object.status ?? {},
    }
  }

  row({ pods }: ShopState, terminal: Terminal): string {
    return podsInSigns(pods, terminal)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

/** The pods of each version, in the order in which the versions appeared. */
export function podsInSigns(pods: readonly ShopPod[], terminal: Terminal): string {
  const groups = [...Map.groupBy(pods, ({ image }) => tagOf(image) ?? image)]
  return groups.map(([version, group]) => `${version} ${signsOf(group, terminal)}`).join('   ')
}

function signsOf(pods: readonly ShopPod[], terminal: Terminal): string {
  const signs = pods.map(({ ready, problem }) => {
    if (ready) return terminal.paint('green', '●')
    return problem ? terminal.paint('red', '✘') : terminal.paint('yellow', '○')
  })
  const problem = pods.find((pod) => pod.problem)?.problem
  return `${signs.join('')}${problem ? ` ${terminal.paint('red', problem)}` : ''}`
}

/** Reasons of a pod that is starting normally. */
const startReasons: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing'])

export function podOf({ metadata, spec, status = {} }: RawPod): ShopPod {
  const reason = status.containerStatuses?.[0]?.state?.waiting?.reason
  return {
    name: metadata.name,
    image: spec.containers[0]?.image ?? '',
    ready: status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    problem: reason === undefined || startReasons.has(reason) ? undefined : reason,
  }
}
