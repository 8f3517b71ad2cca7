/** Leader election by a Lease: of several replicas one works, and another takes over when it is gone (B42, R6, R7). */
import type { Logger } from 'pino'
import { messageOf } from '../errors.ts'
import { pause } from '../time/backoff.ts'
import type { Clock } from '../time/clock.ts'
import { isAlreadyExists, isConflict, isNotFound } from './api-error.ts'
import type { ApiClient } from './client.ts'
import { resourcePath } from './resource-path.ts'

const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const

export interface Terms {
  /** After so long without a renewal others take the lease; whole seconds. */
  readonly durationMs: number
  readonly renewMs: number
  /** Less than `durationMs`: whoever could not renew for so long stops its work before another may begin. */
  readonly giveUpMs: number
  /** How often a candidate looks, and a leader tries again after a failed renewal. */
  readonly retryMs: number
}

export const defaultTerms: Terms = { durationMs: 15_000, renewMs: 5_000, giveUpMs: 10_000, retryMs: 2_000 }

export interface LeaderElectionOptions {
  readonly client: ApiClient
  readonly namespace: string
  readonly name: string
  /** Unique to this process, also among restarts of the same pod. */
  readonly identity: string
  /** For the times that are written, for people. Nothing is decided by them. */
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly terms?: Terms | undefined
  /** What the leader says of itself on the Lease; what is undefined is taken off, for it was said by another one. */
  readonly annotations?: Readonly<Record<string, string | undefined>> | undefined
}

export interface Candidacy {
  /** Fires to give the leadership up and to end `run`. */
  readonly signal: AbortSignal
  readonly onStarted: () => void
  /**
   * All work must have ended when it resolves. `stopped`: by the signal, the lease is still ours until then, and is
   * released after it. `lost`: another may soon be leader; afterwards this process is a candidate again.
   */
  readonly onEnded: (why: 'stopped' | 'lost') => Promise<void> | void
}

type Annotations = Readonly<Record<string, string>>

interface Lease {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly resourceVersion?: string
    readonly annotations?: Annotations | undefined
  }
  readonly spec?: LeaseSpec
}

interface LeaseSpec {
  readonly holderIdentity?: string | undefined
  readonly leaseDurationSeconds?: number | undefined
  readonly acquireTime?: string | undefined
  readonly renewTime?: string | undefined
  readonly leaseTransitions?: number | undefined
}

