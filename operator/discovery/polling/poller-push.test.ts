import t from 'tap'
import { TransientError } from '../../errors.ts'
import { anonymous } from '../../registries/registry.ts'
import { digests, polling, target } from './testing/polling.ts'

const repository = { host: 'registry.example.com', path: 'shop/web' }
const place = { repository, tag: 'env-prod' }
const hook = 'distribution'

t.test('a hint causes one look at each target that is followed of that repository and tag', async (t) => {
  const { time, registry, poller, changes, asked } = polling(t)
  const login = { kind: 'basic', username: 'ann', password: 'x' } as const
  poller.follow('a', target({ intervalSeconds: 3600 }))
  poller.follow('a too', target({ intervalSeconds: 3600 }))
  poller.follow('b', target({ intervalSeconds: 3600, credentials: login }))
  poller.follow('test', target({ intervalSeconds: 3600, tag: 'env-test' }))
  poller.follow('api', target({ intervalSeconds: 3600, repository: { ...repository, path: 'shop/web/api' } }))
  await time.advance(10)
  asked.length = changes.length = 0

  registry.content = () => digests('two')
  t.equal(poller.lookNowAt(place, hook), 2, 'two credentials')
  await time.advance(1)
  t.same(
    asked.map(({ tag }) => tag),
    ['env-prod', 'env-prod'],
  )
  t.same(changes.sort(), ['a', 'a too', 'b'])

  t.equal(poller.lookNowAt({ repository }, hook), 3, 'any tag')
  t.equal(poller.lookNowAt({ repository, below: true }, hook), 4, 'and the repositories below')
  t.equal(poller.lookNowAt({ repository: { host: 'registry.example.com', path: 'shop' }, below: true }, hook), 4)
  t.equal(poller.lookNowAt({ repository: { host: 'registry.example.com', path: 'sho' }, below: true }, hook), 0)
})

t.test('a hint that names another digest has the search for its version begin beside the look', async (t) => {
  const { time, registry, poller, changes, coming, readAhead, asked } = polling(t)
  const [one, two] = [digests('one'), digests('two')]
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  asked.length = coming.length = 0

  poller.lookNowAt({ ...place, digest: one }, hook)
  await time.advance(1)
  t.equal(asked.length, 1, 'what is known already: one look')
  t.same(readAhead, [])

  registry.content = () => two
  poller.lookNowAt({ repository, tag: '0a1b2c3', digest: two }, hook)
  await time.advance(1)
  t.equal(asked.length, 1, 'a tag that nobody follows: none')
  poller.lookNowAt({ ...place, digest: two }, hook)
  t.same(readAhead, [{ digest: two, likely: ['0a1b2c3'] }], 'the hint before has told where to look first')
  t.same(coming, ['a'], 'those who follow may prepare themselves')
  await time.advance(1)
  t.equal(asked.length, 2)
  t.same(changes.at(-1), 'a')
  t.same(coming, ['a'], 'once')

  registry.content = () => digests('three')
  poller.lookNowAt(place, hook)
  await time.advance(1)
  t.equal(readAhead.length, 1, 'a hint without digest')
  t.same(coming, ['a', 'a'])
})

t.test('a hint about what nobody follows, or follows no more, asks the registry nothing', async (t) => {
  const { time, poller, asked } = polling(t)
  poller.follow('a', target())
  await time.advance(10)
  asked.length = 0
  t.equal(poller.lookNowAt({ ...place, tag: 'other' }, hook), 0)
  t.equal(poller.lookNowAt({ repository: { ...repository, host: 'evil.example.com' } }, hook), 0)
  poller.unfollow('a')
  t.equal(poller.lookNowAt(place, hook), 0)
  await poller.stop()
  t.equal(poller.lookNowAt(place, hook), 0)
  t.same(asked, [])
})

t.test('of all hints that come while a look is under way, one more look comes', async (t) => {
  const { time, registry, poller, asked } = polling(t)
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  asked.length = 0
  const slow = Promise.withResolvers<never>()
  registry.fault = () => slow.promise
  for (let i = 0; i < 1000; i++) poller.lookNowAt(place, hook)
  await time.advance(1)
  t.equal(asked.length, 1)
  t.match(poller.stats(), { inFlight: 1, queued: 0 })
  registry.fault = undefined
  slow.reject(new TransientError('RegistryUnavailable', 'away'))
  await time.advance(1)
  t.equal(asked.length, 2)
})

t.test(
  'a flood of hints that announce nothing is slowed to one look a second, and a poll finds its room',
  async (t) => {
    const { time, poller, asked } = polling(t)
    poller.follow('a', target({ intervalSeconds: 3600 }))
    await time.advance(10)
    asked.length = 0
    for (let i = 0; i < 60_000; i += 10) {
      poller.lookNowAt(place, hook)
      await time.advance(10)
    }
    t.ok(asked.length >= 60 && asked.length <= 72, `${asked.length} looks in a minute for 6,000 hints`)
  },
)

t.test('hints that announce changes are not slowed', async (t) => {
  const { time, registry, poller, asked } = polling(t)
  poller.follow('a', target({ intervalSeconds: 3600 }))
  await time.advance(10)
  asked.length = 0
  for (let i = 0; i < 200; i++) {
    registry.content = () => digests(`build ${i}`)
    poller.lookNowAt(place, hook)
    await time.advance(5)
    t.match(poller.offer('a'), { version: { digest: digests(`build ${i}`) } })
  }
  t.equal(asked.length, 200)
})

