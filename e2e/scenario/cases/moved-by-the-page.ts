import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { toolPath } from '../../harness/tools.ts'
import { type Bed, projectFile } from '../bed.ts'
import { v2 } from '../builds.ts'
import { type Ended, runs } from '../command.ts'
import { workload } from '../manifests.ts'
import { oldDefinitions } from '../old-program.ts'
import { oldWorld, seen } from '../old-world.ts'
import { bundle } from '../operator.ts'
import { webCv } from '../scenario.ts'
import type { World } from '../world.ts'

const oldInfo =
  'Update occurred at:2018-04-13 03:31:00.5 +0000 UTC:\nWorkload:web to version:1111111\n\n' +
  'Update occurred at:2018-04-12 03:31:00.5 +0000 UTC:\nWorkload:web to version:0000000\n'
const oldLabels = { team: 'maps', OWNED_BY: 'CVManager', MODIFIED_AT: 'Fri-13Apr2018-03.31' }

/** cvmanager adopts what runs, keeps the history of 2018, and rolls out the next version. */
export async function movedByThePage(t: Test, bed: Bed): Promise<void> {
  const { cluster } = bed
  const { directory } = cluster
  const world = await oldWorld(t, bed)
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'web.history', namespace: world.namespace, labels: oldLabels },
    data: { Info: oldInfo },
  })
  const names = ['web-cv', 'carts', 'early-cv']
  const before = await seen(world)
  // The page says to install it before the move.
  const operator = await bed.operator({ name: 'after-2018' })
  await operator.isAtWork()
  const { status, output, complaint } = await runsPage(bed)
  t.equal(status, 0, complaint)
  t.match(output, /^Moved 4 objects\.$/m)
  t.match(output, new RegExp(`^${world.namespace} +carts +StatefulSet +main +1111111 `, 'm'), 'cv get')
  await world.pollsAgain(2)
  t.same(await seen(world), { ...before, manager: undefined, syncers: [] }, 'no image changed, and no pod restarted')
  for (const name of names) t.match(await world.status(name), { phase: 'UpToDate' })
  await cluster.kubectl('apply', '-f', join(directory, 'new.yaml'))
  t.same((await world.configMap('web.history')).Info, oldInfo)

  await world.ciMoves('env-prod', v2)
  await world.runs(v2, 'web-cv')
  const { metadata, data } = await historyOf(world)
  t.match(metadata.labels, {
    team: 'maps',
    OWNED_BY: 'CVManager',
    MODIFIED_AT: /^\w{3}-\d{2}\w{3}20\d{2}-\d{2}\.\d{2}$/,
  })
  t.not(metadata.labels.MODIFIED_AT, oldLabels.MODIFIED_AT)
  t.match(data.Info, /^Update occurred at:20.*:\nWorkload:web to version:2222222\n\nUpdate occurred at:2018/)
  t.ok(data.Info.endsWith(`\n\n${oldInfo}`), 'every old record is there')

  await t.test('a workload without pods cannot tell what it runs, and gets the digest at once', async (t) => {
    const image = `${world.repository}:${v2.name}`
    const idle = { kind: 'Deployment', name: 'idle', namespace: world.namespace, image, replicas: 0 } as const
    await world.makes(workload({ ...idle, labels: { cvapp: 'idle' } }))
    await world.makes(webCv(world, 'env-prod', { selector: { cvapp: 'idle' } }, 'idle'))
    await world.runs(v2, 'idle')
    t.same(world.imagesOf('idle'), [image, world.imageOf(v2)])
  })
  await operator.stop('SIGTERM')

  await t.test('the way back brings the old objects back', async (t) => {
    await cluster.apply(...oldDefinitions())
    await cluster.established('containerversions.custom.k8s.io')
    t.match(await runsPage(bed, 4), { status: 0, output: /web-cv created/ })
  })
}

/** The commands of docs/migration.md, as they are printed: its steps, or the way back. */
async function runsPage({ cluster: { directory, kubeconfig } }: Bed, indent = 7): Promise<Ended> {
  const page = await projectFile('docs/migration.md')
  const [, section = ''] = /^## Move a cluster\n(.*?)^## /ms.exec(page) ?? []
  const commands = [...section.matchAll(new RegExp(`^ {${indent}}(\\S.*)$`, 'gm'))].map(([, command]) => command)
  const file = join(directory, 'cvmanager')
  await writeFile(file, `#!/bin/sh\nexec ${process.execPath} ${await bundle(directory)} "$@"\n`, { mode: 0o755 })
  const PATH = [directory, dirname(toolPath('kubectl')), process.env.PATH].join(':')
  const script = ['set -ex', `cd ${directory}`, ...commands].join('\n')
  return runs('sh', ['-c', script], { PATH, HOME: directory, KUBECONFIG: kubeconfig })
}

interface HistoryMap {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  readonly data: { readonly Info: string }
}

const historyOf = (world: World): Promise<HistoryMap> =>
  world.bed.cluster.kubectlJson<HistoryMap>('get', 'configmap', 'web.history', '-n', world.namespace)
