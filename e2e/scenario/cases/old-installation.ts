import type { Test } from 'tap'
import { spawned } from '../../../operator/cli/spawned.fixture.ts'
import { version } from '../../../operator/version.ts'
import type { Bed } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import { command } from '../command.ts'
import { emptyWorld, workloads } from '../scenario.ts'
import type { World } from '../world.ts'

/** The arguments of the Deployment that the first cvmanager was installed with. */
const oldFlags = [
  ...['--configmap-key=kube-system/cvmanager', '--rollback=false', '--cv-img-repo=nearmap/cvmanager'],
  ...['--stats-provider=datadog', '--stats-host=10.0.0.1', '--v=1', '--vmodule=', '--logtostderr'],
]

/** ConfigMap and ContainerVersion of the manager itself, as they were installed with it. */
const managersOwn = `
kind: ConfigMap
apiVersion: v1
data:
  version: latest
  region: ap-southeast-2
metadata:
  name: cvmanager
  namespace: "kube-system"
---
kind: ContainerVersion
apiVersion: custom.k8s.io/v1
metadata:
  name: "cvmanager-cv"
  namespace: "kube-system"
spec:
  imageRepo: nearmap/cvmanager
  tag: latest
  pollIntervalSeconds: 300
  selector:
    cvapp: cvmanagercv
  container:
    name: "cvmanagerapp"
  config:
    name: cvmanager
    key: version
`

/** With every field that the Go types had, and the timeouts that its CRD had for some time. */
const everyField = `
apiVersion: custom.k8s.io/v1
kind: ContainerVersion
metadata:
  name: photos-cv
spec:
  imageRepo: 973383851042.dkr.ecr.ap-southeast-2.amazonaws.com/nearmap/photos
  tag: env-audev-api
  versionSyntax: ^[0-9a-f]{5,40}$
  pollIntervalSeconds: 5
  livenessSeconds: 0
  timeoutSeconds: 600
  selector: {cvapp: photocv}
  container:
    name: photosapp-container
    verify:
      - {kind: Image, image: nearmap/verify, tag: v1, timeoutSeconds: 60}
  strategy:
    kind: ServiceBlueGreen
    blueGreen:
      serviceName: photos
      verificationServiceName: photos-verify
      labelNames: [color]
      scaleDown: true
      timeoutSeconds: 60
    verify:
      - {kind: Image, image: nearmap/verify, tag: v1}
  history: {enabled: true, name: photos}
  rollback: {enabled: true}
  config: {name: versions, key: photos}
`

/** Of the first months, before the selector. */
const beforeSelectors = `
apiVersion: custom.k8s.io/v1
kind: ContainerVersion
metadata:
  name: early-cv
spec:
  imageRepo: nearmap/sourcephotos
  tag: env-audev-api
  checkFrequency: 5
  deployment: {name: photosapp, container: photosapp-container}
`

const working = (world: World) => `
kind: ContainerVersion
apiVersion: custom.k8s.io/v1
metadata:
  name: web-cv
spec:
  imageRepo: ${world.repository}
  tag: env-prod
  versionSyntax: '[0-9a-f]{5,40}'
  pollIntervalSeconds: 5
  livenessSeconds: 300
  timeoutSeconds: 60
  selector:
    cvapp: web
  container:
    name: main
  history: {enabled: true, name: foo}
  config: {name: versions, key: web}
`

/** Of what `cvmanager migrate` does, only the group: a person may do that by hand. */
const migrated = (manifest: string) => manifest.replaceAll('custom.k8s.io/v1', 'cvmanager.io/v1')

