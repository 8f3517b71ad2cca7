/** `cvmanager cv wait`: what becomes of a version. */
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { messageOf } from '../../errors.ts'
import { isForbidden } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { watchObject } from '../../kubernetes/watch-object.ts'
import { backoffMs, pause } from '../../time/backoff.ts'
import { monotonicClock } from '../../time/timing.ts'
import {
  askToReconcile,
  asPerson,
  containerVersions,
  mayPass,
  type ObjectName,
  ObjectNotFoundError,
  readObject,
} from '../object.ts'
import { Judge } from './judge.ts'
import type { WaitResult } from './result.ts'

export interface WaitRequest extends ObjectName {
  /** The name of a version, a digest, or its beginning; undefined: what the tag says when it is polled. */
  readonly version: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Receives one line for each change. */
  readonly onProgress: (line: string) => void
}

/** cvmanager answers within a second or two, unless the registry keeps it waiting. */
const unansweredMs = 10_000
const tickMs = 500
/** Longer timers fire at once: some 24 days. */
const maxTimerMs = 2 ** 31 - 1
const retries = { firstMs: 250, maxMs: 4_000 }

/** @throws ApiError, TransientError if the API server cannot be reached at first, or does not let the account read */
export async function wait(client: ApiClient, request: WaitRequest): Promise<WaitResult> {
  const { version, timeoutMs, signal, onProgress } = request
  const timeout = AbortSignal.timeout(Math.min(Math.ceil(timeoutMs), maxTimerMs))
  const ending = new AbortController()
  const stop = AbortSignal.any([signal, timeout, ending.signal])
  const found = await readObject(client, request).catch((thrown: unknown) => {
    if (thrown instanceof ObjectNotFoundError) return notFound(thrown.message)
    throw thrown
  })
  if ('result' in found) return found
  const judge = new Judge(found, version)
  const progress = new Progress(onProgress)
  let latest = found

  const judged = (object: ContainerVersion): WaitResult | undefined => {
    latest = object
    const result = judge.judge(object, monotonicClock.now())
    if (!result) progress.tell(object)
    if (version !== undefined && judge.isAnswered && !judge.target) progress.tellNotYet(version, object)
    return result
  }
  const already = judged(found)
  if (already) return already

  const ended = Promise.withResolvers<WaitResult>()
  const see = (object: ContainerVersion) => {
    const result = object.uid === found.uid ? judged(object) : notFound('it was deleted, and made anew')
    if (result) ended.resolve(result)
  }
  const ask = async () => {
    const object = await asking(client, request, stop, progress.say)
    if (object) judge.asked(object.reconcileRequest ?? '')
    else judge.cannotAsk()
    see(object ?? found)
    const ticking = setInterval(() => {
      if (judge.isAnswered) see(latest)
      else progress.tellUnanswered()
    }, tickMs)
    stop.addEventListener('abort', () => clearInterval(ticking))
    const end = await watchObject({
      client,
      resource: containerVersions,
      namespace: request.namespace,
      name: request.name,
      resourceVersion: (object ?? found).resourceVersion,
      onObject: (raw) => see(containerVersion(raw)),
      onContact: (trouble) =>
        progress.say(trouble === undefined ? 'in contact with the API server again' : `${trouble}; tries again`),
      signal: stop,
    })
    if (end === 'gone') ended.resolve(notFound('it was deleted'))
  }
  ask().catch((thrown: unknown) => {
    if (thrown instanceof ObjectNotFoundError) ended.resolve(notFound('it was deleted'))
    else if (!stop.aborted) ended.reject(asPerson(thrown))
  })
  stop.addEventListener('abort', () => ended.resolve(stopped()))
  const stopped = (): WaitResult => {
    const target = judge.target ?? (version === undefined ? {} : { version })
    if (signal.aborted) return { result: 'Interrupted', ...target, message: `stopped by ${signal.reason}` }
    const { phase = 'Pending', message = 'it has no status yet' } = latest.status
    const silent = judge.isAnswered ? '' : '; cvmanager has not answered the request: is it running?'
    return { result: 'TimedOut', ...target, message: `${phase}: ${message}${silent}` }
  }
  try {
    return await ended.promise
  } finally {
    ending.abort()
  }
}

const notFound = (message: string): WaitResult => ({ result: 'NotFound', message })

/**
 * Asks until the API server takes it.
 * @returns undefined without the right to
 */
async function asking(
  client: ApiClient,
  name: ObjectName,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<ContainerVersion | undefined> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await askToReconcile(client, name, new Date().toISOString())
    } catch (thrown) {
      if (isForbidden(thrown)) {
        say(`${messageOf(thrown)}. It goes on without asking for a poll, and waits for the next regular one`)
        return undefined
      }
      if (!mayPass(thrown) || signal.aborted) throw thrown
      if (failures === 1) say(`${messageOf(thrown)}; tries again`)
      await pause(backoffMs(failures, retries), signal)
    }
  }
}

/** One line for each change. */
class Progress {
  readonly say: (line: string) => void
  #last = ''
  #notYet = ''
  #changedMs = monotonicClock.now()
  #isTold = false

  constructor(onProgress: (line: string) => void) {
    this.say = onProgress
  }

  tell({ status: { phase = 'Pending', message = 'no status yet' } }: ContainerVersion): void {
    const line = `${phase}: ${message}`
    if (line === this.#last) return
    this.#last = line
    this.#changedMs = monotonicClock.now()
    this.say(line)
  }

  /** The registry has answered, and does not have the version yet. */
  tellNotYet(wanted: string, { status: { observed } }: ContainerVersion): void {
    const line = `the registry does not offer ${wanted} yet${observed ? `, but ${observed.version}` : ''}`
    if (line !== this.#notYet) this.say(line)
    this.#notYet = line
  }

  tellUnanswered(): void {
    if (this.#isTold || monotonicClock.now() - this.#changedMs < unansweredMs) return
    this.#isTold = true
    this.say(
      'cvmanager does not answer: it is not running, or the registry keeps it waiting. Look for it: kubectl get pods -n cvmanager',
    )
  }
}
