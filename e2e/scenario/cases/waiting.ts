/** `cv wait` with the rights of deploy/ci.yaml: each exit status, and whatever CI can meet. */
import type { Bed } from '../bed.ts'
import { broken, hanging, v1, v2, v3 } from '../builds.ts'
import { asCi, hourlyScenario } from '../looking.ts'
import { type AddTest, emptyWorld } from '../scenario.ts'

export function waiting(test: AddTest, bed: Bed): void {
  test('CI moves the tag, and cv wait polls it at once and returns when the version is healthy', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    await world.ciMoves('env-prod', v2)
    const { status, output, complaint } = await ci.wait()
    t.equal(status, 0, complaint)
    t.match(output, /^ContainerVersion scenario-\d+\/web-cv: 2222222 is healthy: rolled out and healthy, after \d+s\n$/)
    t.match(complaint, /^UpToDate: .*\nRollingOut: rolling out 2222222/)
    t.same(world.now('Deployment', 'web')?.images, [world.imageOf(v2)])

    await t.test(
      'a version that runs already is done at once, by its name, its digest, or the beginning of it',
      async (t) => {
        for (const version of [v2.name, v2.digest, v2.digest.slice(0, 'sha256:'.length + 12)]) {
          const again = await ci.wait('--version', version, '-o', 'json')
          t.equal(again.status, 0, again.complaint)
          const { name, namespace, result, digest } = JSON.parse(again.output)
          t.same(
            { name, namespace, result, digest },
            { name: 'web-cv', namespace: world.namespace, result: 'Healthy', digest: v2.digest },
          )
        }
      },
    )
  })

  test('CI waits before the tag has moved: it goes on waiting, and says what the tag says', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    const waiting = await ci.starts(t, 'wait', 'web-cv', '--version', v2.name)
    await waiting.says('the registry does not offer 2222222 yet, but 1111111')
    await world.ciMoves('env-prod', v2)
    t.equal((await ci.cv('reconcile', 'web-cv')).status, 0, 'as a webhook would')
    t.match(await waiting.ended, { status: 0, output: /2222222 is healthy/ })
  })

  test('a version that fails ends with 1, says why and what was restored, and says the same again later', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    await world.ciMoves('env-prod', broken)
    const failed = await ci.wait('--version', broken.name)
    t.match(failed, {
      status: 1,
      output: /: bad1bad has failed, and was rolled back: .*container main of pod web-\S+ is in ImagePullBackOff/,
    })
    t.match(failed.output, /\n {2}restored: 1111111 /)
    const later = await ci.wait('-o', 'json')
    t.equal(later.status, 1, 'it is in quarantine from before')
    t.match(JSON.parse(later.output), {
      result: 'RolledBack',
      version: 'bad1bad',
      digest: broken.digest,
      message: /ImagePullBackOff/,
      rollout: { outcome: 'RolledBack' },
      restored: { version: '1111111', digest: v1.digest },
    })
  })

  test('a version that a newer one replaces in the middle is superseded', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    await world.ciMoves('env-prod', hanging)
    const waiting = await ci.starts(t, 'wait', 'web-cv', '--version', hanging.name)
    await waiting.says('RollingOut: rolling out bad3bad')
    await world.ciMoves('env-prod', v3)
    const newer = await ci.wait('--version', v3.name)
    t.equal(newer.status, 0, newer.complaint)
    t.match(await waiting.ended, { status: 1, output: /bad3bad was superseded: replaced by 3333333\n$/ })
  })

  test('a paused Deployment holds the version: 4, with what to do', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    await world.kubectl('rollout', 'pause', 'deployment/web')
    await world.ciMoves('env-prod', v2)
    const held = await ci.wait('--version', v2.name, '-o', 'yaml')
    t.match(held, { status: 4, output: /result: Held\n.*by: WorkloadPaused/s })
    await world.kubectl('rollout', 'resume', 'deployment/web')
    t.match(await ci.wait(), { status: 0 })
  })

  test('a StatefulSet whose pods a person must delete is held in the middle of its rollout', async (t) => {
    const world = await hourlyScenario(t, bed, {
      statefulSet: 'web',
      running: v1,
      replicas: 1,
      workload: { spec: { updateStrategy: { type: 'OnDelete' } } },
    })
    const ci = await asCi(world)
    await world.ciMoves('env-prod', v2)
    t.match(await ci.wait(), { status: 4, output: /2222222 is held by PodsToDelete: / })
  })

  test('the wait has an end, and says how it stood', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    await world.ciMoves('env-prod', hanging)
    const late = await ci.wait('--timeout', '12s')
    t.match(late, { status: 5, output: /: bad3bad is not there yet: RollingOut: rolling out bad3bad.*\n$/ })
    t.notMatch(late.output, 'has not answered')
  })

  test('a ContainerVersion that is not there, or that is deleted meanwhile, ends with 3', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    const none = await ci.cv('wait', 'other')
    t.match(none, { status: 3, output: /there is no ContainerVersion other in namespace scenario-\d+; kubectl get cv/ })
    const waiting = await ci.starts(t, 'wait', 'web-cv', '--version', v2.name)
    await waiting.says('does not offer 2222222 yet')
    await world.delete('ContainerVersion', 'web-cv')
    t.match(await waiting.ended, { status: 3, output: /web-cv: is not there: it was deleted\n$/ })
  })

  test('Ctrl-C ends it at once, and not with success', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    const waiting = await ci.starts(t, 'wait', 'web-cv', '--version', v2.name)
    await waiting.says('does not offer')
    waiting.child.kill('SIGINT')
    t.match(await waiting.ended, { status: 130, output: /2222222 is not there yet: stopped by SIGINT\n$/ })
  })

  test('without the right to ask for a poll, it says so once and waits for the regular one', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1, spec: { pollIntervalSeconds: 5 } })
    const ci = await asCi(world)
    await world.kubectl(
      'patch',
      'role',
      'cvmanager-ci',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/rules/0/verbs","value":["get","watch"]}]',
    )
    await world.waitsFor('the right to be gone', async () => {
      const asked = await world
        .kubectl('auth', 'can-i', 'patch', 'cv', '--as', `system:serviceaccount:${world.namespace}:ci`)
        .catch(() => 'no')
      return asked.includes('no')
    })
    await world.ciMoves('env-prod', v2)
    const waited = await ci.wait('--version', v2.name)
    t.match(waited, { status: 0 })
    t.equal(waited.complaint.match(/waits for the next regular one/g)?.length, 1)
    t.match(waited.complaint, /ci may not patch containerversions "web-cv" in .*: deploy\/ci.yaml has the rights/)
    await t.test('without any right, it says which one is missing', async (t) => {
      await world.kubectl('delete', 'role', 'cvmanager-ci')
      await world.waitsFor('the rights to be gone', async () => (await ci.cv('reconcile', 'web-cv')).status === 1)
      t.match(await ci.wait(), { status: 1, complaint: /^error: .*ci may not get containerversions "web-cv".*ci.yaml/ })
    })
  })

  test('flags that cannot work end with 2', async (t) => {
    const world = await emptyWorld(t, bed)
    const ci = await asCi(world)
    for (const [flags, message] of [
      [['--version', 'sha256:abc'], /--version: "sha256:abc" is no digest, and no beginning of one; write at least 12/],
      [['--timeout', 'soon'], /--timeout: "soon" is no duration/],
      [['--context', 'elsewhere'], /--context elsewhere: there is no such context in .*; there is: /],
      [['-o', 'xml'], /--output: "xml" is not allowed; it must be one of text, json, yaml/],
    ] as const) {
      t.match(await ci.wait(...flags), { status: 2, output: '', complaint: message })
    }
    t.match(await ci.cv('wait'), { status: 2, complaint: /an argument is missing; write cvmanager cv wait <NAME>/ })
  })

  test('a registry that refuses is told, and not waited out', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const ci = await asCi(world)
    await world.changes('ContainerVersion', 'web-cv', { spec: { tag: 'nobody-pushed-it' } })
    t.match(await ci.wait(), { status: 1, output: /nobody-pushed-it/ })
  })
}
