import t, { type Test } from 'tap'
import { until } from '../../../e2e/harness/until.ts'
import type { VersionPolicySpec } from '../../api/policy.ts'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { OlderTagsUnread } from '../../registries/failures.ts'
import { type Access, anonymous, type Credentials } from '../../registries/registry.ts'
import type { Target } from '../target.ts'
import { tagPolicy } from '../versions/policies/choosing.ts'
import { digests, polling, Shelf, target } from './testing/polling.ts'

/** An in-memory registry whose tags can be listed. */
class Shop extends Shelf {
  readonly images = new Map<string, string>()
  readonly pushed = new Map<string, number>()
  lists = 0
  listFault: Error | undefined
  override content = (tag: string): Digest => {
    const image = this.images.get(tag)
    if (image === undefined) throw new NeedsChangeError('TagNotFound', `no ${tag}`)
    return digests(image)
  }

  override async *tags(_repository?: Repository, _access?: Access): AsyncIterable<readonly string[]> {
    this.lists++
    if (this.listFault !== undefined) throw this.listFault
    for (const tag of this.images.keys()) yield [tag]
  }

  push(tag: string, image = tag): void {
    this.images.set(tag, image)
  }
}

class ShopWithClock extends Shop {
  isTooLong = false
  async *pushTimes(repository: Repository): AsyncIterable<ReadonlyMap<string, number>> {
    this.lists++
    yield this.pushed
    if (this.isTooLong) throw new OlderTagsUnread(repository, this.pushed.size)
  }
}

function shop(t: Test, kind: new (time: ConstructorParameters<typeof Shelf>[0]) => Shop = Shop) {
  const bed = polling(t, { registryFor: () => registry })
  const registry: Shop = new kind(bed.time)
  return { ...bed, registry, requests: registry.requests }
}

const choosing = (
  policy: VersionPolicySpec,
  more: { credentials?: Credentials; intervalSeconds?: number } = {},
): Target => ({
  repository: { host: 'registry.example.com', path: 'shop/web' },
  credentials: anonymous,
  intervalSeconds: 60,
  policy: tagPolicy(policy),
  ...more,
})

const patches = choosing({ semver: { range: '~1.0' } })
const minors = choosing({ semver: { range: '^1' } })

t.test('the chosen tag is the version, and an unchanged poll costs one list and one conditional HEAD', async (t) => {
  const { time, registry, poller, changes, requests } = shop(t)
  for (const tag of ['1.0.0', '1.0.1', '2.0.0', 'latest']) registry.push(tag)
  poller.follow('shop/web', patches)
  await time.advance(10)
  const version = { digest: digests('1.0.1'), name: '1.0.1', source: 'policy' }
  t.same(poller.offer('shop/web'), { state: 'known', version })
  t.same(changes, ['shop/web'])

  await time.advance(600_000)
  t.equal(registry.lists, 11)
  t.same(new Set(requests.slice(1).map(({ tag, known }) => `${tag} ${known}`)), new Set([`1.0.1 ${digests('1.0.1')}`]))
  t.equal(requests.length, 11)
  t.same(changes, ['shop/web'])

  registry.push('1.0.2')
  await time.advance(60_000)
  t.match(poller.offer('shop/web'), { version: { name: '1.0.2', digest: digests('1.0.2') } })
  t.equal(changes.length, 2)
})

t.test('all policies of a repository with the same credential share one list an interval', async (t) => {
  const { time, registry, poller, requests } = shop(t)
  for (const tag of ['1.0.0', '1.1.0']) registry.push(tag)
  for (let i = 0; i < 500; i++) poller.follow(`patches ${i}`, choosing({ semver: { range: '~1.0' } }))
  for (let i = 0; i < 500; i++) poller.follow(`minors ${i}`, minors)
  poller.follow('any', choosing({ semver: { range: '*' } }))
  await time.advance(10)
  t.equal(registry.lists, 1)
  t.same(requests.map(({ tag }) => tag).sort(), ['1.0.0', '1.1.0'], 'one request for each chosen tag')
  t.match(poller.offer('patches 7'), { version: { name: '1.0.0' } })
  t.match(poller.offer('any'), { version: { name: '1.1.0' } })
  t.match(poller.stats(), { followers: 1001, targets: 1 })

  poller.follow('other', choosing({ numeric: {} }, { credentials: { kind: 'basic', username: 'ann', password: 'x' } }))
  poller.follow('tag', target())
  await time.advance(10)
  t.equal(registry.lists, 2)
  t.match(poller.stats(), { targets: 3 })
})

