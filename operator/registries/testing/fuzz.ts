/**
 * R8: sends malformed answers to every kind of registry, in each way in which it asks. `make fuzz` runs it with 10,000
 * requests each, malformed.test.ts with fewer. It needs a process or thread of its own: the test runner records every
 * promise, so its memory grows by 5 KB a request, whatever it tests.
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

/** The result for one subject. */
export interface Figures {
  readonly kind: string
  readonly name: string
  readonly runs: number
  readonly answers: number
  readonly seconds: number
  /** Growth of memory, measured after a garbage collection. */
  readonly grownKiB: number
  /** What went wrong. The other figures then mean nothing. */
  readonly fault: string | undefined
}

const runs = Number(process.env.FUZZ_RUNS ?? 10_000)
/** Requests until everything that is created once exists. */
const warmRuns = 100
/** Different ones. Each request draws up to six of them. */
const maxAnswers = 5_000
/** R8 */
const maxGrownKiB = 50 * 1024

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
    // One registry for all requests: whatever it keeps of each answer adds up.
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
    const fault = answered < runs / 2 ? 'most requests were not sent' : undefined
    const grown = grownKiB > maxGrownKiB ? `memory has grown by ${grownKiB} KiB` : undefined
    return { ...common, answers: answered, seconds, grownKiB, fault: fault ?? grown }
  } catch (error) {
    return { ...common, answers: 0, seconds: 0, grownKiB: 0, fault: String(error) }
  } finally {
    for (const end of ends) await end()
  }
}

const pools = new Map<fc.Arbitrary<Malformed>, readonly Malformed[]>()

/** Generated beforehand and shared: generating an answer takes longer than a whole request. */
function drawn(arbitrary: fc.Arbitrary<Malformed>): fc.Arbitrary<Malformed> {
  const made = pools.get(arbitrary) ?? fc.sample(arbitrary, Math.min(runs, maxAnswers))
  pools.set(arbitrary, made)
  return fc.constantFrom(...made)
}

/** For people who wait at a terminal. */
function showProgress(name: string, done: number): void {
  if (parentPort === null && process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${done} of ${runs}`)
}

function report(figures: Figures): void {
  parentPort?.postMessage(figures)
  if (parentPort !== null) return
  const { name, answers, seconds, grownKiB, fault } = figures
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  if (fault !== undefined) process.exitCode = 1
  const said = fault ?? `${runs} requests, ${answers} answers, ${seconds.toFixed(1)} s, memory ${grownKiB} KiB more`
  process.stdout.write(`${fault === undefined ? 'good' : 'BAD '}  ${name}: ${said}\n`)
}

// Otherwise the AWS SDK would look for credentials on this machine.
Object.assign(process.env, motoEnvironment)
const time = new HurriedTime()
for (const kind of registryKinds) {
  for (const subject of subjects[kind.kind] ?? []) {
    report(await figuresOf(kind, subject, subject.as === undefined ? kind.kind : `${kind.kind} ${subject.as}`))
  }
}
