/** A cluster in memory that carries plans out write by write, so that a property test can play whole rollouts. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { PastRollout } from '../../api/rollout-status.ts'
import { NeedsChangeError } from '../../errors.ts'
import { fieldManager } from '../../kubernetes/client.ts'
import { timestamp } from '../../time/clock.ts'
import { isDelivery } from '../act/changes.ts'
import { changedContainers, driftOf, type FoundDrift } from '../observe/drift.ts'
import { strategies } from '../strategies/strategies.ts'
import type { SeenAutoscaler, Strategy } from '../strategies/strategy.ts'
import type { Change, Health, ImageChange, RewrittenImage, Workload } from '../workloads/workload.ts'
import { SimulatedChecks } from './checks.fixture.ts'
import type { PlannedEvent } from './events.ts'
import { limitOf } from './limit.ts'
import { epoch, object, observation, offers, workload } from './plan.fixture.ts'
import { type Plan, plan } from './plan.ts'
import { death, type Options, refusal, rewriting, type Simulated } from './simulated.fixture.ts'
import { SimulatedServices } from './simulated-services.fixture.ts'

/** As the work queue's. */
const maxBackoffMs = 300_000

export class Simulation {
  now = epoch
  object: ContainerVersion
  /** Undefined while the registry does not answer. */
  offered: string | undefined
  /** The names of the workloads that the selector finds; all if undefined. */
  selected: readonly string[] | undefined
  /** Versions whose pods never become healthy. */
  readonly bad: Set<string>
  readonly workloads: Simulated[]
  /** Those that were deleted. */
  readonly gone: Simulated[] = []
  readonly services = new SimulatedServices(() => this.now)
  readonly autoscalers = new Map<string, SeenAutoscaler>()
  /** A right is missing: Services cannot be read. */
  hidesServices = false
  /** How long pods take to become ready. */
  startMs = 0
  readonly patches: string[] = []
  /** Changes of cvmanager that change nothing. */
  readonly ineffective: string[] = []
  readonly records: string[] = []
  readonly events = new Map<string, PlannedEvent>()
  rewrite: (image: string) => string
  readonly checks: SimulatedChecks
  readonly #dies: () => boolean
  readonly #refusesEvent: () => boolean
  /** The memory of the process. */
  #rewritten: readonly RewrittenImage[] | undefined
  #refused: ReadonlyMap<string, string> | undefined
  #restoringSince: number | undefined
  #failures = 0
  /** The process has restarted, or has learned that an image was rewritten. */
  #again = false
  /** The last thing that ran in the pods of a workload whose change is blocked, by UID. */
  readonly #running = new Map<string, string>()

  /** @param dies called around each write: whether the process is killed there */
  constructor(running: readonly string[], options: Options) {
    this.offered = options.offered
    this.bad = new Set(options.bad ?? [])
    this.workloads = running.map((image, index) => ({ name: `web-${index}`, image }))
    this.object = object({}, options.spec)
    this.rewrite = options.rewrite ?? ((image) => image)
    this.checks = options.checks ?? new SimulatedChecks()
    this.#dies = options.dies ?? (() => false)
    this.#refusesEvent = options.refuses ?? (() => false)
  }

  get past(): readonly PastRollout[] {
    return this.object.status.rollouts ?? []
  }

  get images(): readonly string[] {
    return this.workloads.map(({ image }) => image)
  }

