/** Follows one object by its name: each change as it comes, across outages of the API server. */
import { messageOf } from '../errors.ts'
import { type BackoffLimits, backoffMs, pause } from '../time/backoff.ts'
import { ApiError, isGone, isNotFound, isRefused } from './api-error.ts'
import type { ApiClient } from './client.ts'
import { type Resource, resourcePath } from './resource-path.ts'

/** A silent watch cannot be told from a dead one: the server ends each after this time, and the object is read again. */
const watchSeconds = 30
const graceMs = 3_000
const readMs = 10_000
const steadyMs = 1_000
/** An API server that has just started may refuse before it knows who may do what. */
const maxRefusals = 4
/** Short: a person or a CI job waits. */
const retries: BackoffLimits = { firstMs: 250, maxMs: 4_000 }

export interface WatchObjectOptions {
  readonly client: Pick<ApiClient, 'get' | 'stream'>
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  /** Of the object as the caller has seen it. */
  readonly resourceVersion: string
  /** Receives the object as the API server sends it. It must not throw. */
  readonly onObject: (raw: object) => void
  /** Called when the contact with the API server breaks, once for each outage, and when it is back. */
  readonly onContact: (trouble: string | undefined) => void
  readonly signal: AbortSignal
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: object & { readonly code?: number; readonly metadata?: { readonly resourceVersion?: string } }
}

/**
 * @returns `gone` if the object does not exist any more, `stopped` after the signal
 * @throws ApiError if the account may not do it
 */
export async function watchObject(options: WatchObjectOptions): Promise<'gone' | 'stopped'> {
  const { client, resource, namespace, name, onObject, onContact, signal } = options
  let { resourceVersion } = options
  let mustRead = false
  let failures = 0
  let refusals = 0
  const inContact = () => {
    if (failures > 0) onContact(undefined)
    failures = 0
  }
  while (!signal.aborted) {
    try {
      if (mustRead) {
        const path = resourcePath(resource, { namespace, name })
        const found = await client.get<WatchEvent['object']>(path, { signal, timeoutMs: readMs })
        inContact()
        const read = found.metadata?.resourceVersion ?? ''
        if (read !== resourceVersion) onObject(found)
        resourceVersion = read
      }
      mustRead = true
      const path = resourcePath(resource, { namespace })
      const events = client.stream({
        path,
        query: {
          watch: true,
          fieldSelector: `metadata.name=${name}`,
          resourceVersion,
          timeoutSeconds: watchSeconds,
          allowWatchBookmarks: true,
        },
        timeoutMs: watchSeconds * 1000 + graceMs,
        onOpen: () => {
          refusals = 0
          inContact()
        },
        signal,
      })
      const openedMs = performance.now()
      for await (const event of events) {
        const { type, object } = event as WatchEvent
        if (type === 'ERROR')
          throw ApiError.fromAnswer({ method: 'GET', path }, object.code ?? 500, JSON.stringify(object))
        resourceVersion = object.metadata?.resourceVersion ?? resourceVersion
        if (type === 'DELETED') return 'gone'
        if (type !== 'BOOKMARK') onObject(object)
      }
      // One that ends as soon as it is open must not cause a request after the other.
      if (performance.now() - openedMs < steadyMs) await pause(retries.firstMs, signal)
    } catch (thrown) {
      if (signal.aborted) break
      if (isNotFound(thrown)) return 'gone'
      if (isGone(thrown)) continue
      failures += 1
      refusals += isRefused(thrown) ? 1 : 0
      if (refusals >= maxRefusals) throw thrown
      if (failures === 1) onContact(messageOf(thrown))
      await pause(backoffMs(failures, retries), signal)
    }
  }
  return 'stopped'
}
