import type { ContainerVersion } from '../../api/container-version.ts'
import { monotonicClock } from '../../time/timing.ts'
import { Judge } from './judge.ts'
import { notFound, type WaitRequest, type WaitResult } from './result.ts'

/** cvmanager answers within a second or two, unless the registry keeps it waiting. */
const unansweredMs = 10_000

/** One wait for a version: what was seen last, what was said, and how it ends. */
export class Waiting {
  readonly #request: Omit<WaitRequest, 'timeoutMs'>
  readonly #judge: Judge
  readonly #uid: string
  readonly #ended = Promise.withResolvers<WaitResult>()
  readonly #said = new Set<string>()
  #latest: ContainerVersion
  #changedMs = monotonicClock.now()
  #line = ''

  constructor(first: ContainerVersion, request: Omit<WaitRequest, 'timeoutMs'>) {
    this.#request = request
    this.#judge = new Judge(first, request.version)
    this.#uid = first.uid
    this.#latest = first
  }

  get latest(): ContainerVersion {
    return this.#latest
  }

  get ended(): Promise<WaitResult> {
    return this.#ended.promise
  }

  /** @param object with the request; undefined if this account may not ask */
  asked(object: ContainerVersion | undefined): void {
    if (object) this.#judge.asked(object.reconcileRequest ?? '')
    else this.#judge.cannotAsk()
    this.see(object ?? this.#latest)
  }

  /** @returns how it ends, which is the end of `ended` too; undefined while it goes on */
  see(object: ContainerVersion): WaitResult | undefined {
    this.#latest = object
    const result =
      object.uid === this.#uid
        ? this.#judge.judge(object, monotonicClock.now())
        : notFound('it was deleted, and made anew')
    if (result) this.#ended.resolve(result)
    else this.#tell(object)
    return result
  }

  /** Some time has passed. */
  tick(): void {
    if (this.#judge.isAnswered) this.see(this.#latest)
    else if (monotonicClock.now() - this.#changedMs >= unansweredMs)
      this.#say(
        'cvmanager does not answer: it is not running, or the registry keeps it waiting. Look for it: kubectl get pods -n cvmanager',
      )
  }

  /** How it ends if the time is up, or after the signal. */
  stopped(): WaitResult {
    const { version, signal } = this.#request
    const target = this.#judge.target ?? (version === undefined ? {} : { version })
    if (signal.aborted) return { result: 'Interrupted', ...target, message: `stopped by ${signal.reason}` }
    const silent = this.#judge.isAnswered ? '' : '; cvmanager has not answered the request: is it running?'
    return { result: 'TimedOut', ...target, message: `${stateOf(this.#latest)}${silent}` }
  }

  /** One line for each change. */
  #tell(object: ContainerVersion): void {
    const line = stateOf(object)
    if (line !== this.#line) {
      this.#line = line
      this.#changedMs = monotonicClock.now()
      this.#request.onProgress(line)
    }
    const { version } = this.#request
    const { observed } = object.status
    if (version !== undefined && this.#judge.isAnswered && !this.#judge.target)
      this.#say(`the registry does not offer ${version} yet${observed ? `, but ${observed.version}` : ''}`)
  }

  #say(line: string): void {
    if (!this.#said.has(line)) this.#request.onProgress(line)
    this.#said.add(line)
  }
}

const stateOf = ({ status: { phase = 'Pending', message = 'it has no status yet' } }: ContainerVersion): string =>
  `${phase}: ${message}`
