/**
 * R8: malformed answers to every kind of registry, in each way in which it asks. `make fuzz` runs it, with 10,000 questions
 * for each, and malformed.test.ts with fewer. A process or thread of its own, since a test runner keeps a record of every
 * promise: there, memory grows by 5 KB a question, whatever is tested.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import fc from 'fast-check'
import { motoEnvironment } from '../../../e2e/harness/moto.ts'
import { monotonicClock } from '../../time/timing.ts'
import { registryKinds } from '../registries.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { accountOf, mirror, pullSecrets, type Subject, subjects } from './fuzz-subjects.fixture.ts'
import { fuzz, HurriedTime, memoryHeld, NonsenseServer } from './fuzzing.fixture.ts'
import { anyAnswer, type Malformed } from './malformed-answers.fixture.ts'
import { opened } from './opened.fixture.ts'
import { transportTo } from './peer.ts'

/** How it went with one subject. */
export interface Figures {
  readonly kind: string
  readonly name: string
  readonly runs: number
  readonly answers: number
  readonly seconds: number
  /** After a garbage collection, more than before. */
  readonly grownKiB: number
  /** What was wrong; the other figures are of no meaning then. */
  readonly fault: string | undefined
}

const runs = Number(process.env.FUZZ_RUNS ?? 10_000)
/** Questions until everything that is made once has been made. */
const warmRuns = 100
/** Different ones; each question draws up to six of them. */
const mostAnswers = 5_000
/** R8 */
const mostGrownKiB = 50 * 1024

async function figuresOf(kind: RegistryKind, subject: Subject, name: string): Promise<Figures> {
  const ends: (() => unknown)[] = []
  const scope = { teardown: (end: () => unknown) => ends.unshift(end) }
  const directory = await mkdtemp(join(tmpdir(), 'cvmanager-fuzz-'))
  scope.teardown(() => rm(directory, { recursive: true }))
  const common = { kind: kind.kind, name, runs }
  try {
    const server = await NonsenseServer.start(scope)
    const names = [...subject.hosts, mirror]
    const transport = transportTo(scope, names, {
      origins: Object.fromEntries(names.map((host) => [host, server.origin])),
      limits: { requestsPerSecond: 1e6, burst: 1e6, concurrency: 64 },
      deadlineMs: 1_000,
      alarm: time.alarm,
    })
    const deps = subject.deps?.({ server: server.origin, directory })
    const { registries, accessTo } = opened({ transport, clock: monotonicClock, endpoints: {}, env: {}, ...deps })
    // One for all questions: what it remembers of each answer would add up.
    const registry = registries.for({ host: subject.hosts[0] ?? '', path: 'shop/web' })
    if (registry.kind !== kind.kind) throw new Error(`${subject.hosts[0]} is asked as ${registry.kind}`)
    const logins = (lane: number) => (kind.makeCloud ? [...pullSecrets, accountOf(lane)] : pullSecrets)
    const answers = drawn(subject.answers ?? anyAnswer)
    const fuzzed = { registry, accessTo, hosts: subject.hosts, logins, answers }

    await fuzz(server, time, fuzzed, warmRuns)
    const [before, since] = [await memoryHeld(), performance.now()]
    server.answered = 0
    await fuzz(server, time, fuzzed, runs, (done) => showProgress(name, done))
    const seconds = (performance.now() - since) / 1000
    const { answered } = server
    const grownKiB = Math.round(((await memoryHeld()) - before) / 1024)
    const fault = answered < runs / 2 ? 'most questions were not asked' : undefined
    const grown = grownKiB > mostGrownKiB ? `memory has grown by ${grownKiB} KiB` : undefined
    return { ...common, answers: answered, seconds, grownKiB, fault: fault ?? grown }
  } catch (error) {
    return { ...common, answers: 0, seconds: 0, grownKiB: 0, fault: String(error) }
  } finally {
    for (const end of ends) await end()
  }
}

const pools = new Map<fc.Arbitrary<Malformed>, readonly Malformed[]>()

/** Made beforehand, for all who want such: to make one answer takes longer than a whole question. */
function drawn(arbitrary: fc.Arbitrary<Malformed>): fc.Arbitrary<Malformed> {
  const made = pools.get(arbitrary) ?? fc.sample(arbitrary, Math.min(runs, mostAnswers))
  pools.set(arbitrary, made)
  return fc.constantFrom(...made)
}

/** Where somebody waits for it. */
function showProgress(name: string, done: number): void {
  if (parentPort === null && process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${done} of ${runs}`)
}

function tell(figures: Figures): void {
  parentPort?.postMessage(figures)
  if (parentPort !== null) return
  const { name, answers, seconds, grownKiB, fault } = figures
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  if (fault !== undefined) process.exitCode = 1
  const said = fault ?? `${runs} questions, ${answers} answers, ${seconds.toFixed(1)} s, memory ${grownKiB} KiB more`
  process.stdout.write(`${fault === undefined ? 'good' : 'BAD '}  ${name}: ${said}\n`)
}

// The AWS SDK would else look for credentials on this machine.
Object.assign(process.env, motoEnvironment)
const time = new HurriedTime()
for (const kind of registryKinds) {
  for (const subject of subjects[kind.kind] ?? []) {
    tell(await figuresOf(kind, subject, subject.as === undefined ? kind.kind : `${kind.kind} ${subject.as}`))
  }
}
