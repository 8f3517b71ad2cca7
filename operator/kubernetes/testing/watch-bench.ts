/** For tests: a list/watch of Secrets, through a proxy that can be told to fail. */
import type { Test } from 'tap'
import type { Cluster } from '../../../e2e/harness/cluster.ts'
import { until } from '../../../e2e/harness/until.ts'
import { systemClock } from '../../time/clock.ts'
import { ApiClient } from '../client.ts'
import { loadKubeConfig } from '../kube-config.ts'
import { ListWatch, type ListWatchOptions } from '../list-watch.ts'
import type { CachedObject } from '../store.ts'
import { FaultyApi, type SeenRequest } from './faulty-api.ts'

interface Stripped extends CachedObject {
  readonly value: string
}

export function strip(raw: unknown): Stripped {
  const { metadata, data } = raw as {
    metadata: { namespace: string; name: string; resourceVersion: string }
    data?: { value?: string }
  }
  const value = Buffer.from(data?.value ?? '', 'base64').toString()
  if (value === 'unreadable') throw new Error('cannot read it')
  const key = `${metadata.namespace}/${metadata.name}`
  return { key, resourceVersion: metadata.resourceVersion, value }
}

let namespaces = 0
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
export const isWatch = ({ query }: SeenRequest) => query.has('watch')
export const isList = ({ query }: SeenRequest) => query.has('limit')
export const expired = { status: 410, body: '{"kind":"Status","code":410,"reason":"Expired","message":"too old"}' }

/** Gives each test its own namespace, ways to change it, and a list/watch of it through a faulty proxy. */
export function watchBench(t: Test, cluster: Cluster) {
  const kubeConfig = loadKubeConfig({ file: cluster.kubeconfig })
  const direct = new ApiClient({ kubeConfig, version: '0' })
  t.teardown(() => direct.close())

  return async function setUp(t: Test, options: Partial<ListWatchOptions<Stripped>> = {}) {
    const namespace = await cluster.namespace(`watched-${namespaces++}`)
    const path = `/api/v1/namespaces/${namespace}/secrets`
    const api = await FaultyApi.before(kubeConfig)
    const client = new ApiClient({ kubeConfig: api.kubeConfig, version: '0' })
    const list = new ListWatch<Stripped>({ client, path, strip, log, clock: systemClock, ...options })
    const changes: string[] = []
    list.cache.onChange((change) =>
      changes.push(`${change.type} ${(change.type === 'deleted' ? change.before : change.now).key}`),
    )
    t.teardown(async () => {
      await list.stop()
      await client.close()
      await api.stop()
    })
    const make = (name: string, value = '') => direct.create(path, { metadata: { name }, stringData: { value } })
    const change = (name: string, value: string) =>
      direct.mergePatch<object>(`${path}/${name}`, { stringData: { value } })
    const remove = (name: string) => direct.delete(`${path}/${name}`)
    const value = (name: string) => list.cache.get(`${namespace}/${name}`)?.value
    const sees = (name: string, wanted: string | undefined, ms?: number) =>
      until(`${name} to be ${wanted}`, () => value(name) === wanted, ms)
    return { namespace, path, api, direct, list, changes, make, change, remove, value, sees }
  }
}
