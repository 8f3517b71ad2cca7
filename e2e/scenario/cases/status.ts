/** `cv status`. */
import type { Bed } from '../bed.ts'
import { broken, v1, v2 } from '../builds.ts'
import { hourlyScenario, Looking } from '../looking.ts'
import type { AddTest } from '../scenario.ts'

export function status(test: AddTest, bed: Bed): void {
  test('cv status shows the workloads and their pods as they are, and what is wrong with which pod', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', statefulSet: 'db', running: v1, replicas: 2 })
    const person = new Looking(world)
    const calm = await person.cv('status', 'web-cv')
    t.equal(calm.status, 0, calm.complaint)
    t.match(calm.output, /^scenario-\d+\/web-cv {2}UpToDate {2}follows env-prod\n {2}all workloads run 1111111\n/)
    t.match(calm.output, /├─ Deployment\/web +1111111 +2\/2 ready/)
    t.match(calm.output, /└─ StatefulSet\/db +1111111 +2\/2 ready\n {3}├─ db-0 +1111111 +ready +\d+s\n {3}└─ db-1 /)
    t.notMatch(calm.output, '\u001b', 'no colours in a pipe')

    await world.changes('ContainerVersion', 'web-cv', { spec: { rollback: { enabled: false } } })
    await world.ciMoves('env-prod', broken)
    t.equal((await person.wait()).status, 1)
    const { output } = await person.cv('status', 'web-cv')
    t.match(output, /^scenario-\d+\/web-cv {2}Failed/)
    t.match(output, /last rollout +bad1bad Failed, \d+s ago, after \d+s\n/, 'why is said above')
    t.match(output, /web-\S+ +bad1bad +not ready +\d+s +container main is in (ImagePullBackOff|ErrImagePull): /)
    const { workloads, checks, services } = JSON.parse((await person.cv('status', 'web-cv', '-o', 'json')).output)
    t.same([checks, services], [[], []])
    const web = workloads.find(({ name }: { name: string }) => name === 'web')
    t.match(web, { kind: 'Deployment', version: 'bad1bad', wanted: 2 })
    t.ok(web.pods.some(({ trouble }: { trouble?: string }) => trouble?.includes('container main is in')))
  })

  test('cv status --watch prints a block for each change, and ends with Ctrl-C, or with 3 when the object goes', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    const person = new Looking(world)
    const [first, second] = [
      await person.starts(t, 'status', 'web-cv', '--watch'),
      await person.starts(t, 'status', 'web-cv', '--watch', '-o', 'json'),
    ]
    await first.says('UpToDate')
    await world.ciMoves('env-prod', v2)
    t.equal((await person.cv('reconcile', 'web-cv')).status, 0)
    await first.says(/runs +2222222/)
    t.match(first.output, /RollingOut {2}follows env-prod/)
    t.match(
      first.output,
      /rollout +rolling out 1111111 → 2222222 \(sha256:\w{12}\), Simple, for \ds, until \S+ \(1[45]m\d+s left\)/,
    )
    const blocks = first.output.split(/^scenario-/m).length
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    t.equal(first.output.split(/^scenario-/m).length, blocks, 'nothing changes: nothing is printed')
    first.child.kill('SIGINT')
    t.match(await first.ended, { status: 0, complaint: '' })
    await world.delete('ContainerVersion', 'web-cv')
    t.match(await second.ended, { status: 3, complaint: /^error: there is no ContainerVersion web-cv/ })
  })

  test('cv status without the right to see pods shows the rest, and says what is not shown', async (t) => {
    const world = await hourlyScenario(t, bed, { deployment: 'web', running: v1 })
    await world.kubectl('create', 'serviceaccount', 'reader')
    await world.kubectl(
      'create',
      'role',
      'reader',
      '--verb=get,list',
      '--resource=containerversions.cvmanager.io,deployments.apps',
    )
    await world.kubectl(
      'create',
      'rolebinding',
      'reader',
      '--role=reader',
      `--serviceaccount=${world.namespace}:reader`,
    )
    const reader = new Looking(world, await bed.cluster.serviceAccountKubeconfig(world.namespace, 'reader'))
    const { status, output } = await reader.cv('status', 'web-cv')
    t.equal(status, 0)
    t.match(output, /Deployment\/web +1111111 +0\/2 ready/)
    t.match(output, /not shown: .* may not list/)
  })
}
