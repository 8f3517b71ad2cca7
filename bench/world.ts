import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Cluster, startCluster } from '../e2e/harness/cluster.ts'
import type { Digest } from '../e2e/harness/images.ts'
import { type Registry, type RegistryOptions, startRegistry } from '../e2e/harness/registry.ts'
import { until } from '../e2e/harness/until.ts'
import { BareApi } from './api.ts'
import { Hooks } from './hooks.ts'
import { type Layout, ownRepositories, type Target } from './layouts.ts'

/** As the audit log and the registry name the operator. */
export const operatorAgent = /^cvmanager\//
const namespace = 'bench'
export const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
export const containerVersions = `/apis/cvmanager.io/v1/namespaces/${namespace}/containerversions`
const crds = fileURLToPath(new URL('../crds', import.meta.url))
const usualAtATime = 24
const observedTimeoutMs = 600_000

export interface WorldOptions {
  readonly registry?: RegistryOptions
  /** Whether the registry tells of each push. */
  readonly pushed?: boolean
  /** Default: each follows a tag of a repository of its own. */
  readonly layout?: Layout
}

interface FollowedTag {
  readonly name: string
  readonly imageRepo: string
  readonly tag: string
  /** What runs. */
  readonly image: string
  readonly pollIntervalSeconds?: number
}

interface Parts {
  readonly cluster: Cluster
  readonly registry: Registry
  readonly api: BareApi
  readonly hooks: Hooks | undefined
  readonly layout: Layout
}

/**
 * A control plane and a registry, and N of each: a followed tag, a Deployment without pods that runs its version, a
 * ContainerVersion that follows. Nobody has anything to do with them.
 */
export class World {
  readonly cluster: Cluster
  readonly registry: Registry
  readonly api: BareApi
  /** Only in a world that is pushed. */
  readonly hooks: Hooks | undefined
  readonly #layout: Layout
  #targets: readonly Target[] = []
  #versions = 0

  private constructor({ cluster, registry, api, hooks, layout }: Parts) {
    this.cluster = cluster
    this.registry = registry
    this.api = api
    this.hooks = hooks
    this.#layout = layout
  }

  static async start({ registry: options, pushed, layout = ownRepositories }: WorldOptions = {}): Promise<World> {
    const cluster = await startCluster()
    try {
      const hooks = pushed ? await Hooks.open() : undefined
      const registry = await startRegistry({ ...options, ...(hooks ? { notify: hooks.notify } : {}) })
      await cluster.kubectl('apply', '-f', crds)
      await cluster.established('containerversions.cvmanager.io')
      await cluster.namespace(namespace)
      return new World({ cluster, registry, hooks, layout, api: await BareApi.from(cluster.kubeconfig) })
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** A world for this alone. */
  static async with<T>(options: WorldOptions, work: (world: World) => Promise<T>): Promise<T> {
    const world = await World.start(options)
    try {
      return await work(world)
    } finally {
      await world.stop()
    }
  }

  get targets(): readonly Target[] {
    return this.#targets
  }

  async growTo(size: number): Promise<void> {
    const before = this.#targets.length
    const added = Array.from({ length: size - before }, (_, index) => this.#layout(before + index))
    const version = this.#newVersion()
    const content = { content: 'the same for all' }
    const places = new Map(added.map((target) => [`${target.repository}:${target.tag}`, target]))
    const digests = new Set<Digest>()
    await inParallel([...places.values()], async ({ repository, tag }) => {
      digests.add((await this.registry.push(repository, [version, tag], content)).digest)
    })
    const [digest] = digests
    await inParallel(added, async ({ name, repository, tag }) => {
      const imageRepo = this.registry.repository(repository)
      await this.follow({ name, imageRepo, tag, image: `${imageRepo}:${version}@${digest}` })
    })
    // The Deployment controller takes them in turn. Nothing is healthy before it has seen it.
    for (const { name } of added.slice(-usualAtATime)) await this.#observed(name)
    this.#targets = [...this.#targets, ...added]
  }

  async #observed(name: string): Promise<void> {
    const isObserved = async () => {
      const { status } = await this.api.get<{ readonly status: { readonly observedGeneration?: number } }>(
        `${deployments}/${name}`,
      )
      return status.observedGeneration !== undefined
    }
    await until(`Deployment ${name} to be observed`, isObserved, observedTimeoutMs)
  }

  async follow({ name, image, ...what }: FollowedTag): Promise<void> {
    await this.addDeployment(name, image)
    await this.api.create(containerVersions, {
      apiVersion: 'cvmanager.io/v1',
      kind: 'ContainerVersion',
      metadata: { name, namespace },
      spec: { ...what, selector: { app: name } },
    })
  }

  /** @param more of its spec. The control plane creates nothing for a paused Deployment. */
  async addDeployment(name: string, image: string, more: { readonly paused?: boolean } = {}): Promise<void> {
    const labels = { app: name }
    await this.api.create(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 0,
        ...more,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image }] } },
      },
    })
  }

  /**
   * A new image under a version tag of its own; the followed tag does not point at it yet.
   * @param labelled whether the image says its version, as those of most pipelines do
   */
  async pushVersion({ repository }: Pick<Target, 'repository'>, labelled = false): Promise<Digest> {
    const version = this.#newVersion()
    const labels = labelled ? { labels: { 'org.opencontainers.image.version': version } } : {}
    const { digest } = await this.registry.push(repository, version, { content: version, ...labels })
    return digest
  }

  /** Adds this many version tags, all of one image. */
  async addVersionTags(repository: string, count: number): Promise<void> {
    const tags = Array.from({ length: count }, () => this.#newVersion())
    const { digest } = await this.registry.push(repository, [], { content: 'an old image' })
    await inParallel(tags, (tag) => this.registry.tag(repository, digest, tag))
  }

  async stop(): Promise<void> {
    await this.api.close()
    await Promise.all([this.cluster.stop(), this.registry.stop(), this.hooks?.close()])
  }

  /** As the default `versionSyntax` wants it. As with commits, the order of their characters says nothing. */
  #newVersion(): string {
    return createHash('sha256')
      .update(`${this.#versions++}`)
      .digest('hex')
      .slice(0, 12)
  }
}

export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atATime = usualAtATime,
): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}
