import t, { type Test } from 'tap'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { type Access, anonymous, type ResolvedTags } from '../../registries/registry.ts'
import { digests, polling, Shelf, target } from './testing/polling.ts'

/** A registry that takes many tags in one request. */
class Batches extends Shelf {
  readonly batches: (readonly string[])[] = []
  readonly missing = new Set<string>()
  failure: Error | undefined

  async resolveAll(_: Repository, tags: readonly string[], access: Access): Promise<ResolvedTags> {
    this.batches.push(tags)
    await this.fault?.(tags.join(), access)
    if (this.failure !== undefined) throw this.failure
    const missing = (tag: string) => new NeedsChangeError('TagNotFound', `no ${tag}`)
    const found = (tag: string) => ({ digest: this.content(tag), aliases: [tag, 'v1'] })
    return new Map(tags.map((tag) => [tag, this.missing.has(tag) ? missing(tag) : found(tag)]))
  }
}

function batching(t: Test) {
  const bed = polling(t, { registryFor: () => registry, random: () => 0 })
  const registry = new Batches(bed.time)
  const follow = (count: number, from = 0) => {
    for (let i = from; i < from + count; i++) bed.poller.follow(`shop/${i}`, target({ tag: `t${i}` }))
  }
  return { ...bed, registry, follow }
}

t.test('one request an interval asks for all followed tags of a repository', async (t) => {
  const { time, registry, poller, follow, requests } = batching(t)
  follow(250)
  poller.follow('again', target({ tag: 't7', versionSyntax: 'v.*' }))
  await time.advance(10)
  t.same(
    registry.batches.map(({ length }) => length),
    [250],
  )
  t.match(poller.stats(), { followers: 251, targets: 1 })
  t.match(poller.offer('shop/7'), { state: 'known', version: { digest: digests('one') } })
  await time.advance(600_000)
  t.equal(registry.batches.length, 11)
  t.same(requests, [], 'and none for a single tag')

  poller.follow('other', target({ tag: 't7', credentials: { kind: 'basic', username: 'ann', password: 'x' } }))
  poller.follow('elsewhere', target({ repository: { host: 'registry.example.com', path: 'shop/api' } }))
  t.equal(poller.stats().targets, 3, 'other credentials and repositories have batches of their own')
})

t.test('new tags have a request of their own first, and join the next batch', async (t) => {
  const { time, registry, follow, poller } = batching(t)
  follow(100)
  await time.advance(10_000)
  registry.batches.length = 0
  follow(2, 100)
  await time.advance(10)
  t.same(registry.batches, [['t100', 't101']])
  t.match(poller.offer('shop/101'), { state: 'known' })
  await time.advance(60_000)
  t.equal(registry.batches.at(-1)?.length, 102)
})

t.test('only the followers of a moved tag are notified', async (t) => {
  const { time, registry, changes, follow } = batching(t)
  follow(100)
  await time.advance(10)
  changes.length = 0
  registry.content = (tag) => digests(tag === 't3' ? 'two' : 'one')
  await time.advance(60_000)
  t.same(changes, ['shop/3'])
})

t.test('a missing tag fails for its followers only', async (t) => {
  const { time, registry, poller, changes, follow } = batching(t)
  follow(3)
  registry.missing.add('t1')
  await time.advance(300_000)
  t.match(poller.offer('shop/1'), { state: 'failed', error: { reason: 'TagNotFound' } })
  for (const key of ['shop/0', 'shop/2']) t.match(poller.offer(key), { state: 'known' })
  t.equal(registry.batches.length, 6, 'the others keep their interval')
  t.same(changes.sort(), ['shop/0', 'shop/1', 'shop/2'])
  registry.missing.clear()
  await time.advance(60_000)
  t.match(poller.offer('shop/1'), { state: 'known' })
})

t.test('if the whole request fails, it fails for all followers, and the poller backs off', async (t) => {
  const { time, registry, poller, follow } = batching(t)
  follow(3)
  await time.advance(10)
  registry.failure = new TransientError('RegistryUnavailable', 'away')
  await time.advance(600_000)
  for (let i = 0; i < 3; i++) {
    t.match(poller.offer(`shop/${i}`), { state: 'failed', version: { digest: digests('one') } })
  }
  t.ok(registry.batches.length <= 8, `${registry.batches.length} requests in ten minutes`)
})

t.test('a hint about a followed tag polls the batch, a hint about another tag does not', async (t) => {
  const { time, registry, poller, follow } = batching(t)
  follow(3)
  await time.advance(10)
  registry.batches.length = 0
  const { repository } = target({ credentials: anonymous })
  t.equal(poller.pollNowAt({ repository, tag: 'latest' }), 0)
  registry.content = () => digests('two')
  t.equal(poller.pollNowAt({ repository, tag: 't2' }), 1)
  await time.advance(1)
  t.equal(registry.batches.length, 1)
  t.match(poller.offer('shop/2'), { version: { digest: digests('two') } })
})
