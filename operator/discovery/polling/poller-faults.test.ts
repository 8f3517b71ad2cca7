import t from 'tap'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Access } from '../../registries/registry.ts'
import { digests, polling, target } from './testing/polling.ts'

t.test(
  'B39 B41 failures back off from the interval to five minutes, notify once, and end with the first success',
  async (t) => {
    const { time, registry, poller, changes, requests } = polling(t, { random: () => 1 })
    poller.follow('shop/web', target())
    await time.advance(1000)
    changes.length = requests.length = 0
    registry.fault = () => new TransientError('RegistryUnavailable', 'it is away')
    await time.advance(1_100_000)
    t.same(changes, ['shop/web'], 'the same failure notifies once')
    t.match(poller.offer('shop/web'), {
      state: 'failed',
      error: { reason: 'RegistryUnavailable' },
      version: { digest: digests('one') },
    })
    t.same(
      requests
        .slice(1)
        .map(({ at }, i) => Math.round((at - (requests[i]?.at ?? 0)) / 1000))
        .slice(0, 5),
      [60, 120, 240, 300, 300],
    )

    registry.fault = () => new NeedsChangeError('TagNotFound', 'it is gone')
    await time.advance(300_000)
    t.same(changes, ['shop/web', 'shop/web'], 'another failure notifies again')
    registry.fault = undefined
    await time.advance(300_000)
    t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('one') } })
    t.equal(changes.length, 3)
    requests.length = 0
    await time.advance(600_000)
    t.equal(requests.length, 10, 'back to the interval')
  },
)

t.test(
  'B41 a failed search is repeated although the digest is the same, and the old version stays meanwhile',
  async (t) => {
    let fail = true
    const { time, poller } = polling(t, {
      random: () => 0,
      versions: {
        find: async ({ digest }) => {
          if (fail) throw new TransientError('RegistryUnavailable', 'no list')
          return { digest, name: 'v1', source: 'alias' }
        },
      },
    })
    poller.follow('shop/web', target())
    await time.advance(10)
    t.match(poller.offer('shop/web'), { state: 'failed', error: { message: 'no list' }, version: undefined })
    fail = false
    await time.advance(61_000)
    t.match(poller.offer('shop/web'), { state: 'known', version: { name: 'v1' } })
  },
)

t.test('R10 a registry that asks for a pause gets no request, and other registries are not delayed', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  for (let i = 0; i < 50; i++) poller.follow(`a${i}`, target({ tag: `a${i}`, intervalSeconds: 10 }))
  poller.follow('b', target({ tag: 'b', repository: { host: 'other.example.com', path: 'x' }, intervalSeconds: 10 }))
  await time.advance(20_000)
  registry.fault = (tag) =>
    tag === 'b' ? undefined : new TransientError('RegistryThrottled', 'slow down', { retryAfterMs: 120_000 })
  await time.advance(10_000)
  const refusedAt = requests.findLast(({ tag }) => tag !== 'b')?.at ?? 0
  requests.length = 0
  registry.fault = undefined
  await time.advance(refusedAt + 119_000 - time.now())
  t.ok(requests.length >= 10 && requests.every(({ tag }) => tag === 'b'), `${requests.length} polls of the other`)
  await time.advance(20_000)
  t.equal(new Set(requests.map(({ tag }) => tag)).size, 51, 'then all are polled again')
})

t.test(
  'when a registry recovers from a long outage, all its targets are polled at once, without waiting for their back-off',
  async (t) => {
    const { time, registry, poller, changes } = polling(t)
    for (let i = 0; i < 50; i++) poller.follow(`a${i}`, target({ tag: `a${i}`, intervalSeconds: 10 }))
    await time.advance(20_000)
    registry.fault = () => new TransientError('RegistryUnavailable', 'away')
    await time.advance(1_200_000)
    registry.fault = undefined
    registry.content = () => digests('two')
    changes.length = 0
    // The first of fifty whose five minutes are over; the others then need seconds.
    while (changes.length === 0) await time.advance(1_000)
    await time.advance(6_000)
    t.equal(new Set(changes).size, 50)
  },
)

t.test('a single failing repository keeps its back-off while others succeed', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  for (let i = 0; i < 5; i++) poller.follow(`a${i}`, target({ tag: `a${i}`, intervalSeconds: 10 }))
  registry.fault = (tag) => (tag === 'a0' ? new TransientError('RegistryUnavailable', 'away') : undefined)
  await time.advance(600_000)
  const polls = requests.filter(({ tag }) => tag === 'a0').length
  t.ok(polls <= 8, `${polls} polls in ten minutes`)
})

t.test('R10 a registry that hangs delays no other, and has a limited number of polls under way', async (t) => {
  const hangs = (_: string, access: Access) =>
    new Promise<never>((_, reject) => access.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
  const { time, registry, poller, requests } = polling(t, { limits: { burst: 1_000, concurrency: 8 } })
  registry.fault = (tag, access) => (tag === 'b' ? undefined : hangs(tag, access))
  for (let i = 0; i < 50; i++) poller.follow(`a${i}`, target({ tag: `a${i}` }))
  poller.follow('b', target({ tag: 'b', repository: { host: 'other.example.com', path: 'x' } }))
  await time.advance(60_000)
  t.equal(requests.filter(({ tag }) => tag !== 'b').length, 8)
  t.equal(requests.filter(({ tag }) => tag === 'b').length, 2)
  t.match(poller.stats(), { inFlight: 8, queued: 42 })
  const since = Date.now()
  await poller.stop()
  t.ok(Date.now() - since < 1000, 'B23 and a stop ends all of them')
  t.equal(poller.stats().inFlight, 0)
})

t.test('a defect in a registry implementation fails its target, and not the process', async (t) => {
  const { time, registry, poller } = polling(t)
  registry.fault = () => new TypeError('x is not a function')
  poller.follow('a', target())
  await time.advance(10)
  t.match(poller.offer('a'), { state: 'failed', error: { reason: 'InternalError', message: /x is not a function/ } })
})

t.test(
  'of several credentials the next is tried in the same poll, and the one that was accepted comes first',
  async (t) => {
    const { time, registry, poller, requests } = polling(t)
    const users: string[] = []
    const accepted = new Set(['ann'])
    registry.fault = (_, { credentials }) => {
      const user = credentials.kind === 'basic' ? credentials.username : ''
      users.push(user)
      return accepted.has(user) ? undefined : new NeedsChangeError('RegistryAccessDenied', `${user} may not`)
    }
    const candidates = ['old', 'ann', 'spare'].map((username) => ({ kind: 'basic', username, password: 'x' }) as const)
    poller.follow('shop/web', target({ credentials: { kind: 'several', candidates } }))
    await time.advance(1_000)
    t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('one') } })
    t.same(users, ['old', 'ann'])
    await time.advance(300_000)
    t.equal(requests.length, 2 + 5, 'then each poll is one request')
    accepted.clear()
    await time.advance(60_000)
    t.same(users.slice(-3), ['ann', 'old', 'spare'])
    t.match(poller.offer('shop/web'), { state: 'failed', error: { reason: 'RegistryAccessDenied' } })
  },
)
