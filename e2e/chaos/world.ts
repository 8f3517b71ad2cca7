import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../operator/errors.ts'
import type { KubernetesObject } from '../harness/cluster.ts'
import type { Ground } from '../scenario/bed.ts'
import type { Build } from '../scenario/builds.ts'
import { containerVersion } from '../scenario/manifests.ts'
import { WriteProxy } from '../scenario/write-proxy.ts'
import { Faults, type Hands } from './faults.ts'
import { noProcess } from './model/evidence.ts'
import { type BuildName, builds, type Move, type Plan, type PlannedSpec } from './plan.ts'
import { type Level, type Program, startProgram } from './program.ts'

/** What has kept cvmanager from its work, from when to when, in milliseconds since the epoch. */
export interface Disturbance {
  readonly what: string
  readonly from: number
  readonly until: number
}

const tag = 'env-prod'
const objectName = 'web-cv'

/** Several times what a start takes on a busy machine. */
const maxStartMs = 60_000
const lookEveryMs = 200

const inWords = ({ move, ...more }: Move): string => `${move} ${JSON.stringify(more)}`

interface WorldOptions {
  readonly ground: Ground
  readonly namespace: string
  readonly plan: Plan
  readonly level: Level
  readonly makeMove: MakeMove
}

export type MakeMove = (world: ChaosWorld, move: Move) => Promise<void>

/** One namespace, one repository, and the processes that work on them, behind one proxy. */
export class ChaosWorld implements Hands {
  readonly ground: Ground
  readonly namespace: string
  readonly plan: Plan
  readonly proxy: WriteProxy
  readonly faults: Faults
  readonly disturbances: Disturbance[] = []
  /** What has happened, in order, for people. */
  readonly diary: string[] = []
  /** What has gone wrong in the chaos itself. */
  readonly troubles: string[] = []
  /** Where the tag has pointed since when. */
  readonly tagMoves: { readonly build: BuildName; readonly at: number }[] = []
  killCount = 0
  /** When the first process was started. */
  workedSince = 0
  readonly #level: Level
  readonly #makeMove: MakeMove
  readonly #moving = new Set<Promise<void>>()
  readonly #running = new Map<number, Program>()
  readonly #ending = new Set<Promise<void>>()
  readonly #began = Date.now()
  #started = 0
  #timer: NodeJS.Timeout | undefined

  private constructor({ ground, namespace, plan, level, makeMove }: WorldOptions, proxy: WriteProxy) {
    this.ground = ground
    this.namespace = namespace
    this.plan = plan
    this.proxy = proxy
    this.#level = level
    this.#makeMove = makeMove
    this.faults = new Faults(plan, proxy, this)
    proxy.onSlow = (from) => this.disturbances.push({ what: 'a slow answer', from, until: Date.now() })
  }

  /** The workloads run v1 and are ready, and nothing watches over them yet. */
  static async open(options: WorldOptions): Promise<ChaosWorld> {
    const { ground, namespace, plan } = options
    await ground.cluster.namespace(namespace)
    const proxy = await WriteProxy.before(ground.kubeconfig)
    proxy.keepsLists = true
    const world = new ChaosWorld(options, proxy)
    if (plan.replicas === 2) await world.#mayLead()
    await world.tags('v1')
    await world.tags(plan.tag)
    await ground.cluster.apply(...world.manifests(), world.containerVersion(plan.spec))
    return world
  }

  get repository(): string {
    return this.ground.registry.repository(`${this.namespace}/web`)
  }

  imageOf({ name, digest }: Build): string {
    return `${this.repository}:${name}@${digest}`
  }

  /** What the user applies, as it is at first. */
  manifests(): readonly KubernetesObject[] {
    return this.plan.shape.objects(this.namespace, this.imageOf(builds.v1))
  }

  containerVersion(spec: PlannedSpec): KubernetesObject {
    const common = { imageRepo: this.repository, tag, pollIntervalSeconds: 5, selector: { cvapp: 'web' } }
    const { strategy, ...more } = { ...this.plan.shape.spec }
    const merged = { ...common, ...more, ...spec, strategy: { ...spec.strategy, ...strategy } }
    return containerVersion(objectName, this.namespace, merged)
  }

  /** As CI does. */
  async tags(name: BuildName): Promise<void> {
    const { name: version, content } = builds[name]
    await this.ground.registry.push(`${this.namespace}/web`, [version, tag], content)
    this.tagMoves.push({ build: name, at: Date.now() })
  }

  notes(what: string): void {
    this.diary.push(`${String(Date.now() - this.#began).padStart(6)} ms  ${what}`)
  }

  /** Something keeps cvmanager from its work until the returned call. */
  disturbs(what: string): () => void {
    const from = Date.now()
    const index = this.disturbances.push({ what, from, until: Number.POSITIVE_INFINITY }) - 1
    return () => {
      this.disturbances[index] = { what, from, until: Date.now() }
    }
  }

