import t from 'tap'
import type { Credentials } from '../../registries/registry.ts'
import { digests, polling, target } from './testing/polling.ts'

t.test('a new target is looked at at once, then once an interval, and only news are told', async (t) => {
  const { time, registry, poller, changes, asked } = polling(t)
  poller.follow('shop/web', target())
  t.same(poller.offer('shop/web'), { state: 'unknown' })
  await time.advance(10)
  t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('one') } })
  t.same(changes, ['shop/web'])
  await time.advance(600_000)
  t.ok(asked.length === 11, `1 + 10 looks, were ${asked.length}`)
  t.same(changes, ['shop/web'])
  t.equal(asked.at(-1)?.known, digests('one'), 'conditionally')

  registry.content = () => digests('two')
  await time.advance(60_000)
  t.match(poller.offer('shop/web'), { state: 'known', version: { digest: digests('two') } })
  t.same(changes, ['shop/web', 'shop/web'])
})

t.test(
  'a version that is remembered for the digest is not searched for again, and for another digest it is',
  async (t) => {
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
  },
)

t.test('who follows the same with the same credentials shares one poll, and each syntax one search', async (t) => {
  const { time, poller, changes, searched, asked } = polling(t)
  for (let i = 0; i < 1000; i++) poller.follow(`shop/${i}`, target({ versionSyntax: i % 2 === 0 ? 'a' : 'b' }))
  await time.advance(10)
  t.equal(asked.length, 1)
  t.same([...searched].sort(), ['a', 'b'])
  t.equal(new Set(changes).size, 1000)
  t.same(poller.stats(), { followers: 1000, targets: 1, queued: 0, inFlight: 0, slowed: 0 })

  const login: Credentials = { kind: 'basic', username: 'ann', password: 'x' }
  poller.follow('shop/other', target({ credentials: login }))
  poller.follow('shop/other too', target({ credentials: { ...login } }))
  await time.advance(10)
  t.equal(asked.length, 2)
})

t.test('one who comes later is told what is known, and another syntax is looked for at once', async (t) => {
  const { time, poller, asked, searched } = polling(t)
  poller.follow('a', target())
  await time.advance(10)
  poller.follow('b', target())
  t.match(poller.offer('b'), { state: 'known' })
  await time.advance(10)
  t.equal(asked.length, 1)
  poller.follow('c', target({ versionSyntax: 'v' }))
  await time.advance(10)
  t.match(poller.offer('c'), { state: 'known', version: { name: /^v / } })
  t.same(searched, ['.*', 'v'])
})

t.test(
  'many targets are spread over the interval, each looked at once in it, within a second of its time',
  async (t) => {
    const late: number[] = []
    const { time, poller, asked } = polling(t, { onLook: (_, __, lateMs) => late.push(lateMs) })
    for (let i = 0; i < 600; i++) poller.follow(`${i}`, target({ tag: `t${i}` }))
    await time.advance(60_000)
    asked.length = 0
    const start = time.now()
    await time.advance(60_000)
    t.equal(asked.length, 600)
    t.equal(new Set(asked.map(({ tag }) => tag)).size, 600)
    const perSecond = new Map<number, number>()
    for (const { at } of asked) {
      const second = Math.floor((at - start) / 1000)
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
    }
    t.ok(
      Math.max(...perSecond.values()) < 30,
      `no burst: at most ${Math.max(...perSecond.values())} in a second, 10 on average`,
    )
    t.ok(Math.max(...late) < 1000)
  },
)

t.test('the shortest interval of those who follow counts, and a changed one takes effect within it', async (t) => {
  const { time, poller, asked } = polling(t)
  poller.follow('slow', target({ intervalSeconds: 3600 }))
  await time.advance(1000)
  poller.follow('fast', target({ intervalSeconds: 10 }))
  await time.advance(100_000)
  t.equal(asked.length, 11)
  poller.follow('fast', target({ intervalSeconds: 5 }))
  asked.length = 0
  await time.advance(5000)
  t.equal(asked.length, 1)
  poller.unfollow('fast')
  asked.length = 0
  await time.advance(3_600_000)
  t.equal(asked.length, 1)
})

t.test('B26 an interval of 0, or none, does not spin', async (t) => {
  const { time, poller, asked } = polling(t)
  poller.follow('zero', target({ intervalSeconds: 0 }))
  poller.follow('negative', target({ tag: 'b', intervalSeconds: -5 }))
  poller.follow('none', target({ tag: 'c', intervalSeconds: Number.NaN }))
  await time.advance(10_000)
  t.ok(asked.length <= 24, `${asked.length} looks`)
})

t.test('a look that was asked for goes before the others, and again where one was under way', async (t) => {
  const { time, registry, poller, asked } = polling(t)
  poller.follow('a', target())
  await time.advance(10)
  registry.content = () => digests('two')
  poller.lookNow('a')
  await time.advance(1)
  t.match(poller.offer('a'), { version: { digest: digests('two') } })
  t.equal(asked.length, 2)
  poller.lookNow('a')
  poller.lookNow('a')
  await time.advance(1)
  t.equal(asked.length, 4)
  poller.lookNow('nobody')
})

t.test('B40 who unfollows is told nothing more, and the last one ends the polling', async (t) => {
  const { time, registry, poller, changes, asked } = polling(t)
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
  asked.length = 0
  await time.advance(600_000)
  t.equal(asked.length, 0)
  t.same(poller.stats(), { followers: 0, targets: 0, queued: 0, inFlight: 0, slowed: 0 })
})

t.test('following the same again changes nothing, following another tag moves over', async (t) => {
  const { time, poller, asked } = polling(t)
  for (let i = 0; i < 5; i++) poller.follow('a', target())
  await time.advance(10)
  t.equal(asked.length, 1)
  poller.follow('a', target({ tag: 'env-test' }))
  t.same(poller.offer('a'), { state: 'unknown' })
  await time.advance(60_000)
  t.same(new Set(asked.slice(1).map(({ tag }) => tag)), new Set(['env-test']))
  t.equal(poller.stats().targets, 1)
})
