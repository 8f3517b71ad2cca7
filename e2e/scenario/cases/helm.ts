import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { toolPath } from '../../harness/tools.ts'
import type { Bed } from '../bed.ts'
import { v1, v2, v3 } from '../builds.ts'
import { workload } from '../manifests.ts'
import { type AddTest, emptyWorld, webCv } from '../scenario.ts'
import type { World } from '../world.ts'

const run = promisify(execFile)

/** Other tools write the same workloads. */
export function helm(test: AddTest, bed: Bed): void {
  test('helm upgrade succeeds after a rollout: cvmanager does not keep the ownership of the image', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves('env-prod', v1)
    const chart = await makeChart(world)
    await helmUpgrade(world, chart, 'one')
    await world.makes(webCv(world, 'env-prod'))
    await world.runs(v1)
    await world.ciMoves('env-prod', v2)
    await world.sees('web', v2)
    await world.runs(v2)
    await world.waitsFor('the ownership to be given up', async () => !(await managers(world)).includes('cvmanager'))
    t.ok((await managers(world)).includes('helm'))
    t.equal(await world.imagePatches('web'), 1)

    await helmUpgrade(world, chart, 'two')
    t.match(await world.kubectl('get', 'deployment/web', '-o', 'jsonpath={..env[0].value}'), 'two')
    // Helm has reset its stale image: cvmanager notices, and puts the version back.
    await world.sees('web', v1)
    await world.sees('web', v2)
    await world.becomes('UpToDate')
    await helmUpgrade(world, chart, 'three')
  })

  test('cvmanager gives up an ownership that a crash between two writes has left', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves('env-prod', v3)
    const applied = stringify(withSetting(world, world.imageOf(v1), 'one'))
    await bed.cluster.applyText(applied, '--server-side', '--field-manager=helm')
    const patch = { spec: { template: { spec: { containers: [{ name: 'main', image: world.imageOf(v3) }] } } } }
    await world.kubectl('patch', 'deployment/web', '--field-manager=cvmanager', '--patch', JSON.stringify(patch))
    t.ok((await managers(world)).includes('cvmanager'))
    await world.makes(webCv(world, 'env-prod'))
    await world.runs(v3)
    await world.waitsFor('the ownership to be given up', async () => !(await managers(world)).includes('cvmanager'))
    t.equal(await world.imagePatches('web'), 0)
  })
}

/** The owners of fields of the Deployment itself. */
async function managers(world: World): Promise<readonly string[]> {
  const { metadata } = await world.get<{ metadata: { managedFields: readonly Managed[] } }>('Deployment', 'web')
  return metadata.managedFields.filter(({ subresource }) => !subresource).map(({ manager }) => manager)
}

interface Managed {
  readonly manager: string
  readonly subresource?: string
}

const withSetting = (world: World, image: string, value: string) =>
  workload({
    kind: 'Deployment',
    name: 'web',
    namespace: world.namespace,
    image,
    labels: { cvapp: 'web' },
    podSpec: { containers: [{ name: 'main', image, env: [{ name: 'SETTING', value }] }] },
  })

async function makeChart(world: World): Promise<string> {
  const chart = join(world.bed.cluster.directory, `${world.namespace}-chart`)
  await mkdir(join(chart, 'templates'), { recursive: true })
  await writeFile(join(chart, 'Chart.yaml'), stringify({ apiVersion: 'v2', name: 'web', version: '1.0.0' }))
  const manifest = stringify(withSetting(world, world.imageOf(v1), '{{ .Values.value }}'))
  await writeFile(join(chart, 'templates/web.yaml'), manifest)
  return chart
}

async function helmUpgrade(world: World, chart: string, value: string): Promise<void> {
  const { cluster } = world.bed
  const args = [
    'upgrade',
    '--install',
    'web',
    chart,
    '-n',
    world.namespace,
    '--set',
    `value=${value}`,
    '--server-side=true',
  ]
  await run(toolPath('helm'), args, {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.directory },
  })
}
