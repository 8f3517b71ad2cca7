/** `cvmanager cv wait`: what becomes of a version. */
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { messageOf } from '../../errors.ts'
import { isForbidden } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { watchObject } from '../../kubernetes/watch-object.ts'
import { backoffMs, pause } from '../../time/backoff.ts'
import { askToReconcile, asPerson, containerVersions, mayPass, ObjectNotFoundError, readObject } from '../object.ts'
import { notFound, type WaitRequest, type WaitResult } from './result.ts'
import { Waiting } from './waiting.ts'

export type WaitClient = Pick<ApiClient, 'get' | 'mergePatch' | 'stream'>

const tickMs = 500
/** Longer timers fire at once: some 24 days. */
const maxTimerMs = 2 ** 31 - 1
const retries = { firstMs: 250, maxMs: 4_000 }

/** @throws ApiError, TransientError if the API server cannot be reached at first, or does not let the account read */
export async function wait(client: WaitClient, request: WaitRequest): Promise<WaitResult> {
  const ending = new AbortController()
  const timeout = AbortSignal.timeout(Math.min(Math.ceil(request.timeoutMs), maxTimerMs))
  const stop = AbortSignal.any([request.signal, timeout, ending.signal])
  let waiting: Waiting | undefined
  try {
    waiting = new Waiting(await readObject(client, request, stop), request)
    // It may have ended before.
    return waiting.see(waiting.latest) ?? (await Promise.race([waiting.ended, follow(client, request, waiting, stop)]))
  } catch (thrown) {
    if (stop.aborted) return waiting?.stopped() ?? unread(request)
    if (thrown instanceof ObjectNotFoundError) return notFound(thrown.message)
    throw asPerson(thrown)
  } finally {
    ending.abort()
  }
}

/** How it ends if the API server has not answered until then. */
function unread({ version, signal }: WaitRequest): WaitResult {
  const target = version === undefined ? {} : { version }
  if (signal.aborted) return { result: 'Interrupted', ...target, message: `stopped by ${signal.reason}` }
  return { result: 'TimedOut', ...target, message: 'the API server has not answered' }
}

/** Asks for a poll, and shows each change to `waiting` until the object is gone or the time is up. */
async function follow(
  client: WaitClient,
  request: WaitRequest,
  waiting: Waiting,
  stop: AbortSignal,
): Promise<WaitResult> {
  let ticking: NodeJS.Timeout | undefined
  try {
    waiting.asked(await ask(client, request, stop))
    ticking = setInterval(() => waiting.tick(), tickMs)
    const { namespace, name, onProgress } = request
    const end = await watchObject({
      client,
      resource: containerVersions,
      namespace,
      name,
      resourceVersion: waiting.latest.resourceVersion,
      onObject: (raw) => waiting.see(containerVersion(raw)),
      onContact: (trouble) => onProgress(trouble ? `${trouble}; tries again` : 'in contact with the API server again'),
      signal: stop,
    })
    return end === 'gone' ? notFound('it was deleted') : waiting.stopped()
  } finally {
    clearInterval(ticking)
  }
}

/**
 * Asks until the API server takes it.
 * @returns the object with the request; undefined without the right to ask
 * @throws ObjectNotFoundError, ApiError
 */
async function ask(
  client: WaitClient,
  request: WaitRequest,
  signal: AbortSignal,
): Promise<ContainerVersion | undefined> {
  const { onProgress } = request
  for (let failures = 1; ; failures += 1) {
    try {
      return await askToReconcile(client, request, new Date().toISOString(), signal)
    } catch (thrown) {
      if (isForbidden(thrown)) {
        onProgress(`${messageOf(thrown)}. It goes on without asking for a poll, and waits for the next regular one`)
        return undefined
      }
      if (!mayPass(thrown) || signal.aborted) throw thrown
      if (failures === 1) onProgress(`${messageOf(thrown)}; tries again`)
      await pause(backoffMs(failures, retries), signal)
    }
  }
}
