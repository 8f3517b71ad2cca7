import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { digestOf } from '../../images/digest.ts'
import { composeImage } from '../../images/reference.ts'
import { anonymous, type Labels, type Registry } from '../../registries/registry.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { VersionFinder } from './version-finder.ts'

const digests = (name: string): Digest => digestOf(Buffer.from(name))
const repository = { host: 'registry.example.com', path: 'shop/web' }
const access = { credentials: anonymous }

/** A registry in memory that counts, and whose answers come in any order and with any fault. */
class Shelf implements Registry {
  readonly kind = 'shelf'
  readonly content = new Map<string, Digest>()
  readonly asked: string[] = []
  labelsOfAll: Labels = {}
  fault: ((question: string) => Error | undefined) | undefined
  shuffled = (tags: string[]): string[] => tags

  async resolve(_: unknown, tag: string): Promise<Digest> {
    this.#note(`HEAD ${tag}`)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
    const digest = this.content.get(tag)
    if (digest === undefined) throw new NeedsChangeError('TagNotFound', `no ${tag}`)
    return digest
  }

  async *tags(): AsyncIterable<readonly string[]> {
    this.#note('tags')
    yield this.shuffled([...this.content.keys()])
  }

  async labels(): Promise<Labels> {
    this.#note('labels')
    return this.labelsOfAll
  }

  tag(): never {
    throw new Error('nobody tags here')
  }

  untag(): never {
    throw new Error('nobody untags here')
  }

  count(prefix: string): number {
    return this.asked.filter((question) => question.startsWith(prefix)).length
  }

  #note(question: string): void {
    this.asked.push(question)
    const fault = this.fault?.(question)
    if (fault !== undefined) throw fault
  }
}

function shelf(...tags: readonly (readonly [string, string])[]) {
  const time = new SteppedTime()
  const registry = new Shelf()
  for (const [tag, content] of tags) registry.content.set(tag, digests(content))
  const finder = new VersionFinder(time)
  const find = (content: string, versionSyntax = '[0-9a-f]{5,40}') =>
    finder.find({ registry, repository, tag: 'env-prod', digest: digests(content), versionSyntax, access })
  return { time, registry, find, finder }
}

t.test('the alias that matches the syntax is the version', async (t) => {
  const { find } = shelf(['env-prod', 'new'], ['latest', 'new'], ['0a1b2c3', 'new'], ['1111111', 'old'])
  t.same(await find('new'), { digest: digests('new'), name: '0a1b2c3', source: 'alias' })
})

t.test('B04 B05 the answer is the same whatever the order of the tags, and none is no crash', async (t) => {
  const tags = ['v1.2', 'v1.10', 'v1.9', 'build', 'v0.1'].map((tag) => [tag, 'new'] as const)
  const rest = Array.from({ length: 30 }, (_, i) => [`v0.0.${i}`, `old ${i}`] as const)
  for (let round = 0; round < 20; round++) {
    const { registry, find } = shelf(...tags, ...rest)
    registry.shuffled = (tags) =>
      tags
        .map((tag) => ({ tag, at: Math.random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ tag }) => tag)
    t.equal((await find('new', 'v.*')).name, 'v1.10')
  }
  t.match(await shelf().find('new'), { source: 'digest' })
})

t.test("the image's own label decides between aliases, and finds them at once among thousands", async (t) => {
  const many = Array.from({ length: 3000 }, (_, i) => [`v${i}`, `old ${i}`] as const)
  const { registry, find } = shelf(...many, ['v77777', 'new'], ['v5.0', 'new'])
  registry.labelsOfAll = { 'org.opencontainers.image.version': '5.0' }
  t.match(await find('new', 'v.*'), { name: 'v5.0', source: 'alias' })
  t.ok(registry.count('HEAD') <= 8)
})

t.test(
  'of a repository known to have many tags, what the labels name is looked at before they are listed',
  async (t) => {
    const many = Array.from({ length: 3000 }, (_, i) => [`v${i}`, `old ${i}`] as const)
    const { registry, find } = shelf(...many, ['v5.0', 'new'], ['v77777', 'new'], ['v99999', 'newer'])
    registry.labelsOfAll = { 'org.opencontainers.image.version': '5.0' }
    t.match(await find('new', 'v.*'), { name: 'v5.0', source: 'alias' })
    t.equal(registry.count('tags'), 1)
    registry.asked.length = 0
    t.match(await find('new', 'v.*'), { name: 'v5.0', source: 'alias' }, 'the same answer')
    t.same(registry.count('tags'), 0)
    t.ok(registry.count('HEAD') <= 2)
    t.match(await find('newer', 'v.*'), { name: 'v99999', source: 'alias' }, 'the labels may name another image')
    t.match(await find('new', 'v7.*'), { name: 'v77777', source: 'alias' }, 'or none that the pattern matches')
  },
)

t.test('what was read ahead is not asked for again, and changes nothing of the answer', async (t) => {
  const tags = [
    ['env-prod', 'new'],
    ['0a1b2c3', 'new'],
    ['fffffff', 'new'],
    ['latest', 'new'],
  ] as const
  const { registry, finder } = shelf(...tags)
  const place = { registry, repository, tag: 'env-prod', digest: digests('new'), access }
  const versionSyntax = '[0-9a-f]{7}'
  const ahead = finder.readAhead(place, ['0a1b2c3', 'latest'], [versionSyntax, '('])
  const other = finder.readAhead({ ...place, digest: digests('other') }, [], [versionSyntax])
  t.equal(registry.count('HEAD'), 0, 'with a pattern that is none, no tag is likely')
  t.match(await finder.find({ ...place, versionSyntax, ahead }), await shelf(...tags).find('new'))
  t.equal(registry.count('tags'), 2, 'one for each of the two')

  registry.asked.length = 0
  const again = finder.readAhead(place, ['0a1b2c3', 'latest'], [versionSyntax])
  await turn()
  t.same([...registry.asked].sort(), ['HEAD 0a1b2c3', 'tags'], 'the list, and the likely tag that fits')
  t.match(
    await finder.find({ ...place, versionSyntax, ahead: again }),
    { name: 'fffffff' },
    'the highest, likely or not',
  )
  t.equal(registry.count('tags'), 1)
  t.match(
    await finder.find({ ...place, versionSyntax, ahead: other }),
    { name: 'fffffff' },
    'of another digest: of no use',
  )
  t.equal(registry.count('tags'), 2)
})

