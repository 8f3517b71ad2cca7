/** Leader election by a Lease: one of several replicas leads, and another takes over when it is gone (B42, R6, R7). */
import type { Logger } from 'pino'
import { messageOf } from '../errors.ts'
import { pause } from '../time/backoff.ts'
import type { Clock } from '../time/clock.ts'
import { isAlreadyExists, isConflict, isNotFound, isRefused, lacksRight, undefinedIfNotFound } from './api-error.ts'
import type { ApiClient } from './client.ts'
import { resourcePath } from './resource-path.ts'

const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const

export interface LeaseTiming {
  /** How long a lease is valid without a renewal; whole seconds. */
  readonly durationMs: number
  readonly renewMs: number
  /** Less than `durationMs`: a leader that could not renew for this long stops its work before another one may begin. */
  readonly renewDeadlineMs: number
  /** How often a candidate tries, and a leader after a failed renewal. */
  readonly retryMs: number
}

const defaultTiming: LeaseTiming = { durationMs: 15_000, renewMs: 5_000, renewDeadlineMs: 10_000, retryMs: 1_000 }

export interface LeaderElectionOptions {
  readonly client: ApiClient
  readonly namespace: string
  readonly name: string
  /** Unique to this process, also among restarts of the same pod. */
  readonly identity: string
  /** For the times in the Lease. They are for people; nothing depends on them. */
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly timing?: LeaseTiming | undefined
  /** What the leader writes about itself on the Lease. Undefined removes what another leader has written. */
  readonly annotations?: Readonly<Record<string, string | undefined>> | undefined
}

export interface Candidacy {
  /** Ends the leadership and `run`. */
  readonly signal: AbortSignal
  readonly onStarted: () => void
  /**
   * Resolves when all work has ended. `stopped`, by the signal: the lease is released only then. `lost`: another process
   * may soon lead; this one becomes a candidate again.
   */
  readonly onEnded: (why: 'stopped' | 'lost') => Promise<void> | void
}

type Annotations = Readonly<Record<string, string>>

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string | undefined
  readonly renewTime?: string
  readonly leaseTransitions?: number | undefined
}

interface Lease {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly resourceVersion?: string
    readonly annotations?: Annotations | undefined
  }
  readonly spec?: LeaseSpec
}

/** `taken` says by whom. */
type Renewal = 'renewed' | { readonly taken: string }

