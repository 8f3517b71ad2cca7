/** The policy `newest` on registries that know push times: Amazon ECR, with moto in its place, and Docker Hub. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startRegistry } from '../../../../e2e/harness/registry.ts'
import { until } from '../../../../e2e/harness/until.ts'
import type { VersionPolicySpec } from '../../../api/policy.ts'
import type { Repository } from '../../../images/reference.ts'
import { DockerHubRegistry } from '../../../registries/docker-hub/docker-hub.ts'
import { dockerHubApi } from '../../../registries/docker-hub/hub.fixture.ts'
import { anonymous, type Registry } from '../../../registries/registry.ts'
import {
  access as awsAccess,
  awsCredentials,
  registryOn,
  repositoryAt,
  withMoto,
} from '../../../registries/testing/ecr-bench.ts'
import { transportTo } from '../../../registries/testing/peer.ts'
import { defaultLimits } from '../../../registries/transport/host-queue.ts'
import { HostQueues } from '../../../registries/transport/host-queues.ts'
import { Poller } from '../../polling/poller.ts'
import { listTags } from '../../polling/tag-list.ts'
import type { Target } from '../../target.ts'
import { VersionFinder } from '../version-finder.ts'
import { tagPolicy } from './choosing.ts'

const builds: VersionPolicySpec = { newest: {}, filter: { pattern: 'build-.*' } }
/** Docker Hub needs no credentials here, and ECR takes only AWS's. */
const accessOf = ({ kind }: Registry) => (kind === 'ecr' ? awsAccess : { credentials: anonymous })

async function chosen(registry: Registry, repository: Repository, spec = builds) {
  const { needs, choose } = tagPolicy(spec)
  return await choose((await listTags(registry, repository, needs, accessOf(registry))).listing)
}

t.test('on ECR, the newest tag is on the image that was pushed last', async (t) => {
  const moto = await withMoto(t)
  const registry = registryOn(t, moto.endpoint)
  const repository = repositoryAt('shop/web')
  await moto.push(repository.path, ['build-z'])
  // ECR's push times are in seconds.
  await sleep(1_100)
  await moto.push(repository.path, ['build-a'])
  await sleep(1_100)
  await moto.push(repository.path, ['latest'])
  t.same(await chosen(registry, repository), { tag: 'build-a' })
  t.same(
    await chosen(registry, repository, { newest: {} }),
    { tag: 'latest' },
    'without a filter, moving tags count too',
  )

  const intervalSeconds = 2
  const queues = new HostQueues(defaultLimits)
  const versions = new VersionFinder()
  const poller = new Poller({ registryFor: () => registry, versions, queues, onChange: () => undefined })
  t.teardown(() => poller.stop())
  const target: Target = { repository, credentials: awsCredentials, intervalSeconds, policy: tagPolicy(builds) }
  poller.follow('web', target)
  const name = () => {
    const offer = poller.offer('web')
    return offer.state === 'known' ? offer.version.name : undefined
  }
  await until('the newest build to be known', () => name() === 'build-a')
  const digest = await moto.push(repository.path, ['build-0'])
  await until('the next one to be seen', () => name() === 'build-0')
  t.match(poller.offer('web'), { state: 'known', version: { digest, source: 'policy' } })
})

t.test('on ECR, all tags of an image have one push time: the last in natural order is chosen', async (t) => {
  const moto = await withMoto(t)
  const registry = registryOn(t, moto.endpoint)
  const repository = repositoryAt('shop/web')
  await moto.push(repository.path, ['build-10', 'build-9', 'build-10-rc'])
  t.same(await chosen(registry, repository), { tag: 'build-10-rc' })
  t.match(await chosen(registry, repository, { newest: {}, filter: { pattern: 'v.*' } }), {
    tag: undefined,
    reason: /no tag matches spec\.policy\.filter\.pattern v\.\* as a whole/,
  })
})

t.test('on Docker Hub, the newest tag is found over all pages of the list', async (t) => {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const api = await dockerHubApi(t, program)
  const transport = transportTo(t, ['docker.io'], { origins: { 'docker.io': `http://${program.host}` } })
  const registry = new DockerHubRegistry(transport, { hub: api.origin })
  const repository = { host: 'docker.io', path: 'shop/web' }
  await program.push(
    'shop/web',
    Array.from({ length: 120 }, (_, i) => `build-${i}`),
  )
  await program.push('shop/web', ['latest'])
  const at = (seconds: number) => Date.UTC(2026, 6, 1) + seconds * 1000
  for (const [tag, seconds] of [
    ['build-7', 2],
    ['build-99', 1],
    ['latest', 3],
  ] as const) {
    api.pushed.set(tag, at(seconds))
  }
  t.same(await chosen(registry, repository), { tag: 'build-7' })
  api.pushed.set('build-5', at(4))
  t.same(await chosen(registry, repository), { tag: 'build-5' }, 'a tag that is pushed again is the newest')
})

t.test('without the list of push times, nothing is chosen', async (t) => {
  const program = await startRegistry()
  t.teardown(() => program.stop())
  const api = await dockerHubApi(t, program)
  const registry = new DockerHubRegistry(transportTo(t, []), { hub: api.origin })
  api.answer = (_, response) => void response.writeHead(500).end()
  await t.rejects(chosen(registry, { host: 'docker.io', path: 'shop/web' }), { name: 'TransientError' })
})
