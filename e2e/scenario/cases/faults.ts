import type { Test } from 'tap'
import type { Registry } from '../../harness/registry.ts'
import type { Fault } from '../../harness/registry-faults.ts'
import type { Bed } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import { type AddTest, emptyWorld, scenario, webCv, workloads } from '../scenario.ts'
import { readyReason, type World } from '../world.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

interface Mistake {
  readonly what: string
  /** More of the spec: the mistake. */
  readonly spec: object
  readonly reason: string
  /** Which object, what is wrong with it, what to do. */
  readonly says: readonly RegExp[]
  /** Corrects the spec. */
  readonly correction: object
}

const mistakes: readonly Mistake[] = [
  {
    what: 'a selector that finds no workload',
    spec: { selector: { cvapp: 'wbe' } },
    reason: 'WorkloadNotFound',
    says: [
      /no Deployment, StatefulSet, DaemonSet, ReplicaSet, CronJob, Job or Pod in namespace scenario-\d+/,
      /cvapp=wbe/,
      /kubectl label deployment NAME/,
    ],
    correction: { selector: { cvapp: 'web' } },
  },
  {
    what: 'a container that is not there',
    spec: { container: { name: 'sidecar' } },
    reason: 'ContainerNotFound',
    says: [/Deployment scenario-\d+\/web has no container sidecar; its containers are main/, /Name one of them/],
    correction: { container: { name: 'main' } },
  },
  {
    what: 'a tag that does not exist',
    spec: { tag: 'env-prdo' },
    reason: 'TagNotFound',
    says: [
      /does not have tag env-prdo of repository scenario-\d+\/web/,
      /Push it, or correct spec\.imageRepo or spec\.tag/,
    ],
    correction: { tag: 'env-prod' },
  },
  {
    what: 'a pattern that is none',
    spec: { versionSyntax: 'v(1' },
    reason: 'VersionSyntaxInvalid',
    says: [/spec\.versionSyntax "v\(1" cannot be used: .*missing/, /for example \[0-9a-f\]\{5,40\}/],
    correction: { versionSyntax: '[0-9a-f]{7}' },
  },
  {
    what: 'blue/green without its Service',
    spec: { strategy: { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'web' } } },
    reason: 'ServiceNotFound',
    says: [
      /there is no Service web in namespace scenario-\d+: create it, or change spec\.strategy\.blueGreen\.serviceName/,
    ],
    correction: { strategy: { kind: 'Simple', blueGreen: null } },
  },
]

const outages: readonly (readonly [string, Fault, string, RegExp])[] = [
  [
    'does not answer',
    'reset',
    'RegistryUnavailable',
    /the registry \S+ cannot be reached for tag env-prod .*Check its address/,
  ],
  [
    'answers 503',
    { status: 503 },
    'RegistryUnavailable',
    /the registry \S+ answered 503 for tag env-prod .*cvmanager tries again/,
  ],
  [
    'refuses',
    { status: 401 },
    'RegistryAccessDenied',
    /refused anonymous access to repository .*name a pull secret for/,
  ],
  [
    'answers garbage',
    'garbage',
    'RegistryAnswerInvalid',
    /cannot be used: .*Check that the address is that of a registry/,
  ],
  [
    'answers with a login page',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' },
    'RegistryAnswerInvalid',
    /text\/html, "<html>Sign in<\/html>" instead of a manifest\. Check that the address is that of a registry/,
  ],
  ['answers 429', { status: 429, headers: { 'retry-after': '1' } }, 'RegistryThrottled', /limits how often .*\(429\)/],
]

/**
 * Bad input and faults: a condition and one event say what is wrong and what to do, and no workload changes.
 * @param throttling a registry that only this function uses
 */
export function faults(test: AddTest, bed: Bed, throttling: Registry): void {
  for (const { what, spec, reason, says, correction } of mistakes) {
    test(`${what}: one event, no patch, and cvmanager continues once the spec is corrected`, async (t) => {
      const world = await emptyWorld(t, bed)
      await world.ciMoves('env-prod', v2)
      await world.makes(...workloads(world, web), webCv(world, 'env-prod', spec))
      await world.becomes('Stalled', { reason })
      await world.pollsAgain(spec && 'selector' in spec ? 1 : 0)
      await isReported(t, world, reason, says)
      t.equal(await world.imagePatches('web'), 0)

      await world.changes('ContainerVersion', 'web-cv', { spec: correction })
      await world.sees('web', v2)
      await world.runs(v2)
    })
  }

  for (const [what, fault, reason, says] of outages) {
    test(`a registry that ${what}: one event, no patch, and cvmanager continues once the registry does`, async (t) => {
      // A 429 pauses the whole registry, so that one has no other followers.
      const registry = reason === 'RegistryThrottled' ? throttling : bed.registry
      const world = await scenario(t, bed, { ...web, registry })
      const heal = world.registry.faults.inject(fault, { when: ({ path }) => path.includes(`/${world.path}/`) })
      t.teardown(heal)
      await world.becomes(reason === 'RegistryAccessDenied' ? 'Stalled' : 'Unavailable', { reason })
      await world.pollsAgain(1)
      await isReported(t, world, reason, [says])
      heal()
      await world.ciMoves('env-prod', v2)
      await world.runs(v2)
      t.equal(await world.imagePatches('web'), 1)
    })
  }

  test('two ContainerVersions that select one container both leave it alone until one is deleted', async (t) => {
    const world = await scenario(t, bed, web)
    await world.makes(webCv(world, 'env-test', {}, 'other-cv'))
    for (const name of ['web-cv', 'other-cv'])
      await world.becomes('Stalled', { reason: 'WorkloadClaimedTwice', of: name })
    await world.ciMoves('env-prod', v2)
    await world.ciMoves('env-test', v2)
    await world.pollsAgain(2)
    t.equal(await world.imagePatches('web'), 0)
    await isReported(t, world, 'WorkloadClaimedTwice', [
      /is selected by the ContainerVersions other-cv and web-cv: neither/,
    ])
    await world.delete('ContainerVersion', 'other-cv')
    await world.runs(v2)
  })
}

async function isReported(t: Test, world: World, reason: string, says: readonly RegExp[]): Promise<void> {
  const status = await world.status()
  const events = await world.waitsForEvent('ContainerVersion/web-cv', reason)
  t.equal(readyReason(status), reason)
  t.equal(events.length, 1, 'one event')
  t.equal(events[0]?.type, 'Warning')
  for (const words of says) {
    t.match(status.message, words)
    t.match(events[0]?.message, words)
  }
}
