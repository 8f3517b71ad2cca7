import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { v1 } from '../builds.ts'
import { command } from '../command.ts'
import { documentsOf, managersOwnObject, oldManager, oldObjects, oldWorkloads } from '../old-program.ts'
import { emptyWorld } from '../scenario.ts'

/** Early 2018, with all that its types had; what the new definition refuses is put right. */
const everyField = `
kind: ContainerVersion
apiVersion: custom.k8s.io/v1
metadata: {name: photos-cv}
spec:
  imageRepo: 973383851042.dkr.ecr.ap-southeast-2.amazonaws.com/nearmap/photos
  tag: env-audev-api
  versionSyntax: ^[0-9a-f]{5,40}
  pollIntervalSeconds: 1
  livenessFrequency: 5
  selector: {cvapp: photocv}
  container: photosapp-container
  colour: red
  strategy:
    type: ServiceBlueGreen
    blueGreen: {serviceName: photos, testServiceName: photos, labelName: color, scaleDown: true, timeoutSecs: 60}
    verify: {type: Image, image: nearmap/verify, timeoutSecs: 60}
  history: {enabled: false, name: photos}
  rollback: {enabled: false}
  config: {name: versions, key: photos}
`

/** What `cvmanager migrate` prints is taken by the API server as it is. */
export async function convertedObjects(t: Test, bed: Bed): Promise<void> {
  const world = await emptyWorld(t, bed)
  const { cluster } = bed
  const { directory, kubeconfig } = cluster
  const migrate = (...flags: readonly string[]) => command(directory, 'migrate', ...flags)
  const applies = (text: string) =>
    cluster.applyText(text, '--dry-run=server', '--validate=strict', '-n', world.namespace)
  const workloads = oldWorkloads(world, v1)

  await t.test('the manifests of files', async (t) => {
    const file = join(directory, 'old.yaml')
    const manifests = [oldObjects(world), everyField, managersOwnObject, ...[...workloads, oldManager()].map(inOneLine)]
    await writeFile(file, manifests.join('\n---\n'))
    const { status, output, complaint } = await migrate('-f', file)
    t.same([status, complaint], [0, ''])
    t.notMatch(output, /^ *apiVersion: custom/m)
    const kinds = documentsOf(output).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    t.same(kinds, [
      ...[
        'ContainerVersion web-cv',
        'ContainerVersion carts',
        'ContainerVersion early-cv',
        'ContainerVersion photos-cv',
      ],
      ...['Deployment web', 'StatefulSet carts', 'Deployment early'],
    ])
    await applies(output)
  })

  await t.test('the objects of the cluster', async (t) => {
    await cluster.apply(...workloads)
    await cluster.applyText(oldObjects(world))
    const { status, output, complaint } = await migrate('-n', world.namespace, '--k8s-config', kubeconfig)
    t.same([status, complaint], [0, ''])
    t.match(output, /^# - spec\.deployment\.name early is spec\.selector now/m)
    t.equal(documentsOf(output).length, 3)
    await applies(output)
    t.match(await migrate('-n', 'default', '--k8s-config', kubeconfig), { status: 3, output: '' })
  })

  await t.test('an object that cannot be converted', async (t) => {
    const broken = oldObjects(world).replace('tag: env-prod', 'tag: ""').replace('web-cv', 'broken-cv')
    await cluster.applyText(broken)
    const asked = await migrate('-n', world.namespace, '--k8s-config', kubeconfig)
    t.match(asked, {
      status: 1,
      output: '',
      complaint: /^error: the cluster, ContainerVersion .*\/broken-cv: spec\.tag is missing; write [^\n]*\n$/,
    })
    const moved = await migrate('--apply', '--old-manager', 'none', '--k8s-config', kubeconfig)
    t.match(moved, { status: 1, output: '', complaint: /broken-cv: spec\.tag is missing/ })
    t.equal(await world.kubectl('get', 'containerversions.cvmanager.io', '-o', 'name'), '', 'and nothing was changed')
  })
  // The moves after this one are about the whole cluster.
  await cluster.kubectl('delete', 'containerversions.custom.k8s.io,kcds.custom.k8s.io', '--all', '-n', world.namespace)
}

const inOneLine = (object: object) => JSON.stringify(object)
