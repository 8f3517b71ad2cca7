import t from 'tap'
import { TransientError } from '../../errors.ts'
import { digests, polling, target } from './testing/polling.ts'

const repository = { host: 'registry.example.com', path: 'shop/web' }
const place = { repository, tag: 'env-prod' }

t.test('a hint polls each target of that repository and tag once', async (t) => {
  const { time, registry, poller, changes, requests } = polling(t)
  const login = { kind: 'basic', username: 'ann', password: 'x' } as const
  poller.follow('a', target({ intervalSeconds: 3600 }))
  poller.follow('a too', target({ intervalSeconds: 3600 }))
  poller.follow('b', target({ intervalSeconds: 3600, credentials: login }))
  poller.follow('test', target({ intervalSeconds: 3600, tag: 'env-test' }))
  poller.follow('api', target({ intervalSeconds: 3600, repository: { ...repository, path: 'shop/web/api' } }))
  await time.advance(10)
  requests.length = changes.length = 0

  registry.content = () => digests('two')
  t.equal(poller.pollNowAt(place), 2, 'two credentials')
  await time.advance(1)
  t.same(
    requests.map(({ tag }) => tag),
    ['env-prod', 'env-prod'],
  )
  t.same(changes.sort(), ['a', 'a too', 'b'])

  t.equal(poller.pollNowAt({ repository }), 3, 'any tag')
  t.equal(poller.pollNowAt({ repository, below: true }), 4, 'and the repositories below')
  t.equal(poller.pollNowAt({ repository: { host: 'registry.example.com', path: 'shop' }, below: true }), 4)
  t.equal(poller.pollNowAt({ repository: { host: 'registry.example.com', path: 'sho' }, below: true }), 0)
})

t.test('a hint about a tag that nobody follows causes no request', async (t) => {
  const { time, poller, requests } = polling(t)
  poller.follow('a', target())
  await time.advance(10)
  requests.length = 0
  t.equal(poller.pollNowAt({ ...place, tag: 'other' }), 0)
  t.equal(poller.pollNowAt({ repository: { ...repository, host: 'evil.example.com' } }), 0)
  poller.unfollow('a')
  t.equal(poller.pollNowAt(place), 0)
  await poller.stop()
  t.equal(poller.pollNowAt(place), 0)
  t.same(requests, [])
})

t.test('hints that arrive during a poll cause one more poll together', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  requests.length = 0
  const slow = Promise.withResolvers<never>()
  registry.fault = () => slow.promise
  for (let i = 0; i < 1000; i++) poller.pollNowAt(place)
  await time.advance(1)
  t.equal(requests.length, 1)
  t.match(poller.stats(), { inFlight: 1, queued: 0 })
  registry.fault = undefined
  slow.reject(new TransientError('RegistryUnavailable', 'away'))
  await time.advance(1)
  t.equal(requests.length, 2)
})

t.test('a flood of hints that announce nothing causes one poll a second', async (t) => {
  const { time, poller, requests } = polling(t)
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  requests.length = 0
  for (let i = 0; i < 60_000; i += 10) {
    poller.pollNowAt(place)
    await time.advance(10)
  }
  t.ok(requests.length >= 60 && requests.length <= 72, `${requests.length} polls in a minute for 6,000 hints`)
})

t.test('hints that announce changes never wait', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  requests.length = 0
  for (let i = 0; i < 200; i++) {
    registry.content = () => digests(`build ${i}`)
    poller.pollNowAt(place)
    await time.advance(5)
    t.match(poller.offer('a'), { version: { digest: digests(`build ${i}`) } })
  }
  t.equal(requests.length, 200)
})

t.test('a hint that arrives before the registry shows the change does not delay the next poll', async (t) => {
  const { time, registry, poller } = polling(t)
  poller.follow('a', target())
  await time.advance(10)
  poller.pollNowAt(place)
  await time.advance(1)
  registry.content = () => digests('two')
  await time.advance(60_000)
  t.match(poller.offer('a'), { version: { digest: digests('two') } })
})

t.test('after a hint that announced nothing, the next one polls at the end of the gap', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  poller.pollNowAt(place)
  await time.advance(1)
  requests.length = 0
  registry.content = () => digests('two')
  poller.pollNowAt(place)
  await time.advance(990)
  t.equal(requests.length, 0)
  await time.advance(20)
  t.equal(requests.length, 1)
  t.match(poller.offer('a'), { version: { digest: digests('two') } })
})
