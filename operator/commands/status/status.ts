/** `cvmanager cv status`. */
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { messageOf } from '../../errors.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { watchObject } from '../../kubernetes/watch-object.ts'
import { PodLists } from '../../rollouts/observe/pod-lists.ts'
import { abortable } from '../../time/abortable.ts'
import { pause } from '../../time/backoff.ts'
import { systemClock } from '../../time/clock.ts'
import { containerVersions, mayPass, type ObjectName, ObjectNotFoundError, readObject } from '../object.ts'
import { readTree } from './read.ts'
import type { StatusTree } from './tree.ts'

export interface StatusRequest extends ObjectName {
  /** Until the signal; otherwise once. */
  readonly watch: boolean
  readonly signal: AbortSignal
  /** @param trouble why it is not of now; undefined while it is */
  readonly onTree: (tree: StatusTree, trouble: string | undefined) => void
}

/** Nobody watches pods for this command: it reads them this often, and whenever the ContainerVersion changes. */
const everyMs = 1_000

/** @throws ObjectNotFoundError, ApiError; TransientError if the first read fails */
export async function status(client: ApiClient, request: StatusRequest): Promise<void> {
  const { onTree } = request
  const ending = new AbortController()
  const signal = AbortSignal.any([request.signal, ending.signal])
  const pods = new PodLists(client)
  const reading = async () => {
    const first = await readObject(client, request, signal)
    return { first, tree: await readTree(client, pods, first, systemClock.now()) }
  }
  const read = await abortable(reading(), signal).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown
  })
  if (read === undefined) return
  const { first } = read
  let last = read.tree
  onTree(last, undefined)
  if (!request.watch) return

  const show = async (object: ContainerVersion) => {
    let trouble: string | undefined
    try {
      last = await readTree(client, pods, object, systemClock.now())
    } catch (thrown) {
      if (!mayPass(thrown)) throw thrown
      trouble = messageOf(thrown)
    }
    if (!signal.aborted) onTree(last, trouble)
  }
  const seen: ContainerVersion[] = []
  let wake = (): void => undefined
  const watching = watchObject({
    client,
    resource: containerVersions,
    namespace: request.namespace,
    name: request.name,
    resourceVersion: first.resourceVersion,
    onObject: (raw) => {
      seen.push(containerVersion(raw))
      wake()
    },
    // The reads say it as well.
    onContact: () => undefined,
    signal,
  }).then((end) => {
    if (end === 'gone') throw new ObjectNotFoundError(request)
  })
  const showing = async () => {
    for (let latest = first; !signal.aborted; ) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (seen.length === 0) await Promise.race([pause(everyMs, signal), changed])
      const changes = seen.splice(0)
      latest = changes.at(-1) ?? latest
      for (const object of changes.length > 0 ? changes : [latest]) await show(object)
    }
  }
  try {
    await Promise.race([watching, showing()])
  } finally {
    ending.abort()
  }
}