  /** Plans and acts once. A process that dies carries out a part of the plan. @returns the plan */
  reconcile(): Plan {
    const { object, offered, selected, now } = this
    const seen = this.workloads.map((each) => this.#seen(each))
    const members = object.status.rollout?.workloads.map(({ uid }) => uid) ?? []
    const workloads = object.deleting ? [] : seen.filter(({ ref }) => selected?.includes(ref.name) ?? true)
    const services = this.services.seen(seen)
    const settings = object.status.rollout?.settings?.strategy ?? object.spec.strategy ?? { kind: 'Simple' }
    const observed = { namespace: 'shop', workloads, services, autoscalers: this.autoscalers, now }
    const strategy: Strategy = strategies[settings.kind]
    const planned = plan(
      observation({
        object,
        workloads,
        serving: this.hidesServices ? undefined : strategy.serving?.(settings, observed),
        services: strategy.reads && !this.hidesServices ? services : undefined,
        autoscalers: this.autoscalers,
        members: seen.filter(({ ref }) => members.includes(ref.uid)),
        problem: this.#problem(workloads),
        offer: offered === undefined || object.deleting ? { state: 'unknown' } : offers(offered),
        check: this.checks.seen(object, now),
        drift: workloads.flatMap((each) => this.#drift(each) ?? []),
        rewritten: this.#rewritten,
        refused: this.#refused,
        restoringSince: this.#restoringSince,
        now,
      }),
    )
    this.#again = false
    try {
      this.#act(planned)
      this.#rewritten = undefined
      this.#failures = 0
      if (planned.status.rollout?.phase !== 'RollingBack') this.#restoringSince = undefined
      else if (planned.changes.length > 0) this.#restoringSince ??= now
    } catch (thrown) {
      if (thrown !== rewriting) this.#restoringSince = undefined
      if (thrown === death) this.#restart()
      else if (thrown === refusal) this.#failures += 1
      else if (thrown === rewriting) this.#again = true
      else throw thrown
    }
    return planned
  }

  #problem(workloads: readonly Workload[]): NeedsChangeError | undefined {
    if (workloads.length === 0) return new NeedsChangeError('WorkloadNotFound', 'no workload')
    return this.hidesServices ? new NeedsChangeError('RightMissing', 'services cannot be read') : undefined
  }

  #seen(each: Simulated): Workload {
    const { name, image, uid, order = 0, replicas = 1, podLabels = { app: name } } = each
    const health = this.#health(each)
    const isReady = health.state === 'healthy' && !this.isBad(image)
    const ready = new Set(isReady ? Array.from({ length: replicas }, (_, at) => `${uid ?? name} pod ${at}`) : [])
    const base = workload(name, [{ name: 'web', image }], health, undefined, uid)
    return { ...base, order, replicas, podLabels, ready }
  }

  readyPods(each: Simulated): number {
    return this.#seen(each).ready.size
  }

  /** How many ready endpoints a Service has. */
  endpointsOf(service: string): number {
    const seen = this.workloads.map((each) => this.#seen(each))
    return this.services.seen(seen).get(service)?.ready.size ?? 0
  }

  /** As an autoscaler or a person does. */
  scale(found: Simulated, replicas: number): void {
    found.replicas = replicas
    found.readyAt = this.now + this.startMs
  }

  /** As a person does. */
  setImage(found: Simulated, image: string): void {
    found.image = image
    found.set = { by: 'kubectl-set', time: this.now }
  }

  #drift(seen: Workload): FoundDrift | undefined {
    const { set } = this.workloads.find(({ name, uid = `uid-of-${name}` }) => uid === seen.ref.uid) ?? {}
    const image = { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } }
    const entry = set && {
      manager: set.by,
      time: timestamp(set.time),
      fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': image } } },
    }
    const metadata = { creationTimestamp: timestamp(epoch - 60_000), managedFields: entry ? [entry] : [] }
    return entry && driftOf(this.object, seen, changedContainers(this.object, seen), { metadata })
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

