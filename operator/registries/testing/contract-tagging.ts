/** The part of the contract that the tagging commands rely on. */
import type { Test } from 'tap'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Access } from '../registry.ts'
import type { RegistryBench } from './bench.ts'

const nowhere: Digest = `sha256:${'0'.repeat(64)}`

export async function taggingContract(t: Test, bench: RegistryBench): Promise<void> {
  const { registry, host, credentials, reader, strangers = [], untags = true, tellsAliases = true } = bench
  const access: Access = { credentials }
  const shop: Repository = { host, path: 'contract/tagging' }
  const at = (tag: string) => registry.resolve(shop, tag, access)

  await t.test('a tag is added, left unchanged, and moved', async (t) => {
    const one = await bench.push(shop.path, ['1.0'])
    const two = await bench.push(shop.path, ['2.0'])
    t.equal(await registry.tag(shop, one, 'env-test', access), 'added')
    t.equal(await at('env-test'), one)
    t.equal(await registry.tag(shop, one, 'env-test', access), 'unchanged')
    t.equal(await registry.tag(shop, two, 'env-test', access), 'moved')
    t.equal(await at('env-test'), two)
    t.same([await at('1.0'), await at('2.0')], [one, two], 'the others stay')
  })

  await t.test('an index is tagged as a whole, in both formats', async (t) => {
    for (const docker of [false, true]) {
      const index = await bench.push(shop.path, [`multi-${docker}`], { multiArch: true, docker })
      t.equal(await registry.tag(shop, index, `env-multi-${docker}`, access), 'added')
      t.equal(await at(`env-multi-${docker}`), index)
    }
  })

  await t.test('a missing image cannot be tagged, and no tag appears', async (t) => {
    await bench.push(shop.path, ['there'])
    const missing = { name: 'NeedsChangeError', reason: 'ImageNotFound', message: /contract\/tagging/ }
    await t.rejects(registry.tag(shop, nowhere, 'env-nothing', access), missing)
    await t.rejects(at('env-nothing'), { name: 'NeedsChangeError', reason: 'TagNotFound' })
    const one = await bench.push(shop.path, ['env-stays'])
    await t.rejects(registry.tag(shop, nowhere, 'env-stays', access), missing)
    t.equal(await at('env-stays'), one)
  })

  await t.test('only the tag is removed: its image and the other tags stay', { skip: !untags }, async (t) => {
    const one = await bench.push(shop.path, ['3.0', 'env-old'])
    t.equal(await registry.untag(shop, 'env-old', access), 'removed')
    await t.rejects(at('env-old'), { name: 'NeedsChangeError', reason: 'TagNotFound' })
    t.equal(await at('3.0'), one)
    t.ok(await registry.labels(shop, one, access))
    t.equal(await registry.untag(shop, 'env-old', access), 'absent')
  })

  await t.test('if no tag can be removed, the message says so, and none is removed', { skip: untags }, async (t) => {
    const one = await bench.push(shop.path, ['3.0', 'env-old'])
    const refusal = { name: 'NeedsChangeError', reason: 'UntagNotSupported', message: /env-old.*nothing was removed/ }
    await t.rejects(registry.untag(shop, 'env-old', access), refusal)
    t.same([await at('3.0'), await at('env-old')], [one, one])
    t.equal(await registry.untag(shop, 'env-never', access), 'absent')
  })

  await t.test('a missing tag, or a missing repository, is absent', async (t) => {
    t.equal(await registry.untag({ host, path: 'contract/nowhere' }, 'x', access), 'absent')
  })

  await t.test('all tags on an image come at once', { skip: registry.aliases === undefined }, async (t) => {
    const one = await bench.push(shop.path, ['4.0', 'env-a', 'env-b'])
    const told = await registry.aliases?.(shop, one, access)
    if (tellsAliases) t.same([...(told?.tags ?? [])].sort(), ['4.0', 'env-a', 'env-b'])
    else t.equal(told, undefined, 'to these credentials it does not tell, and they are searched for')
  })

  await t.test('an immutable tag is refused as such, and stays', { skip: bench.immutable === undefined }, async (t) => {
    const fixed: Repository = { host, path: bench.immutable ?? '' }
    const one = await bench.push(fixed.path, ['1.0'])
    const two = await bench.push(fixed.path, ['2.0'])
    await t.rejects(registry.tag(fixed, two, '1.0', access), { reason: 'TagImmutable', message: /1\.0/ })
    t.equal(await registry.resolve(fixed, '1.0', access), one)
    t.equal(await registry.tag(fixed, one, '1.0', access), 'unchanged')
    t.equal(await registry.tag(fixed, one, '1.1', access), 'added')
  })

  const others = reader === undefined ? strangers : [reader, ...strangers]
  await t.test('who lacks the right changes no tag', { skip: others.length === 0 }, async (t) => {
    const one = await bench.push(shop.path, ['env-mine'])
    const two = await bench.push(shop.path, ['5.0'])
    for (const credentials of others) {
      const denied = { reason: 'RegistryAccessDenied', message: /contract\/tagging/ }
      await t.rejects(registry.tag(shop, two, 'env-mine', { credentials }), denied)
      await t.rejects(registry.untag(shop, 'env-mine', { credentials }), untags ? denied : { name: 'NeedsChangeError' })
    }
    t.equal(await at('env-mine'), one)
  })
}
