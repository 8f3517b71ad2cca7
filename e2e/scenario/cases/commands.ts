import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { broken, v1, v2, v3 } from '../builds.ts'
import { command, type Ended } from '../command.ts'
import { emptyWorld, webCv, workloads } from '../scenario.ts'

/** The commands that work without the controller. */
export async function commands(t: Test, bed: Bed): Promise<void> {
  const world = await emptyWorld(t, bed)
  const { directory, kubeconfig } = bed.cluster
  const cluster = ['--k8s-config', kubeconfig]
  const which = ['--namespace', world.namespace, '--cv', 'web-cv']
  const sync = (...flags: readonly string[]) =>
    command(directory, 'cr', 'sync', ...cluster, '--insecure-registry', bed.registry.host, ...flags)
  const get = (...flags: readonly string[]) => command(directory, 'cv', 'get', ...cluster, ...flags)

  await world.ciMoves('env-prod', v2)
  await world.makes(...workloads(world, { deployment: 'web', running: v1 }))

  await t.test('cr sync says that there is no such ContainerVersion, or that a flag is missing', async (t) => {
    const missing = await sync(...which, '--once')
    t.equal(missing.status, 1)
    t.match(
      missing.complaint,
      /there is no ContainerVersion scenario-\d+\/web-cv; kubectl get cv -n scenario-\d+ lists/,
    )
    const incomplete = await sync('--namespace', world.namespace, '--once')
    t.match(incomplete, { status: 2, complaint: /^error: .*--cv.*\n$/ })
  })

  await t.test('cr sync --once rolls out the image of the tag, and says how that ended', async (t) => {
    await world.makes(webCv(world, 'env-prod'))
    const said = `ContainerVersion ${world.namespace}/web-cv`
    const rolledOut = await sync(...which, '--once')
    t.match(rolledOut, { status: 0, output: `${said} was rolled out: all workloads run 2222222\n` })
    t.match(rolledOut.complaint, /RolloutStarted.*from=1111111 to=2222222/)
    tellsOnce(t, rolledOut)
    t.same(world.now('Deployment', 'web')?.images, [world.imageOf(v2)])
    t.match(await sync(...which, '--once'), { status: 0, output: `${said} is up to date: all workloads run 2222222\n` })
    await world.ciMoves('env-prod', broken)
    const failed = await sync(...which, '--once')
    const cause = 'bad1bad failed and was rolled back: .*container main of pod web-\\S+ .*ImagePullBackOff'
    t.match(failed, { status: 1, output: new RegExp(`^${said} failed: ${cause}`) })
    t.match(failed.complaint, /WARN.*RolledBack.*from=bad1bad to=2222222/)
    tellsOnce(t, failed)
    t.same(world.now('Deployment', 'web')?.images, [world.imageOf(v2)])
  })

  await t.test('cr sync --once says what holds a version that it does not try', async (t) => {
    const said = `ContainerVersion ${world.namespace}/web-cv`
    const quarantined = await sync(...which, '--once')
    t.match(quarantined, { status: 1, output: new RegExp(`^${said} is held by Quarantine: bad1bad failed and`) })
    t.notMatch(quarantined.complaint, 'RolloutStarted')
    await world.kubectl('rollout', 'pause', 'deployment/web')
    await world.ciMoves('env-prod', v3)
    const paused = await sync(...which, '--once')
    t.match(paused, {
      status: 0,
      output: `${said} is held by WorkloadPaused: 3333333 is rolled out when Deployment/web`,
    })
    await world.kubectl('rollout', 'resume', 'deployment/web')
  })

  await t.test('cv get shows the version of every workload', async (t) => {
    const table = await get('--namespace', world.namespace)
    t.equal(table.status, 0)
    const [heads, row] = table.output.split('\n').map((line) => line.trim().split(/ {2,}/))
    t.same(heads, ['NAMESPACE', 'NAME', 'TYPE', 'CONTAINER', 'VERSION', 'PODS', 'CV', 'TAG'])
    t.match(row, [world.namespace, 'web', 'Deployment', 'main', '2222222', /^\d+$/, 'web-cv', 'env-prod'])
    const json = await get('--namespace', world.namespace, '-o', 'json')
    t.match(JSON.parse(json.output), [
      {
        Namespace: world.namespace,
        Name: 'web',
        Type: 'Deployment',
        Container: 'main',
        Version: '2222222',
        CV: 'web-cv',
      },
    ])
    t.match(await get('-o', 'xml'), { status: 2, complaint: /^error: .*-o, --output.*xml.*\n$/ })
  })
}

/** Each line of the log has a time, and no two say the same. */
function tellsOnce(t: Test, { complaint }: Ended): void {
  const said = complaint
    .trimEnd()
    .split('\n')
    .map((line) => line.slice('12:00:00 '.length))
  t.same(said, [...new Set(said)])
}
