import t from 'tap'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { digestOf, shortDigest } from '../../images/digest.ts'
import { composeImage } from '../../images/reference.ts'
import { anonymous, type Labels, type Registry } from '../../registries/registry.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { VersionFinder } from './version-finder.ts'

const digests = (name: string): Digest => digestOf(Buffer.from(name))
const repository = { host: 'registry.example.com', path: 'shop/web' }
const access = { credentials: anonymous }

/** A registry in memory that records requests, answers in any order, and has faults on demand. */
class MemoryRegistry implements Registry {
  readonly kind = 'memory'
  readonly content = new Map<string, Digest>()
  readonly requests: string[] = []
  imageLabels: Labels = {}
  fault: ((request: string) => Error | undefined) | undefined
  shuffled = (tags: string[]): string[] => tags

  async resolve(_: unknown, tag: string): Promise<Digest> {
    this.#record(`HEAD ${tag}`)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
    const digest = this.content.get(tag)
    if (digest === undefined) throw new NeedsChangeError('TagNotFound', `no ${tag}`)
    return digest
  }

  async *tags(): AsyncIterable<readonly string[]> {
    this.#record('tags')
    yield this.shuffled([...this.content.keys()])
  }

  async labels(): Promise<Labels> {
    this.#record('labels')
    return this.imageLabels
  }

  describe(): never {
    throw new Error('no search describes an image')
  }

  tag(): never {
    throw new Error('no search adds a tag')
  }

  untag(): never {
    throw new Error('no search removes a tag')
  }

  count(prefix: string): number {
    return this.requests.filter((request) => request.startsWith(prefix)).length
  }

  #record(request: string): void {
    this.requests.push(request)
    const fault = this.fault?.(request)
    if (fault !== undefined) throw fault
  }
}

function setUp(...tags: readonly (readonly [string, string])[]) {
  const time = new SteppedTime()
  const registry = new MemoryRegistry()
  for (const [tag, content] of tags) registry.content.set(tag, digests(content))
  const finder = new VersionFinder(time)
  const find = (content: string, versionSyntax = '[0-9a-f]{5,40}') =>
    finder.find({ registry, repository, tag: 'env-prod', digest: digests(content), versionSyntax, access })
  return { time, registry, find }
}

t.test('an alias that matches the syntax is the version', async (t) => {
  const { find } = setUp(['env-prod', 'new'], ['latest', 'new'], ['0a1b2c3', 'new'], ['1111111', 'old'])
  t.same(await find('new'), { digest: digests('new'), name: '0a1b2c3', source: 'alias' })
})

t.test('B04 B05 the answer does not depend on the order of the tags, and there may be none', async (t) => {
  const tags = ['v1.2', 'v1.10', 'v1.9', 'build', 'v0.1'].map((tag) => [tag, 'new'] as const)
  const rest = Array.from({ length: 30 }, (_, i) => [`v0.0.${i}`, `old ${i}`] as const)
  for (let round = 0; round < 20; round++) {
    const { registry, find } = setUp(...tags, ...rest)
    registry.shuffled = (tags) =>
      tags
        .map((tag) => ({ tag, at: Math.random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ tag }) => tag)
    t.equal((await find('new', 'v.*')).name, 'v1.10')
  }
  t.match(await setUp().find('new'), { source: 'digest' })
})

t.test("the image's label decides between aliases, and finds one at once among thousands", async (t) => {
  const many = Array.from({ length: 3000 }, (_, i) => [`v${i}`, `old ${i}`] as const)
  const { registry, find } = setUp(...many, ['v77777', 'new'], ['v5.0', 'new'])
  registry.imageLabels = { 'org.opencontainers.image.version': '5.0' }
  t.match(await find('new', 'v.*'), { name: 'v5.0', source: 'alias' })
  t.ok(registry.count('HEAD') <= 8)
})

t.test("the tags of a large repository are not listed again where the image's labels name one", async (t) => {
  const many = Array.from({ length: 3000 }, (_, i) => [`v${i}`, `old ${i}`] as const)
  const { registry, find } = setUp(...many, ['v5.0', 'new'], ['v77777', 'new'], ['v99999', 'newer'])
  registry.imageLabels = { 'org.opencontainers.image.version': '5.0' }
  t.match(await find('new', 'v.*'), { name: 'v5.0', source: 'alias' })
  t.equal(registry.count('tags'), 1)
  registry.requests.length = 0
  t.match(await find('new', 'v.*'), { name: 'v5.0', source: 'alias' }, 'the same answer')
  t.same(registry.count('tags'), 0)
  t.ok(registry.count('HEAD') <= 2)
  t.match(await find('newer', 'v.*'), { name: 'v99999', source: 'alias' }, 'the labels may name another image')
  t.match(await find('new', 'v7.*'), { name: 'v77777', source: 'alias' }, 'or none that the pattern matches')
})

