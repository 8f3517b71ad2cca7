import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { ContainerVersionStatus, Phase } from '../../operator/api/status.ts'
import type { KubernetesObject } from '../harness/cluster.ts'
import type { Digest } from '../harness/images.ts'
import type { Registry } from '../harness/registry.ts'
import { type Bed, operatorUser } from './bed.ts'
import type { Build } from './builds.ts'
import type { WorkloadKindName } from './manifests.ts'
import { pathOf, type Sighting, type WatchedKind } from './sightings.ts'

export interface SeenEvent {
  readonly type: string
  readonly reason: string
  readonly message: string
  /** `ContainerVersion/web-cv`. */
  readonly about: string
}

export interface HistoryData {
  readonly Info: string
  readonly 'rollouts.json': string
}

const root = join(import.meta.dirname, '../..')

/** Far more than a poll every 5 s, a rollout and a rollback take, and than secrets, which are read again every 30 s. */
const maxWaitMs = 120_000

/** The surroundings of one scenario: its own namespace and its own repository, so that scenarios run side by side. */
export class World {
  readonly bed: Bed
  readonly namespace: string
  readonly registry: Registry
  /** In the registry, e.g. `rollback/web`. */
  readonly path: string
  /** How many sightings of each object have been used up. */
  readonly #read = new Map<string, number>()

  constructor(bed: Bed, namespace: string, registry: Registry = bed.registry) {
    this.bed = bed
    this.namespace = namespace
    this.registry = registry
    this.path = `${namespace}/web`
  }

  /** As `spec.imageRepo` has it. */
  get repository(): string {
    return this.registry.repository(this.path)
  }

  /** What cvmanager writes into workloads for this build. */
  imageOf({ name, digest }: Build): string {
    return `${this.repository}:${name}@${digest}`
  }

  /** As CI does: builds, tags the image with its version, and does not move the moving tags. */
  async ciBuilds(...builds: readonly Build[]): Promise<void> {
    for (const { name, content } of builds) await this.registry.push(this.path, name, content)
  }

  /** As CI does: builds, tags the image with its version, and moves the tag to it. */
  async ciMoves(tag: string, { name, content }: Build): Promise<Digest> {
    const { digest } = await this.registry.push(this.path, [name, tag], content)
    return digest
  }

  /** Waits until the workload's template has this image. Earlier images do not count again. */
  async sees(workload: string, wanted: Build | string, kind: WorkloadKindName = 'Deployment'): Promise<Sighting> {
    const image = typeof wanted === 'string' ? wanted : this.imageOf(wanted)
    return this.#next(kind, workload, `image ${image}`, ({ images }) => images.includes(image))
  }

