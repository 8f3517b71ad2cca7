import type { Test } from 'tap'
import type { Cluster } from '../../../e2e/harness/cluster.ts'
import { systemClock } from '../../time/clock.ts'
import { ApiClient } from '../client.ts'
import { type EventText, EventWriter } from '../events.ts'
import { loadKubeConfig } from '../kube-config.ts'
import { FaultyApi } from './faulty-api.ts'

export async function eventCases(t: Test, cluster: Cluster): Promise<void> {
  const kubeConfig = loadKubeConfig({ file: cluster.kubeconfig })
  const api = await FaultyApi.before(kubeConfig)
  const client = new ApiClient({ kubeConfig: api.kubeConfig, version: '0' })
  t.teardown(async () => {
    await client.close()
    await api.stop()
  })
  const newWriter = () => new EventWriter({ client, clock: systemClock, instance: 'cvmanager-0' })

  async function regarding(name: string) {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }
    const { metadata } = await client.create<{ metadata: { uid: string } }>(
      '/api/v1/namespaces/default/configmaps',
      object,
    )
    return { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name, uid: metadata.uid }
  }

  const started = (over: Partial<EventText> = {}): EventText => ({
    type: 'Normal',
    reason: 'RolloutStarted',
    message: 'rolling out 1.2.3',
    id: 'sha256:1',
    ...over,
  })

  const written = async (name: string) => {
    const selector = `involvedObject.name=${name}`
    const { items } = await cluster.kubectlJson<{ items: { message: string; type: string }[] }>(
      'get',
      'events',
      '--field-selector',
      selector,
    )
    return items
  }

  await t.test('kubectl describe and kubectl events show the event', async (t) => {
    await newWriter().emit(await regarding('told'), started({ type: 'Warning', reason: 'RolloutFailed' }))
    t.match(
      await cluster.kubectl('describe', 'configmap', 'told'),
      /Warning +RolloutFailed .*cvmanager +rolling out 1\.2\.3/,
    )
    t.match(await cluster.kubectl('events', '--for=configmap/told'), /RolloutFailed/)
  })

  await t.test('a repetition costs no request, and a restart duplicates nothing', async (t) => {
    const object = await regarding('repeated')
    const writer = newWriter()
    const before = api.requests().length
    const both = await Promise.all([writer.emit(object, started()), writer.emit(object, started())])
    t.same(both, [{ isNew: true }, { isNew: false }])
    t.same(await writer.emit(object, started()), { isNew: false })
    t.equal(api.requests().length - before, 1)
    t.same(await newWriter().emit(object, started()), { isNew: false }, 'the API server has it already')
    await writer.emit(object, started({ id: 'sha256:2' }))
    t.equal((await written('repeated')).length, 2)
  })

  await t.test('a failure reaches the caller, and the next try writes the event', async (t) => {
    const object = await regarding('not-written')
    const writer = newWriter()
    api.fault = () => 'drop'
    t.match(await writer.emit(object, started()), { isNew: true, failure: { name: 'TransientError' } })
    api.fault = () => undefined
    t.same(await writer.emit(object, started()), { isNew: false }, 'it is new only once')
    t.equal((await written('not-written')).length, 1)
  })

  await t.test('B45 a long message is cut between two characters', async (t) => {
    await newWriter().emit(await regarding('long'), started({ message: '🚀é'.repeat(500) }))
    const [event] = await written('long')
    t.ok(Buffer.byteLength(event?.message ?? '') <= 1024)
    t.match(event?.message, /^(🚀é)+🚀?…$/u)
  })

  await t.test('B43 an object with the longest possible name has events', async (t) => {
    const name = `${'a'.repeat(60)}.`.repeat(4) + 'b'.repeat(9)
    t.equal(name.length, 253)
    await newWriter().emit(await regarding(name), started())
    t.equal((await written(name)).length, 1)
  })

  await t.test('a namespace that is terminating or gone is no failure', async (t) => {
    await cluster.namespace('leaving')
    const namespaced = (namespace: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'x', uid: 'u' })
    const finalizer = { metadata: { name: 'x', finalizers: ['example.com/stay'] } }
    await client.create('/api/v1/namespaces/leaving/configmaps', finalizer)
    await client.delete('/api/v1/namespaces/leaving')
    t.same(await newWriter().emit(namespaced('leaving'), started()), { isNew: true })
    t.same(await newWriter().emit(namespaced('never-there'), started()), { isNew: true })
    await client.mergePatch('/api/v1/namespaces/leaving/configmaps/x', { metadata: { finalizers: null } })
  })
}
