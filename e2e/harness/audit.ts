import { open } from 'node:fs/promises'

/** One request in an API server's audit log (audit.k8s.io/v1 Event), with the fields that tests read. */
export interface AuditEvent {
  readonly auditID: string
  readonly stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic'
  readonly verb: string
  readonly requestURI: string
  readonly userAgent?: string
  readonly user: { readonly username: string; readonly groups?: readonly string[] }
  readonly impersonatedUser?: { readonly username: string }
  readonly objectRef?: {
    readonly resource: string
    readonly apiGroup?: string
    readonly namespace?: string
    readonly name?: string
    readonly subresource?: string
    readonly resourceVersion?: string
  }
  readonly responseStatus?: { readonly code: number; readonly reason?: string; readonly message?: string }
  readonly requestObject?: unknown
  /** Only where the policy says RequestResponse. */
  readonly responseObject?: unknown
  /** RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

/** An event must match every field that is given. A string must be equal; a pattern may match anywhere. */
export interface AuditFilter {
  readonly user?: string | RegExp
  readonly userAgent?: string | RegExp
  readonly verbs?: readonly string[]
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  /** Only requests received at or after this time, as from `Date.now()`. */
  readonly since?: number
}

export const writeVerbs = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const

/** Logs metadata for reads, and bodies for writes. Leaves out bodies with secrets, and health checks. */
export const defaultAuditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*'] },
    {
      level: 'Metadata',
      resources: [
        { group: '', resources: ['secrets', 'serviceaccounts/token'] },
        { group: 'authentication.k8s.io' },
        { group: 'authorization.k8s.io' },
      ],
    },
    { level: 'Request', verbs: [...writeVerbs] },
    { level: 'Metadata' },
  ],
}

/** Follows the log file: each read parses only new lines. Keeps one event for each request, in its latest stage. */
export class AuditLog {
  readonly #path: string
  readonly #events = new Map<string, AuditEvent>()
  #offset = 0
  #reading: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  async events(filter: AuditFilter = {}): Promise<AuditEvent[]> {
    // One read at a time, also for concurrent callers.
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#readNewLines())
    await this.#reading
    return [...this.#events.values()].filter((event) => matches(event, filter))
  }

  async #readNewLines(): Promise<void> {
    const file = await open(this.#path, 'r')
    try {
      const { size } = await file.stat()
      if (size <= this.#offset) return
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - this.#offset), { position: this.#offset })
      const added = buffer.subarray(0, bytesRead)
      // The last line may be incomplete.
      const end = added.lastIndexOf('\n') + 1
      this.#offset += end
      for (const line of added.subarray(0, end).toString('utf8').split('\n')) {
        if (line === '') continue
        const event = JSON.parse(line) as AuditEvent
        this.#events.set(event.auditID, event)
      }
    } finally {
      await file.close()
    }
  }
}

function matches(event: AuditEvent, filter: AuditFilter): boolean {
  const target = event.objectRef
  return (
    meets(event.user.username, filter.user) &&
    meets(event.userAgent, filter.userAgent) &&
    (filter.verbs?.includes(event.verb) ?? true) &&
    meets(target?.resource, filter.resource) &&
    meets(target?.subresource, filter.subresource) &&
    meets(target?.namespace, filter.namespace) &&
    meets(target?.name, filter.name) &&
    (filter.since === undefined || Date.parse(event.requestReceivedTimestamp) >= filter.since)
  )
}

function meets(actual: string | undefined, wanted: string | RegExp | undefined): boolean {
  if (wanted === undefined) return true
  return typeof wanted === 'string' ? actual === wanted : actual !== undefined && wanted.test(actual)
}
