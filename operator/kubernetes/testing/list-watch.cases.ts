import type { Test } from 'tap'
import type { Cluster } from '../../../e2e/harness/cluster.ts'
import { until } from '../../../e2e/harness/until.ts'
import { expired, isList, isWatch, strip, watchBench } from './watch-bench.ts'

export async function listWatchCases(t: Test, cluster: Cluster): Promise<void> {
  const setUp = watchBench(t, cluster)
  t.jobs = 3

  void t.test(
    'it lists page by page, then sees objects that are created, changed and deleted',
    { buffered: true },
    async (t) => {
      const { api, list, changes, make, change, remove, sees, namespace } = await setUp(t, { pageLimit: 2 })
      for (const name of ['a', 'b', 'c', 'd', 'e']) await make(name, '1')
      list.start()
      await list.synced
      t.equal(list.cache.size, 5)
      t.equal(api.requests(isList).length, 3)
      t.notOk(api.requests(isList)[0]?.query.has('resourceVersion'))
      changes.length = 0
      await make('f', '1')
      await change('a', '2')
      await remove('b')
      await sees('b', undefined)
      t.same(changes, [`added ${namespace}/f`, `changed ${namespace}/a`, `deleted ${namespace}/b`])
      t.throws(() => Object.assign(list.cache.get(`${namespace}/a`) ?? {}, { value: 'mine' }), TypeError)
    },
  )

  void t.test(
    'what the selectors or the caller leave out is not in the cache, and goes when it comes to be left out',
    { buffered: true },
    async (t) => {
      const selectors = { labelSelector: '!controlled' }
      const { direct, path, namespace, list, changes, make, change, sees } = await setUp(t, {
        selectors,
        keeps: ({ value }) => value !== 'ended',
      })
      await make('a', '1')
      await make('b', 'ended')
      await direct.create(path, { metadata: { name: 'c', labels: { controlled: 'yes' } } })
      list.start()
      await list.synced
      t.same(
        [...list.cache.values()].map(({ key }) => key),
        [`${namespace}/a`],
      )
      await change('b', '1')
      await sees('b', '1')
      await change('a', 'ended')
      await sees('a', undefined)
      await direct.mergePatch(`${path}/b`, { metadata: { labels: { controlled: 'yes' } } })
      await sees('b', undefined)
      t.same(changes.slice(1), [`added ${namespace}/b`, `deleted ${namespace}/a`, `deleted ${namespace}/b`])
    },
  )

  void t.test(
    'a broken connection costs only a new watch from the same resourceVersion',
    { buffered: true },
    async (t) => {
      const { api, list, make, change, sees } = await setUp(t)
      await make('a', '1')
      list.start()
      await list.synced
      await until('a watch', () => api.requests(isWatch).length === 1)
      api.fault = () => 'drop'
      api.cutConnections()
      await change('a', '2')
      await make('b', '1')
      await until('lost contact', () => list.lastError !== undefined)
      api.fault = () => undefined
      await sees('b', '1')
      await sees('a', '2')
      t.equal(api.requests(isList).length, 1)
      t.equal(list.lastError, undefined)
    },
  )

  void t.test(
    'R4 after 410 Gone it lists again within 5 s and reports only the differences',
    { buffered: true },
    async (t) => {
      const { api, list, changes, make, change, remove, sees, namespace } = await setUp(t)
      for (const name of ['same', 'changed', 'deleted']) await make(name, '1')
      list.start()
      await list.synced
      await until('a watch', () => api.requests(isWatch).length === 1)
      changes.length = 0
      api.fault = (request) => (isWatch(request) ? expired : undefined)
      api.cutConnections()
      await change('changed', '2')
      await remove('deleted')
      await sees('changed', '2', 5_000)
      t.same(changes.sort(), [`changed ${namespace}/changed`, `deleted ${namespace}/deleted`])
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      t.ok(api.requests(isList).length < 15, 'a server that repeats it is not flooded with lists')
      api.fault = () => undefined
      await make('new', '1')
      await sees('new', '1')
    },
  )

  void t.test(
    'R2 an API server that lags takes nothing back; one that was restored from a backup is believed after 5 s',
    { buffered: true },
    async (t) => {
      const { api, direct, list, path, make, change, sees, value } = await setUp(t)
      await make('a', '1')
      const old = JSON.stringify(await direct.get(path))
      list.start()
      await list.synced
      await change('a', '2')
      await sees('a', '2')
      const goBack = () => {
        api.fault = (request) => (isWatch(request) ? expired : { status: 200, body: old })
        api.cutConnections()
      }
      goBack()
      await until('an old list', () => api.requests(isList).length >= 3)
      api.fault = () => undefined
      await change('a', '3')
      await sees('a', '3')
      const began = performance.now()
      goBack()
      await until('it to be believed', () => value('a') !== '3', 15_000)
      t.equal(value('a'), '1')
      t.ok(performance.now() - began > 4_900, `after ${Math.round(performance.now() - began)} ms`)
      api.fault = () => undefined
      await sees('a', '3')
    },
  )

  void t.test('410 as a watch event, and 410 between two pages, start a new list', { buffered: true }, async (t) => {
    const { api, list, make, sees } = await setUp(t, { pageLimit: 1 })
    for (const name of ['a', 'b', 'c']) await make(name, '1')
    let failures = 0
    api.fault = ({ query }) => {
      if (query.has('continue') && failures++ === 0) return expired
      const event = { type: 'ERROR', object: JSON.parse(expired.body) }
      return query.has('watch') && failures++ < 3 ? { status: 200, body: `${JSON.stringify(event)}\n` } : undefined
    }
    list.start()
    await list.synced
    t.equal(list.cache.size, 3)
    await make('d', '1')
    await sees('d', '1')
    t.ok(failures >= 3)
  })

  void t.test('R4 a silent watch is given up and renewed', { buffered: true }, async (t) => {
    const { api, list, make, change, sees } = await setUp(t, { watchSeconds: 2 })
    await make('a', '1')
    list.start()
    await list.synced
    await until('a watch', () => api.requests(isWatch).length === 1)
    api.silent = true
    await change('a', '2')
    await until('a second watch', () => api.requests(isWatch).length >= 2, 6_000)
    api.silent = false
    await sees('a', '2', 7_000)
    t.equal(api.requests(isList).length, 1)
  })

  void t.test('invalid answers, refusals and an unreadable object do not end it', { buffered: true }, async (t) => {
    const { api, list, make, change, sees } = await setUp(t)
    await make('a', '1')
    api.fault = () => ({ status: 403, body: '{"kind":"Status","code":403,"reason":"Forbidden","message":"no"}' })
    list.start()
    await until('a refusal', () => list.lastError !== undefined)
    api.fault = (request) => (isWatch(request) ? { status: 200, body: 'garbage\n' } : undefined)
    await list.synced
    await until('garbage', () => api.requests(isWatch).length >= 2)
    api.fault = () => undefined
    await make('odd', 'unreadable')
    await change('a', '2')
    await sees('a', '2')
  })

  void t.test(
    'the answer to our own write is visible at once, and the watch does not revert it',
    { buffered: true },
    async (t) => {
      const { list, make, change, value, changes, namespace } = await setUp(t)
      await make('a', '1')
      list.start()
      await list.synced
      changes.length = 0
      for (let version = 2; version < 30; version++) {
        list.cache.put(strip(await change('a', String(version))))
        t.equal(value('a'), String(version))
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      t.equal(value('a'), '29')
      t.same(new Set(changes), new Set([`changed ${namespace}/a`]))
      t.equal(changes.length, 28)
    },
  )

  void t.test('R4 no change is lost, however often the connection breaks', { buffered: true }, async (t) => {
    const { api, direct, list, make, change, remove, path } = await setUp(t, { pageLimit: 7 })
    list.start()
    await list.synced
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
    const { items } = await direct.get<{ items: unknown[] }>(path)
    const truth = items.map(strip).map(({ key, resourceVersion }) => `${key}@${resourceVersion}`)
    await until('the same as on the server', () => {
      const held = [...list.cache.values()].map(({ key, resourceVersion }) => `${key}@${resourceVersion}`)
      return JSON.stringify(held.sort()) === JSON.stringify(truth.sort())
    })
  })

  void t.test('when idle, it costs one request for each watch, and no write', { buffered: true }, async (t) => {
    const { api, list, make } = await setUp(t, { watchSeconds: 1 })
    await make('a')
    list.start()
    await list.synced
    await new Promise((resolve) => setTimeout(resolve, 3_500))
    t.equal(api.requests(({ method }) => method !== 'GET').length, 0)
    t.ok(api.requests(isWatch).length <= 4)
    t.equal(api.requests(isList).length, 1)
    t.ok(Date.now() - list.lastContactMs < 1_500)
  })

  void t.test(
    'B23 it stops at once, even while the server hangs, and sends no more requests',
    { buffered: true },
    async (t) => {
      const { api, list } = await setUp(t)
      api.fault = () => 'hang'
      list.start()
      await until('a request', () => api.requests().length === 1)
      const began = performance.now()
      await list.stop()
      t.ok(performance.now() - began < 1_000)
      await t.rejects(list.synced, { message: /stopped before/ })
    },
  )
}

/** Stops the API server, so nothing else can run at the same time. */
export async function outageCases(t: Test, cluster: Cluster): Promise<void> {
  const setUp = watchBench(t, cluster)
  await t.test(
    'R3 it recovers within seconds when the API server comes back without its history',

    async (t) => {
      const { list, make, change, sees, changes, namespace } = await setUp(t)
      await make('a', '1')
      await make('b', '1')
      list.start()
      await list.synced
      changes.length = 0
      let recovered = 0
      list.onRecovered(() => recovered++)
      await cluster.stopApiServer()
      await until('lost contact', () => list.lastError !== undefined)
      await cluster.startApiServer()
      await until('a change to be taken', () => change('a', '2'))
      await sees('a', '2', 10_000)
      t.equal(recovered, 1)
      t.same(changes, [`changed ${namespace}/a`])
    },
  )
}
