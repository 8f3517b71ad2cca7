/** cvmanager's own pods: each runs as a process here, and this is their kubelet. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Operator } from './operator.ts'
import type { World } from './world.ts'

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly spec: {
    readonly nodeName?: string
    readonly containers: readonly { readonly name: string; readonly image: string; readonly args: readonly string[] }[]
  }
}

export interface OperatorPod {
  readonly name: string
  readonly image: string
  readonly process: Operator
  /** When the process ended, as from `Date.now()`. */
  endedMs?: number
}

const pauseMs = 200

export class OperatorPods {
  /** All so far, the oldest first. */
  readonly pods: OperatorPod[] = []
  readonly #world: World
  readonly #start: (name: string, image: string, args: readonly string[]) => Promise<Operator>
  readonly #stop = new AbortController()
  readonly #known = new Map<string, OperatorPod>()
  /** The last status of each pod that was written. */
  readonly #written = new Map<string, string>()
  readonly #ended: Promise<void>

  /** @param start the process of a pod's container; it may end at once */
  constructor(world: World, start: (name: string, image: string, args: readonly string[]) => Promise<Operator>) {
    this.#world = world
    this.#start = start
    this.#ended = this.#run()
  }

  /** Those that run now. */
  get running(): readonly OperatorPod[] {
    return this.pods.filter(({ process }) => process.program.running)
  }

  /** @throws what went wrong meanwhile */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { items } = await this.#world.bed.client.get<{ items: readonly Pod[] }>(this.#path(), {
        query: { labelSelector: 'app=cvmanager' },
      })
      await Promise.all(items.map((pod) => this.#sync(pod)))
      await sleep(pauseMs)
    }
  }

  async #sync(pod: Pod): Promise<void> {
    const { name, uid, deletionTimestamp } = pod.metadata
    const known = this.#known.get(uid)
    const [container] = pod.spec.containers
    if (!container || !pod.spec.nodeName) return
    if (deletionTimestamp !== undefined) return this.#end(pod, known)
    if (!known) {
      const started = {
        name,
        image: container.image,
        process: await this.#start(name, container.image, container.args),
      }
      this.pods.push(started)
      this.#known.set(uid, started)
      return
    }
    await this.#report(pod, known)
  }

  /** SIGTERM, and the pod goes when its process has ended. */
  async #end({ metadata: { name, uid } }: Pod, known: OperatorPod | undefined): Promise<void> {
    if (known && known.endedMs === undefined) {
      await known.process.stop('SIGTERM')
      known.endedMs = Date.now()
    }
    const body = { gracePeriodSeconds: 0, preconditions: { uid } }
    await this.#world.bed.cluster.request('DELETE', this.#path(name), body)
  }

  /** The readiness probe, and what becomes of a process that ends. */
  async #report({ metadata: { name } }: Pod, { image, process }: OperatorPod): Promise<void> {
    const { running } = process.program
    const ready = running && (await isReady(process.port))
    const state = running
      ? { running: { startedAt: new Date().toISOString() } }
      : { waiting: { reason: 'CrashLoopBackOff', message: `the process ${process.program.outcome}` } }
    const status = {
      phase: 'Running',
      conditions: ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({
        type,
        status: type === 'Initialized' || ready ? 'True' : 'False',
      })),
      containerStatuses: [
        { name: 'cvmanager', image, imageID: '', ready, started: running, restartCount: running ? 0 : 3, state },
      ],
    }
    const text = `${running} ${ready}`
    if (this.#written.get(name) === text) return
    this.#written.set(name, text)
    // The pod may be gone meanwhile.
    await this.#world.bed.client.strategicPatch(this.#path(name, '/status'), { status }).catch(() => undefined)
  }

  #path(name = '', subresource = ''): string {
    return `/api/v1/namespaces/${this.#world.namespace}/pods${name === '' ? '' : `/${name}`}${subresource}`
  }
}

async function isReady(port: number): Promise<boolean> {
  // It may not listen yet, or no longer.
  return await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(5_000) })
    .then(({ ok }) => ok)
    .catch(() => false)
}
