import type { Test } from 'tap'
import type { Cluster } from '../../../e2e/harness/cluster.ts'
import { until } from '../../../e2e/harness/until.ts'
import { systemClock } from '../../time/clock.ts'
import { ApiClient } from '../client.ts'
import { loadKubeConfig } from '../kube-config.ts'
import { ListWatch, type ListWatchOptions } from '../list-watch.ts'
import type { Stored } from '../store.ts'
import { FaultyApi, type SeenRequest } from './faulty-api.ts'

interface Kept extends Stored {
  readonly value: string
}

function strip(raw: unknown): Kept {
  const { metadata, data } = raw as {
    metadata: { namespace: string; name: string; resourceVersion: string }
    data?: { value?: string }
  }
  if (data?.value === 'unreadable') throw new Error('cannot read it')
  const key = `${metadata.namespace}/${metadata.name}`
  return { key, resourceVersion: metadata.resourceVersion, value: data?.value ?? '' }
}

let namespaces = 0
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const isWatch = ({ query }: SeenRequest) => query.has('watch')
const isList = ({ query }: SeenRequest) => query.has('limit')
const expired = { status: 410, body: '{"kind":"Status","code":410,"reason":"Expired","message":"too old"}' }

/** Gives each test a namespace of its own, a way to change it, and a list/watch of it through a proxy that misbehaves. */
function bench(t: Test, cluster: Cluster) {
  const kubeConfig = loadKubeConfig({ file: cluster.kubeconfig })
  const direct = new ApiClient({ kubeConfig, version: '0' })
  t.teardown(() => direct.close())

  return async function setUp(t: Test, options: Partial<ListWatchOptions<Kept>> = {}) {
    const namespace = await cluster.namespace(`watched-${namespaces++}`)
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const api = await FaultyApi.before(kubeConfig)
    const client = new ApiClient({ kubeConfig: api.kubeConfig, version: '0' })
    // Every namespace has one that is not ours.
    const fieldSelector = 'metadata.name!=kube-root-ca.crt'
    const cache = new ListWatch<Kept>({ client, path, strip, fieldSelector, log, clock: systemClock, ...options })
    const changes: string[] = []
    cache.onChange((change) =>
      changes.push(`${change.type} ${(change.type === 'deleted' ? change.before : change.now).key}`),
    )
    t.teardown(async () => {
      await cache.stop()
      await client.close()
      await api.stop()
    })
    const make = (name: string, value = '') => direct.create(path, { metadata: { name }, data: { value } })
    const change = (name: string, value: string) => direct.mergePatch<object>(`${path}/${name}`, { data: { value } })
    const remove = (name: string) => direct.delete(`${path}/${name}`)
    const value = (name: string) => cache.get(`${namespace}/${name}`)?.value
    const sees = (name: string, wanted: string | undefined, ms?: number) =>
      until(`${name} to be ${wanted}`, () => value(name) === wanted, ms)
    return { namespace, path, api, direct, cache, changes, make, change, remove, value, sees }
  }
}

