/** The writes to the API server, sent to a real one. */
import { type Test, test } from 'tap'
import { type Cluster, startCluster } from '../../../e2e/harness/cluster.ts'
import { until } from '../../../e2e/harness/until.ts'
import { type ContainerVersion, containerVersion } from '../../api/container-version.ts'
import { crd } from '../../api/crd.ts'
import { apiVersion, finalizer, kind } from '../../api/names.ts'
import { isConflict, isInvalid, isNotFound } from '../../kubernetes/api-error.ts'
import { ApiClient } from '../../kubernetes/client.ts'
import { loadKubeConfig } from '../../kubernetes/kube-config.ts'
import { writeConfigMap } from '../history/config-map.ts'
import { deployment } from '../workloads/deployment.ts'
import { disown, patchImages, patchSeenImages } from '../workloads/image-patch.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import { StatusWriter } from './status-writer.ts'

const image = (name: string) => `registry.example.com/shop/web:${name}`
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const hostile = 'v1","x":{{{}}}}}}%s\\'

test('on a real API server', async (t) => {
  const cluster = await startCluster({ nodes: 0 })
  t.teardown(() => cluster.stop())
  const client = new ApiClient({ kubeConfig: loadKubeConfig({ file: cluster.kubeconfig }), version: 'test' })
  t.teardown(() => client.close())
  await cluster.apply(crd as never)
  await cluster.established(crd.metadata.name)

  const read = async (name: string): Promise<WorkloadObject> =>
    deployment.strip(await client.get(`${deployments}/${name}`))
  const make = async (name: string, ...apply: string[]): Promise<WorkloadObject> => {
    const containers = [
      { name: 'web', image: image('v1'), env: [{ name: 'A', value: '1' }] },
      { name: 'proxy', image: image('proxy') },
    ]
    const template = { metadata: { labels: { app: name } }, spec: { containers } }
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default' },
      spec: { replicas: 0, selector: { matchLabels: { app: name } }, template },
    }
    if (apply.length === 0) await client.create(deployments, object)
    else await applyAs(client, `${deployments}/${name}`, object, apply[0] ?? '')
    // Its controller writes the status once, and nothing after that.
    await until(`${name} to be observed`, async () => (await read(name)).progress.state === 'healthy')
    return read(name)
  }
  const change = (object: WorkloadObject, name: string) =>
    patchImages(client, { change: 'images', of: object, images: [{ name: 'web', image: name }], seen: object })

  t.test(
    'B11 B27 an image patch changes that one field of that one container, whatever the image is called',
    async (t) => {
      const before = await client.get<{ spec: object }>(`${deployments}/${(await make('patched')).name}`)
      await change(await read('patched'), hostile)
      const after = await client.get<{
        spec: { template: { spec: { containers: { name: string; image: string }[] } } }
      }>(`${deployments}/patched`)
      t.match(after.spec.template.spec.containers, [
        { name: 'web', image: hostile },
        { name: 'proxy', image: image('proxy') },
      ])
      const undone = JSON.parse(
        JSON.stringify(after.spec).replaceAll(JSON.stringify(hostile).slice(1, -1), image('v1')),
      ) as object
      t.same(undone, before.spec)
    },
  )

  t.test('B15 the API server refuses an image patch if the workload has changed since it was observed', async (t) => {
    const observed = await make('raced')
    await client.mergePatch(`${deployments}/raced`, { metadata: { labels: { changed: 'yes' } } })
    t.ok(isConflict(await failure(change(observed, image('v2')))))
    t.match((await read('raced')).containers, [{ image: image('v1') }, {}])
  })

  t.test('an image is patched whatever else has changed, but not if it is another one meanwhile', async (t) => {
    const observed = await make('scaled')
    await client.mergePatch(`${deployments}/scaled`, { metadata: { labels: { changed: 'yes' } } })
    const patch = (name: string) =>
      patchSeenImages(client, {
        change: 'images',
        of: observed,
        images: [{ name: 'web', image: image(name) }],
        seen: observed,
      })
    t.match(await patch('v2'), { containers: [{ image: image('v2') }, { image: image('proxy') }] })
    t.ok(isInvalid(await failure(patch('v3'))))
    t.match((await read('scaled')).containers, [{ image: image('v2') }, {}])
  })

  t.test('B36 a patch does not reach another workload of the same name', async (t) => {
    const gone = await make('twin')
    await client.delete(`${deployments}/twin`)
    t.equal(await change(gone, image('v2')), undefined, 'gone')
    const twin = await make('twin')
    t.ok(isConflict(await failure(change(gone, image('v2')))))
    t.ok(isInvalid(await failure(change({ ...twin, uid: gone.uid }, image('v2')))), 'not even at the same version')
  })

  t.test(
    'once the ownership is given up, the next server-side apply of another manager meets no conflict',
    async (t) => {
      const object = await make('applied', 'helm')
      const changed = await change(object, image('v2'))
      t.match(changed, { mustDisown: true })
      t.match(await disown(client, object), { mustDisown: false })
      const owners = await client.get<{ metadata: { managedFields: { manager: string }[] } }>(`${deployments}/applied`)
      t.notOk(owners.metadata.managedFields.some(({ manager }) => manager === 'cvmanager'))
      t.match((await read('applied')).containers, [{ image: image('v2') }, {}])
      await t.resolves(make('applied', 'helm'), 'an apply without force goes through')
    },
  )

  t.test('B29 a ConfigMap without data gets its key, and the keys of others stay', async (t) => {
    const path = '/api/v1/namespaces/default/configmaps'
    await client.create(path, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'empty', labels: { mine: 'yes' } },
    })
    await writeConfigMap(client, 'default', 'empty', (data) => ({ version: `${Object.keys(data).length}` }))
    t.match(await client.get(`${path}/empty`), { metadata: { labels: { mine: 'yes' } }, data: { version: '0' } })
    await client.mergePatch(`${path}/empty`, { data: { theirs: 'x' } })
    await writeConfigMap(client, 'default', 'empty', () => ({ version: '1' }))
    t.match(await client.get(`${path}/empty`), {
      metadata: { labels: { mine: 'yes' } },
      data: { version: '1', theirs: 'x' },
    })
  })

  t.test('B28 concurrent writes to a ConfigMap are all kept', async (t) => {
    const writes = Array.from({ length: 5 }, (_, index) =>
      writeConfigMap(client, 'default', 'shared', (data) => ({ all: `${data.all ?? ''}${index}` })),
    )
    const results = await Promise.allSettled(writes)
    const { data } = await client.get<{ data: { all: string } }>('/api/v1/namespaces/default/configmaps/shared')
    const written = results.filter(({ status }) => status === 'fulfilled').length
    t.equal(data.all.length, written)
    t.equal(new Set(data.all).size, written)
  })

  await objectWrites(t, cluster, client)
})

