/** For tests: one registry against a server that answers nonsense, some thousand times. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { monotonicClock } from '../../time/timing.ts'
import type { Access, Registry } from '../registry.ts'
import { allTags } from './contract.ts'
import { secret } from './fuzz-subjects.fixture.ts'
import { digests, type Malformed } from './malformed-answers.fixture.ts'
import type { Login, Opened } from './opened.fixture.ts'
import { type Peer, peer } from './peer.ts'

export interface Scope {
  teardown(end: () => unknown): unknown
}

export interface Fuzzed {
  readonly registry: Registry
  /** Each has a lane of its own: its request runs beside the others, and gets its own answers. */
  readonly hosts: readonly string[]
  readonly accessTo: Opened['accessTo']
  readonly logins: (lane: number) => readonly Login[]
  readonly answers: fc.Arbitrary<Malformed>
}

type Ask = (registry: Registry, at: Repository, access: Access, which: number) => Promise<unknown>

const digestAt = (which: number) => digests[which % digests.length] as (typeof digests)[number]

const questions: readonly Ask[] = [
  (registry, at, access, which) => registry.resolve(at, 'env-prod', access, digestAt(which)),
  (registry, at, access) => registry.resolve(at, 'env-prod', access),
  (registry, at, access) => allTags(registry, at, access),
  (registry, at, access, which) => registry.labels(at, digestAt(which), access),
  (registry, at, access, which) => registry.describe(at, digestAt(which), access),
  (registry, at, access, which) => registry.tag(at, digestAt(which), 'env-prod', access),
  (registry, at, access) => registry.untag(at, 'env-prod', access),
]

const tellsAliases: Ask = async (registry, at, access, which) => await registry.aliases?.(at, digestAt(which), access)
const tellsTimes: Ask = async (registry, at, access) => {
  for await (const _ of registry.pushTimes?.(at, access) ?? []);
}

/** Not every registry has all methods. */
const questionsTo = ({ aliases, pushTimes }: Registry): readonly Ask[] => [
  ...questions,
  ...(aliases ? [tellsAliases] : []),
  ...(pushTimes ? [tellsTimes] : []),
]

/** Each lane has its own answers. When they are used up, it answers with an ordinary challenge. */
export class NonsenseServer {
  readonly queues = new Map<number, Malformed[]>()
  answered = 0
  readonly #peer: Peer

  private constructor(made: Peer) {
    this.#peer = made
  }

  get origin(): string {
    return `http://${this.#peer.host}`
  }

  static async start(scope: Scope): Promise<NonsenseServer> {
    const server = new NonsenseServer(
      await peer(scope, (request, response) => {
        server.#answer(request, response).catch(() => response.destroy())
      }),
    )
    return server
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${request.url}${await text(request)}`
    const lane = Number(/"registryId":"\d{9}(\d{3})"|lane-(\d+)/.exec(asked)?.slice(1).join('') || 0)
    const own = `${this.origin}/lane-${lane}`
    const challenge = { 'www-authenticate': `Bearer realm="${own}/t"` }
    const next = this.queues.get(lane)?.shift() ?? { status: 401, headers: challenge, body: '{}', sent: 'whole' }
    // Only tests of a single request need the list.
    this.#peer.asked.length = 0
    this.answered++
    write(request, response, next, own)
  }
}

function write(request: IncomingMessage, response: ServerResponse, next: Malformed, own: string): void {
  const mend = (value: string) => value.replaceAll('OWN', own)
  const body = Buffer.from(mend(next.body))
  const headers = Object.fromEntries(
    Object.entries(next.headers).map(([key, value]) => [
      key,
      typeof value === 'string' ? mend(value) : value.map(mend),
    ]),
  )
  if (next.sent === 'reset') return void request.socket.resetAndDestroy()
  if (next.sent === 'raw') return void request.socket.end(`HTTP/1.1 ${next.body}\r\n\r\n`)
  if (next.sent === 'whole') return void response.writeHead(next.status, headers).end(body)
  response.writeHead(next.status, { ...headers, 'content-length': body.length + 10 }).flushHeaders()
  response.write(body)
  setImmediate(() => request.socket.destroy())
}

/**
 * Time that passes between requests, and wherever a limit makes a request wait, so that cached values expire again and
 * again.
 */
export class HurriedTime {
  #now = 1_000_000

  /** Replaces the clock of the whole process. */
  constructor() {
    Object.assign(monotonicClock, { now: () => this.#now })
  }

  readonly alarm = (delayMs: number, ring: () => void): (() => void) => {
    const soon = setImmediate(() => {
      this.#now += delayMs
      ring()
    })
    return () => clearImmediate(soon)
  }

  pass(ms: number): void {
    this.#now += ms
  }
}

export async function fuzz(
  server: NonsenseServer,
  time: HurriedTime,
  { registry, accessTo, hosts, logins, answers }: Fuzzed,
  runs: number,
  onRun?: (done: number) => void,
): Promise<void> {
  const question = fc.record({
    answers: fc.array(answers, { minLength: 1, maxLength: 6 }),
    ask: fc.constantFrom(...questionsTo(registry)),
    path: fc.stringMatching(/^[a-z]{1,3}\/[a-z]{1,3}$/),
    whose: fc.nat(logins(0).length - 1),
    which: fc.nat(digests.length - 1),
  })
  const lanes = fc.array(question, { minLength: hosts.length, maxLength: hosts.length })
  const pause = fc.constantFrom(0, 1_000, 70_000, 700_000, 8_000_000)
  let done = 0
  const { failed, seed, errorInstance } = await fc.check(
    fc.asyncProperty(lanes, pause, async (asked, pauseMs) => {
      time.pass(pauseMs)
      await Promise.all(
        asked.map(async ({ answers, ask, path, whose, which }, lane) => {
          server.queues.set(lane, [...answers])
          const repository = { host: hosts[lane] ?? '', path }
          await accessTo(repository, logins(lane)[whose])
            .then((access) => ask(registry, repository, access, which))
            .catch((error: unknown) => check(error, answers))
        }),
      )
      done += hosts.length
      onRun?.(Math.min(done, runs))
    }),
    // With many lanes, shrinking a failure takes minutes.
    { numRuns: Math.ceil(runs / hosts.length), endOnFailure: hosts.length > 1 },
  )
  // Without the requests of other lanes, which would fill pages.
  if (failed) throw new Error(`with seed ${seed}, ${errorInstance}`, { cause: errorInstance })
}

function check(error: unknown, answers: readonly Malformed[]): void {
  const isKnown = error instanceof TransientError || error instanceof NeedsChangeError
  if (isKnown && !error.message.includes(secret)) return
  const fault = isKnown ? 'shows a secret' : 'is of no class that says what is next'
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
  throw new Error(`what was thrown ${fault}: ${said}\nafter ${JSON.stringify(answers)}`, { cause: error })
}

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

/**
 * Memory in use after a garbage collection, in bytes. It runs twice: finalizers are collected only the second time.
 */
export async function memoryHeld(): Promise<number> {
  for (let times = 0; times < 2; times++) {
    collect()
    await nextTurn()
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}
