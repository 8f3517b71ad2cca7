import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import { toolPath } from '../../harness/tools.ts'
import type { Bed } from '../bed.ts'
import { broken, v1, v2, v3 } from '../builds.ts'
import { command, type Ended, runs } from '../command.ts'
import { bundle } from '../operator.ts'
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
    t.match(await get('-o', 'xml'), { status: 2, complaint: /^error: --output: "xml" is not allowed; .*\n$/ })
  })

  await t.test(
    'the cluster is the one that kubectl finds in $KUBECONFIG, with --context, and in ~/.kube/config',
    async (t) => {
      const parts = parse(await readFile(kubeconfig, 'utf8'))
      const [cluster, user] = [parts.clusters[0].name, parts.users[0].name]
      const contexts = [
        { name: 'away', context: { cluster: 'away', user } },
        { name: 'here', context: { cluster, user } },
      ]
      const away = { name: 'away', cluster: { server: 'http://127.0.0.1:1' } }
      const home = join(directory, 'kubectl-home')
      await mkdir(join(home, '.kube'), { recursive: true })
      const file = async (name: string, content: object) => {
        await writeFile(join(home, name), stringify(content))
        return join(home, name)
      }
      const accounts = await file('accounts', { clusters: [...parts.clusters, away], users: parts.users })
      const choice = await file('choice', {
        clusters: [{ ...away, name: cluster }],
        contexts,
        'current-context': 'away',
      })
      await file('.kube/config', { ...parts, contexts, 'current-context': 'here' })

      const joined = { HOME: home, KUBECONFIG: `${home}/missing:${accounts}:${choice}` }
      const reversed = { HOME: home, KUBECONFIG: `${choice}:${accounts}` }
      const bundled = await bundle(directory)
      for (const [environment, flags] of [
        [joined, ['--context', 'here']],
        [joined, []],
        [reversed, ['--context', 'here']],
        [joined, ['--context', 'elsewhere']],
        [{ HOME: home }, []],
        [{ HOME: home }, ['--kubeconfig', accounts]],
        [joined, ['--kubeconfig', kubeconfig]],
      ] as const) {
        const get = ['get', '-n', world.namespace, ...flags]
        const [ours, theirs] = await Promise.all([
          runs(process.execPath, [bundled, 'cv', ...get], environment),
          runs(toolPath('kubectl'), ['--request-timeout', '10s', 'get', 'cv', ...get.slice(1)], environment),
        ])
        const which = `${environment === reversed ? 'reversed ' : ''}${Object.keys(environment).join()} ${flags.join(' ')}`
        t.equal(ours.status === 0, theirs.status === 0, `${which}: ${ours.complaint} ${theirs.complaint}`)
        t.equal(ours.output.includes('web-cv'), theirs.output.includes('web-cv'), which)
      }
    },
  )
}

/** Each line of the log has a time, and no two say the same. */
function tellsOnce(t: Test, { complaint }: Ended): void {
  const said = complaint
    .trimEnd()
    .split('\n')
    .map((line) => line.slice('12:00:00 '.length))
  t.same(said, [...new Set(said)])
}
