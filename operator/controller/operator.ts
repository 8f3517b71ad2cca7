import pkg, { type ResourceMeta } from '@dot-i/k8s-operator'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import type { ContainerVersion } from '../api/container-version.ts'
import type { ResourceCache } from '../kubernetes/resource-cache.ts'
import type { WorkloadObject } from '../rollouts/workloads/workload.ts'
import type { WorkQueue } from './queue.ts'

export interface OperatorParts {
  readonly kubeConfig: KubeConfig
  readonly objects: ResourceCache<ContainerVersion>
  readonly workloads: readonly ResourceCache<WorkloadObject>[]
  readonly add: (key: string) => void
  readonly queue: WorkQueue
  readonly log: Logger
}

/**
 * Keeps the shape of the Operator of @dot-i/k8s-operator: `init` says what it watches, and `stop` ends it. Replaces its weak
 * parts: its watch ends the process on an error, does not list first and cannot resume; its writers swallow errors; its
 * `stop` does not wait. A change only adds a key to the queue.
 */
export class ContainerVersionOperator extends pkg.default {
  readonly #parts: OperatorParts

  constructor(parts: OperatorParts) {
    super(parts.log)
    this.#parts = parts
    this.kubeConfig = parts.kubeConfig
  }

  protected override async init(): Promise<void> {
    const { queue, workloads } = this.#parts
    await this.watchResource()
    // Workloads come after the ContainerVersions that select them, so that each is matched once, when it arrives.
    for (const list of workloads) list.start()
    await Promise.all(workloads.map(({ synced }) => synced))
    queue.start()
  }

  /** Watches ContainerVersions with cvmanager's own list/watch. Resolves when its cache is complete. */
  protected override async watchResource(): Promise<void> {
    const { objects, add } = this.#parts
    objects.onChange((change) => add(change.type === 'deleted' ? change.before.key : change.now.key))
    objects.start()
    await objects.synced
  }

  /** Ends the watches. Waits for reconciles in progress, within the queue's limit. */
  async end(): Promise<void> {
    const { queue, objects, workloads } = this.#parts
    await queue.stop()
    await Promise.all([objects, ...workloads].map((list) => list.stop()))
  }

  override stop(): void {
    void this.end()
  }

  // The base class's writers swallow errors, so that a status that was never written looks written. Nobody may use them.
  protected override setResourceStatus(meta: ResourceMeta): Promise<never> {
    return refuse('setResourceStatus', meta)
  }

  protected override patchResourceStatus(meta: ResourceMeta): Promise<never> {
    return refuse('patchResourceStatus', meta)
  }

  protected override setResourceFinalizers(meta: ResourceMeta): Promise<never> {
    return refuse('setResourceFinalizers', meta)
  }

  /** Whoever installs the operator installs the CRD, so that the operator needs no right to do it (B49). */
  protected override registerCustomResourceDefinition(crdFile: string): Promise<never> {
    return Promise.reject(new Error(`${crdFile} is not registered by the operator: apply crds/`))
  }
}

function refuse(method: string, { namespace, name }: ResourceMeta): Promise<never> {
  return Promise.reject(new Error(`${method} of ${namespace}/${name}: writes go through StatusWriter`))
}