t.test('a followed tag without a number is never the version, even if it matches', async (t) => {
  const { find } = setUp(['env-prod', 'new'])
  t.match(await find('new', '.*'), { source: 'digest' })
})

t.test('B07 without an alias a matching label is the version, and without that the digest', async (t) => {
  const { registry, find } = setUp(['env-prod', 'new'])
  registry.imageLabels = { 'org.opencontainers.image.version': 'v1', 'org.opencontainers.image.revision': '0a1b2c3' }
  t.match(await find('new'), { name: '0a1b2c3', source: 'label' })
  registry.imageLabels = { 'org.opencontainers.image.version': 'v1' }
  const version = await find('new')
  t.match(version, { digest: digests('new'), name: shortDigest(digests('new')), source: 'digest' })
  t.equal(composeImage('registry.example.com/shop/web', version), `registry.example.com/shop/web@${digests('new')}`)
})

t.test('a digest without a name tells which tags there are, and what to write, for no request more', async (t) => {
  const { registry, find } = setUp(['env-prod', 'new'], ['v1.1.0', 'new'], ['v1.0.0', 'old'], ['latest', 'new'])
  const advice = "To name versions by such tags, write versionSyntax: 'v[0-9]+[.][0-9]+[.][0-9]+'."
  const version = await find('new')
  t.equal(
    version.hint,
    `no tag of the repository matches versionSyntax [0-9a-f]{5,40}, the default; it has v1.1.0, v1.0.0, latest. ${advice}`,
  )
  t.same(registry.requests, ['tags', 'labels'])
  t.match(await find('new', 'r[0-9]+'), { hint: /matches versionSyntax r\[0-9\]\+; it has/ })

  registry.content.set('0a1b2c3', digests('old'))
  t.match(await find('new'), {
    hint: '1 tag matches versionSyntax [0-9a-f]{5,40}, the default, and none is on the image; the repository also has v1.1.0, v1.0.0, latest.',
  })
  const lonely = setUp(['env-prod', 'new'])
  t.match(await lonely.find('new'), { hint: 'it has no tag but env-prod. Give each image a tag that it matches, or' })
  t.equal((await setUp(['0a1b2c3', 'new']).find('new')).hint, undefined)
})

t.test('of a registry that reports the tags of an image, the hint has these alone', async (t) => {
  const { registry } = setUp()
  const aliases = ['env-prod', ...Array.from({ length: 17 }, (_, i) => `v1.${i}`), `sha256-${'a'.repeat(64)}.sig`]
  const version = await new VersionFinder().find({ ...forNewImage(registry), aliases })
  t.equal(
    version.hint,
    "no tag on the image matches versionSyntax [0-9a-f]{5,40}, the default; it has v1.16, v1.15, v1.14, v1.13, v1.12 and 12 more. To name versions by such tags, write versionSyntax: 'v[0-9]+[.][0-9]+'.",
  )
  t.same(registry.requests, ['labels'])
})

