import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { until } from '../../../e2e/harness/until.ts'
import { shortDigest } from '../../images/digest.ts'
import { OciRegistry } from '../../registries/oci/oci.ts'
import { anonymous } from '../../registries/registry.ts'
import { transportTo } from '../../registries/testing/peer.ts'
import type { TagSelector, Version } from '../target.ts'
import { tagPolicy } from '../versions/policies/choosing.ts'
import { VersionFinder } from '../versions/version-finder.ts'
import { Poller } from './poller.ts'

async function following(t: Test, selector: TagSelector) {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const transport = transportTo(t, [program.host], {
    limits: { requestsPerSecond: 1000, burst: 1000, concurrency: 16 },
  })
  const registry = new OciRegistry(transport)
  const poller = new Poller({
    registryFor: () => registry,
    versions: new VersionFinder(),
    queues: transport.queues,
    onChange: () => undefined,
  })
  t.teardown(() => poller.stop())
  const repository = { host: program.host, path: 'shop/web' }
  const follow = (key: string, remembered?: Version) =>
    poller.follow(key, { repository, credentials: anonymous, intervalSeconds: 1, remembered, ...selector })
  const offers = async (wanted: string) =>
    await until(wanted, () => {
      const offer = poller.offer('web')
      return offer.state === 'failed'
        ? offer.error.reason === wanted
        : offer.state === 'known' && offer.version.name === wanted
    })
  const reads = () => program.requests.filter(({ method, kind }) => method === 'GET' && kind === 'manifest').length
  return { program, poller, follow, offers, reads }
}

const byTag = { tag: 'env-prod', versionSyntax: 'v[0-9]+' }

t.test('a tag that points at a chart is told and changes nothing, and no poll reads the chart again', async (t) => {
  const { program, poller, follow, offers, reads } = await following(t, byTag)
  await program.push('shop/web', ['v1', 'env-prod'])
  follow('web')
  await offers('v1')
  const read = reads()

  const chart = await program.push('shop/web', 'env-prod', { artifact: 'chart' })
  await offers('NotAnImage')
  const offer = poller.offer('web')
  t.match(offer, { state: 'failed', version: { name: 'v1' }, error: { name: 'NeedsChangeError' } })
  const message = `tag env-prod of repository shop/web at the registry ${program.host} points at ${shortDigest(chart.digest)}, which is no container image: its config is of type application/vnd.cncf.helm.config.v1+json. The workloads are unchanged. Point the tag at an image, or correct spec.imageRepo or spec.tag.`
  t.match(offer, { error: { message } })
  t.equal(reads(), read + 1)
  program.forget()
  const began = performance.now()
  await sleep(3_200)
  const intervals = Math.floor((performance.now() - began) / 1_000)
  t.ok(
    program.requests.length >= 3 && program.requests.length <= intervals + 1,
    `${program.requests.length} requests in ${intervals} intervals`,
  )
  t.ok(program.requests.every(({ method, status }) => method === 'HEAD' && status === 304))

  await program.push('shop/web', ['v2', 'env-prod'])
  await offers('v2')
})

t.test('a digest that was offered before a restart is not read again', async (t) => {
  const { program, follow, offers, reads } = await following(t, byTag)
  const { digest } = await program.push('shop/web', ['v1', 'env-prod'])
  follow('web', { digest, name: 'v1', source: 'alias' })
  await offers('v1')
  t.equal(reads(), 0)
  t.equal(program.requests.length, 1)
})

t.test('a policy that chooses a signature or a chart is told which tag to leave out', async (t) => {
  const { program, poller, follow, offers, reads } = await following(t, {
    policy: tagPolicy({ semver: { range: '*' } }),
  })
  await program.push('shop/web', '1.0.0')
  await program.push('shop/web', `sha256-${'0'.repeat(64)}.sig`, { artifact: 'signature' })
  follow('web')
  await offers('1.0.0')
  t.equal(reads(), 1)
  await program.push('shop/web', '1.1.0', { artifact: 'chart' })
  await offers('NotAnImage')
  t.match(poller.offer('web'), {
    version: { name: '1.0.0' },
    error: {
      message:
        /tag 1\.1\.0, which spec\.policy chooses, of repository shop\/web .*Leave that tag out by spec\.policy\.filter/,
    },
  })
  await program.untag('shop/web', '1.1.0')
  await offers('1.0.0')
})

t.test('a page that a registry names a manifest in its headers is never offered', async (t) => {
  const { program, poller, follow, offers } = await following(t, byTag)
  await program.push('shop/web', ['v1', 'env-prod'])
  const headers = {
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': `sha256:${'1'.repeat(64)}`,
  }
  const heal = program.faults.inject(
    { status: 200, headers, body: '<html>' },
    { when: ({ path }) => path.includes('/manifests/') },
  )
  follow('web')
  await offers('RegistryAnswerInvalid')
  const message = /content does not have that digest, and is application\/vnd\.oci\.image\.manifest\.v1\+json, "<html>"/
  t.match(poller.offer('web'), { version: undefined, error: { message } })
  heal()
  await offers('v1')
})