t.test('a failure of what was read ahead is a failure of the search, and of nobody else', async (t) => {
  const { registry, finder } = shelf(['0a1b2c3', 'new'])
  const place = { registry, repository, tag: 'env-prod', digest: digests('new'), access }
  registry.fault = (asked) => new TransientError('RegistryUnavailable', `no ${asked}`)
  finder.readAhead(place, ['0a1b2c3'], ['.*'])
  const ahead = finder.readAhead(place, ['0a1b2c3'], ['.*'])
  await t.rejects(finder.find({ ...place, versionSyntax: '.*', ahead }), TransientError)
})

t.test('the followed tag itself is no version, though it matches', async (t) => {
  const { find } = shelf(['env-prod', 'new'])
  t.match(await find('new', '.*'), { source: 'digest' })
})

t.test('B07 without alias a fitting label is the version, and without that the digest', async (t) => {
  const { registry, find } = shelf(['env-prod', 'new'])
  registry.labelsOfAll = { 'org.opencontainers.image.version': 'v1', 'org.opencontainers.image.revision': '0a1b2c3' }
  t.match(await find('new'), { name: '0a1b2c3', source: 'label' })
  registry.labelsOfAll = { 'org.opencontainers.image.version': 'v1' }
  const version = await find('new')
  t.same(version, { digest: digests('new'), name: digests('new'), source: 'digest' })
  t.equal(composeImage('registry.example.com/shop/web', version), `registry.example.com/shop/web@${digests('new')}`)
})

t.test('B41 a search that could not be finished is an error, never a guess', async (t) => {
  const { registry, find } = shelf(['0a1b2c3', 'new'], ['1111111', 'old'])
  for (const question of ['tags', 'HEAD 0a1b2c3', 'HEAD 1111111']) {
    registry.fault = (asked) =>
      asked === question ? new TransientError('RegistryUnavailable', `no ${asked}`) : undefined
    await t.rejects(
      shelf()
        .find('x')
        .then(() => find('new')),
      { name: 'TransientError', message: `no ${question}` },
    )
  }
  registry.fault = (asked) => (asked === 'labels' ? new TransientError('RegistryUnavailable', 'no labels') : undefined)
  await t.rejects(find('other'), { message: 'no labels' })
})

t.test('the next search asks only about tags that are new, and asks the winner again', async (t) => {
  const { registry, find } = shelf(...Array.from({ length: 100 }, (_, i) => [`v${i}`, `old ${i}`] as const))
  await find('old 0', 'v.*')
  registry.content.set('v100', digests('new'))
  registry.asked.length = 0
  t.match(await find('new', 'v.*'), { name: 'v100' })
  t.same(registry.asked, ['tags', 'HEAD v100'])
  t.match(await find('new', 'v.*'), { name: 'v100' })
  t.same(registry.asked.slice(2), ['tags', 'HEAD v100'])
})

t.test('an alias that moved away since is not believed', async (t) => {
  const { registry, find } = shelf(['0a1b2c3', 'new'], ['0a1b2c4', 'old'])
  await find('new')
  registry.content.set('0a1b2c3', digests('other'))
  t.match(await find('new'), { source: 'digest' })
})

t.test(
  'a tag that was moved onto the image is found when the label names it, and otherwise after an hour',
  async (t) => {
    const { registry, time, find } = shelf(['1.0', 'old'], ['2.0', 'old'])
    await find('old', '.*')
    registry.content.set('1.0', digests('new'))
    t.match(await find('new', '.*'), { source: 'digest' })
    registry.labelsOfAll = { 'org.opencontainers.image.version': '1.0' }
    t.match(await find('new', '.*'), { name: '1.0' })
    registry.labelsOfAll = {}
    registry.content.set('2.0', digests('newest'))
    await time.advance(3_600_001)
    t.match(await find('newest', '.*'), { name: '2.0', source: 'alias' })
  },
)

t.test('a search is bounded in the largest repository', async (t) => {
  const { registry, find } = shelf(...Array.from({ length: 5000 }, (_, i) => [`v${i}`, `old ${i}`] as const))
  t.match(await find('new', 'v.*'), { source: 'digest' })
  t.equal(registry.count('HEAD'), 500)
})

t.test('searches at the same time share their lists of tags, but none that was begun before', async (t) => {
  const { registry, find } = shelf(['0a1b2c3', 'one'], ['0a1b2c4', 'two'], ['0a1b2c5', 'three'])
  const found = await Promise.all(['one', 'two', 'three', 'one'].map((content) => find(content)))
  t.same(
    found.map(({ name }) => name),
    ['0a1b2c3', '0a1b2c4', '0a1b2c5', '0a1b2c3'],
  )
  t.equal(registry.count('tags'), 2)
})

t.test('a syntax that cannot be used is refused before anything is asked', async (t) => {
  const { registry, find } = shelf(['0a1b2c3', 'new'])
  await t.rejects(find('new', '['), { name: 'NeedsChangeError', message: /spec\.versionSyntax "\["/ })
  t.same(registry.asked, [])
})
