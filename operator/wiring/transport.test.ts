import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { loadSettings } from '../config/settings.ts'
import { createMetrics } from '../http/metrics.ts'
import { peer } from '../registries/testing/peer.ts'
import { testCa } from '../registries/transport/tls.fixture.ts'
import { openTransport } from './transport.ts'

t.test('invalid pairs are named, and nothing starts', async (t) => {
  for (const flags of [
    { mirrors: ['docker.io'] },
    { mirrors: ['docker.io=https://mirror.example.com'] },
    { mirrors: ['docker.io=mirror.example.com/Hub'] },
    { authHosts: ['registry.example.com=login.example.com/token'] },
  ]) {
    t.throws(() => loadSettings({ flags }), { name: 'UsageError' })
  }
})

t.test('a CA file that holds no certificate is named', async (t) => {
  const directory = t.testdir({ 'ca.pem': testCa, 'wrong.pem': 'hello', 'broken.pem': testCa.slice(0, 200) })
  const open = (file: string) => {
    const settings = loadSettings({ flags: { registryCaFile: join(directory, file) } })
    const transport = openTransport(settings, undefined)
    t.teardown(() => transport.close())
  }
  open('ca.pem')
  for (const file of ['wrong.pem', 'broken.pem', 'missing.pem']) {
    t.throws(() => open(file), { name: 'UsageError', message: /--registry-ca-file .*cannot be used/ })
  }
})

t.test('the remaining quota of a registry is a metric', async (t) => {
  const server = await peer(t, (_, response) =>
    response.writeHead(200, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }).end(),
  )
  const metrics = createMetrics()
  const transport = openTransport(loadSettings({ flags: { insecureRegistries: [server.host] } }), metrics)
  t.teardown(() => transport.close())
  await transport.send({
    host: server.host,
    purpose: 'manifest',
    method: 'HEAD',
    origin: `http://${server.host}`,
    path: '/v2/',
    headers: {},
    destination: 'configured',
  })
  const page = await metrics.registry.metrics()
  t.match(page, `cvmanager_registry_ratelimit_limit{host="${server.host}"} 100`)
  t.match(page, `cvmanager_registry_ratelimit_remaining{host="${server.host}"} 76`)
})

t.test('metrics forget a registry that nobody follows any more, after its last request', async (t) => {
  const [server, other] = [
    await peer(t, (_, response) => response.end()),
    await peer(t, (_, response) => response.end()),
  ]
  const metrics = createMetrics()
  const hosts = [server.host, other.host]
  const transport = openTransport(loadSettings({ flags: { insecureRegistries: hosts } }), metrics)
  t.teardown(() => transport.close())
  const poll = async (host: string) => {
    const to = { host, origin: `http://${host}`, path: '/v2/' }
    await transport.send({ ...to, purpose: 'manifest', method: 'HEAD', headers: {}, destination: 'configured' })
    metrics.polls.inc({ host, outcome: 'changed' })
    metrics.missedPolls.inc({ host })
  }
  const known = async () => {
    await setImmediate()
    const page = await metrics.registry.metrics()
    return hosts.filter((host) => page.includes(`host="${host}"`))
  }
  for (const host of hosts) {
    transport.queues.of(host).addTargets(2)
    await poll(host)
  }
  transport.queues.of(server.host).addTargets(-1)
  t.same(await known(), hosts)
  const last = poll(server.host)
  transport.queues.of(server.host).addTargets(-1)
  t.same(await known(), hosts)
  await last
  t.same(await known(), [other.host])
  transport.queues.of(server.host).addTargets(1)
  await poll(server.host)
  t.same(await known(), hosts)
})
