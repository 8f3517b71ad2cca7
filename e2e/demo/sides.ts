import type { ContainerVersionStatus } from '../../operator/api/status.ts'
import { tagOf } from '../../operator/images/image.ts'
import { ApiClient } from '../../operator/kubernetes/client.ts'
import { loadKubeConfig } from '../../operator/kubernetes/kube-config.ts'
import { podOf, podsInSigns, type RawPod, type ShopPod } from './shop.ts'
import type { Terminal } from './terminal.ts'
import type { Watchable } from './watcher.ts'

export const namespace = 'shop-live'
const colors = ['blue', 'green'] as const
type Color = (typeof colors)[number]

/** Two Deployments behind one Service, at one moment. */
export interface SidesState {
  /** The side that the Service selects. */
  readonly live: Color
  readonly images: Readonly<Record<Color, string>>
  readonly pods: Readonly<Record<Color, readonly ShopPod[]>>
  readonly status: ContainerVersionStatus
}

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
}

/** Reads the blue/green application from the API server. */
export class Sides implements Watchable<SidesState> {
  readonly #client: ApiClient

  constructor(kubeconfig: string) {
    this.#client = new ApiClient({ kubeConfig: loadKubeConfig({ file: kubeconfig }), version: 'demo' })
  }

  async read(): Promise<SidesState> {
    const [service, blue, green, pods, object] = await Promise.all([
      this.#client.get<{ spec: { selector: { color: Color } } }>(`/api/v1/namespaces/${namespace}/services/web`),
      this.#image('blue'),
      this.#image('green'),
      this.#client.get<{ items: readonly (RawPod & Labelled)[] }>(`/api/v1/namespaces/${namespace}/pods`),
      this.#client.get<{ status?: ContainerVersionStatus }>(
        `/apis/cvmanager.io/v1/namespaces/${namespace}/containerversions/web`,
      ),
    ])
    const podsOf = (color: Color) =>
      pods.items
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.labels?.color === color)
        .map(podOf)
    return {
      live: service.spec.selector.color,
      images: { blue, green },
      pods: { blue: podsOf('blue'), green: podsOf('green') },
      status: object.status ?? {},
    }
  }

  row({ live, images, pods }: SidesState, terminal: Terminal): string {
    const sides = colors.map((color) => {
      const shown = pods[color].length > 0 ? podsInSigns(pods[color], terminal) : (tagOf(images[color]) ?? '')
      return `${color === live ? terminal.paint('bold', `users → ${color}`) : `        ${color}`} ${shown}`
    })
    return sides.join('   ')
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #image(color: Color): Promise<string> {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web-${color}`
    const { spec } = await this.#client.get<{
      spec: { template: { spec: { containers: readonly { image: string }[] } } }
    }>(path)
    return spec.template.spec.containers[0]?.image ?? ''
  }
}
