/** The differences if a policy chooses the version, and the spec follows no tag. */
import { test } from 'tap'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { tagSelectorOf } from '../../discovery/tag-selector.ts'
import type { Offer } from '../../discovery/target.ts'
import { epoch, imageOf, imageRepo, object, observation, version, workload } from './plan.fixture.ts'
import { plan } from './plan.ts'

const spec: ContainerVersionSpec = { imageRepo, policy: { semver: { range: '^1' } }, selector: { cvapp: 'web' } }
const offers = (name: string): Offer => ({ state: 'known', version: { ...version(name), source: 'policy' } })
const chosen = (status = {}) => ({ ...object(status), spec })

test('the status names the chosen tag, and since when cvmanager has seen it', async (t) => {
  const running = [workload('web', [{ name: 'web', image: imageOf('1.0.0') }])]
  const first = plan(observation({ object: chosen(), workloads: running, offer: offers('1.0.0') })).status
  t.match(first.observed, { tag: '1.0.0', version: '1.0.0', source: 'policy', firstSeenTime: '2026-01-02T03:04:05Z' })
  const later = observation({ object: chosen(first), workloads: running, offer: offers('1.0.0'), now: epoch + 60_000 })
  t.same(plan(later).status.observed, first.observed)
  const moved = observation({ object: chosen(first), workloads: running, offer: offers('1.1.0'), now: epoch + 60_000 })
  t.match(plan(moved).status.observed, { tag: '1.1.0', firstSeenTime: '2026-01-02T03:05:05Z' })
})

test('before the first list of tags, the status says what cvmanager asks for', async (t) => {
  t.match(plan(observation({ object: chosen(), newSince: epoch - 60_000 })).status, {
    phase: 'Pending',
    message: `asking the registry for the tags of ${imageRepo}`,
  })
})

test('a version that failed waits for another choice, and the message says so', async (t) => {
  const entry = {
    digest: version('1.1.0').digest,
    version: '1.1.0',
    outcome: 'RolledBack' as const,
    message: 'it crashed',
  }
  const quarantined = [{ ...entry, since: '2026-01-02T03:04:05Z', generation: 1 }]
  const held = observation({
    object: chosen({ quarantined }),
    workloads: [workload('web', [{ name: 'web', image: imageOf('1.0.0') }])],
    offer: offers('1.1.0'),
  })
  const { status, changes } = plan(held)
  t.match(status.message, /It is not tried again until spec\.policy chooses another image or the spec changes\./)
  t.same(changes, [])
})

test('B51 if the chosen tag was pushed again, a rollback restores the digest that the pods ran', async (t) => {
  const running = `sha256:${'e'.repeat(64)}`
  const before = (image: string) =>
    plan(
      observation({
        object: chosen(),
        workloads: [workload('web', [{ name: 'web', image }], { state: 'healthy' }, running)],
        offer: offers('1.0.0'),
      }),
    ).status.rollout?.workloads[0]?.previous
  t.same(before(`${imageRepo}:1.0.0`), [{ name: 'web', image: `${imageRepo}:1.0.0@${running}` }])
  t.same(before(`${imageRepo}:0.9.0`), [{ name: 'web', image: `${imageRepo}:0.9.0` }])
  t.same(before(imageRepo), [{ name: 'web', image: imageRepo }])
})

test('a spec follows its policy, or its tag with the default version syntax', async (t) => {
  t.match(tagSelectorOf(spec), { policy: { needs: 'tags' } })
  t.same(tagSelectorOf({ imageRepo, tag: 'env-prod', selector: {} }), {
    tag: 'env-prod',
    versionSyntax: '[0-9a-f]{5,40}',
  })
  t.throws(() => tagSelectorOf({ imageRepo, selector: {} }), { name: 'NeedsChangeError', reason: 'NothingToFollow' })
  t.throws(() => tagSelectorOf({ ...spec, policy: { semver: { range: 'x y' } } }), {
    name: 'NeedsChangeError',
    reason: 'VersionPolicyInvalid',
  })
})