t.test('a followed tag that versionSyntax matches is the version, without any request', async (t) => {
  const { registry } = setUp(['v1.1.0', 'new'], ['v1.1', 'new'], ['v2.0.0', 'new'])
  const query = { ...forNewImage(registry), tag: 'v1.1.0' }
  const named = { digest: digests('new'), name: 'v1.1.0', source: 'alias' }
  const finder = new VersionFinder()
  t.same(await finder.find({ ...query, versionSyntax: 'v[0-9.]+' }), named)
  t.same(await finder.find({ ...query, versionSyntax: 'v[0-9.]+', aliases: ['v1.1.0', 'v2.0.0'] }), named)
  t.same(registry.requests, [])
  t.match(await finder.find({ ...query, tag: '0a1b2c3' }), { name: '0a1b2c3', source: 'alias' }, 'by the default too')
  t.match(await finder.find(query), { source: 'digest', hint: /write versionSyntax: 'v\[0-9\]\+\[\.\]/ })
})

t.test('B41 an unfinished search is an error, never a guess', async (t) => {
  const { registry, find } = setUp(['0a1b2c3', 'new'], ['1111111', 'old'])
  for (const request of ['tags', 'HEAD 0a1b2c3', 'HEAD 1111111']) {
    registry.fault = (requests) =>
      requests === request ? new TransientError('RegistryUnavailable', `no ${requests}`) : undefined
    await t.rejects(
      setUp()
        .find('x')
        .then(() => find('new')),
      { name: 'TransientError', message: `no ${request}` },
    )
  }
  registry.fault = (requests) =>
    requests === 'labels' ? new TransientError('RegistryUnavailable', 'no labels') : undefined
  await t.rejects(find('other'), { message: 'no labels' })
})

t.test('the next search resolves only new tags, and the winner again', async (t) => {
  const { registry, find } = setUp(...Array.from({ length: 100 }, (_, i) => [`v${i}`, `old ${i}`] as const))
  await find('old 0', 'v.*')
  registry.content.set('v100', digests('new'))
  registry.requests.length = 0
  t.match(await find('new', 'v.*'), { name: 'v100' })
  t.same(registry.requests, ['tags', 'HEAD v100'])
  t.match(await find('new', 'v.*'), { name: 'v100' })
  t.same(registry.requests.slice(2), ['tags', 'HEAD v100'])
})

t.test('an alias that has moved meanwhile is not the version', async (t) => {
  const { registry, find } = setUp(['0a1b2c3', 'new'], ['0a1b2c4', 'old'])
  await find('new')
  registry.content.set('0a1b2c3', digests('other'))
  t.match(await find('new'), { source: 'digest' })
})

t.test('a tag that was moved to the image is found if the label names it, and otherwise after an hour', async (t) => {
  const { registry, time, find } = setUp(['1.0', 'old'], ['2.0', 'old'])
  await find('old', '.*')
  registry.content.set('1.0', digests('new'))
  t.match(await find('new', '.*'), { source: 'digest' })
  registry.imageLabels = { 'org.opencontainers.image.version': '1.0' }
  t.match(await find('new', '.*'), { name: '1.0' })
  registry.imageLabels = {}
  registry.content.set('2.0', digests('newest'))
  await time.advance(3_600_001)
  t.match(await find('newest', '.*'), { name: '2.0', source: 'alias' })
})

t.test('a search is bounded, even in the largest repository', async (t) => {
  const { registry, find } = setUp(...Array.from({ length: 5000 }, (_, i) => [`v${i}`, `old ${i}`] as const))
  t.match(await find('new', 'v.*'), { source: 'digest' })
  t.equal(registry.count('HEAD'), 500)
})

t.test('searches at the same time share their lists of tags, but not one that was begun before', async (t) => {
  const { registry, find } = setUp(['0a1b2c3', 'one'], ['0a1b2c4', 'two'], ['0a1b2c5', 'three'])
  const found = await Promise.all(['one', 'two', 'three', 'one'].map((content) => find(content)))
  t.same(
    found.map(({ name }) => name),
    ['0a1b2c3', '0a1b2c4', '0a1b2c5', '0a1b2c3'],
  )
  t.equal(registry.count('tags'), 2)
})

t.test('an invalid syntax is refused before any request', async (t) => {
  const { registry, find } = setUp(['0a1b2c3', 'new'])
  await t.rejects(find('new', '['), { name: 'NeedsChangeError', message: /spec\.versionSyntax "\["/ })
  t.same(registry.requests, [])
})

t.test('a version tag behind 20,000 others is found, since those that do not match count for nothing', async (t) => {
  const others = Array.from({ length: 20_001 }, (_, i) => [`nightly-${i}`, `old ${i}`] as const)
  const { find, registry } = setUp(...others, ['env-prod', 'new'], ['0a1b2c3', 'new'])
  t.same(await find('new'), { digest: digests('new'), name: '0a1b2c3', source: 'alias' })
  t.equal(registry.count('HEAD'), 1)
})

const forNewImage = (registry: Registry) => ({
  registry,
  repository,
  tag: 'env-prod',
  digest: digests('new'),
  versionSyntax: '[0-9a-f]{5,40}',
  access,
})

t.test(
  'a list that was cut does not hide the tag that the labels name, and an unfinished search is told',
  async (t) => {
    const others = Array.from({ length: 20_001 }, (_, i) => [(0x10000 + i).toString(16), `old ${i}`] as const)
    const { registry } = setUp(...others, ['00d5f', 'new'])
    const told: number[] = []
    const finder = new VersionFinder(new SteppedTime(), (_, matching) => told.push(matching))
    const query = forNewImage(registry)
    t.match(await finder.find(query), { source: 'digest' })
    t.same(told, [20_002])

    registry.imageLabels = { 'org.opencontainers.image.revision': '00d5f' }
    t.match(await finder.find(query), { name: '00d5f', source: 'alias' })
    t.equal(told.length, 1)
  },
)

t.test('versions that few tags match are told of no unfinished search', async (t) => {
  const { registry } = setUp(['0a1b2c3', 'old'])
  const finder = new VersionFinder(new SteppedTime(), () => t.fail('it was finished'))
  t.match(await finder.find(forNewImage(registry)), { source: 'digest' })
})