  moves(move: Move): Promise<void> {
    this.notes(inWords(move))
    const moving = this.#makeMove(this, move).catch((thrown: unknown) => {
      this.troubles.push(`${inWords(move)}: ${messageOf(thrown)}`)
    })
    this.#moving.add(moving)
    return moving.finally(() => this.#moving.delete(moving))
  }

  /** Waits until all moves are made, and all processes that were killed are at work again. */
  async isStill(): Promise<void> {
    while (this.#moving.size + this.#ending.size > 0) await Promise.all([...this.#moving, ...this.#ending])
  }

  get programs(): readonly Program[] {
    return [...this.#running.values()]
  }

  async starts(): Promise<void> {
    if (this.workedSince === 0) this.#watchesOver()
    await Promise.all(Array.from({ length: this.plan.replicas }, (_, slot) => this.#start(slot)))
    await this.isAtWork()
  }

  /** Between two leaders there is none. */
  #watchesOver(): void {
    this.workedSince = Date.now()
    let isBack: (() => void) | undefined
    this.#timer = setInterval(async () => {
      const states = await Promise.all(this.programs.map((program) => program.isAtWork()))
      if (states.some(Boolean)) {
        isBack?.()
        isBack = undefined
      } else isBack ??= this.disturbs('nobody leads')
    }, lookEveryMs)
  }

  /** Waits until one of the processes is at work. */
  async isAtWork(): Promise<void> {
    const deadline = Date.now() + maxStartMs
    for (;;) {
      const states = await Promise.all(this.programs.map((program) => program.isAtWork()))
      if (states.some(Boolean)) return
      if (Date.now() > deadline) throw new Error('no process came to be at work')
      await sleep(50)
    }
  }

  /** Kills this process at once, and starts another one in its place after this time. */
  kills(user: string, downMs: number): void {
    const [slot] = [...this.#running].find(([, program]) => program.user === user) ?? []
    if (slot === undefined) return
    const ending = this.#replace(slot, downMs, 'kill').catch((thrown: unknown) => {
      this.troubles.push(messageOf(thrown))
    })
    this.#ending.add(ending)
    void ending.finally(() => this.#ending.delete(ending))
  }

  /** Ends the process that is at work, and starts another one in its place after this time. */
  async ends(how: 'kill' | 'terminate', downMs: number): Promise<void> {
    await this.#replace(await this.#worker(), downMs, how)
  }

  async stops(): Promise<void> {
    clearInterval(this.#timer)
    await this.isStill()
    await Promise.all(this.programs.map((program) => program.kill()))
    await this.proxy.stop()
  }

  /** Starts every process anew, so that nothing is remembered. */
  async restarts(): Promise<void> {
    await this.isStill()
    await Promise.all(this.programs.map((program) => program.kill()))
    this.#running.clear()
    await this.starts()
  }

  /** The logs of all its processes, without the lines for debugging. */
  async log(): Promise<readonly string[]> {
    const users = Array.from({ length: this.#started }, (_, index) => `${this.namespace}-${index + 1}`)
    const logs = users.map((user) =>
      readFile(join(this.ground.cluster.directory, `${user}.log`), 'utf8').catch(() => ''),
    )
    const lines = (await Promise.all(logs)).flatMap((log) => log.split('\n'))
    return lines.filter((line) => line !== '' && !line.startsWith('{"level":"debug"'))
  }

  async #start(slot: number): Promise<void> {
    this.#started += 1
    const user = `${this.namespace}-${this.#started}`
    const { directory } = this.ground.cluster
    const kubeconfig = await this.proxy.writeKubeconfig(join(directory, `${user}.kubeconfig`), user)
    const options = {
      user,
      kubeconfig,
      directory,
      namespace: this.namespace,
      registry: this.ground.registry.host,
      isOneOfTwo: this.plan.replicas === 2,
    }
    this.#running.set(slot, await startProgram(this.#level, options, (other) => this.proxy.cutOff(other)))
  }

  async #replace(slot: number, downMs: number, how: 'kill' | 'terminate'): Promise<void> {
    const program = this.#running.get(slot)
    if (program === undefined) return
    this.notes(`${how}: ${program.user}`)
    if (how === 'kill') this.killCount += 1
    this.#running.delete(slot)
    const isBack = this.disturbs(noProcess)
    await program[how]()
    await sleep(downMs)
    await this.#start(slot)
    await this.isAtWork()
    isBack()
    this.notes('at work again')
  }

  /** The process that is at work, or any. */
  async #worker(): Promise<number> {
    const slots = [...this.#running]
    const states = await Promise.all(slots.map(([, program]) => program.isAtWork()))
    const [slot = 0] = slots.find((_, at) => states[at]) ?? slots[0] ?? []
    return slot
  }

  /** deploy/rbac.yaml grants the Lease of one namespace only. */
  async #mayLead(): Promise<void> {
    const { client } = this.ground
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.namespace}`
    const metadata = { name: 'leader' }
    const rules = [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] }]
    await client.create(`${path}/roles`, { metadata, rules })
    const subjects = [{ kind: 'ServiceAccount', name: 'cvmanager', namespace: 'cvmanager' }]
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'leader' }
    await client.create(`${path}/rolebindings`, { metadata, roleRef, subjects })
  }
}
