import { monitorEventLoopDelay } from 'node:perf_hooks'
import t from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { type Fault, type FaultOptions, faults } from '../../../e2e/harness/registry-faults.ts'
import { account } from '../../../e2e/harness/token-server.ts'
import { until } from '../../../e2e/harness/until.ts'
import { OciRegistry } from '../../registries/oci/oci.ts'
import type { Credentials } from '../../registries/registry.ts'
import { transportTo } from '../../registries/testing/peer.ts'
import { VersionFinder } from '../versions/version-finder.ts'
import { Poller } from './poller.ts'

const login: Credentials = { kind: 'basic', ...account }
const tags = 20
const maxDelayMs = 1_000
/** A delay by the broken registry comes each time; one by a busy machine does not. */
const attempts = 5

const redirect = (location: string): Fault => ({ status: 302, headers: { location } })
const tokensOnly: FaultOptions = { when: ({ path }) => path.startsWith('/auth/token') }

t.test('R10 a broken registry changes nothing, and delays no other', { timeout: 400_000 }, async (t) => {
  /** How long other work has kept this process from running. */
  const lag = monitorEventLoopDelay()
  lag.enable()
  const [broken, healthy] = await Promise.all([
    // Its tokens last for one poll, so its token service is broken as often as the registry.
    startRegistry({ auth: 'token', token: { expiresInSeconds: 1 } }),
    startRegistry(),
  ])
  t.teardown(() => Promise.all([broken.stop(), healthy.stop()]))
  const limits = { requestsPerSecond: 1000, burst: 1000, concurrency: 16 }
  const transport = transportTo(t, [broken.host, healthy.host], { limits, deadlineMs: 2_000 })
  const registry = new OciRegistry(transport)
  const late: number[] = []
  const poller = new Poller({
    registryFor: () => registry,
    versions: new VersionFinder(),
    queues: transport.queues,
    onChange: () => undefined,
    onPoll: ({ target, lateMs }) => target.repository.host === healthy.host && late.push(lateMs),
  })
  t.teardown(() => poller.stop())
  const follow = (key: string, host: string, path: string, credentials: Credentials, request?: string) =>
    poller.follow(key, {
      repository: { host, path },
      tag: 'env-prod',
      credentials,
      versionSyntax: 'v[0-9]+',
      intervalSeconds: 1,
      request,
    })
  const { digest } = await broken.push('shop/web', ['v1', 'env-prod'])
  const followBroken = (i: number, request?: string) =>
    follow(`broken-${i}`, broken.host, i === 0 ? 'shop/web' : `shop/web-${i}`, login, request)
  for (let i = 0; i < tags; i++) {
    if (i > 0) await broken.push(`shop/web-${i}`, ['v1', 'env-prod'])
    followBroken(i)
  }
  await healthy.push('shop/web', ['v1', 'env-prod'])
  follow('healthy', healthy.host, 'shop/web', { kind: 'anonymous' })
  const keys = Array.from({ length: tags }, (_, i) => `broken-${i}`)
  await until('all to be known', () => [...keys, 'healthy'].every((key) => poller.offer(key).state === 'known'))

  const pause = 'asks for a pause'
  const elsewhere = `http://${healthy.host}/v2/`
  const cases: readonly (readonly [string, Fault, FaultOptions?])[] = [
    ['hangs', 'hang'],
    ['answers 500', faults.internalError],
    ['answers garbage', 'garbage'],
    // A poll has no body, but the token request before it has.
    ['answers without an end', 'endless', tokensOnly],
    ['redirects its token realm', redirect(elsewhere), tokensOnly],
    [pause, faults.throttled(600)],
  ]
  let version = 1
  for (const [name, fault, options] of cases) {
    healthy.forget()
    const heal = broken.faults.inject(fault, options)
    await until(`the failure when one ${name}`, () => keys.some((key) => poller.offer(key).state === 'failed'))
    let tookMs = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < attempts && tookMs >= 1_000 + maxDelayMs; attempt++) {
      version++
      const since = Date.now()
      const image = await healthy.push('shop/web', [`v${version}`, 'env-prod'])
      await until(`the new version of the healthy one while the other ${name}`, () => {
        const offer = poller.offer('healthy')
        return offer.state === 'known' && offer.version.digest === image.digest
      })
      tookMs = Date.now() - since
    }
    t.ok(tookMs < 1_000 + maxDelayMs, `${name}: seen after ${tookMs} ms`)
    const offers = keys.map((key) => poller.offer(key))
    t.ok(
      offers.every((offer) => offer.state !== 'unknown' && offer.version?.name === 'v1'),
      `${name}: the known versions stay`,
    )
    t.match(poller.offer('broken-0'), { version: { digest } })
    t.notOk(
      healthy.requests.some(({ authorization }) => authorization !== 'none'),
      `${name}: nobody else gets credentials`,
    )
    heal()
    if (name === pause) continue
    for (let i = 0; i < tags; i++) followBroken(i, name)
    await until('all to be known again', () => keys.every((key) => poller.offer(key).state === 'known'))
  }
  const ownMs = lag.max / 1e6
  const latest = Math.round(Math.max(...late))
  t.ok(
    latest < maxDelayMs + ownMs,
    `no poll of the healthy one was later than ${latest} ms, of which ${ownMs} are ours`,
  )
})
