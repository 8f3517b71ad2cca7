import t from 'tap'
import { access, registryOn, repositoryAt, withMoto } from '../testing/ecr-bench.ts'

t.test('one repository', async (t) => {
  const moto = await withMoto(t)
  const registry = registryOn(t, moto.endpoint)

  t.test('k tags of one batch take ⌈k/100⌉ calls', async (t) => {
    for (const k of [1, 100, 250]) {
      const path = `shop/k${k}`
      const tags = Array.from({ length: k }, (_, i) => `env-${i}`)
      const digest = await moto.push(path, tags)
      for (let poll = 0; poll < 2; poll++) {
        moto.forget()
        const found = await registry.resolveAll(repositoryAt(path), tags, access)
        t.equal(found.size, k)
        t.ok([...found.values()].every((each) => !(each instanceof Error) && each.digest === digest))
        t.equal(moto.calls.length, Math.ceil(k / 100), `${k} tags`)
      }
    }
  })

  t.test('B03 missing tags are named, do not fail the others, and then have calls of their own', async (t) => {
    const web = repositoryAt('shop/web')
    const digest = await moto.push(web.path, ['a', 'b', 'c', 'd'])
    const ask = () => registry.resolveAll(web, ['a', 'gone', 'b', 'c', 'lost', 'd'], access)
    for (const calls of [3 + 1, 3]) {
      moto.forget()
      const found = await ask()
      for (const tag of ['a', 'b', 'c', 'd']) t.match(found.get(tag), { digest })
      for (const tag of ['gone', 'lost']) {
        t.match(found.get(tag), {
          name: 'NeedsChangeError',
          reason: 'TagNotFound',
          message: `does not have tag ${tag} of repository`,
        })
        t.notMatch((found.get(tag) as Error).message, /more than one/i)
      }
      t.ok(moto.count('ecr:DescribeImages') <= calls, `${moto.count('ecr:DescribeImages')} calls`)
    }
    await moto.tag(web.path, digest, 'gone')
    t.equal(await registry.resolve(web, 'gone', access), digest, 'found as soon as it exists')
    moto.forget()
    await ask()
    t.equal(moto.count('ecr:DescribeImages'), 2, 'and part of the batch again')
  })

  t.test('B04 all tags of an image are found, in any order', async (t) => {
    const digest = await moto.push('shop/many', ['env-prod', 'v1.10', 'v1.9'])
    const found = await registry.aliases(repositoryAt('shop/many'), digest, access)
    t.same(found.tags.toSorted(), ['env-prod', 'v1.10', 'v1.9'])
  })

  t.test('push times come from the registry', async (t) => {
    const before = Date.now()
    await moto.push('shop/timed', ['t1', 't2'])
    const times = new Map<string, number>()
    for await (const page of registry.pushTimes(repositoryAt('shop/timed'), access)) {
      for (const [tag, time] of page) times.set(tag, time)
    }
    t.same([...times.keys()].sort(), ['t1', 't2'])
    for (const time of times.values()) t.ok(Math.abs(time - before) < 60_000)
  })

  t.test('the last tag is not removed, since ECR would delete the image with it', async (t) => {
    const only = repositoryAt('shop/only')
    const digest = await moto.push(only.path, 'one')
    await t.rejects(registry.untag(only, 'one', access), {
      name: 'NeedsChangeError',
      reason: 'UntagNotSupported',
      message: /the last one on sha256:.*nothing was removed/,
    })
    t.equal(await registry.resolve(only, 'one', access), digest)
  })

  t.test('an index is described with its platforms', async (t) => {
    const index = await moto.push('shop/multi', 'x', { multiArch: true })
    t.same(await registry.describe(repositoryAt('shop/multi'), index, access), {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      platforms: ['linux/amd64', 'linux/arm64'],
    })
  })
  t.end()
})