/** What the first cvmanager was installed with, and what read it, goes on working. */
export async function oldInstallation(t: Test, bed: Bed): Promise<void> {
  const world = await emptyWorld(t, bed)
  const { cluster } = bed
  const { directory, kubeconfig } = cluster

  await t.test('kubectl apply takes the old manifests, with strict validation', async (t) => {
    await cluster.applyText(migrated(managersOwn), '--validate=strict')
    await cluster.applyText(migrated(everyField), '--validate=strict', '-n', world.namespace)
    const early = cluster.applyText(migrated(beforeSelectors), '-n', world.namespace)
    await t.rejects(early, /spec\.selector: Required value|unknown field "spec\.(checkFrequency|deployment)"/)
  })

  const operator = await bed.operator({ name: 'old-flags', flags: oldFlags })
  await t.test('run starts with the old arguments and the old ConfigMap', async (t) => {
    await operator.isAtWork()
    const log = await operator.program.log()
    t.equal(log.match(/^warning: these flags have no effect any more: /gm)?.length, 1)
    t.match(log, /^warning: ConfigMap kube-system\/cvmanager, key region: there is no such setting, and it is ignored/m)
    t.match(log, '"versionInConfigMap":"latest"')
    const old = await fetch(`http://127.0.0.1:${operator.port}/alive`)
    t.same([old.status, await old.text()], [200, 'alive'])
    t.equal(await (await fetch(`http://127.0.0.1:${operator.port}/version`)).text(), version.version)
  })

  await t.test(
    'an old ContainerVersion rolls out, and its status, history and config are where they were',
    async (t) => {
      await world.ciMoves('env-prod', v2)
      await world.makes(...workloads(world, { deployment: 'web', running: v1 }))
      await cluster.applyText(migrated(working(world)), '--validate=strict', '-n', world.namespace)
      await world.runs(v2)
      const status = await world.status()
      t.match(status, { deployed: true, currVersion: v2.name, currStatus: 'Success', successVersion: v2.name })
      t.match(status.currStatusTime, /^20\d\d-\d\d-\d\dT/)
      t.match((await world.configMap('foo.history')).Info, /^Update occurred at:.*\nWorkload:web to version:2222222\n/)
      await world.waitsFor('the version in spec.config', async () => {
        return (await world.configMap('versions').catch(() => undefined))?.web === v2.name
      })
      await world.pollsAgain(2)
      t.same(await world.status(), status, 'the copies cause no write')
    },
  )

  await t.test('cv get prints the old JSON', async (t) => {
    const old = await command(directory, 'cv', '--k8s-config', kubeconfig, 'get', '-o', 'json', '-n', world.namespace)
    const [web = {}] = JSON.parse(old.output) as Record<string, unknown>[]
    t.equal(old.output, JSON.stringify([web]), 'in one line, without a line end')
    t.same(Object.keys(web), ['Namespace', 'Name', 'Type', 'Container', 'Version', 'AvailablePods', 'CV', 'Tag'])
    t.match(web, { Namespace: world.namespace, Name: 'web', Version: v2.name, CV: 'web-cv', Tag: 'env-prod' })
    const none = await command(directory, 'cv', 'get', '--k8s-config', kubeconfig, '-n', 'default', '-o', 'json')
    t.match(none, { status: 0, output: 'null', complaint: '' })
  })
  await operator.stop('SIGTERM')

  await t.test(
    'cr sync runs with the arguments of an old syncer, and its probe succeeds while it is alive',
    async (t) => {
      const status = () => command(directory, 'cr', 'sync', 'status', '--by', '300s', '--logtostderr=true', '--v=1')
      t.match(await status(), { status: 1 })
      const args = [
        ...['cr', 'sync', `--namespace=${world.namespace}`, '--cv=web-cv', '--version=4711', '--history=false'],
        ...['--rollback=true', '--logtostderr=true', '--v=1', '--vmodule=', '--k8s-config', kubeconfig],
        ...['--insecure-registry', bed.registry.host],
      ]
      const { child, ended } = spawned(t, '../main.ts', args, { TMPDIR: directory })
      const early = ended.then(({ stderr }) => Promise.reject(new Error(`cr sync has ended: ${stderr}`)))
      await Promise.race([early, world.waitsFor('the probe to succeed', async () => (await status()).status === 0)])
      child.kill('SIGTERM')
      t.match(await ended, { status: 0, stderr: /^warning: these flags have no effect any more: --version / })
      t.match(await status(), { status: 1, complaint: /cr sync is not running here/ })
    },
  )
}
