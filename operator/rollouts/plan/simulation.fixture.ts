/** A world in memory that does what plans say, write by write, so that whole rollouts can be played in a property test. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { PastRollout } from '../../api/status.ts'
import type { Happening, Plan } from '../observe/observation.ts'
import type { Container, Health } from '../workloads/workload.ts'
import { epoch, object, observation, offers, rules, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'

export interface Simulated {
  readonly name: string
  image: string
  /** Written by a plan. */
  ours: boolean
}

export class Simulation {
  now = epoch
  object: ContainerVersion
  /** Undefined while the registry cannot be asked. */
  offered: string | undefined
  /** The workloads that the spec's selector finds; undefined: all. */
  selected: readonly string[] | undefined
  /** Versions whose pods never become healthy. */
  readonly bad: ReadonlySet<string>
  readonly workloads: Simulated[]
  readonly patches: string[] = []
  readonly records: string[] = []
  readonly told = new Map<string, Happening>()
  readonly #writesUntilDeath: () => boolean

  /** @param dies asked before each write: whether the process is killed there */
  constructor(
    running: readonly string[],
    options: { offered: string; bad?: readonly string[]; spec?: Partial<ContainerVersionSpec>; dies?: () => boolean },
  ) {
    this.offered = options.offered
    this.bad = new Set(options.bad ?? [])
    this.workloads = running.map((image, index) => ({ name: `web-${index}`, image, ours: false }))
    this.object = object({}, options.spec)
    this.#writesUntilDeath = options.dies ?? (() => false)
  }

  get past(): readonly PastRollout[] {
    return this.object.status.rollouts ?? []
  }

  /** One look: plan and act; a process that dies has done a part of it. @returns the plan */
  look(): Plan {
    const seen = this.workloads.map(({ name, image, ours }) =>
      workload(name, [{ name: 'web', image }], this.#health(image), undefined, ours),
    )
    const members = this.object.status.rollout?.workloads.map(({ name }) => name)
    const decision = plan(
      rules,
      observation({
        object: this.object,
        workloads: seen.filter(({ name }) => this.selected?.some((selected) => name.endsWith(`/${selected}`)) ?? true),
        members: seen.filter(({ name }) => members?.some((member) => name.endsWith(`/${member}`)) ?? false),
        offer: this.offered === undefined ? { state: 'unknown' } : offers(this.offered),
        now: this.now,
      }),
    )
    try {
      this.#act(decision)
    } catch (thrown) {
      if (thrown !== death) throw thrown
    }
    return decision
  }

  /** Looks until nothing is under way, a second at a time. */
  settle(limit = 2_000): void {
    for (let looks = 0; looks < limit; looks += 1) {
      const before = JSON.stringify(this.object.status)
      const { action } = this.look()
      this.now += 1_000
      if (action.action === 'none' && !this.object.status.rollout && JSON.stringify(this.object.status) === before)
        return
    }
    throw new Error(`not settled: ${JSON.stringify(this.object.status)}`)
  }

  #health(image: string): Health {
    const bad = [...this.bad].some((name) => image.includes(`:${name}@`))
    return bad ? { state: 'stuck', reason: 'container web of pod web-x is in ImagePullBackOff' } : { state: 'healthy' }
  }

  #act({ status, happenings, action }: Plan): void {
    const changes = action.action === 'change' ? action.changes : []
    const patch = () => {
      for (const change of changes) this.#write(() => this.#patch(change.name, change.images))
    }
    if (JSON.stringify(status) !== JSON.stringify(this.object.status)) this.#write(() => this.#status(status))
    for (const happening of happenings) this.#tell(happening)
    patch()
    if (action.action !== 'record') return
    const { id, outcome } = action.rollout
    this.#write(() => {
      if (!this.records.some((record) => record.startsWith(id))) this.records.push(`${id} ${outcome}`)
    })
    for (const happening of action.happenings) this.#tell(happening)
    this.#write(() => this.#status(action.after))
  }

  #write(write: () => void): void {
    if (this.#writesUntilDeath()) throw death
    write()
    if (this.#writesUntilDeath()) throw death
  }

  #tell(happening: Happening): void {
    this.told.set(`${happening.reason} ${happening.id}`, happening)
  }

  #status(status: ContainerVersion['status']): void {
    this.object = { ...this.object, status: structuredClone(status) as ContainerVersion['status'] }
  }

  #patch(name: string, images: readonly Container[]): void {
    const found = this.workloads.find((candidate) => candidate.name === name)
    const image = images[0]?.image
    if (!found || image === undefined || found.image === image) return
    found.image = image
    found.ours = true
    this.patches.push(`${name} ${image}`)
  }
}

const death = new Error('killed')
