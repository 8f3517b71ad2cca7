import t from 'tap'
import type { Credentials } from '../../registries/registry.ts'
import { digests, polling, target } from './testing/polling.ts'

t.test('a new target is polled at once, then once an interval, and only changes notify', async (t) => {
  const { time, registry, poller, changes, requests } = polling(t)
  poller.follow('shop/web', target())
  t.same(poller.offer('shop/web'), { state: 'unknown' })
  await time.advance(10)
  t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('one') } })
  t.same(changes, ['shop/web'])
  await time.advance(600_000)
  t.ok(requests.length === 11, `1 + 10 polls, were ${requests.length}`)
  t.same(changes, ['shop/web'])
  t.equal(requests.at(-1)?.known, digests('one'), 'conditional requests')

  registry.content = () => digests('two')
  await time.advance(60_000)
  t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('two') } })
  t.same(changes, ['shop/web', 'shop/web'])
})

t.test('a remembered version is not searched for again while its digest is the same', async (t) => {
  const { time, registry, poller, searched } = polling(t)
  const remembered = { digest: digests('one'), name: 'v1', source: 'alias' } as const
  poller.follow('shop/web', { ...target(), remembered })
  await time.advance(10)
  t.same(poller.offer('shop/web'), { state: 'known', version: remembered })
  t.same(searched, [])
  registry.content = () => digests('two')
  await time.advance(60_000)
  t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('two') } })
  t.equal(searched.length, 1)
})

t.test(
  'followers with the same credentials share one poll, and those with the same versionSyntax one search',
  async (t) => {
    const { time, poller, changes, searched, requests } = polling(t)
    for (let i = 0; i < 1000; i++) poller.follow(`shop/${i}`, target({ versionSyntax: i % 2 === 0 ? 'a' : 'b' }))
    await time.advance(10)
    t.equal(requests.length, 1)
    t.same([...searched].sort(), ['a', 'b'])
    t.equal(new Set(changes).size, 1000)
    t.same(poller.stats(), { followers: 1000, targets: 1, queued: 0, inFlight: 0 })

    const login: Credentials = { kind: 'basic', username: 'ann', password: 'x' }
    poller.follow('shop/other', target({ credentials: login }))
    poller.follow('shop/other too', target({ credentials: { ...login } }))
    await time.advance(10)
    t.equal(requests.length, 2)
  },
)

t.test(
  'a later follower has the known version at once, and another versionSyntax is searched for at once',
  async (t) => {
    const { time, poller, requests, searched } = polling(t)
    poller.follow('a', target())
    await time.advance(10)
    poller.follow('b', target())
    t.match(poller.offer('b'), { state: 'known' })
    await time.advance(10)
    t.equal(requests.length, 1)
    poller.follow('c', target({ versionSyntax: 'v' }))
    await time.advance(10)
    t.match(poller.offer('c'), { state: 'known', version: { name: /^v / } })
    t.same(searched, ['.*', 'v'])
  },
)

t.test('after its first poll, a target is polled once an interval, within a second of its time', async (t) => {
  const late: number[] = []
  const { time, poller, requests } = polling(t, { onPoll: ({ lateMs }) => late.push(lateMs) })
  for (let i = 0; i < 600; i++) poller.follow(`${i}`, target({ tag: `t${i}` }))
  await time.advance(57_000)
  t.equal(requests.length, 600, 'the second poll is one interval after the first')
  await time.advance(49 * 60_000 + 4_000)
  const perInterval = (requests.length - 600) / 600 / 50
  t.ok(perInterval >= 1 && perInterval <= 1.02, `${perInterval} polls a target and interval`)
  t.ok(Math.max(...late) < 1000)
})

t.test('targets that were first polled at the same time spread over the interval', async (t) => {
  const { time, poller, requests } = polling(t)
  for (let i = 0; i < 600; i++) poller.follow(`${i}`, target({ tag: `t${i}` }))
  await time.advance(3_600_000)
  requests.length = 0
  const start = time.now()
  await time.advance(60_000)
  t.ok(requests.length >= 600 && requests.length <= 620, `${requests.length} polls`)
  t.equal(new Set(requests.map(({ tag }) => tag)).size, 600)
  const perSecond = new Map<number, number>()
  for (const { at } of requests) {
    const second = Math.floor((at - start) / 1000)
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
  }
  t.ok(
    Math.max(...perSecond.values()) < 30,
    `no burst: at most ${Math.max(...perSecond.values())} in a second, 10 on average`,
  )
})

t.test(
  'the shortest interval of the followers counts, and a new interval takes effect within one (new) interval',
  async (t) => {
    const { time, poller, requests } = polling(t)
    poller.follow('slow', target({ intervalSeconds: 3600 }))
    await time.advance(1000)
    poller.follow('fast', target({ intervalSeconds: 10 }))
    await time.advance(100_000)
    t.equal(requests.length, 11)
    poller.follow('fast', target({ intervalSeconds: 5 }))
    requests.length = 0
    await time.advance(5000)
    t.equal(requests.length, 1)
    poller.unfollow('fast')
    requests.length = 0
    await time.advance(3_600_000)
    t.equal(requests.length, 1)
  },
)

t.test('B26 an interval of 0, or none, does not spin', async (t) => {
  const { time, poller, requests } = polling(t)
  poller.follow('zero', target({ intervalSeconds: 0 }))
  poller.follow('negative', target({ tag: 'b', intervalSeconds: -5 }))
  poller.follow('none', target({ tag: 'c', intervalSeconds: Number.NaN }))
  await time.advance(10_000)
  t.ok(requests.length <= 24, `${requests.length} polls`)
})

t.test('B40 unfollowing ends the notifications, and the last follower ends the polling', async (t) => {
  const { time, registry, poller, changes, requests } = polling(t)
  poller.follow('a', target())
  poller.follow('b', target())
  await time.advance(10)
  changes.length = 0
  poller.unfollow('a')
  registry.content = () => digests('two')
  await time.advance(60_000)
  t.same(changes, ['b'])
  t.same(poller.offer('a'), { state: 'unknown' })
  poller.unfollow('b')
  poller.unfollow('b')
  requests.length = 0
  await time.advance(600_000)
  t.equal(requests.length, 0)
  t.same(poller.stats(), { followers: 0, targets: 0, queued: 0, inFlight: 0 })
})

t.test('following the same target again changes nothing, following another tag replaces it', async (t) => {
  const { time, poller, requests } = polling(t)
  for (let i = 0; i < 5; i++) poller.follow('a', target())
  await time.advance(10)
  t.equal(requests.length, 1)
  poller.follow('a', target({ tag: 'env-test' }))
  t.same(poller.offer('a'), { state: 'unknown' })
  await time.advance(60_000)
  t.same(new Set(requests.slice(1).map(({ tag }) => tag)), new Set(['env-test']))
  t.equal(poller.stats().targets, 1)
})
