/** The distribution registry itself, with notifications configured. */
import t from 'tap'
import { startRegistry } from '../../../../e2e/harness/registry.ts'
import { until } from '../../../../e2e/harness/until.ts'
import { secret, webhookServer } from './webhook-server.fixture.ts'

t.test('a push to the registry is a hint for the tag, under the host of its imageRepo', async (t) => {
  const { url, hints, outcomes } = await webhookServer(t, 'distribution')
  const registry = await startRegistry({ notify: { url, authorization: `Bearer ${secret}` } })
  t.teardown(() => registry.stop())
  await registry.push('shop/web', ['1.0', 'env-prod'], { multiArch: true })
  await until('the hints to arrive', () => hints.length === 2)
  t.same(hints.sort(), [`${registry.host}/shop/web:1.0`, `${registry.host}/shop/web:env-prod`])

  const first = await registry.digestOf('shop/web', '1.0')
  await registry.push('shop/web', '2.0')
  await registry.tag('shop/web', first, '2.0')
  await until('a tag that was moved', () => hints.length === 4)
  await registry.untag('shop/web', '2.0')
  await until('the rest', () => (outcomes.ignored ?? 0) > 8)
  t.equal(hints.length, 4, 'layers, parts of an index, pulls and deletions are no hints')
  t.equal(outcomes.refused, undefined)
})

t.test('a registry with another secret is refused', async (t) => {
  const { url, hints, outcomes } = await webhookServer(t, 'distribution')
  const registry = await startRegistry({ notify: { url, authorization: 'Bearer something-else-of-length' } })
  t.teardown(() => registry.stop())
  await registry.push('shop/web', 'env-prod')
  await until('a refusal', () => (outcomes.refused ?? 0) > 0)
  t.same(hints, [])
})
