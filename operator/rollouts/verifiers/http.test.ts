import type { RequestListener } from 'node:http'
import { test } from 'tap'
import { webServer } from '../../../e2e/harness/web-server.ts'
import type { Check } from '../../api/checks.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { epoch } from '../plan/plan.fixture.ts'
import { http } from './http.ts'
import { Requests } from './requests.ts'
import { runOf, sourcesWith } from './verifier.fixture.ts'
import type { Sight, Sources } from './verifier.ts'

const services = '/api/v1/namespaces/shop/services'
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices'
const readyAt = (...addresses: string[]) => ({ items: [{ endpoints: [{ addresses, conditions: { ready: true } }] }] })
const selecting = { selector: { app: 'web' }, ports: [{ port: 80 }] }

/** Where a request would go. */
class Recorder extends Requests {
  readonly asked: string[] = []
  status = 200

  constructor(hosts: readonly string[] = []) {
    super({ version: '0', hosts, timeoutMs: 1_000 })
  }

  override async toService(url: URL, name: string): Promise<number> {
    this.asked.push(`${url} as ${name}`)
    return this.status
  }
}

async function measure(
  wanted: NonNullable<Check['http']>,
  answers: Readonly<Record<string, unknown>>,
  requests: Requests,
): Promise<Sight> {
  const { sources } = sourcesWith(answers, { requests })
  return http.observe(runOf({ kind: 'HTTP', http: wanted }), sources)
}

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (seen) => `it was requested: ${JSON.stringify(seen)}`,
    (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)),
  )

test('a Service is requested by the address that the API server gave it, and not by a name', async (t) => {
  const requests = new Recorder()
  const answers = {
    [`${services}/web`]: { spec: { clusterIP: '10.96.0.7', ...selecting } },
    [slices]: readyAt('10.1.0.1'),
  }
  t.match(await measure({ service: 'web', path: '/healthz?full=1' }, answers, requests), {
    good: 1,
    bad: 0,
    measuredAt: epoch,
  })
  t.same(requests.asked, ['http://10.96.0.7/healthz?full=1 as web.shop.svc'])
  requests.status = 404
  t.match(await measure({ service: 'web' }, answers, requests), { bad: 1, message: 'Service web/ answers 404' })
  t.match(await measure({ service: 'web', statuses: [404] }, answers, requests), { good: 1 })
  requests.status = 200
  t.match(await measure({ service: 'web', statuses: [404] }, answers, requests), { bad: 1 })
})

test('a Service without ready endpoints is a bad measurement, without a request', async (t) => {
  const requests = new Recorder()
  const found = { [`${services}/web`]: { spec: { clusterIP: '10.96.0.7', ...selecting } } }
  const unready = { items: [{ endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: false } }] }] }
  for (const listed of [unready, { items: [] }, { items: [{ endpoints: null }] }])
    t.match(await measure({ service: 'web' }, { ...found, [slices]: listed }, requests), {
      bad: 1,
      message: 'Service web has no ready endpoints',
    })
  t.same(requests.asked, [])
})

