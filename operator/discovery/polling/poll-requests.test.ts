import t from 'tap'
import { TransientError } from '../../errors.ts'
import { digests, polling, target } from './testing/polling.ts'

const asking = (request: string | undefined, more = {}) => target({ intervalSeconds: 3600, request, ...more })

t.test('a request polls at once, and is answered when that poll has ended, even if nothing is new', async (t) => {
  const { time, registry, poller, changes, requests } = polling(t)
  poller.follow('a', asking(undefined))
  await time.advance(10)
  changes.length = 0
  registry.content = () => digests('two')
  poller.follow('a', asking('first'))
  t.equal(poller.answeredRequest('a'), undefined)
  await time.advance(1)
  t.equal(requests.length, 2)
  t.match(poller.offer('a'), { version: { digest: digests('two') } })
  t.equal(poller.answeredRequest('a'), 'first')
  t.same(changes, ['a'], 'it is called back once')
  poller.follow('a', asking('second'))
  await time.advance(1)
  t.same([requests.length, poller.answeredRequest('a'), changes], [3, 'second', ['a', 'a']])
})

t.test('a request during a poll is answered by the next one, which begins after it', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  poller.follow('a', asking(undefined))
  await time.advance(10)
  const slow = Promise.withResolvers<never>()
  registry.fault = () => slow.promise
  poller.follow('a', asking('first'))
  await time.advance(1)
  poller.follow('a', asking('second'))
  poller.follow('a', asking('third'))
  registry.fault = undefined
  slow.reject(new TransientError('RegistryUnavailable', 'away'))
  await time.advance(1)
  t.same([requests.length, poller.answeredRequest('a')], [3, 'third'])
})

t.test('a poll that fails answers too', async (t) => {
  const { time, registry, poller, changes } = polling(t)
  poller.follow('a', asking(undefined))
  await time.advance(10)
  registry.fault = () => new TransientError('RegistryUnavailable', 'away')
  for (const request of ['first', 'second']) {
    changes.length = 0
    poller.follow('a', asking(request))
    await time.advance(1)
    t.match([poller.offer('a'), poller.answeredRequest('a')], [{ state: 'failed' }, request])
    t.same(changes, ['a'])
  }
})

t.test('the same request costs nothing more, nor does none after one that was answered', async (t) => {
  const { time, poller, changes, requests } = polling(t)
  poller.follow('a', asking('first'))
  await time.advance(10)
  t.same([requests.length, poller.answeredRequest('a')], [1, 'first'], 'the first poll of a target answers it')
  for (const request of ['first', undefined, 'first', undefined]) poller.follow('a', asking(request))
  await time.advance(10_000)
  t.same([requests.length, changes], [1, ['a']])
})

t.test('a request is answered by what is followed now, and not by what was followed before', async (t) => {
  const { time, registry, poller, requests } = polling(t)
  poller.follow('b', asking(undefined, { tag: 'env-test' }))
  poller.follow('a', asking(undefined))
  await time.advance(10)
  const slow = Promise.withResolvers<never>()
  registry.fault = (tag) => (tag === 'env-prod' ? slow.promise : undefined)
  poller.follow('a', asking('first'))
  await time.advance(1)
  requests.length = 0
  poller.follow('a', asking('first', { tag: 'env-test' }))
  slow.reject(new TransientError('RegistryUnavailable', 'away'))
  await time.advance(1)
  t.same(
    requests.map(({ tag }) => tag),
    ['env-test'],
    'though the tag is known already, of another follower',
  )
  t.equal(poller.answeredRequest('a'), 'first')
  t.equal(poller.answeredRequest('b'), undefined, 'others asked for nothing')
  poller.unfollow('a')
  t.equal(poller.answeredRequest('a'), undefined)
})

t.test('a flood of requests that find nothing new causes one poll a second', async (t) => {
  const { time, poller, requests } = polling(t)
  poller.follow('a', asking(undefined))
  await time.advance(10)
  requests.length = 0
  for (let i = 0; i < 60_000; i += 10) {
    poller.follow('a', asking(`request ${i}`))
    await time.advance(10)
  }
  t.ok(requests.length >= 55 && requests.length <= 61, `${requests.length} polls`)
  await time.advance(1_000)
  t.equal(poller.answeredRequest('a'), 'request 59990', 'the last one is answered')
})
