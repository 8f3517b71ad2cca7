/** What a seed means: a shape, faults of the API server, and moves of the world. Only when things happen is up to the machine. */
import { build } from '../scenario/builds.ts'
import type { Fault } from '../scenario/fault.ts'
import { Random } from './random.ts'
import { type Shape, shapes } from './shapes.ts'

/** All that CI has built. */
export const builds = {
  v1: build('1111111'),
  v2: build('2222222'),
  v3: build('3333333'),
  v4: build('4444444'),
  /** Cannot be pulled. */
  broken: build('bad1bad'),
  /** Its process exits with status 1 each time. */
  crashing: build('bad2bad'),
  /** Never becomes ready. */
  hanging: build('bad3bad'),
  /** Its process exits with status 3 each time. */
  unfit: build('bad4bad'),
} as const

export type BuildName = keyof typeof builds

const good: readonly BuildName[] = ['v1', 'v2', 'v3', 'v4']
const bad: readonly BuildName[] = ['broken', 'crashing', 'hanging', 'unfit']
export const isGood = (name: BuildName): boolean => good.includes(name)

export type Move =
  | { readonly move: 'tag'; readonly build: BuildName }
  | { readonly move: 'edit'; readonly spec: object }
  /** The selector finds nothing for a while. */
  | { readonly move: 'look away'; readonly ms: number }
  | { readonly move: 'set image'; readonly of: number; readonly build: BuildName }
  | { readonly move: 'scale'; readonly of: number; readonly replicas: number }
  /** A Deployment is paused for a while. */
  | { readonly move: 'pause'; readonly of: number; readonly ms: number }
  /** A workload is deleted and made anew, with v1. */
  | { readonly move: 'remake workload'; readonly of: number }
  | { readonly move: 'remake ContainerVersion' }
  /** The Service of the users is pointed at the other side. */
  | { readonly move: 'switch' }
  /** The pod of a check is deleted before its end. */
  | { readonly move: 'delete check pod' }
  | { readonly move: 'kill'; readonly downMs: number }
  /** The leader receives SIGTERM, and another process is started. */
  | { readonly move: 'hand over' }
  /** The API server does not answer for a while. */
  | { readonly move: 'away'; readonly ms: number }
  | { readonly move: 'late watches'; readonly byMs: number; readonly ms: number }
  /** All watches end, and go on with 410 and a list of some time ago. */
  | { readonly move: 'watches are gone'; readonly olderList: boolean }

/** The number of a request, from 1. A patch is a write to something else than cvmanager's own objects: of an image, for example. */
export interface RequestNumber {
  readonly kind: 'write' | 'patch' | 'read'
  readonly number: number
}

export interface PlannedMove {
  /** So long after the start, or right before a request. */
  readonly at: { readonly ms: number } | RequestNumber
  readonly move: Move
}

export type FaultAsPlanned =
  | Exclude<Fault, { readonly fault: 'kill' | 'meanwhile' }>
  | {
      readonly fault: 'kill'
      readonly when: 'before' | 'after' | 'during'
      readonly lateMs?: number
      /** Until the process is started again. */
      readonly downMs: number
    }

export interface PlannedFault {
  readonly at: RequestNumber
  readonly fault: FaultAsPlanned
}

/** Of the ContainerVersion. */
export interface PlannedSpec {
  readonly timeoutSeconds?: number
  readonly strategy?: object
}

export interface Plan {
  readonly seed: number
  readonly shape: Shape
  /** How many processes there are, with leader election. */
  readonly replicas: 1 | 2
  /** Where the tag points at first; the workloads run v1. */
  readonly tag: BuildName
  readonly spec: PlannedSpec
  readonly faults: readonly PlannedFault[]
  readonly moves: readonly PlannedMove[]
}

/** The faults and moves come within this time. */
export const actMs = 11_000

export function planOf(seed: number): Plan {
  const random = new Random(seed)
  const shape = random.pick(shapes)
  const replicas = random.chance(0.2) ? 2 : 1
  const timeoutSeconds = random.pick([8, 11, 14])
  const moves = Array.from({ length: random.integer(1, 5) }, () => plannedMove(random, shape, replicas))
  const faults = Array.from({ length: random.integer(2, 6) }, () => plannedFault(random, replicas))
  // The first move of the tag makes sure that something happens, and the last one decides about the end.
  const first: PlannedMove = {
    at: { ms: random.integer(0, 3_000) },
    move: { move: 'tag', build: anyBuild(random, 0.4) },
  }
  const last: PlannedMove = { at: { ms: actMs }, move: { move: 'tag', build: anyBuild(random, 0.3) } }
  return {
    seed,
    shape,
    replicas,
    tag: random.chance(0.5) ? 'v1' : 'v2',
    spec: { timeoutSeconds, strategy: { kind: 'Simple', onNewVersion: random.pick(['Replace', 'Wait']) } },
    faults,
    moves: [first, ...moves, ...(random.chance(0.6) ? [last] : [])],
  }
}

const anyBuild = (random: Random, badness: number): BuildName => random.pick(random.chance(badness) ? bad : good)