t.test('a version tag that is pushed again is a new version with the same name', async (t) => {
  const { time, registry, poller } = shop(t)
  registry.push('1.0.0')
  poller.follow('a', patches)
  await time.advance(10)
  registry.push('1.0.0', 'rebuilt')
  await time.advance(60_000)
  t.match(poller.offer('a'), { state: 'known', version: { name: '1.0.0', digest: digests('rebuilt') } })
})

t.test('if the chosen tag is removed, the next best tag is the version', async (t) => {
  const { time, registry, poller } = shop(t)
  for (const tag of ['1.0.0', '1.0.1']) registry.push(tag)
  poller.follow('a', patches)
  await time.advance(10)
  registry.images.delete('1.0.1')
  await time.advance(60_000)
  t.match(poller.offer('a'), { state: 'known', version: { name: '1.0.0' } })
})

t.test('a policy that no tag fits fails with a clear reason, and neither spins nor slows the others', async (t) => {
  const { time, registry, poller, changes } = shop(t)
  registry.push('1.0.0')
  poller.follow('none', choosing({ semver: { range: '^3' } }))
  poller.follow('some', patches)
  await time.advance(300_000)
  t.ok(registry.lists <= 7, `${registry.lists} lists in five intervals`)
  t.match(poller.offer('none'), {
    state: 'failed',
    error: {
      name: 'NeedsChangeError',
      reason: 'NoTagFits',
      message:
        /no version in registry\.example\.com\/shop\/web: no tag is .* range \^3; it has, for example, 1\.0\.0\. Push a tag/,
    },
    version: undefined,
  })
  t.match(poller.offer('some'), { state: 'known' })
  t.same(changes.sort(), ['none', 'some'])
  registry.push('3.0.0')
  await time.advance(60_000)
  t.match(poller.offer('none'), { state: 'known', version: { name: '3.0.0' } })
  registry.images.clear()
  await time.advance(60_000)
  t.match(poller.offer('none'), { state: 'failed', error: { reason: 'NoTagFits' }, version: { name: '3.0.0' } })
})

t.test('a policy that is added later or changes gets its version at once', async (t) => {
  const { time, registry, poller } = shop(t)
  for (const tag of ['1.0.0', '1.1.0']) registry.push(tag)
  poller.follow('a', patches)
  await time.advance(10)
  poller.follow('b', minors)
  await time.advance(10)
  t.match(poller.offer('b'), { version: { name: '1.1.0' } })
  poller.follow('a', minors)
  t.match(poller.offer('a'), { version: { name: '1.1.0' } }, 'another follower has the same policy')
  poller.follow('a', target({ tag: '1.0.0' }))
  t.same(poller.offer('a'), { state: 'unknown' })
  await time.advance(10)
  t.match(poller.offer('a'), { version: { source: 'alias' } })
  t.equal(poller.stats().targets, 2)
})

t.test('if the list fails, all followers keep their version, and the list is tried again', async (t) => {
  const { time, registry, poller } = shop(t)
  registry.push('1.0.0')
  poller.follow('a', patches)
  await time.advance(10)
  registry.listFault = new TransientError('RegistryUnavailable', 'away')
  await time.advance(60_000)
  t.match(poller.offer('a'), { state: 'failed', error: { reason: 'RegistryUnavailable' }, version: { name: '1.0.0' } })
  registry.listFault = undefined
  await time.advance(120_000)
  t.match(poller.offer('a'), { state: 'known', version: { name: '1.0.0' } })
})

t.test('a tag that is listed but missing changes nothing', async (t) => {
  const { time, registry, poller } = shop(t)
  registry.push('1.0.0')
  registry.fault = (tag) => (tag === '1.0.0' ? new NeedsChangeError('TagNotFound', 'gone') : undefined)
  poller.follow('a', patches)
  await time.advance(10)
  t.match(poller.offer('a'), { state: 'failed', error: { name: 'TransientError', message: /lists the tag 1\.0\.0/ } })
})

