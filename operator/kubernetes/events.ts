/** Kubernetes Events, as `kubectl describe` shows them with an object. */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
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

export interface EventWriterOptions {
  readonly client: ApiClient
  readonly clock: Clock
  /** This process, for `reportingInstance`. */
  readonly instance: string
}

export class EventWriter {
  readonly #options: EventWriterOptions
  /** Saves the requests of repetitions; without it, an event's name would make them harmless. */
  readonly #written = new LRUCache<string, Promise<void>>({ max: maxWritten })

  constructor(options: EventWriterOptions) {
    this.#options = options
  }

  /**
   * Writes an event, once for each object, reason and id: its name is made of them, so that neither a repetition nor a
   * restart duplicates it.
   * @throws ApiError, TransientError; but not if the namespace is being deleted
   */
  async emit(regarding: Regarding, event: EventText): Promise<void> {
    const name = eventName(regarding, event)
    const key = `${regarding.namespace}/${name}`
    const written = this.#written.get(key) ?? this.#write(name, regarding, event)
    this.#written.set(key, written)
    try {
      await written
    } catch (error) {
      this.#written.delete(key)
      throw error
    }
  }

  async #write(name: string, regarding: Regarding, { type, reason, message }: EventText): Promise<void> {
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
      message: cut(message, maxMessageBytes),
      source: { component: fieldManager },
      reportingComponent: fieldManager,
      reportingInstance: instance,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
    try {
      await client.create(resourcePath(events, { namespace }), body, { timeoutMs })
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error
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
