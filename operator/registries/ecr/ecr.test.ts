import t from 'tap'
import { access, registryOn, repositoryAt, withMoto } from '../testing/ecr-bench.ts'

t.test('one repository', async (t) => {
  const moto = await withMoto(t)
  const registry = registryOn(t, moto.endpoint)

  t.test('k tags that are asked for together take ⌈k/100⌉ calls', async (t) => {
    for (const k of [1, 100, 250]) {
      const path = `shop/k${k}`
      const tags = Array.from({ length: k }, (_, i) => `env-${i}`)
      const digest = await moto.push(path, tags)
      for (let poll = 0; poll < 2; poll++) {
        moto.forget()
        const found = await Promise.all(tags.map((tag) => registry.resolve(repositoryAt(path), tag, access)))
        t.ok(found.every((each) => each === digest))
        t.equal(moto.calls.length, Math.ceil(k / 100), `${k} tags`)
      }
    }
  })

  t.test(
    'B03 tags that are missing are named, spoil nothing for the others, and are then asked for apart',
    async (t) => {
      const web = repositoryAt('shop/web')
      const digest = await moto.push(web.path, ['a', 'b', 'c', 'd'])
      const ask = () =>
        Promise.allSettled(['a', 'gone', 'b', 'c', 'lost', 'd'].map((tag) => registry.resolve(web, tag, access)))
      for (const calls of [3 + 1, 3]) {
        moto.forget()
        const [a, gone, b, c, lost, d] = await ask()
        t.match([a, b, c, d], Array(4).fill({ status: 'fulfilled', value: digest }))
        for (const [tag, outcome] of [['gone', gone] as const, ['lost', lost] as const]) {
          t.match(outcome, {
            reason: {
              name: 'NeedsChangeError',
              reason: 'TagNotFound',
              message: `does not have tag ${tag} of repository`,
            },
          })
          t.notMatch((outcome as PromiseRejectedResult).reason.message, /more than one/i)
        }
        t.ok(moto.count('ecr:DescribeImages') <= calls, `${moto.count('ecr:DescribeImages')} calls`)
      }
      await moto.tag(web.path, digest, 'gone')
      t.equal(await registry.resolve(web, 'gone', access), digest, 'seen as soon as it is there')
      moto.forget()
      await ask()
      t.equal(moto.count('ecr:DescribeImages'), 2, 'and asked for with the others again')
    },
  )

  t.test('B04 the tags of an image are told whatever their order', async (t) => {
    const digest = await moto.push('shop/many', ['env-prod', 'v1.10', 'v1.9'])
    const found = await registry.aliases(repositoryAt('shop/many'), digest, access)
    t.same([...found].sort(), ['env-prod', 'v1.10', 'v1.9'])
  })

  t.test('push times are those of the registry', async (t) => {
    const before = Date.now()
    await moto.push('shop/timed', ['t1', 't2'])
    const times = new Map<string, number>()
    for await (const page of registry.pushTimes(repositoryAt('shop/timed'), access)) {
      for (const [tag, time] of page) times.set(tag, time)
    }
    t.same([...times.keys()].sort(), ['t1', 't2'])
    for (const time of times.values()) t.ok(Math.abs(time - before) < 60_000)
  })

  t.test('the last tag is not taken off, since ECR would delete the image with it', async (t) => {
    const only = repositoryAt('shop/only')
    const digest = await moto.push(only.path, 'one')
    await t.rejects(registry.untag(only, 'one', access), {
      name: 'NeedsChangeError',
      reason: 'UntagNotSupported',
      message: /the last one on sha256:.*nothing was removed/,
    })
    t.equal(await registry.resolve(only, 'one', access), digest)
  })

  t.test('an index says its platforms', async (t) => {
    const index = await moto.push('shop/multi', 'x', { multiArch: true })
    t.same(await registry.describe(repositoryAt('shop/multi'), index, access), {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      platforms: ['linux/amd64', 'linux/arm64'],
    })
  })
  t.end()
})