t.test('newest uses push times, and fails with a clear reason if the registry has none', async (t) => {
  const newest = choosing({ newest: {}, filter: { pattern: 'build-.*' } })
  const knows = shop(t, ShopWithClock)
  for (const [i, tag] of ['build-b', 'build-a', 'latest'].entries()) {
    knows.registry.push(tag)
    knows.registry.pushed.set(tag, i)
  }
  knows.poller.follow('a', newest)
  await knows.time.advance(10)
  await until('the list to be read', () => knows.poller.offer('a').state !== 'unknown')
  t.match(knows.poller.offer('a'), { state: 'known', version: { name: 'build-a' } })
  knows.registry.pushed.set('build-b', 9)
  await knows.time.advance(60_000)
  await until('the list to be read again', () => knows.changes.length === 2)
  t.match(knows.poller.offer('a'), { state: 'known', version: { name: 'build-b' } })

  const not = shop(t)
  not.registry.push('build-a')
  not.poller.follow('a', newest)
  await not.time.advance(10)
  await until('the answer', () => not.poller.offer('a').state !== 'unknown')
  const message = /registry\.example\.com \(shelf\) does not report when a tag was pushed.*Use spec\.policy\.numeric/
  t.match(not.poller.offer('a'), { error: { name: 'NeedsChangeError', reason: 'PolicyNotSupported', message } })
  t.equal(not.requests.length, 0)
})

t.test('if the registry lists only the latest tags, newest chooses among them, and says so if none fits', async (t) => {
  const { time, registry, poller } = shop(t, ShopWithClock)
  Object.assign(registry, { isTooLong: true })
  for (const [i, tag] of ['build-a', 'build-b', 'latest'].entries()) {
    registry.push(tag)
    registry.pushed.set(tag, i)
  }
  poller.follow('some', choosing({ newest: {}, filter: { pattern: 'build-.*' } }))
  poller.follow('none', choosing({ newest: {}, filter: { pattern: 'release-.*' } }))
  await time.advance(10)
  const polled = (key: string) => poller.offer(key).state !== 'unknown'
  await until('the list to be read', () => polled('some') && polled('none'))
  t.match(poller.offer('some'), { state: 'known', version: { name: 'build-b' } })
  const message = /no tag matches .*release-.* An older tag may fit: repository shop\/web at .* has more than 3 tags/
  t.match(poller.offer('none'), { state: 'failed', error: { reason: 'NoTagFits', message } })
})

t.test('too many tags are an error; a policy never chooses among a part of them', async (t) => {
  const { time, registry, poller } = shop(t)
  registry.tags = async function* () {
    for (let page = 0; page < 101; page++) yield Array.from({ length: 1000 }, (_, i) => String(page * 1000 + i))
  }
  poller.follow('a', choosing({ numeric: {} }))
  await time.advance(10)
  await until('the list to be read', () => poller.offer('a').state !== 'unknown')
  t.match(poller.offer('a'), { error: { reason: 'TooManyTags', message: /more than 100000 tags/ } })
})

t.test('in a repository with more tags than a policy reads, those that pass no filter count for nothing', async (t) => {
  const policy = { numeric: {}, filter: { pattern: 'v([0-9]+)', extract: '$1' } }
  const offerAmong = async (...versions: string[]) => {
    const { time, registry, poller } = shop(t)
    for (const version of versions) registry.push(version)
    registry.tags = async function* () {
      for (let page = 0; page < 150; page++) yield Array.from({ length: 1000 }, (_, i) => `nightly-${page * 1000 + i}`)
      yield versions
    }
    poller.follow('a', choosing(policy))
    await time.advance(10)
    await until('the list to be read', () => poller.offer('a').state !== 'unknown')
    return poller.offer('a')
  }
  t.match(await offerAmong('v7', 'v8'), { version: { name: 'v8' } })
  const message = /no tag matches spec\.policy\.filter\.pattern v.*it has, for example, nightly-/
  t.match(await offerAmong(), { error: { reason: 'NoTagFits', message } })
})

t.test('a hint about any tag of the repository polls its policies', async (t) => {
  const { time, registry, poller } = shop(t)
  registry.push('1.0.0')
  poller.follow('a', choosing({ semver: { range: '*' } }, { intervalSeconds: 3600 }))
  await time.advance(10)
  registry.push('1.0.1')
  t.equal(poller.pollNowAt({ repository: target().repository, tag: '1.0.1' }), 1)
  await time.advance(10)
  t.match(poller.offer('a'), { version: { name: '1.0.1' } })
})