export async function listWatchCases(t: Test, cluster: Cluster): Promise<void> {
  const setUp = bench(t, cluster)
  t.jobs = 3

  void t.test('it lists page by page, then sees what is made, changed and deleted', { buffered: true }, async (t) => {
    const { api, cache, changes, make, change, remove, sees, namespace } = await setUp(t, { pageLimit: 2 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) await make(name, '1')
    cache.start()
    await cache.synced
    t.equal(cache.size, 5)
    t.equal(api.requests(isList).length, 3)
    t.notOk(api.requests(isList)[0]?.query.has('resourceVersion'))
    changes.length = 0
    await make('f', '1')
    await change('a', '2')
    await remove('b')
    await sees('b', undefined)
    t.same(changes, [`added ${namespace}/f`, `changed ${namespace}/a`, `deleted ${namespace}/b`])
    t.throws(() => Object.assign(cache.get(`${namespace}/a`) ?? {}, { value: 'mine' }), TypeError)
  })

  void t.test(
    'a broken connection costs nothing but a new watch from the same place',
    { buffered: true },
    async (t) => {
      const { api, cache, make, change, sees } = await setUp(t)
      await make('a', '1')
      cache.start()
      await cache.synced
      await until('a watch', () => api.requests(isWatch).length === 1)
      api.fault = () => 'drop'
      api.cutConnections()
      await change('a', '2')
      await make('b', '1')
      await until('lost contact', () => cache.lastError !== undefined)
      api.fault = () => undefined
      await sees('b', '1')
      await sees('a', '2')
      t.equal(api.requests(isList).length, 1)
      t.equal(cache.lastError, undefined)
    },
  )

  void t.test(
    'R4 after 410 Gone it lists again within 5 s and tells only what is different',
    { buffered: true },
    async (t) => {
      const { api, cache, changes, make, change, remove, sees, namespace } = await setUp(t)
      for (const name of ['same', 'changed', 'deleted']) await make(name, '1')
      cache.start()
      await cache.synced
      await until('a watch', () => api.requests(isWatch).length === 1)
      changes.length = 0
      api.fault = (request) => (isWatch(request) ? expired : undefined)
      api.cutConnections()
      await change('changed', '2')
      await remove('deleted')
      await sees('changed', '2', 5_000)
      t.same(changes.sort(), [`changed ${namespace}/changed`, `deleted ${namespace}/deleted`])
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      t.ok(api.requests(isList).length < 15, 'a server that goes on saying so is not stormed')
      api.fault = () => undefined
      await make('new', '1')
      await sees('new', '1')
    },
  )

  void t.test(
    '410 as an event in the watch, and 410 between two pages, begin a new list',
    { buffered: true },
    async (t) => {
      const { api, cache, make, sees } = await setUp(t, { pageLimit: 1 })
      for (const name of ['a', 'b', 'c']) await make(name, '1')
      let failures = 0
      api.fault = ({ query }) => {
        if (query.has('continue') && failures++ === 0) return expired
        const event = { type: 'ERROR', object: JSON.parse(expired.body) }
        return query.has('watch') && failures++ < 3 ? { status: 200, body: `${JSON.stringify(event)}\n` } : undefined
      }
      cache.start()
      await cache.synced
      t.equal(cache.size, 3)
      await make('d', '1')
      await sees('d', '1')
      t.ok(failures >= 3)
    },
  )

  void t.test('R4 a watch that has gone silent is given up and made again', { buffered: true }, async (t) => {
    const { api, cache, make, change, sees } = await setUp(t, { watchSeconds: 2 })
    await make('a', '1')
    cache.start()
    await cache.synced
    await until('a watch', () => api.requests(isWatch).length === 1)
    api.silent = true
    await change('a', '2')
    await until('a second watch', () => api.requests(isWatch).length >= 2, 6_000)
    api.silent = false
    await sees('a', '2', 7_000)
    t.equal(api.requests(isList).length, 1)
  })

  void t.test('garbage, refusals and an unreadable object do not end it', { buffered: true }, async (t) => {
    const { api, cache, make, change, sees } = await setUp(t)
    await make('a', '1')
    api.fault = () => ({ status: 403, body: '{"kind":"Status","code":403,"reason":"Forbidden","message":"no"}' })
    cache.start()
    await until('a refusal', () => cache.lastError !== undefined)
    api.fault = (request) => (isWatch(request) ? { status: 200, body: 'garbage\n' } : undefined)
    await cache.synced
    await until('garbage', () => api.requests(isWatch).length >= 2)
    api.fault = () => undefined
    await make('odd', 'unreadable')
    await change('a', '2')
    await sees('a', '2')
  })

  void t.test(
    'the answer to an own write counts at once, and the watch does not take it back',
    { buffered: true },
    async (t) => {
      const { cache, make, change, value, changes, namespace } = await setUp(t)
      await make('a', '1')
      cache.start()
      await cache.synced
      changes.length = 0
      for (let version = 2; version < 30; version++) {
        cache.put(strip(await change('a', String(version))))
        t.equal(value('a'), String(version))
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      t.equal(value('a'), '29')
      t.same(new Set(changes), new Set([`changed ${namespace}/a`]))
      t.equal(changes.length, 28)
    },
  )

  void t.test('R4 no change is lost, however often the connection breaks', { buffered: true }, async (t) => {
    const { api, direct, cache, make, change, remove, path } = await setUp(t, { pageLimit: 7 })
    cache.start()
    await cache.synced
    const names = Array.from({ length: 20 }, (_, index) => `n-${index}`)
    const cutting = setInterval(() => api.cutConnections(), 150)
    try {
      for (const name of names) await make(name, '0')
      for (let round = 1; round <= 20; round++) {
        await Promise.all(names.map((name) => change(name, String(round))))
        if (round % 5 === 0)
          await Promise.all(names.slice(0, 3).map((name) => remove(name).then(() => make(name, 'again'))))
      }
      await remove('n-19')
    } finally {
      clearInterval(cutting)
    }
    const { items } = await direct.get<{ items: unknown[] }>(path, {
      query: { fieldSelector: 'metadata.name!=kube-root-ca.crt' },
    })
    const truth = items.map(strip).map(({ key, resourceVersion }) => `${key}@${resourceVersion}`)
    await until('the same as on the server', () => {
      const held = [...cache.values()].map(({ key, resourceVersion }) => `${key}@${resourceVersion}`)
      return JSON.stringify(held.sort()) === JSON.stringify(truth.sort())
    })
  })

  void t.test('idle, it costs one request for each life of a watch, and no write', { buffered: true }, async (t) => {
    const { api, cache, make } = await setUp(t, { watchSeconds: 1 })
    await make('a')
    cache.start()
    await cache.synced
    await new Promise((resolve) => setTimeout(resolve, 3_500))
    t.equal(api.requests(({ method }) => method !== 'GET').length, 0)
    t.ok(api.requests(isWatch).length <= 4)
    t.equal(api.requests(isList).length, 1)
    t.ok(Date.now() - cache.lastContactMs < 1_500)
  })

  void t.test(
    'B23 it stops at once, also while the server hangs, and then asks for nothing',
    { buffered: true },
    async (t) => {
      const { api, cache } = await setUp(t)
      api.fault = () => 'hang'
      cache.start()
      await until('a request', () => api.requests().length === 1)
      const began = performance.now()
      await cache.stop()
      t.ok(performance.now() - began < 1_000)
      await t.rejects(cache.synced, { message: /stopped before/ })
    },
  )
}

/** Stops the API server: nothing else can run meanwhile. */
export async function outageCases(t: Test, cluster: Cluster): Promise<void> {
  const setUp = bench(t, cluster)
  await t.test(
    'R3 an API server that is away and comes back without our history: in contact within seconds',

    async (t) => {
      const { cache, make, change, sees, changes, namespace } = await setUp(t)
      await make('a', '1')
      await make('b', '1')
      cache.start()
      await cache.synced
      changes.length = 0
      let recovered = 0
      cache.onRecovered(() => recovered++)
      await cluster.stopApiServer()
      await until('lost contact', () => cache.lastError !== undefined)
      await cluster.startApiServer()
      await until('a change to be taken', () => change('a', '2'))
      await sees('a', '2', 10_000)
      t.equal(recovered, 1)
      t.same(changes, [`changed ${namespace}/a`])
    },
  )
}
