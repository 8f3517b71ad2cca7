/** What every `Registry` must do. contract.test.ts runs it for each kind, in each of its access modes. */
import type { Test } from 'tap'
import type { Repository } from '../../images/reference.ts'
import type { Access, Registry } from '../registry.ts'
import type { RegistryBench } from './bench.ts'
import { taggingContract } from './contract-tagging.ts'

export async function registryContract(t: Test, bench: RegistryBench): Promise<void> {
  const { registry, host, credentials, reader = credentials, strangers = [] } = bench
  const access: Access = { credentials: reader }
  const web: Repository = { host, path: 'contract/web' }

  await t.test('a tag resolves to its digest, and to another one after it was moved', async (t) => {
    const one = await bench.push(web.path, ['1.0', 'env-prod'])
    const two = await bench.push(web.path, ['2.0'])
    t.equal(await registry.resolve(web, 'env-prod', access), one)
    t.equal(await registry.resolve(web, 'env-prod', access, one), one)
    await bench.moveTag(web.path, 'env-prod', two)
    t.equal(await registry.resolve(web, 'env-prod', access, one), two)
  })

  await t.test('an index resolves to its own digest, not to that of one platform', async (t) => {
    const index = await bench.push(web.path, ['multi'], { multiArch: true })
    t.equal(await registry.resolve(web, 'multi', access), index)
    const old = await bench.push(web.path, ['multi-docker'], { multiArch: true, docker: true })
    t.equal(await registry.resolve(web, 'multi-docker', access), old)
  })

  await t.test('the error names a missing tag or repository', async (t) => {
    const noTag = { reason: 'TagNotFound', message: /tag env-nowhere of repository contract\/web/ }
    await t.rejects(registry.resolve(web, 'env-nowhere', access), noTag)
    const nowhere = { host, path: 'contract/nowhere' }
    const noRepository = { reason: 'TagNotFound', message: /tag x of repository contract\/nowhere/ }
    await t.rejects(registry.resolve(nowhere, 'x', access), noRepository)
  })

  await t.test('all tags are listed, however many pages they take', async (t) => {
    const many: Repository = { host, path: 'contract/many' }
    const names = Array.from({ length: bench.manyTags ?? 1203 }, (_, i) => `b${i}`)
    await bench.push(many.path, names)
    t.same((await allTags(registry, many, access)).sort(), names.sort())
  })

  await t.test('labels and annotations are read; for an index, those of its first image too', async (t) => {
    const labels = { 'org.opencontainers.image.version': '1.0', 'org.opencontainers.image.revision': 'abcdef0' }
    t.match(await registry.labels(web, await bench.push(web.path, ['l1'], { labels }), access), labels)
    const annotations = { 'org.opencontainers.image.version': '2.0' }
    const index = await bench.push(web.path, ['l2'], { labels, annotations, multiArch: true })
    t.match(await registry.labels(web, index, access), { ...labels, ...annotations })
    t.same(await registry.labels(web, await bench.push(web.path, ['l3'], { docker: true }), access), {})
  })

  await t.test('an index has its platforms', async (t) => {
    const index = await bench.push(web.path, ['p1'], { multiArch: true })
    const told = { mediaType: /index/, platforms: ['linux/amd64', 'linux/arm64'] }
    t.match(await registry.describe(web, index, access), told)
  })

  await t.test('an image and an index of images differ from everything else that has a tag', async (t) => {
    for (const content of [{}, { docker: true }, { multiArch: true }, { multiArch: true, docker: true }]) {
      const { noImage } = await registry.describe(web, await bench.push(web.path, ['i1'], content), access)
      t.equal(noImage, undefined, JSON.stringify(content))
    }
    const chart = await bench.push(web.path, ['chart-1.0'], { artifact: 'chart' })
    t.match(await registry.describe(web, chart, access), { noImage: /config is of type .*\.helm\./ })
    const signature = await bench.push(web.path, [`sha256-${'0'.repeat(64)}.sig`], { artifact: 'signature' })
    t.match(await registry.describe(web, signature, access), { noImage: /layers are of type .*\.cosign\./ })
  })

  await t.test('a page, or any other JSON, is never taken for a manifest', async (t) => {
    const image = await bench.push(web.path, ['page'])
    const named = { 'docker-content-digest': `sha256:${'1'.repeat(64)}` }
    for (const [type, body] of noManifests) {
      // The header of a HEAD counts if it names a manifest too.
      const claims = type.includes('manifest') ? [{}] : [{}, named]
      for (const claim of claims) {
        const headers = { 'content-type': type, ...claim }
        const heal = bench.answerManifests({ status: 200, headers, body })
        const invalid = { name: 'TransientError', reason: 'RegistryAnswerInvalid', message: /contract\/web/ }
        await t.rejects(registry.resolve(web, 'page', access), invalid, `${type}: ${body}`)
        await t.rejects(registry.describe(web, image, access), {
          name: /Error/,
          reason: /^(?:RegistryAnswerInvalid|ImageNotFound)$/,
        })
        heal()
      }
    }
    t.equal(await registry.resolve(web, 'page', access), image)
    t.match(await registry.describe(web, image, access), { mediaType: /manifest/ })
  })

  await t.test('push times are listed for each tag', { skip: bench.tellsPushTimes !== true }, async (t) => {
    const timed: Repository = { host, path: 'contract/timed' }
    await bench.push(timed.path, ['t1', 't2'])
    const found: string[] = []
    for await (const page of registry.pushTimes?.(timed, access) ?? []) {
      for (const [tag, time] of page) if (time > 0) found.push(tag)
    }
    t.same(found.sort(), ['t1', 't2'])
  })

  await taggingContract(t, bench)

  await t.test(
    'the refusal of a user without rights contains nothing of the credentials',
    { skip: !strangers.length },
    async (t) => {
      for (const credentials of strangers) {
        const questions = [
          () => registry.resolve(web, 'env-prod', { credentials }),
          () => allTags(registry, web, { credentials }),
        ]
        for (const ask of questions) {
          const error: unknown = await ask().catch((error: unknown) => error)
          t.match(error, { reason: 'RegistryAccessDenied', message: /contract\/web/ })
          t.notMatch((error as Error).message, 'wrong-password')
        }
      }
      t.ok(await registry.resolve(web, 'env-prod', access), 'the others are still let in')
    },
  )

  await t.test('an aborted request ends', async (t) => {
    const signal = AbortSignal.abort(new Error('called off'))
    await t.rejects(registry.resolve(web, 'env-prod', { ...access, signal }), { message: 'called off' })
  })
}

/** What a captive portal, a login page, a proxy's cache, another API, and a broken connection answer. */
const noManifests = [
  ['text/html', '<!DOCTYPE html><html><body>Welcome to the hotel network!</body></html>'],
  ['application/json', ''],
  ['application/json', '{}'],
  ['application/json', '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'],
  ['application/vnd.oci.image.manifest.v1+json', '{"schemaVersion":2,"config":{"digest":"sha256:00'],
] as const

export async function allTags(registry: Registry, repository: Repository, access: Access): Promise<string[]> {
  const tags: string[] = []
  for await (const page of registry.tags(repository, access)) tags.push(...page)
  return tags
}