  /** Reconciles as the queue does for this time: after each change, when a plan says so, and after errors with back-off. */
  run(milliseconds: number): void {
    const end = this.now + milliseconds
    for (let turns = 0; turns < 5_000; turns += 1) {
      const before = this.#resources()
      const { requeueAt = Number.POSITIVE_INFINITY } = this.reconcile()
      const { rollout } = this.object.status
      const limit = rollout && limitOf(rollout) > this.now ? limitOf(rollout) : Number.POSITIVE_INFINITY
      const retryAt = this.now + Math.min(500 * 2 ** (this.#failures - 1), maxBackoffMs)
      const due = this.#failures > 0 ? Math.min(retryAt, limit) : Math.min(requeueAt, limit)
      if (this.#resources() !== before || this.#again) continue
      this.now = Math.max(this.now, Math.min(due, end))
      if (due > end) return
    }
    throw new Error(`it reconciles without end: ${JSON.stringify(this.object.status)}`)
  }

  #resources(): string {
    return JSON.stringify([this.object, this.workloads, [...this.services.all], this.checks.pods])
  }

  #restart(): void {
    this.#again = true
    this.#rewritten = undefined
    this.#refused = undefined
    this.#failures = 0
  }

  #health({ name, image, uid = name, blocked, replicas = 1, readyAt = 0 }: Simulated): Health {
    // A paused Deployment says so even if its pods run its image.
    const untried = blocked === 'Paused' || (blocked !== undefined && this.#running.get(uid) !== image)
    if (blocked && untried) return { state: 'waiting', reason: blocked, because: blocked }
    if (replicas > 0 && this.now < readyAt) return { state: 'waiting', reason: 'its pods start' }
    this.#running.set(uid, image)
    return this.isBad(image) && replicas > 0
      ? { state: 'stuck', reason: 'container web of pod web-x is in ImagePullBackOff' }
      : { state: 'healthy' }
  }

  isBad(image: string): boolean {
    return [...this.bad].some((name) => image.includes(`:${name}@`))
  }

  #act({ status, events, changes, record }: Plan): void {
    if (JSON.stringify(status) !== JSON.stringify(this.object.status)) this.#write(() => this.#status(status))
    for (const change of changes)
      if (change.change === 'create' || change.change === 'delete')
        this.#write(() => this.checks.apply(change, this.now))
    const images = changes.filter(({ change }) => change === 'images') as readonly ImageChange[]
    this.#patchAll(images)
    for (const change of changes) this.#switch(change)
    if (!changes.some(({ change }) => isDelivery(change))) this.#emit(events)
    if (!record) return
    const { id, outcome } = record.rollout
    this.#write(() => {
      if (!this.records.some((other) => other.startsWith(id))) this.records.push(`${id} ${outcome}`)
    })
    this.#write(() => this.#status(record.status))
    this.#emit(record.events)
  }

  /** @throws if the object has changed since it was observed */
  #switch(change: Change): void {
    if (change.change === 'scale') {
      const found = this.workloads.find(({ name, uid = `uid-of-${name}` }) => uid === change.of.uid)
      this.#refused = new Map(found?.refuses ? [[change.of.uid, 'a policy refuses it']] : [])
      if (found?.refuses) throw refusal
      if (found?.replicas === change.replicas) this.ineffective.push(`${found.name} to ${change.replicas}`)
      if (found) this.#write(() => this.scale(found, change.replicas))
    } else if (change.change === 'selector') {
      this.#write(() => {
        if (!this.services.change(change)) throw refusal
      })
    }
  }

  #write(write: () => void): void {
    if (this.#dies()) throw death
    write()
    if (this.#dies()) throw death
  }

  #emit(events: readonly PlannedEvent[]): void {
    for (const event of events) if (!this.#refusesEvent()) this.events.set(`${event.reason} ${event.id}`, event)
  }

  #status(status: ContainerVersion['status']): void {
    this.object = { ...this.object, status: structuredClone(status) as ContainerVersion['status'] }
  }

  /** As `act` does: sends all patches, and then tells of the images that were rewritten, or else of a refusal. */
  #patchAll(changes: readonly ImageChange[]): void {
    const rewritten: RewrittenImage[] = []
    const refused = new Map<string, string>()
    for (const { of, images } of changes) {
      const found = this.workloads.find(({ name, uid = `uid-of-${name}` }) => uid === of.uid)
      const sent = images[0]?.image
      if (!found || sent === undefined) continue
      if (found.refuses) refused.set(of.uid, 'a policy refuses it')
      else this.#write(() => rewritten.push(...this.#patch(found, of, sent)))
    }
    this.#refused = refused
    if (rewritten.length > 0) this.#rewritten = rewritten
    if (rewritten.length > 0) throw rewriting
    if (refused.size > 0) throw refusal
  }

  #patch(found: Simulated, of: ImageChange['of'], sent: string): readonly RewrittenImage[] {
    const stored = this.rewrite(sent)
    if (found.image === stored) this.ineffective.push(`${found.name} ${sent}`)
    this.patches.push(`${found.name} ${sent}`)
    found.image = stored
    found.readyAt = this.now + this.startMs
    found.set = { by: fieldManager, time: this.now }
    return stored === sent ? [] : [{ of, name: 'web', sent, stored }]
  }
}
