import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { pipeline } from 'node:stream'
import type { Test } from 'tap'
import type { Cluster } from '../../../e2e/harness/cluster.ts'
import { ApiError, isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound } from '../api-error.ts'
import { ApiClient } from '../client.ts'
import { loadKubeConfig } from '../kube-config.ts'
import { FaultyApi } from './faulty-api.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, data = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })

interface ConfigMap {
  readonly metadata: {
    readonly resourceVersion: string
    readonly managedFields: readonly { readonly manager: string }[]
  }
  readonly data: Readonly<Record<string, string>>
}

export async function clientCases(t: Test, cluster: Cluster): Promise<void> {
  const kubeConfig = loadKubeConfig({ file: cluster.kubeconfig })
  const faulty = await FaultyApi.before(kubeConfig)
  const client = new ApiClient({ kubeConfig, version: '1.2.3' })
  const throughFaults = new ApiClient({ kubeConfig: faulty.kubeConfig, version: '1.2.3' })
  const thrown = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: unknown) => error)
  t.afterEach(() => {
    faulty.fault = () => undefined
  })
  t.teardown(async () => {
    await client.close()
    await throughFaults.close()
    await faulty.stop()
  })

  await t.test('writes carry the name cvmanager as field manager and in the user agent', async (t) => {
    const made = await client.create<ConfigMap>(configMaps, configMap('written', { a: '1' }))
    t.equal(made.metadata.managedFields[0]?.manager, 'cvmanager')
    const [event] = await cluster.auditLog({ userAgent: 'cvmanager/1.2.3', name: 'written' })
    t.equal(event?.verb, 'create')
  })

  await t.test('it patches in all three ways, and deletes', async (t) => {
    const path = `${configMaps}/patched`
    await client.create(configMaps, configMap('patched', { a: '1' }))
    t.same((await client.mergePatch<ConfigMap>(path, { data: { b: '2' } })).data, { a: '1', b: '2' })
    t.same((await client.strategicPatch<ConfigMap>(path, { data: { a: null } })).data, { b: '2' })
    t.same((await client.jsonPatch<ConfigMap>(path, [{ op: 'add', path: '/data/c', value: '3' }])).data, {
      b: '2',
      c: '3',
    })
    await client.delete(path)
    t.ok(isNotFound(await thrown(client.get(path))))
  })

  await t.test('an error answer says what failed, why, and in which field', async (t) => {
    const path = `${configMaps}/failing`
    const { metadata } = await client.create<ConfigMap>(configMaps, configMap('failing'))
    await client.mergePatch(path, { data: { a: '1' } })
    t.ok(isAlreadyExists(await thrown(client.create(configMaps, configMap('failing')))))
    const stale = { metadata: { resourceVersion: metadata.resourceVersion }, data: { a: '2' } }
    t.ok(isConflict(await thrown(client.mergePatch(path, stale))))
    const invalid = await thrown(client.create(configMaps, configMap('Not A Name')))
    t.ok(isInvalid(invalid))
    t.match(invalid, { reason: 'Invalid', causes: [{ field: 'metadata.name' }], message: /^POST .*configmaps: / })
  })

  await t.test('sequential calls share connections, even after a pause', async (t) => {
    const before = faulty.connections
    for (let call = 0; call < 20; call++) await throughFaults.get(configMaps)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await throughFaults.get(configMaps)
    // The next call may come just before undici has released the first connection.
    t.ok(faulty.connections - before <= 2)
  })

  await t.test('a server that does not answer is reported as unavailable after the deadline', async (t) => {
    faulty.fault = () => 'hang'
    const began = performance.now()
    t.match(await thrown(throughFaults.get(configMaps, { timeoutMs: 200 })), {
      name: 'TransientError',
      reason: 'ApiServerUnavailable',
      message: /^GET \/api.*configmaps: .*no answer in time/,
    })
    t.ok(performance.now() - began < 2_000)
  })

  await t.test('a broken connection and an answer that is not JSON are reported as such', async (t) => {
    faulty.fault = () => 'drop'
    t.match(await thrown(throughFaults.get(configMaps)), { reason: 'ApiServerUnavailable' })
    faulty.fault = () => ({ status: 200, body: '<html>' })
    t.match(await thrown(throughFaults.get(configMaps)), { reason: 'ApiServerUnavailable' })
    faulty.fault = () => ({ status: 502, body: '<html>' })
    t.match(await thrown(throughFaults.get(configMaps)), { name: 'ApiError', status: 502, reason: 'HTTP502' })
  })

  await t.test('a caller that aborts gets its own reason back', async (t) => {
    faulty.fault = () => 'hang'
    const caller = new AbortController()
    const call = thrown(throughFaults.get(configMaps, { signal: caller.signal }))
    setTimeout(() => caller.abort(new Error('stopping')), 50)
    t.match(await call, { message: 'stopping' })
  })

  await t.test('Retry-After of an overloaded server is kept for the queue', async (t) => {
    faulty.fault = () => ({ status: 429, headers: { 'retry-after': '7' }, body: '{}' })
    const error = await thrown(throughFaults.get(configMaps))
    t.ok(error instanceof ApiError)
    t.match(error, { status: 429, retryAfterMs: 7_000 })
  })

  await t.test('refused credentials are read again, once', async (t) => {
    const wrong = loadKubeConfig({ file: cluster.kubeconfig })
    wrong.users = wrong.users.map((user) => ({ ...user, token: 'expired' }))
    let reloads = 0
    const reload = () => {
      reloads++
      return kubeConfig
    }
    const renewing = new ApiClient({ kubeConfig: wrong, reload, version: '1.2.3' })
    t.teardown(() => renewing.close())
    await Promise.all([renewing.get(configMaps), renewing.get(configMaps)])
    t.equal(reloads, 1)
    const refused = new ApiClient({ kubeConfig: wrong, reload: () => wrong, version: '1.2.3' })
    t.teardown(() => refused.close())
    t.match(await thrown(refused.get(configMaps)), { status: 401 })
  })

  await t.test('a request that the account may not make is forbidden', async (t) => {
    const file = await cluster.serviceAccountKubeconfig('default', 'nobody')
    const nobody = new ApiClient({ kubeConfig: loadKubeConfig({ file }), version: '1.2.3' })
    t.teardown(() => nobody.close())
    t.ok(isForbidden(await thrown(nobody.get('/api/v1/secrets'))))
    t.match(await thrown(nobody.get('/api/v1/namespaces/default/secrets/regcred')), {
      status: 403,
      right: { verb: 'get', resource: 'secrets', namespace: 'default', name: 'regcred' },
      message:
        'the service account default:nobody may not read the pull secret default/regcred: apply deploy/pull-secrets.yaml with namespace default and resourceNames [regcred], and the service account default:nobody as the subject, or set rbac.pullSecrets of the chart',
    })
  })

  await t.test('credentials come from an exec plugin, and its error is reported', async (t) => {
    const using = (script: string) => {
      const config = loadKubeConfig({ file: cluster.kubeconfig })
      const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] }
      config.users = config.users.map(({ name }) => ({ name, exec }))
      const client = new ApiClient({ kubeConfig: config, version: '1.2.3' })
      t.teardown(() => client.close())
      return client
    }
    const credential = JSON.stringify({ status: { token: kubeConfig.getCurrentUser()?.token } })
    await t.resolves(using(`process.stdout.write(${JSON.stringify(credential)})`).get(configMaps))
    t.match(await thrown(using('console.error("log in first"); process.exit(1)').get(configMaps)), {
      reason: 'CredentialsUnavailable',
      message: /log in first/,
    })
  })

  await t.test('the client uses the proxy of the kubeconfig', async (t) => {
    const tunnels: string[] = []
    const proxy = createServer().on('connect', (request, socket) => {
      tunnels.push(request.url ?? '')
      const [host, port] = (request.url ?? '').split(':')
      const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
      pipeline(socket, onward, socket, () => undefined)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const config = loadKubeConfig({ file: cluster.kubeconfig })
    const { port } = proxy.address() as AddressInfo
    config.clusters = config.clusters.map((one) => ({ ...one, proxyUrl: `http://127.0.0.1:${port}` }))
    const client = new ApiClient({ kubeConfig: config, version: '1.2.3' })
    await t.resolves(client.get(configMaps))
    await t.resolves(client.get(configMaps))
    t.same(tunnels.slice(0, 1), [new URL(cluster.server).host])
    await client.close()
    proxy.closeAllConnections()
    proxy.close()
  })
}
