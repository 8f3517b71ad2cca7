/** The writes of ServiceBlueGreen, sent to a real API server. */
import { type Test, test } from 'tap'
import { startCluster } from '../../../e2e/harness/cluster.ts'
import { until } from '../../../e2e/harness/until.ts'
import { isConflict, isNotFound } from '../../kubernetes/api-error.ts'
import { ApiClient } from '../../kubernetes/client.ts'
import { loadKubeConfig } from '../../kubernetes/kube-config.ts'
import { serviceObject } from '../observe/service-object.ts'
import { deployment } from '../workloads/deployment.ts'
import { disown } from '../workloads/image-patch.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import { patchSelector, scaleWorkload } from './switching.ts'

const deployments = '/apis/apps/v1/namespaces/default/deployments'
const services = '/api/v1/namespaces/default/services'

interface Managed {
  readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly subresource?: string }[] }
}

test('on a real API server', async (t: Test) => {
  const cluster = await startCluster({ nodes: 0 })
  t.teardown(() => cluster.stop())
  const client = new ApiClient({ kubeConfig: loadKubeConfig({ file: cluster.kubeconfig }), version: 'test' })
  t.teardown(() => client.close())

  const read = async (name: string): Promise<WorkloadObject> =>
    deployment.strip(await client.get(`${deployments}/${name}`))
  const manifest = (name: string, replicas = 0) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:v1' }] } },
    },
  })
  const make = async (name: string): Promise<WorkloadObject> => {
    await client.create(deployments, manifest(name))
    return observed(name)
  }
  const observed = async (name: string): Promise<WorkloadObject> => {
    await until(`${name} to be observed`, async () => (await read(name)).progress.state === 'healthy')
    return read(name)
  }

  t.test('a scale changes the replicas alone, and only of a workload that is as it was observed', async (t) => {
    const seen = await make('scaled')
    const { spec } = await client.get<{ spec: object }>(`${deployments}/scaled`)
    await client.mergePatch(`${deployments}/scaled`, { metadata: { labels: { changed: 'yes' } } })
    t.ok(isConflict(await failure(scaleWorkload(client, seen, 3))))
    t.equal((await read('scaled')).replicas, 0)
    await scaleWorkload(client, await read('scaled'), 3)
    t.same((await client.get<{ spec: object }>(`${deployments}/scaled`)).spec, { ...spec, replicas: 3 })
  })

  t.test('B36 a scale does not reach another workload of the same name', async (t) => {
    const gone = await make('twin')
    await client.delete(`${deployments}/twin`)
    t.ok(isNotFound(await failure(scaleWorkload(client, gone, 3))))
    await make('twin')
    t.ok(isConflict(await failure(scaleWorkload(client, gone, 3))))
    t.equal((await read('twin')).replicas, 0)
  })

  t.test('after a scale, the next server-side apply of another manager meets no conflict', async (t) => {
    const query = { fieldManager: 'helm' }
    const apply = (replicas: number) =>
      client.request({
        method: 'PATCH',
        path: `${deployments}/applied`,
        body: manifest('applied', replicas),
        contentType: 'application/apply-patch+yaml',
        query,
      })
    await apply(0)
    await scaleWorkload(client, await observed('applied'), 2)
    t.ok(isConflict(await failure(apply(1))), 'while cvmanager owns the replicas, it does')
    const scaled = await read('applied')
    t.equal(scaled.mustDisown, true)
    t.match(await disown(client, scaled), { mustDisown: false, replicas: 2 })
    const { metadata } = await client.get<Managed>(`${deployments}/applied`)
    t.notOk(metadata.managedFields.some(({ manager }) => manager === 'cvmanager'))
    await t.resolves(apply(1))
  })

  const selector = { app: 'web', color: 'blue', tier: 'front' }
  const makeService = async (name: string) => {
    const spec = { selector, ports: [{ port: 80 }] }
    return serviceObject(await client.create(services, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }))
  }

  t.test('a switch changes the labels that differ, and nothing else of the Service', async (t) => {
    const seen = await makeService('switched')
    const before = await client.get<{ spec: { selector: object } }>(`${services}/switched`)
    const wanted = { app: 'web', color: 'green', side: 'new' }
    const change = { change: 'selector' as const, of: seen, selector: wanted, seen: seen.selector, workloads: [] }
    t.match(await patchSelector(client, change), { selector: wanted })
    const after = await client.get<{ spec: { selector: object } }>(`${services}/switched`)
    t.same(after.spec, { ...before.spec, selector: wanted })
  })

  t.test('a switch is refused if the Service has changed since, is gone, or was made anew', async (t) => {
    const seen = await makeService('guarded')
    const change = {
      change: 'selector' as const,
      of: seen,
      selector: { ...selector, color: 'green' },
      seen: seen.selector,
      workloads: [],
    }
    await client.mergePatch(`${services}/guarded`, { metadata: { labels: { changed: 'yes' } } })
    t.ok(isConflict(await failure(patchSelector(client, change))))
    await client.delete(`${services}/guarded`)
    t.ok(isConflict(await failure(patchSelector(client, change))))
    await makeService('guarded')
    t.ok(isConflict(await failure(patchSelector(client, change))))
    t.match(serviceObject(await client.get(`${services}/guarded`)).selector, selector)
  })
})

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