async function objectWrites(t: Test, cluster: Cluster, client: ApiClient): Promise<void> {
  const path = '/apis/cvmanager.io/v1/namespaces/default/containerversions'
  const spec = { imageRepo: 'registry.example.com/shop/web', tag: 'env-prod', selector: { cvapp: 'web' } }
  const written: ContainerVersion[] = []
  const writer = new StatusWriter(client, (object) => written.push(object))
  const make = async (name: string) =>
    containerVersion(await client.create(path, { apiVersion, kind, metadata: { name }, spec }))

  t.test('B42 the API server refuses a status if the object has changed since it was observed', async (t) => {
    const object = await make('raced')
    await cluster.kubectl('label', 'cv', 'raced', 'changed=yes')
    t.ok(isConflict(await failure(writer.status(object, { phase: 'UpToDate' }))))
  })

  t.test('a status is replaced as a whole, and written only if it differs', async (t) => {
    const object = await make('whole')
    const one = await writer.status(object, { phase: 'Stalled', message: 'x', quarantined: [] })
    const two = await writer.status(one, { phase: 'UpToDate' })
    t.same(two.status, { phase: 'UpToDate' })
    t.equal((await writer.status(two, { phase: 'UpToDate' })).resourceVersion, two.resourceVersion)
    t.equal(written.at(-1)?.resourceVersion, two.resourceVersion)
  })

  t.test('the finalizer comes and goes, and the finalizers of others stay', async (t) => {
    const object = containerVersion(
      await client.mergePatch(`${path}/${(await make('final')).name}`, {
        metadata: { finalizers: ['example.com/theirs'] },
      }),
    )
    const held = await writer.finalizer(object, true)
    t.same(held.finalizers, ['example.com/theirs', finalizer])
    t.equal(await writer.finalizer(held, true), held)
    t.same((await writer.finalizer(held, false)).finalizers, ['example.com/theirs'])
    await client.mergePatch(`${path}/final`, { metadata: { finalizers: [] } })
  })

  t.test('B40 the error about an object that is gone says so', async (t) => {
    const object = await make('gone')
    await client.delete(`${path}/gone`)
    const thrown = await writer.status(object, { phase: 'UpToDate' }).catch((error: unknown) => error)
    t.ok(isNotFound(thrown) || isConflict(thrown), String(thrown))
  })
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )

/** Server-side apply, as Helm 4 and Flux do it, without force. */
function applyAs(client: ApiClient, path: string, object: object, manager: string): Promise<unknown> {
  const contentType = 'application/apply-patch+yaml'
  return client.request({ method: 'PATCH', path, body: object, contentType, query: { fieldManager: manager } })
}
