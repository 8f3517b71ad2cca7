import pkg, { type ResourceEvent, type ResourceEventType, type ResourceMeta } from '@dot-i/k8s-operator'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import type { ContainerVersion } from '../api/container-version.ts'
import { apiVersion, group, kind, plural, version } from '../api/names.ts'
import type { ResourceCache } from '../kubernetes/resource-cache.ts'
import type { Change } from '../kubernetes/store.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'
import type { WorkQueue } from './queue.ts'

export interface OperatorParts {
  readonly kubeConfig: KubeConfig
  readonly objects: ResourceCache<ContainerVersion>
  readonly workloads: readonly ResourceCache<WorkloadObject>[]
  /** Puts a key into the queue. */
  readonly add: (key: string) => void
  readonly queue: WorkQueue
  readonly log: Logger
}

/** Our own reading of the base class's events: ADDED, MODIFIED and DELETED, by what the cache says has changed. */
const eventTypes = { added: 'ADDED', changed: 'MODIFIED', deleted: 'DELETED' } as const

/**
 * The Operator of @dot-i/k8s-operator, with what it is weak in replaced: its watch ends the process on an error, lists
 * nothing and resumes nowhere; its writers swallow errors; its `stop` does not wait. What remains is its shape: `init` says
 * what is watched, a handler is told, `stop` ends it. A handler does no more than put a key into the queue.
 */
export class ContainerVersionOperator extends pkg.default {
  readonly #parts: OperatorParts

  constructor(parts: OperatorParts) {
    super(parts.log)
    this.#parts = parts
    this.kubeConfig = parts.kubeConfig
  }

  protected override async init(): Promise<void> {
    const { queue, add, workloads } = this.#parts
    await this.watchResource(group, version, plural, async ({ meta }) => add(`${meta.namespace}/${meta.name}`))
    // Workloads after the ContainerVersions that select them: each is then matched once, as it arrives.
    for (const list of workloads) list.start()
    await Promise.all(workloads.map(({ synced }) => synced))
    queue.start()
  }

  /** Starts our list/watch of ContainerVersions; resolves when its cache is complete. */
  protected override async watchResource(
    _group: string,
    _version: string,
    watched: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
  ): Promise<void> {
    if (watched !== plural) throw new Error(`${watched} is watched by its own cache`)
    const { objects } = this.#parts
    objects.onChange((change) => void onEvent(eventOf(change)))
    objects.start()
    await objects.synced
  }

  /** Ends the watches and lets the looks under way come to their end, within the queue's limit. */
  async end(): Promise<void> {
    const { queue, objects, workloads } = this.#parts
    await queue.stop()
    await Promise.all([objects, ...workloads].map((list) => list.stop()))
  }

  override stop(): void {
    void this.end()
  }

  // The writers of the base class swallow errors, so that a status that was never written looks written: not for use.
  protected override setResourceStatus(meta: ResourceMeta): Promise<never> {
    return refuse('setResourceStatus', meta)
  }

  protected override patchResourceStatus(meta: ResourceMeta): Promise<never> {
    return refuse('patchResourceStatus', meta)
  }

  protected override setResourceFinalizers(meta: ResourceMeta): Promise<never> {
    return refuse('setResourceFinalizers', meta)
  }

  /** The CRD is installed by whoever installs the operator, which so needs no right to do it (B49). */
  protected override registerCustomResourceDefinition(crdFile: string): Promise<never> {
    return Promise.reject(new Error(`${crdFile} is not registered by the operator: apply crds/`))
  }
}

function refuse(method: string, { namespace, name }: ResourceMeta): Promise<never> {
  return Promise.reject(new Error(`${method} of ${namespace}/${name}: writes go through ObjectWriter`))
}

function eventOf(change: Change<ContainerVersion>): ResourceEvent {
  const { namespace, name, resourceVersion } = change.type === 'deleted' ? change.before : change.now
  const meta: ResourceMeta = { id: `${plural}.${apiVersion}`, namespace, name, resourceVersion, apiVersion, kind }
  return {
    meta,
    type: eventTypes[change.type] as ResourceEventType,
    object: { apiVersion, kind, metadata: { namespace, name } },
  }
}