export class LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #timing: LeaseTiming
  readonly #path: string
  readonly #collection: string
  #lease: Lease | undefined
  #renewedMs = Number.NEGATIVE_INFINITY
  /** The lease when it last changed, by our own monotonic clock: the clocks of other machines do not matter (B19, R7). */
  #observed = { record: '', atMs: 0 }
  #lastWarning = ''
  /** The leader that the log has named last. */
  #standsByFor: string | undefined
  #mayWrite = false
  #trouble: string | undefined

  constructor(options: LeaderElectionOptions) {
    const { namespace, name, timing = defaultTiming } = options
    this.#options = options
    this.#timing = timing
    this.#collection = resourcePath(leases, { namespace })
    this.#path = resourcePath(leases, { namespace, name })
    this.#trouble = this.#unread
  }

  get #leaseName(): string {
    return `${this.#options.namespace}/${this.#options.name}`
  }

  /** Why this process can neither lead nor take over; undefined if it can. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** The annotations of another leader when the lease was last read; undefined if no other process leads. */
  get othersAnnotations(): Annotations | undefined {
    const holder = this.#lease?.spec?.holderIdentity
    if (holder === undefined || holder === '' || holder === this.#options.identity) return undefined
    return this.#lease?.metadata.annotations ?? {}
  }

  /** Resolves after the signal, when the lease is released. Never rejects because of the API server. */
  async run({ signal, onStarted, onEnded }: Candidacy): Promise<void> {
    const { log, identity } = this.#options
    while (!signal.aborted) {
      if (!(await this.#attempt(() => this.#acquire(signal), false, signal))) {
        await pause(this.#timing.retryMs * (0.8 + Math.random() * 0.4), signal)
        continue
      }
      this.#standsByFor = undefined
      log.info({ lease: this.#leaseName, identity }, 'this process is the leader now')
      onStarted()
      const { why, because } = await this.#hold(signal)
      const level = why === 'stopped' ? 'info' : 'warn'
      log[level]({ lease: this.#leaseName, identity }, `this process is no longer the leader: ${because}`)
      await onEnded(why)
      if (why === 'stopped') await this.#release().catch((error: unknown) => this.#notReleased(error))
    }
  }

  /** @returns whether the lease is ours now */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { client, identity } = this.#options
    const timeoutMs = this.#timing.renewDeadlineMs
    this.#lease = await client.get<Lease>(this.#path, { signal, timeoutMs }).catch(undefinedIfNotFound)
    const { holderIdentity = '', renewTime = '', ...rest } = this.#lease?.spec ?? {}
    const { leaseTransitions = 0, leaseDurationSeconds = 1 } = rest
    const record = `${holderIdentity} ${renewTime} ${leaseTransitions}`
    const now = performance.now()
    if (record !== this.#observed.record) this.#observed = { record, atMs: now }
    const expired = now - this.#observed.atMs >= leaseDurationSeconds * 1000
    if (this.#lease && holderIdentity !== '' && holderIdentity !== identity && !expired) {
      this.#standBy(holderIdentity)
      await this.#mayTakeOver(this.#lease, signal)
      return false
    }
    try {
      const transitions = leaseTransitions + (this.#lease ? 1 : 0)
      await this.#write({ holderIdentity: identity, leaseTransitions: transitions }, timeoutMs, signal)
      return true
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return false
      throw error
    }
  }

  /** Logs it when the leader changes. */
  #standBy(holder: string): void {
    if (this.#standsByFor === holder) return
    this.#standsByFor = holder
    const { log, identity } = this.#options
    log.info({ lease: this.#leaseName, identity, holder }, `this process stands by: ${holder} is the leader`)
  }

  /** A replica that stands by must not find out only in an emergency that it has no right to write: it tries once, without effect. */
  async #mayTakeOver(lease: Lease, signal: AbortSignal): Promise<void> {
    if (this.#mayWrite) return
    const options = { query: { dryRun: 'All' }, timeoutMs: this.#timing.renewDeadlineMs, signal }
    await this.#options.client.replace(this.#path, lease, options).catch((error: unknown) => {
      // The leader was faster; the right is there.
      if (!isConflict(error)) throw error
    })
    this.#mayWrite = true
  }

  /** Renews the lease until this process stops or loses it. */
  async #hold(signal: AbortSignal): Promise<{ readonly why: 'stopped' | 'lost'; readonly because: string }> {
    const { renewMs, retryMs, renewDeadlineMs } = this.#timing
    let delayMs = renewMs
    for (;;) {
      const leftMs = () => Math.max(renewDeadlineMs - (performance.now() - this.#renewedMs), 0)
      await pause(Math.min(delayMs, leftMs()), signal)
      if (signal.aborted) return { why: 'stopped', because: 'it is stopping' }
      if (leftMs() === 0)
        return { why: 'lost', because: `it could not renew the Lease for ${renewDeadlineMs / 1000} s` }
      const renewal = await this.#attempt<Renewal | 'failed'>(() => this.#renew(leftMs, signal), 'failed', signal)
      if (typeof renewal === 'object') return { why: 'lost', because: renewal.taken }
      delayMs = renewal === 'renewed' ? renewMs : retryMs
    }
  }

  /** @param leftMs how long this process still leads without a renewal: no request may take longer */
  async #renew(leftMs: () => number, signal: AbortSignal): Promise<Renewal> {
    const { client, identity } = this.#options
    const { acquireTime, leaseTransitions } = this.#lease?.spec ?? {}
    try {
      await this.#write({ holderIdentity: identity, acquireTime, leaseTransitions }, leftMs(), signal)
      return 'renewed'
    } catch (error) {
      if (isNotFound(error)) return { taken: 'somebody has deleted the Lease' }
      if (!isConflict(error)) throw error
    }
    // Somebody has written it: perhaps only a label, or ourselves in a request whose answer was lost.
    this.#lease = await client.get<Lease>(this.#path, { signal, timeoutMs: leftMs() })
    const holder = this.#lease.spec?.holderIdentity
    if (holder !== identity) return { taken: `${holder || 'nobody'} holds the Lease now` }
    throw new Error(`${this.#path} was changed by somebody else`)
  }

  /** Lets the next leader start before the lease expires. */
  async #release(attempts = 2): Promise<void> {
    const { client, identity } = this.#options
    const timeoutMs = 1_000
    this.#lease = await client.get<Lease>(this.#path, { timeoutMs }).catch(undefinedIfNotFound)
    if (this.#lease?.spec?.holderIdentity !== identity) return
    const { leaseTransitions } = this.#lease.spec
    try {
      await this.#write({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions }, timeoutMs)
    } catch (error) {
      // A renewal that was in flight may have come in between.
      if (attempts > 1 && isConflict(error)) return this.#release(attempts - 1)
      throw error
    }
  }

  #notReleased(error: unknown): void {
    const message = `the Lease could not be released, so that the next leader waits until it expires: ${messageOf(error)}`
    this.#options.log.warn({ lease: this.#leaseName }, message)
  }

  /** Creates or replaces the lease; the server refuses it if the lease has changed since it was read. */
  async #write(spec: LeaseSpec, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { client, name, namespace, clock, annotations = {} } = this.#options
    const now = microTime(clock.now())
    const known = this.#lease?.metadata
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      // JSON leaves out what is undefined: an annotation of an earlier leader goes.
      metadata: { name, namespace, ...known, annotations: { ...known?.annotations, ...annotations } },
      spec: { acquireTime: now, renewTime: now, leaseDurationSeconds: this.#timing.durationMs / 1000, ...spec },
    }
    // Valid from the time of sending, because the server may have taken it at any time since.
    const sentMs = performance.now()
    this.#lease = this.#lease
      ? await client.replace<Lease>(this.#path, body, { timeoutMs, signal })
      : await client.create<Lease>(this.#collection, body, { timeoutMs, signal })
    this.#renewedMs = sentMs
  }

  /** Logs a failure of the API server once. The caller tries again. */
  async #attempt<R>(action: () => Promise<R>, otherwise: R, signal: AbortSignal): Promise<R> {
    try {
      const result = await action()
      this.#lastWarning = ''
      this.#trouble = undefined
      return result
    } catch (error) {
      if (signal.aborted) return otherwise
      const reason = this.#noNamespace(error) ?? messageOf(error)
      if (isRefused(error)) this.#trouble = reason
      else if (this.#trouble?.startsWith(this.#unread)) this.#trouble = `${this.#unread}: ${reason}`
      if (reason !== this.#lastWarning && !lacksRight(error))
        this.#options.log.warn({ lease: this.#leaseName }, `${reason}; cvmanager tries again`)
      this.#lastWarning = reason
      return otherwise
    }
  }

  #noNamespace(error: unknown): string | undefined {
    const { namespace, name } = this.#options
    if (!isNotFound(error) || !error.message.includes(`namespaces "${namespace}" not found`)) return undefined
    return `there is no namespace ${namespace} for the Lease ${name}; create it (kubectl create namespace ${namespace}), or name another namespace with --lease-namespace`
  }

  get #unread(): string {
    return `the Lease ${this.#leaseName} has not been read yet`
  }
}

/** The form of Kubernetes' `metav1.MicroTime`: RFC 3339 with six digits. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}