function plannedMove(random: Random, shape: Shape, replicas: 1 | 2): PlannedMove {
  const at = random.chance(0.5) ? anyWrite(random) : { ms: random.integer(500, actMs) }
  return { at, move: anyMove(random, shape, replicas) }
}

function anyMove(random: Random, { objects, spec, serviceName }: Shape, replicas: 1 | 2): Move {
  const of = random.integer(0, objects('', '').length - 1)
  const hasChecks = spec?.container?.verify !== undefined || spec?.strategy?.verify !== undefined
  const moves: readonly (readonly [number, () => Move])[] = [
    [6, () => ({ move: 'tag', build: anyBuild(random, 0.4) })],
    [2, () => ({ move: 'edit', spec: anyEdit(random) })],
    [1, () => ({ move: 'look away', ms: random.integer(500, 4_000) })],
    [2, () => ({ move: 'set image', of, build: random.pick(good) })],
    [serviceName === undefined ? 0 : 3, () => ({ move: 'switch' })],
    [hasChecks ? 4 : 0, () => ({ move: 'delete check pod' })],
    [serviceName === undefined ? 1 : 4, () => ({ move: 'scale', of, replicas: random.integer(1, 3) })],
    [1, () => ({ move: 'pause', of, ms: random.integer(500, 5_000) })],
    [2, () => ({ move: 'remake workload', of })],
    [1, () => ({ move: 'remake ContainerVersion' })],
    [2, () => ({ move: 'kill', downMs: random.integer(0, 2_000) })],
    [replicas === 2 ? 6 : 1, () => ({ move: 'hand over' })],
    [1, () => ({ move: 'away', ms: random.integer(500, 4_000) })],
    [2, () => ({ move: 'late watches', byMs: random.integer(200, 4_000), ms: random.integer(1_000, 6_000) })],
    [2, () => ({ move: 'watches are gone', olderList: random.chance(0.6) })],
  ]
  return random.weighted(moves)()
}

function anyEdit(random: Random): object {
  return random.pick([
    { timeoutSeconds: random.integer(7, 14) },
    { strategy: { onNewVersion: random.pick(['Replace', 'Wait']) } },
    { rollback: { enabled: random.chance(0.5) } },
  ])
}

function plannedFault(random: Random, replicas: 1 | 2): PlannedFault {
  if (random.chance(0.25)) return { at: { kind: 'read', number: random.integer(1, 60) }, fault: anyReadFault(random) }
  return { at: anyWrite(random), fault: anyWriteFault(random, replicas) }
}

function anyWrite(random: Random): RequestNumber {
  return random.chance(0.5)
    ? { kind: 'patch', number: random.integer(1, 4) }
    : { kind: 'write', number: random.integer(1, 30) }
}

function anyWriteFault(random: Random, replicas: 1 | 2): FaultAsPlanned {
  const downMs = random.integer(0, 1_500)
  const faults: readonly (readonly [number, () => FaultAsPlanned])[] = [
    [replicas === 2 ? 2 : 4, () => ({ fault: 'kill', when: 'before', downMs })],
    [replicas === 2 ? 2 : 5, () => ({ fault: 'kill', when: 'after', downMs })],
    [2, () => ({ fault: 'kill', when: 'during', downMs, lateMs: random.integer(50, 1_500) })],
    [3, () => anyRefusal(random, [409, 429, 500, 503])],
    [2, () => ({ fault: 'delay', ms: random.integer(100, 3_000) })],
    [3, () => ({ fault: 'double' })],
    [3, () => ({ fault: 'drop' })],
    [1, () => ({ fault: 'hang', ms: random.integer(500, 4_000) })],
  ]
  return random.weighted(faults)()
}

function anyReadFault(random: Random): FaultAsPlanned {
  const faults: readonly (readonly [number, () => FaultAsPlanned])[] = [
    [2, () => anyRefusal(random, [429, 500, 503])],
    [1, () => ({ fault: 'delay', ms: random.integer(100, 3_000) })],
    [3, () => ({ fault: 'older list' })],
    [1, () => ({ fault: 'hang', ms: random.integer(500, 4_000) })],
  ]
  return random.weighted(faults)()
}

function anyRefusal(random: Random, statuses: readonly number[]): FaultAsPlanned {
  const status = random.pick(statuses)
  return { fault: 'refuse', status, ...(status === 429 ? { retryAfterSeconds: random.integer(1, 2) } : {}) }
}

/** The plan for people, a line for each thing. */
export function inWords({ seed, shape, replicas, tag, spec, faults, moves }: Plan): string {
  const words = ({ move, ...more }: Move): string => [move, ...details(more)].join(', ')
  const when = (at: PlannedMove['at']) => ('ms' in at ? `after ${at.ms} ms` : `before ${at.kind} ${at.number}`)
  return [
    `seed ${seed}: ${shape.name}, ${replicas} process(es), the tag points at ${tag}, ${JSON.stringify(spec)}`,
    ...faults.map(
      ({ at, fault: { fault, ...more } }) => `  ${at.kind} ${at.number}: ${[fault, ...details(more)].join(', ')}`,
    ),
    ...moves.map(({ at, move }) => `  ${when(at)}: ${words(move)}`),
  ].join('\n')
}

const details = (more: object): readonly string[] =>
  Object.entries(more).map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
