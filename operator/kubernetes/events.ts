/** Kubernetes Events, as `kubectl describe` shows them with an object. */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { shortDigest } from '../images/digest.ts'
import { type Clock, timestamp } from '../time/clock.ts'
import { isAlreadyExists, isForbidden, isNotFound } from './api-error.ts'
import { type ApiClient, fieldManager } from './client.ts'
import { nameEndingIn } from './object-name.ts'
import { resourcePath } from './resource-path.ts'

const events = { group: '', version: 'v1', plural: 'events' } as const

/** The API server's limit for the note of an event. */
const maxMessageBytes = 1024
/** A rollout waits for its events: it must not wait long where an admission webhook hangs. */
const timeoutMs = 5_000
/** Some 100 bytes each. */
const maxWritten = 8192

interface Regarding {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface EventText {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, fit for an alert. */
  readonly reason: string
  readonly message: string
  /** What the event is about, the same after a restart: a rollout's id, a digest, a generation. */
  readonly id: string
  /** A digit. Events of one object in the same second are shown in this order. */
  readonly order?: number | undefined
}

export interface Emission {
  /** This process has not tried to write the event before, and the API server does not have it either. */
  readonly isNew: boolean
  /** ApiError, TransientError: the event is not written; the next `emit` tries it again. */
  readonly failure?: unknown
}

export interface EventWriterOptions {
  readonly client: ApiClient
  readonly clock: Clock
  /** This process, for `reportingInstance`. */
  readonly instance: string
}

export class EventWriter {
  readonly #options: EventWriterOptions
  /** Saves the requests of repetitions; without it, an event's name would make them harmless. */
  readonly #emissions = new LRUCache<string, Promise<Emission>>({ max: maxWritten })

  constructor(options: EventWriterOptions) {
    this.#options = options
  }

  /**
   * Writes an event, once for each object, reason and id: its name is made of them, so that neither a repetition nor a
   * restart duplicates it. A namespace that is being deleted is no failure.
   */
  emit(regarding: Regarding, event: EventText): Promise<Emission> {
    const name = eventName(regarding, event)
    const key = `${regarding.namespace}/${name}`
    const emission = this.#emit(name, regarding, event, this.#emissions.get(key))
    this.#emissions.set(key, emission)
    return emission
  }

  async #emit(
    name: string,
    regarding: Regarding,
    event: EventText,
    before: Promise<Emission> | undefined,
  ): Promise<Emission> {
    const last = await before
    if (last && last.failure === undefined) return { isNew: false }
    const isFirst = last === undefined
    try {
      const isThere = await this.#write(name, regarding, event)
      return { isNew: isFirst && !isThere }
    } catch (failure) {
      return { isNew: isFirst, failure }
    }
  }

  /** @returns whether the API server had the event already */
  async #write(name: string, regarding: Regarding, { type, reason, message }: EventText): Promise<boolean> {
    const { client, clock, instance } = this.#options
    const { namespace } = regarding
    const now = timestamp(clock.now())
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: regarding,
      type,
      reason,
      message: cut(shortDigest(message), maxMessageBytes),
      source: { component: fieldManager },
      reportingComponent: fieldManager,
      reportingInstance: instance,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
    try {
      await client.create(resourcePath(events, { namespace }), body, { timeoutMs })
      return false
    } catch (error) {
      if (isAlreadyExists(error)) return true
      if (isNamespaceTerminating(error)) return false
      throw error
    }
  }
}

/**
 * Valid for any length of the object's name (B43). kubectl sorts events by time in seconds, and those of the same second by
 * name.
 */
export function eventName({ name, uid }: Regarding, { reason, id, order = 9 }: EventText): string {
  const unique = hash('sha256', JSON.stringify([uid, reason, id])).slice(0, 16)
  return nameEndingIn(name, `.${order}${unique}`)
}

function isNamespaceTerminating(error: unknown): boolean {
  if (isNotFound(error)) return true
  return isForbidden(error) && error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
}

/** Cuts between characters, not inside one. */
function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const ellipsis = '…'
  const room = new Uint8Array(maxBytes - Buffer.byteLength(ellipsis))
  const { read } = new TextEncoder().encodeInto(text, room)
  return text.slice(0, read) + ellipsis
}
