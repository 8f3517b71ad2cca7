/** What people read about a version, above all one that has no name. */
import { test } from 'tap'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import { digestOf, shortDigest } from '../../images/digest.ts'
import { composeImage } from '../../images/reference.ts'
import { epoch, imageOf, imageRepo, object, observation, offers, version, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'

const digest = digestOf(Buffer.from('an image'))
const hint = 'no tag on the image matches versionSyntax [0-9a-f]{5,40}, the default; it has v1.1.0.'
const nameless = { digest, name: shortDigest(digest), source: 'digest', hint } as const
const runsIt = [workload('web', [{ name: 'web', image: composeImage(imageRepo, nameless) }])]
const offered = { workloads: runsIt, offer: { state: 'known', version: nameless } } as const

test('a version without a name says why in the message, the condition and one event', async (t) => {
  const { status, events } = plan(observation({ object: object(), ...offered }))
  const short = shortDigest(digest)
  t.match(status, {
    phase: 'UpToDate',
    message: `all workloads run ${short}: ${hint}`,
    current: { digest, version: short },
    observed: { digest, version: short, hint },
    shortDigest: short,
  })
  t.match(status.conditions, [{ type: 'Ready', message: /no tag on the image matches/ }])
  const ofName = events.filter(({ reason }) => reason === 'VersionHasNoName')
  t.match(ofName, [{ type: 'Normal', message: `${short}: ${hint}`, id: digest }])
  t.match(
    events.filter(({ reason }) => reason === 'Adopted'),
    [{ message: `the workloads already run ${short}: nothing was changed` }],
  )

  const later = plan(observation({ object: object(status), ...offered, now: epoch + 400_000 }))
  t.same(later.status, status, 'nothing is written again')
  t.same(later.events, [], 'nor told again')
})

test('the status of a release that had whole digests as versions gets short ones', async (t) => {
  const { status } = plan(observation({ object: object(), ...offered }))
  const { current } = status
  const before = { ...status, ...(current ? { current: { ...current, version: digest } } : {}) }
  const after = plan(observation({ object: object(before), ...offered, now: epoch + 400_000 }))
  t.same(after.status.current, current)
  t.same(after.events, [])
})

test('a version with a name says nothing about its name', async (t) => {
  const running = [workload('web', [{ name: 'web', image: imageOf('v1') }])]
  const { status, events } = plan(observation({ object: object(), offer: offers('v1'), workloads: running }))
  t.equal(status.message, 'all workloads run v1')
  t.equal(status.shortDigest, shortDigest(version('v1').digest))
  t.match(events, [
    { message: `the workloads already run v1 (${shortDigest(version('v1').digest)}): nothing was changed` },
  ])
})

test('no message has a whole digest, wherever it comes from', async (t) => {
  const problem = new NeedsChangeError('NotAnImage', `tag env-prod points at ${digest}, which is no container image`)
  const stalled = plan(observation({ object: object(), workloads: runsIt, offer: { state: 'failed', error: problem } }))
  t.match(stalled.status.message, `points at ${shortDigest(digest)}, which`)

  const running = (name: string, reason?: string) => [
    workload(
      'web',
      [{ name: 'web', image: imageOf(name) }],
      reason ? { state: 'stuck', reason } : { state: 'healthy' },
    ),
  ]
  const begun = plan(observation({ object: object(), workloads: running('v1'), offer: offers('v2') })).status
  const workloads = running('v2', `Failed to pull image "${imageOf('v2')}": not found`)
  const failed = plan(observation({ object: object(begun), workloads, offer: offers('v2') }))
  t.match(failed.status.rollout, { phase: 'RollingBack', message: `image "${shortDigest(imageOf('v2'))}": not found` })
  t.match(failed.status.message, `image "${shortDigest(imageOf('v2'))}": not found`)
  t.notMatch(failed.events.map(({ message }) => message).join(), /[0-9a-f]{64}/)
})

test('the column TAG has the policy in short, and no copy of a tag', async (t) => {
  const follows = (spec: Partial<ContainerVersionSpec>) =>
    plan(observation({ object: object({}, { tag: undefined, ...spec } as never), ...offered })).status.follows
  t.equal(follows({ policy: { semver: { range: '~1.4' } } }), 'semver ~1.4')
  t.equal(follows({ policy: { calendar: { format: 'YYYY.MM' } } }), 'calendar YYYY.MM')
  t.equal(follows({ policy: { numeric: {} } }), 'numeric')
  t.equal(follows({ policy: { newest: {}, filter: { pattern: 'main-.*' } } }), 'newest')
  t.equal(follows({ tag: 'env-prod' }), undefined)
})