const looksIn = async ({ time, asked }: Pick<ReturnType<typeof polling>, 'time' | 'asked'>, seconds: number) => {
  asked.length = 0
  await time.advance(seconds * 1000)
  return asked.length
}

async function proven(t: Parameters<typeof polling>[0], factor = 10, count = 1) {
  const world = polling(t, { pushPollFactor: factor })
  for (let i = 0; i < count; i++) world.poller.follow(`${i}`, target({ tag: `t${i}` }))
  await world.time.advance(10)
  world.registry.content = () => digests('two')
  for (let i = 0; i < count; i++) world.poller.lookNowAt({ repository, tag: `t${i}` }, hook)
  await world.time.advance(1)
  return world
}

t.test(
  'a tag is polled ten times less often once a hint was seen to announce its change, and others are not',
  async (t) => {
    const world = await proven(t)
    world.poller.follow('other', target({ tag: 'unproven' }))
    await world.time.advance(10)
    t.equal(world.poller.stats().slowed, 1)
    const { asked } = world
    await looksIn(world, 6000)
    t.equal(asked.filter(({ tag }) => tag === 't0').length, 10)
    t.equal(asked.filter(({ tag }) => tag === 'unproven').length, 100)
  },
)

t.test('the slower pace is at least once an hour, and never faster than the interval asked for', async (t) => {
  const world = await proven(t, 1000)
  t.equal(await looksIn(world, 36_000), 10)
  world.poller.follow('0', target({ tag: 't0', intervalSeconds: 7200 }))
  t.equal(await looksIn(world, 72_000), 10)
})

t.test('where the factor is 1, push changes nothing of the pace', async (t) => {
  t.equal(await looksIn(await proven(t, 1), 600), 10)
})

t.test('a hint whose look sees nothing new proves nothing', async (t) => {
  const world = polling(t, { pushPollFactor: 10 })
  world.poller.follow('a', target())
  await world.time.advance(10)
  world.poller.lookNowAt(place, hook)
  t.equal(await looksIn(world, 600), 10)
  t.equal(world.poller.stats().slowed, 0)
})

t.test('a change that no hint announced brings every tag of that registry back to its own pace', async (t) => {
  const world = await proven(t, 10, 3)
  t.equal(world.poller.stats().slowed, 3)
  world.registry.content = (tag) => digests(tag === 't0' ? 'three' : 'two')
  // Within the slower pace the poll sees it; within the grace after that no hint comes.
  await world.time.advance(600_000 + 31_000)
  t.match(world.poller.offer('0'), { version: { digest: digests('three') } })
  t.equal(world.poller.stats().slowed, 0)
  t.equal(await looksIn(world, 600), 30)

  world.registry.content = () => digests('four')
  world.poller.lookNowAt({ repository, tag: 't0' }, hook)
  await world.time.advance(1)
  t.equal(world.poller.stats().slowed, 1, 'and the next announced change proves it again')
})

t.test('a poll that is quicker than the hint does not count against push', async (t) => {
  const world = await proven(t)
  world.registry.content = () => digests('three')
  while (world.poller.offer('0').state !== 'known' || world.asked.length < 3) await world.time.advance(1000)
  world.poller.lookNowAt({ repository, tag: 't0' }, hook)
  await world.time.advance(60_000)
  t.equal(world.poller.stats().slowed, 1)
})

t.test('a hint that comes before the registry shows the change does not put off the next poll', async (t) => {
  const world = await proven(t)
  world.poller.lookNowAt({ repository, tag: 't0' }, hook)
  await world.time.advance(1)
  world.registry.content = () => digests('three')
  await world.time.advance(60_000)
  t.match(world.poller.offer('0'), { version: { digest: digests('three') } })
})

t.test('a hint whose look fails still announces what the next look sees', async (t) => {
  const world = polling(t, { pushPollFactor: 10 })
  world.poller.follow('a', target({ credentials: anonymous }))
  await world.time.advance(10)
  world.registry.fault = () => new TransientError('RegistryUnavailable', 'away')
  world.registry.content = () => digests('two')
  world.poller.lookNowAt(place, hook)
  await world.time.advance(1)
  world.registry.fault = undefined
  await world.time.advance(70_000)
  t.equal(world.poller.stats().slowed, 1)
})

t.test('while a source cannot hear, its tags are polled at their own pace; those of others are not', async (t) => {
  const world = await proven(t)
  world.poller.setHearing('ecr-events', false)
  t.equal(world.poller.stats().slowed, 1)
  world.poller.setHearing(hook, false)
  world.poller.setHearing(hook, false)
  t.equal(world.poller.stats().slowed, 0)
  t.equal(await looksIn(world, 600), 10)
  world.poller.setHearing(hook, true)
  t.equal(world.poller.stats().slowed, 1)
  await world.time.advance(60_000)
  t.equal(await looksIn(world, 6000), 10)
})

t.test('a target that is followed no more leaves no trace of push', async (t) => {
  const { poller, time } = await proven(t)
  poller.unfollow('0')
  t.same(poller.stats(), { followers: 0, targets: 0, queued: 0, inFlight: 0, slowed: 0 })
  poller.follow('0', target({ tag: 't0' }))
  await time.advance(10)
  t.equal(poller.stats().slowed, 0)
})
