import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { until } from '../../../e2e/harness/until.ts'
import { Poller } from '../../discovery/polling/poller.ts'
import { VersionFinder } from '../../discovery/versions/version-finder.ts'
import { awsCredentials, registryOn, repositoryAt, withMoto } from '../testing/ecr-bench.ts'
import { defaultLimits } from '../transport/host-queue.ts'
import { HostQueues } from '../transport/host-queues.ts'

t.test(
  'k followed tags of one repository take ⌈k/100⌉ calls a poll, and a moved tag is found with its version',
  async (t) => {
    const moto = await withMoto(t)
    const registry = registryOn(t, moto.endpoint)
    const repository = repositoryAt('shop/web')
    const tags = Array.from({ length: 250 }, (_, i) => `env-${i}`)
    await moto.push(repository.path, ['0a1b2c3', 'keep', ...tags])
    const next = await moto.push(repository.path, ['1a1b2c3', 'latest'])
    const queues = new HostQueues(defaultLimits)
    const versions = new VersionFinder()
    const poller = new Poller({ registryFor: () => registry, versions, queues, onChange: () => undefined })
    t.teardown(() => poller.stop())

    const intervalSeconds = 2
    for (const tag of tags) {
      const credentials = awsCredentials
      poller.follow(tag, { repository, tag, credentials, versionSyntax: '[0-9a-f]{7}', intervalSeconds })
    }
    const names = () =>
      tags.map((tag) => poller.offer(tag)).map((offer) => offer.state === 'known' && offer.version.name)
    await until('all versions to be known', () => names().every((name) => name === '0a1b2c3'))
    moto.forget()
    await sleep(3 * intervalSeconds * 1000)
    const calls = moto.calls.length
    t.ok(calls >= 6 && calls <= 12, `${calls} calls in three intervals, of which two to four polls fall into`)
    t.equal(calls % 3, 0, 'three a poll')
    t.equal(moto.count('ecr:DescribeImages'), calls, 'and nothing else')

    moto.forget()
    await moto.tag(repository.path, next, 'env-7')
    await until('the new version', () => names()[7] === '1a1b2c3', 3 * intervalSeconds * 1000)
    t.equal(names().filter((name) => name === '0a1b2c3').length, 249)
    t.notOk(
      moto.calls.some(({ action }) => action === 'ecr:ListImages'),
      'without a list of all tags',
    )
  },
)
