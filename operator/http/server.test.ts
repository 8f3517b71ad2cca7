import { connect } from 'node:net'
import { type Test, test } from 'tap'
import { createLogger } from '../log/log.ts'
import { version } from '../version.ts'
import { createMetrics } from './metrics.ts'
import { type HttpOptions, serveHttp } from './routes.ts'
import { sourceOf } from './workloads.fixture.ts'

type Probes = Pick<HttpOptions, 'whyNotAlive' | 'whyNotReady'>

const json = { accept: 'application/json' }

const healthy: Probes = { whyNotAlive: () => [], whyNotReady: () => [] }

async function serve(t: Test, probes: Partial<Probes> = {}) {
  const lines: string[] = []
  const log = createLogger({ logLevel: 'info', logFormat: 'json', to: { write: (line) => void lines.push(line) } })
  const metrics = createMetrics()
  const server = await serveHttp({
    port: 0,
    ...healthy,
    ...probes,
    version,
    metrics: metrics.registry,
    workloads: sourceOf([]),
    log,
  })
  t.teardown(() => server.close())
  return {
    ...server,
    metrics,
    lines,
    log,
    get: (path: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${server.port}${path}`, { headers }),
  }
}

test('a working process is alive and ready', async (t) => {
  const { get } = await serve(t)
  const alive = await get('/alive')
  t.equal(alive.status, 200)
  t.equal(await alive.text(), 'alive')
  t.same(await (await get('/alive', json)).json(), { alive: true })
  t.same(await (await get('/ready')).json(), { ready: true })
})

test('B44 /alive answers 503 with the reasons when the loop is stuck or the watch is dead', async (t) => {
  let reasons: string[] = []
  const { get } = await serve(t, { whyNotAlive: () => reasons })
  t.equal((await get('/alive')).status, 200)
  reasons = ['the watch of deployments has been silent for 90 s']
  const dead = await get('/alive', json)
  t.equal(dead.status, 503)
  t.same(await dead.json(), { alive: false, reasons })
  const inWords = await get('/alive')
  t.same([inWords.status, await inWords.text()], [503, `${reasons[0]}\n`])
})

test('/ready answers 503 with the reasons until the caches are complete', async (t) => {
  const { get } = await serve(t, { whyNotReady: () => ['deployments are not listed yet'] })
  const answer = await get('/ready')
  t.equal(answer.status, 503)
  t.match(await answer.json(), { ready: false, reasons: ['deployments are not listed yet'] })
})

test('/version tells what runs', async (t) => {
  const { get } = await serve(t)
  t.same(await (await get('/version', json)).json(), version)
})

test('/alive and /version answer with the text of the first cvmanager, unless JSON is asked for', async (t) => {
  const { get } = await serve(t)
  const typeOf = async (path: string, accept: string) =>
    (await get(path, { accept })).headers.get('content-type')?.replace(/;.*/, '')
  for (const accept of [
    '*/*',
    'text/plain',
    'text/html,application/xhtml+xml,*/*;q=0.8',
    'application/json;q=0',
    'x',
  ]) {
    t.equal(await (await get('/alive', { accept })).text(), 'alive', accept)
    t.equal(await (await get('/version', { accept })).text(), version.version, accept)
    t.equal(await typeOf('/version', accept), 'text/plain', accept)
  }
  for (const accept of ['application/json', 'APPLICATION/JSON', 'application/json, text/plain, */*', 'application/*']) {
    for (const path of ['/alive', '/version']) t.equal(await typeOf(path, accept), 'application/json', accept)
  }
})

test('/metrics has every metric of cvmanager and those of the process', async (t) => {
  const { get, metrics } = await serve(t)
  metrics.polls.inc({ host: 'registry.example.com', outcome: 'unchanged' })
  metrics.rolloutSeconds.observe({ outcome: 'succeeded' }, 4)
  const answer = await get('/metrics')
  t.match(answer.headers.get('content-type'), 'text/plain')
  const text = await answer.text()
  t.match(text, 'cvmanager_registry_polls_total{host="registry.example.com",outcome="unchanged"} 1')
  t.match(text, 'cvmanager_rollout_duration_seconds_bucket{le="5",outcome="succeeded"} 1')
  t.match(text, `cvmanager_build_info{version="${version.version}"`)
  t.match(text, 'process_cpu_seconds_total')
})

test('any unknown path is a 404, as a problem in JSON', async (t) => {
  const { get } = await serve(t)
  for (const path of ['/', '/v2', '/%3Cscript%3E', '/alive/x']) {
    const answer = await get(path)
    t.equal(answer.status, 404)
    t.match(answer.headers.get('content-type'), 'application/problem+json')
    t.match(await answer.json(), { status: 404, title: 'Not Found', detail: /there is nothing at .*\/alive/ })
  }
})

test('pages load nothing and are not cached', async (t) => {
  const { get } = await serve(t)
  for (const path of ['/alive', '/metrics', '/nothing']) {
    const { headers } = await get(path)
    t.equal(headers.get('content-security-policy'), "default-src 'none'", path)
    t.equal(headers.get('cache-control'), 'no-store', path)
  }
})

test('B47 a page that fails is a complete 500 without details, which are in the log', async (t) => {
  const { get, lines } = await serve(t, {
    whyNotAlive: () => {
      throw new Error('a detail')
    },
  })
  const answer = await get('/alive')
  t.equal(answer.status, 500)
  t.equal(answer.headers.get('content-security-policy'), "default-src 'none'")
  t.notMatch(await answer.text(), 'a detail')
  t.match(lines.join(), 'a detail')
})

test('a port that is in use is refused with what to do', async (t) => {
  const { port, metrics, log } = await serve(t)
  const again = serveHttp({
    port,
    ...healthy,
    version,
    metrics: metrics.registry,
    workloads: sourceOf([]),
    log,
  })
  await t.rejects(again, {
    reason: 'PortUnavailable',
    message: new RegExp(`port ${port}: another program uses it.*--port`),
  })
})

test('B23 closing does not wait for a client that keeps its connection', async (t) => {
  const { port, close } = await serve(t)
  const client = connect(port, '127.0.0.1')
  t.teardown(() => client.destroy())
  client.on('error', () => undefined)
  await new Promise((resolve) => client.once('connect', resolve))
  client.write('GET /alive HTTP/1.1\r\nHost: x\r\n')
  await close()
  await close()
  t.pass('closed')
})
