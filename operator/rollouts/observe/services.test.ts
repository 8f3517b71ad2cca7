import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { StrategySpec } from '../../api/strategy.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { epoch, imageOf, object, rollingOut } from '../plan/plan.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { serviceObject } from './service-object.ts'
import { TestStore, testServices } from './services.fixture.ts'
import { surroundingsOf } from './surroundings.ts'

const strategy: StrategySpec = { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'web' } }
const service = (color: string, resourceVersion: string) => ({
  metadata: { namespace: 'shop', name: 'web', uid: 'u1', resourceVersion },
  spec: { selector: { app: 'web', color } },
})

function side(color: string, version: string) {
  const metadata = { name: `web-${color}`, namespace: 'shop', uid: `uid-of-${color}` }
  const template = {
    metadata: { labels: { app: 'web', color } },
    containers: [{ name: 'web', image: imageOf(version) }],
  }
  const found = deployment.strip(raw({ metadata, template }))
  return { object: { ...found, podLabels: { app: 'web', color } }, containers: found.containers }
}

/** Blue serves users with v1; green has v0. */
function cluster(refused?: string) {
  const requests: string[] = []
  const changed: string[] = []
  const store = new TestStore()
  const get = async (path: string) => {
    const resource = path.replace(/^.*\/namespaces\/shop\//, '')
    requests.push(resource)
    if (resource === refused)
      throw ApiError.fromAnswer(
        { method: 'GET', path },
        403,
        JSON.stringify({ kind: 'Status', message: `services is forbidden: User "cvmanager" cannot get it` }),
      )
    return resource === 'services/web' ? service('blue', '5') : { items: [] }
  }
  const client = { get } as unknown as ApiClient
  const services = testServices(client, store, (key) => changed.push(key))
  const selected = [side('blue', 'v1'), side('green', 'v0')]
  const see = async (of: ContainerVersion, offered: string) => {
    requests.length = 0
    const seen = await surroundingsOf(services, of, selected, imageOf(offered), epoch)
    return { ...seen, serving: [...(seen.serving ?? [])], requests: [...requests].sort() }
  }
  return { store, changed, see, services }
}

const blueGreen = object({}, { strategy })
const all = ['endpointslices', 'horizontalpodautoscalers', 'services/web']

test('an object of another strategy costs no request, and no watch of Services is started', async (t) => {
  const { store, see } = cluster()
  const seen = await see(object(), 'v2')
  t.match(seen, { requests: [], services: undefined, counts: false })
  t.same(seen.serving, [])
  t.equal(store.started, 0)
})

test('an idle object costs no request: the watch of Services says which side is live', async (t) => {
  const { store, see } = cluster()
  await see(blueGreen, 'v1')
  t.equal(store.started, 1)
  store.update(serviceObject(service('blue', '5')))
  t.match(await see(blueGreen, 'v1'), { requests: [], serving: ['uid-of-blue'] })
  store.update(serviceObject(service('green', '6')))
  t.match(await see(blueGreen, 'v0'), { requests: [], serving: ['uid-of-green'] })
})

test('before a rollout starts, and while it lasts, the API server itself is asked', async (t) => {
  const { store, see } = cluster()
  await see(blueGreen, 'v1')
  store.update(serviceObject(service('green', '4')))
  t.match(await see(blueGreen, 'v2'), { requests: all, serving: ['uid-of-blue'] }, 'the watch is late')
  t.match(store.get('shop/web'), { selector: { color: 'blue' } }, 'and learns of it')
  const rolling = object({ rollout: rollingOut() }, { strategy })
  t.match(await see(rolling, 'v1'), { requests: all, counts: true })
})

test('a change of the selector by hand brings the object back, and no other change of a Service does', async (t) => {
  const { store, changed, see, services } = cluster()
  await see(blueGreen, 'v1')
  store.update(serviceObject(service('blue', '5')))
  changed.length = 0
  store.update(serviceObject(service('blue', '6')))
  t.same(changed, [])
  store.update(serviceObject(service('green', '7')))
  t.same(changed, ['shop/web-cv'])
  store.delete('shop/web', '8')
  t.same(changed, ['shop/web-cv', 'shop/web-cv'])
  services.forget('shop/web-cv')
  store.update(serviceObject(service('blue', '9')))
  t.equal(changed.length, 2, 'an object that is gone is not told')
})

for (const resource of all) {
  test(`without the right to read ${resource} the status says so, and nothing is rolled out`, async (t) => {
    const { see } = cluster(resource)
    const { problem } = await see(blueGreen, 'v2')
    t.match(problem, { reason: 'RightMissing', message: /ServiceBlueGreen needs a right that cvmanager does not have/ })
  })
}

test('B31 only ready endpoints that are not terminating count, each pod once', async (t) => {
  const endpoint = (uid: string, conditions?: object) => ({
    addresses: ['10.0.0.1'],
    targetRef: { kind: 'Pod', uid },
    ...(conditions ? { conditions } : {}),
  })
  const slices = [
    {
      addressType: 'IPv4',
      endpoints: [
        endpoint('ready', { ready: true }),
        endpoint('unknown'),
        endpoint('running', { ready: false, serving: false }),
        endpoint('leaving', { ready: true, terminating: true }),
        { addresses: ['10.0.0.9'] },
      ],
    },
    { addressType: 'IPv6', endpoints: [endpoint('ready', { ready: true })] },
    { addressType: 'IPv4' },
  ]
  const get = async (path: string) => (path.endsWith('/endpointslices') ? { items: slices } : service('blue', '5'))
  const seen = await testServices({ get } as unknown as ApiClient).fresh('shop', ['web'])
  t.same([...(seen.get('web')?.ready ?? [])], ['ready', 'unknown'])
})
