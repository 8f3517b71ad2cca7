/** For tests of `act`: an API server that answers from a few objects, and refuses what a test says. */
import type { ContainerVersion } from '../../api/container-version.ts'
import { containerVersion } from '../../api/container-version.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { type EventText, EventWriter } from '../../kubernetes/events.ts'
import { DeployedVersion } from '../history/deployed-version.ts'
import { epoch } from '../plan/plan.fixture.ts'
import type { Plan } from '../plan/plan.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import { act } from './act.ts'
import type { Effects } from './effects.ts'
import { PodDeleter } from './pod-deleter.ts'
import { StatusWriter } from './status-writer.ts'

/** The error of a request such as `PATCH configmaps/web.history`; undefined if it succeeds. */
export type Refuse = (request: string) => Error | undefined

interface Raw {
  metadata: { resourceVersion: string; finalizers?: readonly string[] }
  [field: string]: unknown
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly value: unknown
}

export class Bench {
  now = epoch
  refuse: Refuse = () => undefined
  readonly requests: string[] = []
  /** Those that the API server has accepted. */
  readonly events: Pick<EventText, 'type' | 'reason' | 'message'>[] = []
  readonly lines: Line[] = []
  readonly changed: WorkloadObject[] = []
  readonly reported = new Set<string>()
  readonly refused = new Map<string, ReadonlyMap<string, string>>()
  readonly #objects = new Map<string, Raw>()
  readonly #eventNames = new Set<string>()
  readonly #client = this.#makeClient()
  #writer = this.#newWriter()

  constructor(object: ContainerVersion) {
    const { key: _, spec, status, ...metadata } = object
    const deletion = object.deleting ? { deletionTimestamp: '2026-01-02T03:04:05Z' } : {}
    this.put('containerversions/web-cv', { metadata: { ...metadata, ...deletion }, spec, status })
  }

  put(path: string, object: Raw): void {
    this.#objects.set(path, object)
  }

  get object(): ContainerVersion {
    return containerVersion(this.#objects.get('containerversions/web-cv'))
  }

  get writes(): readonly string[] {
    return this.requests.filter((request) => !request.startsWith('GET'))
  }

  /** @param seen the object as the plan saw it */
  act(plan: Plan, seen = this.object): Promise<unknown> {
    return act(this.#effects(), seen, plan)
  }

  /** The program starts again. */
  restart(): void {
    this.#writer = this.#newWriter()
    this.reported.clear()
  }

  #newWriter(): EventWriter {
    return new EventWriter({ client: this.#client, clock: { now: () => this.now }, instance: 'cvmanager-0' })
  }

  #makeClient(): Effects['client'] {
    return {
      get: (path: string) => this.#answer('GET', path),
      create: (path: string, body: Raw) => this.#answer('POST', path, body),
      replace: (path: string, { status }: Raw) => this.#answer('PUT', path, { status } as never),
      mergePatch: (path: string, body: Raw) => this.#answer('PATCH', path, body),
      strategicPatch: (path: string, body: Raw) => this.#answer('PATCH', path, body),
      jsonPatch: (path: string, patch: readonly Operation[]) => this.#answer('PATCH', path, {}, patch),
      delete: (path: string) => this.#answer('DELETE', path),
    } as unknown as Effects['client']
  }

  #effects(): Effects {
    const client = this.#client
    const log = (level: Line['level']) => (fields: object, message: string) =>
      void this.lines.push({ level, ...fields, message })
    return {
      client,
      writer: new StatusWriter(client, () => undefined),
      events: this.#writer,
      onEvent: () => undefined,
      reported: this.reported,
      refused: this.refused,
      historyByDefault: true,
      deployedVersion: new DeployedVersion(client),
      pods: new PodDeleter(client),
      onChanged: (workload) => this.changed.push(workload),
      onServiceChanged: () => undefined,
      clock: { now: () => this.now },
      log: { debug: log('debug'), info: log('info'), warn: log('warn') } as never,
    }
  }

  #addEvent({ metadata, type, reason, message }: Raw & Partial<EventText>): void {
    const { name } = metadata as { name?: string }
    if (name === undefined || type === undefined || reason === undefined || message === undefined) return
    if (this.#eventNames.has(name)) throw new ApiError(409, 'AlreadyExists', `events "${name}" already exists`)
    this.#eventNames.add(name)
    this.events.push({ type, reason, message })
  }

  async #answer(method: string, path: string, body?: Partial<Raw>, patch: readonly Operation[] = []): Promise<Raw> {
    const name = path.replace(/^.*\/namespaces\/[^/]+\//, '')
    const request = `${method} ${name}`
    this.requests.push(request)
    const error = this.refuse(request)
    if (error) throw error
    if (request === 'POST events') this.#addEvent(body as Raw)
    const key = name.replace('/status', '')
    const before = this.#objects.get(key) ?? { metadata: { resourceVersion: '1' } }
    if (method === 'GET') return before
    const resourceVersion = String(Number(before.metadata.resourceVersion) + 1)
    const after = { ...before, ...body, metadata: { ...before.metadata, ...body?.metadata, resourceVersion } }
    for (const { op, path, value } of patch) if (op === 'replace') set(after, path.split('/').slice(1), value)
    this.#objects.set(key, after)
    return after
  }
}

export interface Line extends Readonly<Record<string, unknown>> {
  readonly level: 'debug' | 'info' | 'warn'
  readonly message: string
}

/** Sets a value by the segments of a JSON pointer. */
function set(object: unknown, [segment = '', ...rest]: readonly string[], value: unknown): void {
  const fields = object as Record<string, unknown>
  if (rest.length === 0) fields[segment] = value
  else set(fields[segment], rest, value)
}