/** What a tenant can write, and where it must not lead. */
const services20: readonly (readonly [string, object | undefined, object, NonNullable<Check['http']>, RegExp])[] = [
  ['another namespace by path', undefined, {}, { service: 'web' }, /does not exist/],
  [
    'ExternalName',
    { type: 'ExternalName', externalName: 'metadata.google.internal' },
    {},
    { service: 'web' },
    /ExternalName/,
  ],
  ['headless', { clusterIP: 'None', ...selecting }, {}, { service: 'web' }, /headless/],
  ['no address', { ...selecting }, {}, { service: 'web' }, /headless/],
  ['no selector', { clusterIP: '10.96.0.7', ports: [{ port: 80 }] }, {}, { service: 'web' }, /no selector/],
  [
    'another port',
    { clusterIP: '10.96.0.7', ...selecting },
    {},
    { service: 'web', port: 6443 },
    /no port 6443; its ports are 80/,
  ],
  [
    'endpoints at the metadata service',
    { clusterIP: '10.96.0.7', ...selecting },
    readyAt('10.1.0.1', '100.100.100.200'),
    { service: 'web' },
    /leads to 100\.100\.100\.200/,
  ],
  [
    'endpoints at loopback',
    { clusterIP: '10.96.0.7', ...selecting },
    readyAt('127.0.0.1'),
    { service: 'web' },
    /leads to 127/,
  ],
  [
    'endpoints over IPv6',
    { clusterIP: 'fd00::7', ...selecting },
    readyAt('fd00:ec2::254'),
    { service: 'web' },
    /leads to fd00:ec2/,
  ],
  [
    'its own address is loopback',
    { clusterIP: '127.0.0.1', ...selecting },
    readyAt('10.1.0.1'),
    { service: 'web' },
    /127\.0\.0\.1 is an address/,
  ],
  [
    'its own address is link-local',
    { clusterIP: '169.254.169.254', ...selecting },
    readyAt('10.1.0.1'),
    { service: 'web' },
    /169\.254\.169\.254 is an address/,
  ],
]
const urls: readonly (readonly [string, RegExp])[] = [
  ['http://169.254.169.254/latest/meta-data', /does not allow 169/],
  ['http://127.0.0.1:8081/metrics', /does not allow 127/],
  ['http://localhost/', /does not allow localhost/],
  ['http://0x7f000001/', /does not allow 127\.0\.0\.1/],
  ['http://2130706433/', /does not allow 127\.0\.0\.1/],
  ['http://[::ffff:127.0.0.1]/', /does not allow \[::ffff/],
  ['http://[fd00:ec2::254]/', /does not allow \[fd00/],
  ['http://good.example.com@127.0.0.1/', /with a user/],
  ['http://good.example.com:80@127.0.0.1/', /with a user/],
  ['http://good.example.com.evil.example/', /does not allow good\.example\.com\.evil/],
  ['http://evilgood.example.com/', /does not allow evilgood/],
  ['http://good.example.com:8080/', /does not allow good\.example\.com:8080/],
  ['https://kubernetes.default.svc/', /does not allow kubernetes/],
  ['http://metadata.google.internal/', /does not allow metadata/],
  ['file:///etc/passwd', /not the URL of a web server/],
  ['http://', /not the URL of a web server/],
]

test('a ContainerVersion leads cvmanager to no address that is not its own: 27 attempts', async (t) => {
  t.equal(services20.length + urls.length, 27)
  for (const [what, spec, listed, wanted, says] of services20) {
    const requests = new Requests({ version: '0', hosts: [], timeoutMs: 300 })
    const answers = { ...(spec ? { [`${services}/web`]: { spec } } : {}), [slices]: { items: [], ...listed } }
    t.match(
      await refusal(measure({ service: 'web', ...wanted }, answers, requests)),
      new RegExp(`^NeedsChangeError: .*${says.source}`),
      what,
    )
  }
  for (const [url, says] of urls) {
    const requests = new Requests({ version: '0', hosts: ['good.example.com:80'], timeoutMs: 300 })
    t.match(await refusal(measure({ url }, {}, requests)), new RegExp(`^NeedsChangeError: .*${says.source}`), url)
  }
})

test('what the settings allow is not the metadata service, even by its name', async (t) => {
  const hosts = ['169.254.169.254', '[fd00:ec2::254]', '100.100.100.200']
  const requests = new Requests({ version: '0', hosts, timeoutMs: 300 })
  for (const host of hosts)
    t.match(
      await refusal(measure({ url: `http://${host}/` }, {}, requests)),
      /NeedsChangeError: .* is an address that is not allowed/,
    )
})

test('a path that looks like a host stays a path', async (t) => {
  const requests = new Recorder()
  const answers = {
    [`${services}/web`]: { spec: { clusterIP: '10.96.0.7', ...selecting } },
    [slices]: readyAt('10.1.0.1'),
  }
  for (const path of ['//evil.example/x', '/@evil.example', '/\\evil.example', '/../..//evil.example'])
    await measure({ service: 'web', path }, answers, requests)
  t.same(
    requests.asked.filter((asked) => !asked.startsWith('http://10.96.0.7/')),
    [],
  )
})

test('a host that the settings allow is requested: no redirect, no body, and an end', async (t) => {
  const asked: string[] = []
  const answer: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host === host} ${request.headers['user-agent']}`)
    if (request.url === '/moved') response.writeHead(302, { location: `http://${host}/` }).end()
    else if (request.url === '/endless') {
      response.writeHead(200)
      const more = () => void response.write('x'.repeat(65_536), () => response.destroyed || setImmediate(more))
      more()
    } else if (request.url === '/silent') request.on('close', () => response.destroy())
    else response.end('fine')
  }
  const host = `127.0.0.1:${await webServer(t, answer)}`
  const requests = new Requests({ version: '1.2.3', hosts: [host], timeoutMs: 300 })
  t.teardown(() => requests.close())
  const see = (path: string) => measure({ url: `http://${host}${path}` }, {}, requests)
  t.match(await see('/'), { good: 1 })
  t.match(await see('/moved'), { bad: 1, message: /\/moved answers 302$/ })
  t.match(await see('/endless'), { good: 1 })
  t.match(await see('/silent'), { bad: 1, message: /does not answer: no answer within 0.3 s/ })
  t.same(
    asked,
    ['/', '/moved', '/endless', '/silent'].map((path) => `GET ${path} true cvmanager/1.2.3`),
  )
  t.match(
    await measure(
      { url: `http://127.0.0.1:1/` },
      {},
      new Requests({ version: '0', hosts: ['127.0.0.1'], timeoutMs: 300 }),
    ),
    {
      bad: 1,
      message: /does not answer: connect ECONNREFUSED/,
    },
  )
})

test('measurements are spaced by the interval, also over a restart', async (t) => {
  const requests = new Recorder()
  const answers = {
    [`${services}/web`]: { spec: { clusterIP: '10.96.0.7', ...selecting } },
    [slices]: readyAt('10.1.0.1'),
  }
  const { sources } = sourcesWith(answers, { requests })
  const check: Check = { kind: 'HTTP', http: { service: 'web' }, count: 9, intervalSeconds: 10 }
  const at = (after: number, from: Sources = sources) => http.observe(runOf(check, { now: epoch + after }), from)
  t.match(await at(0), { good: 1 })
  t.match(await at(9_999), { good: 1, measuredAt: epoch })
  t.match(await at(10_000), { good: 2, measuredAt: epoch + 10_000 })
  const { status, ...run } = runOf(check, { now: epoch + 19_000 })
  const written = { ...status, passes: 2, measuredTime: '2026-01-02T03:04:15Z' }
  t.match(await http.observe({ ...run, status: written }, sources), { good: 0, measuredAt: epoch + 10_000 })
  const restarted = sourcesWith(answers, { requests }).sources
  t.match(await http.observe({ ...run, status: written }, restarted), { good: 0, measuredAt: epoch + 10_000 })
  t.match(await http.observe({ ...run, status: written, now: epoch + 20_000 }, restarted), { good: 1, bad: 0 })
  t.equal(requests.asked.length, 3)
})

test('an API server that does not answer is no bad measurement', async (t) => {
  const refused = new ApiError(503, 'ServiceUnavailable', 'the API server is away')
  t.match(await refusal(measure({ service: 'web' }, { [`${services}/web`]: refused }, new Recorder())), /ApiError/)
})
