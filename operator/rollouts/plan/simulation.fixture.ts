/** A cluster in memory that carries plans out write by write, so that a property test can play whole rollouts. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { PastRollout } from '../../api/status.ts'
import type { Container, Health, ImageChange } from '../workloads/workload.ts'
import type { PlannedEvent } from './events.ts'
import { epoch, object, observation, offers, workload } from './plan.fixture.ts'
import { type Plan, plan } from './plan.ts'

export interface Simulated {
  readonly name: string
  image: string
}

export class Simulation {
  now = epoch
  object: ContainerVersion
  /** Undefined while the registry does not answer. */
  offered: string | undefined
  /** The names of the workloads that the selector finds; all if undefined. */
  selected: readonly string[] | undefined
  /** Versions whose pods never become healthy. */
  readonly bad: ReadonlySet<string>
  readonly workloads: Simulated[]
  readonly patches: string[] = []
  readonly records: string[] = []
  readonly events = new Map<string, PlannedEvent>()
  readonly #dies: () => boolean
  readonly #refuses: () => boolean

  /**
   * @param dies called around each write: whether the process is killed there
   * @param refuses called for each event: whether the API server refuses it, such as with 429
   */
  constructor(
    running: readonly string[],
    options: {
      offered: string
      bad?: readonly string[]
      spec?: Partial<ContainerVersionSpec>
      dies?: () => boolean
      refuses?: () => boolean
    },
  ) {
    this.offered = options.offered
    this.bad = new Set(options.bad ?? [])
    this.workloads = running.map((image, index) => ({ name: `web-${index}`, image }))
    this.object = object({}, options.spec)
    this.#dies = options.dies ?? (() => false)
    this.#refuses = options.refuses ?? (() => false)
  }

  get past(): readonly PastRollout[] {
    return this.object.status.rollouts ?? []
  }

  get images(): readonly string[] {
    return this.workloads.map(({ image }) => image)
  }

  /** Plans and acts once. A process that dies carries out a part of the plan. @returns the plan */
  reconcile(): Plan {
    const seen = this.workloads.map(({ name, image }) => workload(name, [{ name: 'web', image }], this.#health(image)))
    const members = this.object.status.rollout?.workloads.map(({ name }) => name) ?? []
    const planned = plan(
      observation({
        object: this.object,
        workloads: seen.filter(({ ref }) => this.selected?.includes(ref.name) ?? true),
        members: seen.filter(({ ref }) => members.includes(ref.name)),
        offer: this.offered === undefined ? { state: 'unknown' } : offers(this.offered),
        now: this.now,
      }),
    )
    try {
      this.#act(planned)
    } catch (thrown) {
      if (thrown !== death) throw thrown
    }
    return planned
  }

  /** Reconciles once a second until nothing is in progress. */
  settle(limit = 2_000): void {
    for (let times = 0; times < limit; times += 1) {
      const before = JSON.stringify(this.object.status)
      const { changes } = this.reconcile()
      this.now += 1_000
      if (changes.length === 0 && !this.object.status.rollout && JSON.stringify(this.object.status) === before) return
    }
    throw new Error(`not settled: ${JSON.stringify(this.object.status)}`)
  }

  #health(image: string): Health {
    const bad = [...this.bad].some((name) => image.includes(`:${name}@`))
    return bad ? { state: 'stuck', reason: 'container web of pod web-x is in ImagePullBackOff' } : { state: 'healthy' }
  }

  #act({ status, events, changes, record }: Plan): void {
    if (JSON.stringify(status) !== JSON.stringify(this.object.status)) this.#write(() => this.#status(status))
    const images = changes.filter(({ change }) => change === 'images') as readonly ImageChange[]
    for (const change of images) this.#write(() => this.#patch(change.of.name, change.images))
    if (images.length === 0) this.#emit(events)
    if (!record) return
    const { id, outcome } = record.rollout
    this.#write(() => {
      if (!this.records.some((other) => other.startsWith(id))) this.records.push(`${id} ${outcome}`)
    })
    this.#write(() => this.#status(record.status))
    this.#emit(record.events)
  }

  #write(write: () => void): void {
    if (this.#dies()) throw death
    write()
    if (this.#dies()) throw death
  }

  #emit(events: readonly PlannedEvent[]): void {
    for (const event of events) if (!this.#refuses()) this.events.set(`${event.reason} ${event.id}`, event)
  }

  #status(status: ContainerVersion['status']): void {
    this.object = { ...this.object, status: structuredClone(status) as ContainerVersion['status'] }
  }

  #patch(name: string, images: readonly Container[]): void {
    const found = this.workloads.find((candidate) => candidate.name === name)
    const image = images[0]?.image
    if (!found || image === undefined || found.image === image) return
    found.image = image
    this.patches.push(`${name} ${image}`)
  }
}

const death = new Error('killed')
