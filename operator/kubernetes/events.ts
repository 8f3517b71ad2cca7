/** Kubernetes Events, the story that `kubectl describe` tells of an object. */
import { createHash } from 'node:crypto'
import { type Clock, timestamp } from '../time/clock.ts'
import { isAlreadyExists, isForbidden, isNotFound } from './api-error.ts'
import { type ApiClient, fieldManager } from './client.ts'
import { resourcePath } from './resource-path.ts'

const events = { group: '', version: 'v1', plural: 'events' } as const

/** RFC 1123 subdomain, and the API server's bound on an event's note. */
const maxNameLength = 253
const maxMessageBytes = 1024
/** Per generation; some 100 bytes each. */
const rememberedEvents = 4096

export interface Regarding {
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
  /** The same for the same happening, also after a restart: a rollout's id, a digest, a generation. */
  readonly id: string
  /** A digit: of events of the same second, and of the same object, the one with the lower is shown first. */
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
  /** Two generations: what was not repeated for a whole one is forgotten. The name makes a repetition harmless. */
  #young = new Map<string, Promise<void>>()
  #old = new Map<string, Promise<void>>()

  constructor(options: EventWriterOptions) {
    this.#options = options
  }

  /**
   * Writes an event, once for each (object, reason, id): the name is made from them, so that neither a repetition nor a
   * restart doubles it.
   * @throws ApiError, TransientError; not where the namespace is going away
   */
  async emit(regarding: Regarding, event: EventText): Promise<void> {
    const name = eventName(regarding, event)
    const place = `${regarding.namespace}/${name}`
    const known = this.#young.get(place) ?? this.#old.get(place)
    const written = known ?? this.#write(name, regarding, event)
    this.#remember(place, written)
    try {
      await written
    } catch (error) {
      this.#young.delete(place)
      this.#old.delete(place)
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
      await client.create(resourcePath(events, { namespace }), body)
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceGoing(error)) throw error
    }
  }

  #remember(place: string, written: Promise<void>): void {
    if (this.#young.size >= rememberedEvents) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(place, written)
  }
}

/**
 * Valid however long the object's name is (B43). kubectl shows events by the second of their time, and those of the same
 * second by name.
 */
export function eventName({ name, uid }: Regarding, { reason, id, order = 9 }: EventText): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, reason, id]))
    .digest('hex')
    .slice(0, 16)
  const ending = `${order}${hash}`
  const readable = name.slice(0, maxNameLength - ending.length - 1).replace(/[^a-z0-9]+$/, '')
  return `${readable}.${ending}`
}

function isNamespaceGoing(error: unknown): boolean {
  if (isNotFound(error)) return true
  return isForbidden(error) && error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
}

/** Cut between characters, not inside one. */
function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const ellipsis = '…'
  const room = new Uint8Array(maxBytes - Buffer.byteLength(ellipsis))
  const { read } = new TextEncoder().encodeInto(text, room)
  return text.slice(0, read) + ellipsis
}
