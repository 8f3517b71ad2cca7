import { test } from 'tap'
import { reconcileAnnotation } from '../../api/names.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { TransientError } from '../../errors.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { object, version } from '../../rollouts/plan/plan.fixture.ts'
import type { WaitRequest } from './result.ts'
import { type WaitClient, wait } from './wait.ts'

const named = (name: string) => ({ version: name, digest: version(name).digest })
const runs = (name: string): ContainerVersionStatus => ({
  phase: 'UpToDate',
  message: `all workloads run ${name}`,
  observed: { ...named(name), tag: 'env-prod', source: 'alias', firstSeenTime: '' },
  current: { ...named(name), since: '' },
  lastHealthy: [{ ...named(name), image: '' }],
})

interface Server {
  uid?: string
  annotation?: string | undefined
  status: ContainerVersionStatus
  /** What the next requests meet. */
  readonly faults: Error[]
}

/** Runs `cv wait` on a server whose watch brings the object again each time the test says so. */
function waiting(more: Partial<WaitRequest> = {}) {
  const server: Server = { status: runs('v1'), faults: [] }
  const lines: string[] = []
  const stopping = new AbortController()
  let changed = Promise.withResolvers<void>()
  let resourceVersion = 1
  const raw = () => ({
    metadata: {
      ...{ namespace: 'shop', name: 'web-cv', uid: server.uid ?? 'one', resourceVersion: `${resourceVersion}` },
      annotations: server.annotation === undefined ? {} : { [reconcileAnnotation]: server.annotation },
    },
    spec: object().spec,
    status: server.status,
  })
  const answer = async <T>(): Promise<T> => {
    const fault = server.faults.shift()
    if (fault) throw fault
    return raw() as T
  }
  const client: WaitClient = {
    get: answer,
    async mergePatch<T>(_path: string, patch: object) {
      const found = await answer<T>()
      const { metadata } = patch as { metadata: { annotations: Record<string, string> } }
      server.annotation = metadata.annotations[reconcileAnnotation]
      return { ...found, ...raw() } as T
    },
    async *stream({ onOpen, signal }) {
      onOpen?.()
      for (;;) {
        const ended = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
        await Promise.race([changed.promise, ended])
        signal?.throwIfAborted()
        changed = Promise.withResolvers()
        yield { type: 'MODIFIED', object: raw() }
      }
    },
  }
  return {
    server,
    lines,
    stopping,
    /** The server has changed the object. */
    changes(change: Partial<Server>) {
      Object.assign(server, change)
      resourceVersion += 1
      changed.resolve()
    },
    run: () =>
      wait(client, {
        namespace: 'shop',
        name: 'web-cv',
        version: undefined,
        timeoutMs: 5_000,
        signal: stopping.signal,
        onProgress: (line) => lines.push(line),
        ...more,
      }),
    async asked(): Promise<string> {
      while (server.annotation === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      return server.annotation
    },
  }
}

test('it asks, and returns when the answer says that the version runs', async (t) => {
  const { run, asked, changes, lines } = waiting()
  const ended = run()
  changes({ status: { ...runs('v1'), lastHandledReconcileAt: await asked() } })
  t.match(await ended, { result: 'Healthy', ...named('v1') })
  t.same(lines, ['UpToDate: all workloads run v1'])
})

test('an outage while it asks is told once', async (t) => {
  const { run, asked, changes, lines, server } = waiting()
  const away = () => new TransientError('ApiServerUnavailable', 'away')
  const ended = run()
  server.faults.push(away(), new ApiError(500, 'InternalError', 'oh'), away())
  changes({ status: { ...runs('v1'), lastHandledReconcileAt: await asked() } })
  t.match(await ended, { result: 'Healthy' })
  t.same(lines, ['UpToDate: all workloads run v1', 'away; tries again'])
})

test('one that is made anew meanwhile is another one', async (t) => {
  const { run, asked, changes } = waiting()
  const ended = run()
  await asked()
  changes({ uid: 'two' })
  t.match(await ended, { result: 'NotFound', message: 'it was deleted, and made anew' })
})

test('what is not there is a result, and an API server that does not answer an error', async (t) => {
  const missing = waiting()
  missing.server.faults.push(new ApiError(404, 'NotFound', 'not there'))
  t.match(await missing.run(), {
    result: 'NotFound',
    message: /^there is no ContainerVersion web-cv in namespace shop/,
  })
  const noDefinition = waiting()
  noDefinition.server.faults.push(new ApiError(404, 'HTTP404', 'no definition'))
  await t.rejects(noDefinition.run(), { message: 'no definition' })
  const away = waiting()
  away.server.faults.push(new TransientError('ApiServerUnavailable', 'away'))
  await t.rejects(away.run(), { message: 'away' })
})

test('what this account may not do is said with the file that has the right', async (t) => {
  const right = {
    who: 'system:serviceaccount:shop:ci',
    verb: 'get',
    group: 'cvmanager.io',
    resource: 'containerversions',
  }
  const { run, server } = waiting()
  server.faults.push(new ApiError(403, 'Forbidden', 'controller words', [], undefined, { ...right, namespace: 'shop' }))
  await t.rejects(run(), {
    message:
      'the service account shop:ci may not get containerversions in namespace shop: deploy/ci.yaml has the rights for it',
  })
})

test('the time is up, or a signal comes: it says how it stood, and that nobody has answered', async (t) => {
  t.match(await waiting({ timeoutMs: 50, version: 'v2' }).run(), {
    result: 'TimedOut',
    version: 'v2',
    message: 'UpToDate: all workloads run v1; cvmanager has not answered the request: is it running?',
  })
  const { run, asked, stopping } = waiting()
  const ended = run()
  await asked()
  stopping.abort('SIGTERM')
  t.match(await ended, { result: 'Interrupted', message: 'stopped by SIGTERM' })
})

test('the time is up, or a signal comes, before the API server has answered at all', async (t) => {
  const client: WaitClient = {
    get: <T>(_path: string, { signal }: { signal?: AbortSignal | undefined } = {}) =>
      new Promise<T>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        setTimeout(() => reject(new TransientError('ApiServerUnavailable', 'away')), 1_000)
      }),
    mergePatch: () => Promise.reject(new Error('not asked')),
    stream: () => {
      throw new Error('not asked')
    },
  }
  const stopping = new AbortController()
  const request: WaitRequest = {
    namespace: 'shop',
    name: 'web-cv',
    version: 'v2',
    timeoutMs: 50,
    signal: stopping.signal,
    onProgress: () => undefined,
  }
  const timedOut = { result: 'TimedOut', version: 'v2', message: 'the API server has not answered' }
  t.strictSame(await wait(client, request), timedOut)
  const ended = wait(client, { ...request, version: undefined, timeoutMs: 5_000 })
  stopping.abort('SIGINT')
  t.strictSame(await ended, { result: 'Interrupted', message: 'stopped by SIGINT' })
})