  /** Waits until the ContainerVersion has this phase. Earlier phases do not count again. */
  async becomes(phase: Phase, { reason, of = 'web-cv' }: { reason?: string; of?: string } = {}): Promise<Sighting> {
    const wanted = reason ? `${phase} because of ${reason}` : phase
    return this.#next('ContainerVersion', of, wanted, ({ status }) => {
      return status.phase === phase && (reason === undefined || readyReason(status) === reason)
    })
  }

  /** Waits until the ContainerVersion is up to date with this build. */
  async runs(build: Build, of = 'web-cv'): Promise<Sighting> {
    return this.#next(
      'ContainerVersion',
      of,
      `up to date with ${build.name}`,
      ({ status }) => status.phase === 'UpToDate' && status.current?.digest === build.digest,
    )
  }

  /** Waits for this many more polls of the tag. */
  async pollsAgain(times: number, tag = 'env-prod'): Promise<void> {
    const before = this.polls(tag)
    await this.waitsFor(`${times} more polls of ${tag}`, () => this.polls(tag) >= before + times)
  }

  polls(tag = 'env-prod'): number {
    return this.registry.requests.filter(({ path }) => path === `/v2/${this.path}/manifests/${tag}`).length
  }

  /** How often cvmanager has changed the image of a workload, by the API server's audit log. */
  async imagePatches(workload: string, kind?: WorkloadKindName): Promise<number> {
    const patches = await this.bed.cluster.auditLog({
      user: operatorUser,
      verbs: ['patch', 'update'],
      namespace: this.namespace,
      name: workload,
      ...(kind === undefined ? {} : { resource: `${kind.toLowerCase()}s` }),
    })
    return patches.filter(
      ({ objectRef, requestObject, responseStatus }) =>
        objectRef?.apiGroup !== 'cvmanager.io' && responseStatus?.code === 200 && changesImage(requestObject),
    ).length
  }

  async status(name = 'web-cv'): Promise<ContainerVersionStatus> {
    return (await this.get<{ status?: ContainerVersionStatus }>('ContainerVersion', name)).status ?? {}
  }

  /**
   * cvmanager's events about any object of the namespace, in the order of `kubectl describe`: by the second, then by name.
   * Those of one reconcile are written side by side.
   */
  async events(): Promise<readonly SeenEvent[]> {
    const { items } = await this.bed.client.get<{ items: readonly RawEvent[] }>(
      `/api/v1/namespaces/${this.namespace}/events`,
    )
    return items
      .filter(({ source }) => source?.component === 'cvmanager')
      .sort(
        (one, other) =>
          compare(one.lastTimestamp, other.lastTimestamp) || compare(one.metadata.name, other.metadata.name),
      )
      .map(({ type, reason, message, involvedObject }) => ({
        type,
        reason,
        message,
        about: `${involvedObject.kind}/${involvedObject.name}`,
      }))
  }

  async eventsAbout(about: string): Promise<readonly SeenEvent[]> {
    return (await this.events()).filter((event) => event.about === about)
  }

  /** Waits for an event of cvmanager: it writes a status before its events. */
  async waitsForEvent(about: string, reason: string): Promise<readonly SeenEvent[]> {
    let found: readonly SeenEvent[] = []
    await this.waitsFor(`an event ${reason} about ${about}`, async () => {
      found = (await this.eventsAbout(about)).filter((event) => event.reason === reason)
      return found.length > 0
    })
    return found
  }

  async configMap(name: string): Promise<Readonly<Record<string, string>>> {
    const path = `/api/v1/namespaces/${this.namespace}/configmaps/${name}`
    return (await this.bed.client.get<{ data: Readonly<Record<string, string>> }>(path)).data
  }

  async history(workload: string): Promise<HistoryData> {
    return (await this.configMap(`${workload}.history`)) as unknown as HistoryData
  }

  async get<T>(kind: WatchedKind, name: string): Promise<T> {
    return this.bed.client.get<T>(this.#path(kind, name))
  }

  async delete(kind: WatchedKind, name: string): Promise<void> {
    await this.bed.client.delete(this.#path(kind, name))
  }

  /** Changes an object as `kubectl patch` does. */
  async changes(kind: WatchedKind, name: string, patch: object): Promise<void> {
    await this.bed.client.mergePatch(this.#path(kind, name), patch, { query: { fieldManager: 'kubectl-patch' } })
  }

  now(kind: WatchedKind, name: string): Sighting | undefined {
    return this.bed.sightings.now(kind, this.namespace, name)
  }

  /** The images that a workload has had, in the order of their changes. */
  imagesOf(workload: string, kind: WorkloadKindName = 'Deployment'): readonly string[] {
    const all = this.bed.sightings.of(kind, this.namespace, workload).map(({ images }) => images)
    return all.filter((images, at) => !isDeepStrictEqual(images, all[at - 1])).flat()
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return this.bed.cluster.kubectl('-n', this.namespace, ...args)
  }

  /** Creates these objects in this order, as `kubectl create` does: kubectl, and not cvmanager, owns their fields. */
  async makes(...objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) {
      const path = `/${object.apiVersion === 'v1' ? 'api' : 'apis'}/${object.apiVersion}/namespaces/${this.namespace}/`
      const query = { fieldManager: 'kubectl-create' }
      await this.bed.client.create(`${path}${object.kind.toLowerCase()}s`, object, { query })
    }
  }

  /**
   * Applies a manifest of `examples/` as it is, but for the places that a user changes too: the repository and the namespace.
   * @param images to write in place of others of the manifest
   */
  async appliesExample(file: string, images: Readonly<Record<string, string>> = {}): Promise<void> {
    const manifest = await readFile(join(root, 'examples', file), 'utf8')
    const own = Object.entries(images)
      .reduce((text, [from, to]) => text.replaceAll(from, to), manifest)
      .replaceAll('registry.example.com/shop/web', this.repository)
      .replaceAll('namespace: shop', `namespace: ${this.namespace}`)
    await this.bed.cluster.applyText(own)
  }

  /** Checks after each change that the watches bring, and four times a second. */
  async waitsFor(what: string, holds: () => boolean | Promise<boolean>, ms = maxWaitMs): Promise<void> {
    const deadline = Date.now() + ms
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`${this.namespace}: waited ${ms} ms for ${what}. ${this.#soFar()}`)
      await this.bed.sightings.change(250)
    }
  }

  async #next(kind: WatchedKind, name: string, what: string, fits: (seen: Sighting) => boolean): Promise<Sighting> {
    const key = `${kind} ${name}`
    let found: Sighting | undefined
    await this.waitsFor(`${kind} ${name} to have ${what}`, () => {
      const all = this.bed.sightings.of(kind, this.namespace, name)
      const at = all.findIndex((seen, index) => index >= (this.#read.get(key) ?? 0) && fits(seen))
      if (at < 0) return false
      // The same state may be written again, so this sighting itself may be found again.
      this.#read.set(key, at)
      found = all[at]
      return true
    })
    if (!found) throw new Error('what was waited for is there')
    return found
  }

  #path(kind: WatchedKind, name: string): string {
    return pathOf(kind, this.namespace, name)
  }

  #soFar(): string {
    const status = this.now('ContainerVersion', 'web-cv')?.status
    return `web-cv is ${JSON.stringify(status)}; Deployment web had ${this.imagesOf('web').join(', ')}`
  }
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other))

interface RawEvent {
  readonly metadata: { readonly name: string }
  readonly lastTimestamp: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly kind: string; readonly name: string }
  readonly source?: { readonly component?: string }
}

function changesImage(requestObject: unknown): boolean {
  // A JSON patch is a list.
  if (Array.isArray(requestObject)) return requestObject.some(({ path }) => /^\/spec\/.*\/image$/.test(String(path)))
  const { spec } = (requestObject ?? {}) as { spec?: unknown }
  return spec !== undefined
}

/** An event in one line; equal events have equal lines. */
export const eventsKey = ({ about, type, reason }: SeenEvent): string => `${about}: ${type} ${reason}`

export const readyReason = ({ conditions }: ContainerVersionStatus): string | undefined =>
  conditions?.find(({ type }) => type === 'Ready')?.reason