export class LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #terms: Terms
  readonly #path: string
  readonly #collection: string
  #lease: Lease | undefined
  #leads = false
  #renewedMs = Number.NEGATIVE_INFINITY
  /** What a candidate last saw, and when by its own steady clock: other machines' clocks are never asked (B19, R7). */
  #seen = { record: '', atMs: 0 }
  #complaint = ''

  constructor(options: LeaderElectionOptions) {
    const { namespace, name, terms = defaultTerms } = options
    this.#options = options
    this.#terms = terms
    this.#collection = resourcePath(leases, { namespace })
    this.#path = resourcePath(leases, { namespace, name })
  }

  /** False also where the process was asleep for too long to know. */
  get leading(): boolean {
    return this.#leads && performance.now() - this.#renewedMs < this.#terms.giveUpMs
  }

  /** What another process that leads has said of itself, as of the last look; undefined where there is no such process. */
  get othersAnnotations(): Annotations | undefined {
    const holder = this.#lease?.spec?.holderIdentity
    if (holder === undefined || holder === '' || holder === this.#options.identity) return undefined
    return this.#lease?.metadata.annotations ?? {}
  }

  /** Resolves after the signal, when the lease is released; never rejects because of the API server. */
  async run({ signal, onStarted, onEnded }: Candidacy): Promise<void> {
    const { log, identity } = this.#options
    while (!signal.aborted) {
      if (!(await this.#tries(() => this.#acquire(signal), false, signal))) {
        await pause(this.#terms.retryMs * (0.8 + Math.random() * 0.4), signal)
        continue
      }
      log.info({ lease: this.#path, identity }, 'this process is the leader now')
      this.#leads = true
      onStarted()
      const why = await this.#hold(signal)
      if (why === 'lost') this.#leads = false
      log.info({ lease: this.#path, identity, why }, 'this process is no longer the leader')
      await onEnded(why)
      this.#leads = false
      if (why === 'stopped') await this.#tries(() => this.#release(), undefined)
    }
  }

  /** Whether the lease is ours now. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { client, identity } = this.#options
    const timeoutMs = this.#terms.giveUpMs
    try {
      this.#lease = await client.get<Lease>(this.#path, { signal, timeoutMs })
    } catch (error) {
      if (!isNotFound(error)) throw error
      this.#lease = undefined
    }
    const {
      holderIdentity = '',
      renewTime = '',
      leaseTransitions = 0,
      leaseDurationSeconds = 1,
    } = this.#lease?.spec ?? {}
    const record = `${holderIdentity} ${renewTime} ${leaseTransitions}`
    const now = performance.now()
    if (record !== this.#seen.record) this.#seen = { record, atMs: now }
    const expired = now - this.#seen.atMs >= leaseDurationSeconds * 1000
    if (holderIdentity !== '' && holderIdentity !== identity && !expired) return false
    try {
      await this.#write(
        { holderIdentity: identity, leaseTransitions: leaseTransitions + (this.#lease ? 1 : 0) },
        timeoutMs,
        signal,
      )
      return true
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return false
      throw error
    }
  }

  /** Renews until it is stopped or lost. */
  async #hold(signal: AbortSignal): Promise<'stopped' | 'lost'> {
    const { renewMs, retryMs, giveUpMs } = this.#terms
    let delayMs = renewMs
    for (;;) {
      const leftMs = () => giveUpMs - (performance.now() - this.#renewedMs)
      await pause(Math.min(delayMs, leftMs()), signal)
      if (signal.aborted) return 'stopped'
      if (leftMs() <= 0) return 'lost'
      const renewal = await this.#tries(() => this.#renew(leftMs(), signal), 'failed', signal)
      if (renewal === 'taken') return 'lost'
      delayMs = renewal === 'renewed' ? renewMs : retryMs
    }
  }

  async #renew(timeoutMs: number, signal: AbortSignal): Promise<'renewed' | 'taken'> {
    const { client, identity } = this.#options
    const { acquireTime, leaseTransitions } = this.#lease?.spec ?? {}
    try {
      await this.#write({ holderIdentity: identity, acquireTime, leaseTransitions }, timeoutMs, signal)
      return 'renewed'
    } catch (error) {
      if (isNotFound(error)) return 'taken'
      if (!isConflict(error)) throw error
    }
    // Someone has written it: perhaps only a label, or ourselves in a call whose answer was lost.
    this.#lease = await client.get<Lease>(this.#path, { signal, timeoutMs })
    if (this.#lease.spec?.holderIdentity !== identity) return 'taken'
    throw new Error(`${this.#path} was changed by someone else`)
  }

  /** So that the next leader need not wait for the lease to expire. */
  async #release(attempts = 2): Promise<void> {
    const { client, identity } = this.#options
    const timeoutMs = 1_000
    this.#lease = await client.get<Lease>(this.#path, { timeoutMs })
    if (this.#lease.spec?.holderIdentity !== identity) return
    const { leaseTransitions } = this.#lease.spec
    try {
      await this.#write({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions }, timeoutMs)
    } catch (error) {
      // A renewal that was under way at the stop may have come in between.
      if (attempts > 1 && isConflict(error)) return this.#release(attempts - 1)
      throw error
    }
  }

  /** Creates or replaces; refused by the server where the lease has changed since it was read. */
  async #write(spec: LeaseSpec, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { client, name, namespace, clock, annotations = {} } = this.#options
    const now = microTime(clock.now())
    const metadata = {
      ...(this.#lease?.metadata ?? { name, namespace }),
      annotations: defined({ ...this.#lease?.metadata.annotations, ...annotations }),
    }
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: { acquireTime: now, renewTime: now, leaseDurationSeconds: this.#terms.durationMs / 1000, ...defined(spec) },
    }
    // From the sending on: the server may have taken it at any time since.
    const sentMs = performance.now()
    this.#lease = this.#lease
      ? await client.replace<Lease>(this.#path, body, { timeoutMs, signal })
      : await client.create<Lease>(this.#collection, body, { timeoutMs, signal })
    this.#renewedMs = sentMs
  }

  /** The API server's failures are said once, and tried again by whoever called. */
  async #tries<R>(attempt: () => Promise<R>, otherwise: R, signal?: AbortSignal): Promise<R> {
    try {
      const result = await attempt()
      this.#complaint = ''
      return result
    } catch (error) {
      if (signal?.aborted) return otherwise
      const reason = messageOf(error)
      if (reason !== this.#complaint)
        this.#options.log.warn({ lease: this.#path, reason }, 'the lease cannot be read or written')
      this.#complaint = reason
      return otherwise
    }
  }
}

/** RFC 3339 with six digits, the form of Kubernetes' `metav1.MicroTime`. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
