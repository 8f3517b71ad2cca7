/** A release of the chart from its first day to its last, by helm on a real API server, with cvmanager under its rights. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { startCluster } from './harness/cluster.ts'
import { startRegistry } from './harness/registry.ts'
import { until, untilValue } from './harness/until.ts'
import { hanging, v1, v2 } from './scenario/builds.ts'
import { command } from './scenario/command.ts'
import { containerVersion, workload } from './scenario/manifests.ts'
import { Operator } from './scenario/operator.ts'

t.setTimeout(420_000)

const chart = join(import.meta.dirname, '../charts/cvmanager')
const crd = 'containerversions.cvmanager.io'
const release = ['cvmanager', '--namespace', 'cvmanager']
const image = ['--set', 'image.repository=registry.example.com/cvmanager']
const patience = ['--wait', '--timeout', '120s']

const cluster = await startCluster()
t.teardown(() => cluster.stop())
const { directory } = cluster

const field = (object: string, namespace: string, path: string): Promise<string> =>
  cluster.kubectl('get', object, '--namespace', namespace, '-o', `jsonpath={${path}}`)

interface Definition {
  readonly spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: object } } } } }[] }
}

const hasHistory = async (): Promise<boolean> => {
  const { spec } = await cluster.kubectlJson<Definition>('get', 'crd', crd)
  return JSON.stringify(spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties).includes('"history":')
}

/** The chart as it was before spec.history. */
async function earlierChart(): Promise<string> {
  const path = join(directory, 'earlier')
  await cp(chart, path, { recursive: true })
  const rewrite = async (file: string, change: (text: string) => string) =>
    writeFile(join(path, file), change(await readFile(join(path, file), 'utf8')))
  await rewrite('Chart.yaml', (text) => text.replaceAll(/^(version|appVersion): .*$/gm, '$1: 1.9.0'))
  await rewrite('files/containerversions.yaml', (text) => {
    const definition = parse(text)
    for (const version of definition.spec.versions)
      delete version.schema.openAPIV3Schema.properties.spec.properties.history
    return stringify(definition, { aliasDuplicateObjects: false })
  })
  return path
}

await t.test('B49 the chart upgrades the CRD, and an uninstall keeps it with every ContainerVersion', async (t) => {
  await cluster.namespace('shop')
  await cluster.helm('install', ...release, await earlierChart(), '--create-namespace', ...image, ...patience)
  await cluster.established(crd)
  t.notOk(await hasHistory(), 'the earlier CRD has no spec.history')
  const spec = { imageRepo: 'registry.example.com/shop/web', selector: { app: 'web' } }
  await cluster.apply(containerVersion('web', 'shop', { ...spec, tag: 'env-prod' }))
  const uid = await field('cv/web', 'shop', '.metadata.uid')

  await cluster.helm('upgrade', ...release, chart, ...image, ...patience)
  t.ok(await hasHistory(), 'the upgrade brings it')
  t.match(await field('deployment/cvmanager', 'cvmanager', '.spec.template.spec.containers[0].image'), /:2\./)

  await cluster.helm('rollback', ...release, '1', ...patience)
  t.match(await field('deployment/cvmanager', 'cvmanager', '.spec.template.spec.containers[0].image'), /:1\.9\.0$/)
  t.equal(await field('cv/web', 'shop', '.metadata.uid'), uid, 'a rollback keeps the objects')

  await cluster.helm('uninstall', ...release, '--wait')
  t.equal(
    await cluster.kubectl('get', 'deployment,service,role,rolebinding', ...release.slice(1), '--ignore-not-found'),
    '',
  )
  t.equal(await field('cv/web', 'shop', '.metadata.uid'), uid, 'so does an uninstall')

  await cluster.helm('install', ...release, chart, ...image, ...patience)
  t.ok(await hasHistory(), 'the next installation takes the CRD over')
  t.equal(await field('cv/web', 'shop', '.metadata.uid'), uid)
  await t.rejects(
    cluster.apply(containerVersion('empty', 'shop', { ...spec, tag: '' })),
    { message: /spec\.tag/ },
    'an empty tag is refused',
  )
  await cluster.helm('uninstall', ...release, '--wait')
})

await t.test('S2 with watchNamespaces, cvmanager works with the rights of those namespaces alone', async (t) => {
  const registry = await startRegistry()
  t.teardown(() => registry.stop())
  await Promise.all(['blog', 'stranger'].map((name) => cluster.namespace(name)))
  const team = ['team', '--namespace', 'team', '--create-namespace', '--take-ownership']
  await cluster.helm('install', ...team, chart, ...image, '--set', 'watchNamespaces={blog},replicaCount=0')
  const account = 'system:serviceaccount:team:team-cvmanager'
  await until('the rights', async () => {
    const granted = await cluster.kubectl('get', 'rolebinding/team-cvmanager', '--namespace', 'blog', '-o', 'name')
    return granted !== ''
  })

  const { digest } = await registry.push('blog/web', [v1.name, 'env-prod'], v1.content)
  const repository = registry.repository('blog/web')
  const running = `${repository}:${v1.name}@${digest}`
  for (const namespace of ['blog', 'stranger']) {
    await cluster.apply(
      workload({ kind: 'Deployment', name: 'web', namespace, image: running, labels: { cvapp: 'web' } }),
      containerVersion('web', namespace, {
        imageRepo: repository,
        tag: 'env-prod',
        selector: { cvapp: 'web' },
        pollIntervalSeconds: 5,
        history: { enabled: true },
      }),
    )
  }
  const kubeconfig = await cluster.serviceAccountKubeconfig('team', 'team-cvmanager')
  // The arguments of the chart's own pod.
  const args = JSON.parse(await field('deployment/team-cvmanager', 'team', '.spec.template.spec.containers[0].args'))
  const operator = await Operator.start({
    directory,
    kubeconfig,
    insecureRegistries: [registry.host],
    flags: args.slice(1),
  })
  t.teardown(() => operator.stop('SIGKILL'))
  await operator.isAtWork()

  const { digest: next } = await registry.push('blog/web', [v2.name, 'env-prod'], v2.content)
  const imageIn = (namespace: string) => field('deployment/web', namespace, '.spec.template.spec.containers[0].image')
  await untilValue(
    'the new version',
    () => imageIn('blog'),
    (seen) => seen === `${repository}:${v2.name}@${next}`,
    45_000,
  )
  await untilValue(
    'its end',
    () => field('cv/web', 'blog', '.status.phase'),
    (phase) => phase === 'UpToDate',
    45_000,
  )
  t.equal(await imageIn('stranger'), running, 'another namespace is not its own')

  const requests = await cluster.auditLog({ user: account })
  t.ok(requests.length > 20, 'it has worked')
  t.same(
    requests.filter(({ responseStatus }) => responseStatus?.code === 403).map(({ requestURI }) => requestURI),
    [],
  )
  for (const [verb, resource] of [
    ['list', 'deployments.apps'],
    ['get', 'secrets'],
    ['patch', 'pods'],
  ] as const) {
    const question = ['auth', 'can-i', verb, resource, '--namespace', 'stranger', '--as', account]
    await t.rejects(cluster.kubectl(...question), `it may not ${verb} ${resource} elsewhere`)
  }

  await t.test('`helm test` runs a command that these rights suffice for', async (t) => {
    const hooks = await cluster.helm('get', 'hooks', 'team', '--namespace', 'team')
    const pod = parse(hooks) as { readonly spec: { readonly containers: readonly { readonly args: string[] }[] } }
    const ended = await command(directory, ...(pod.spec.containers[0]?.args ?? []), '--k8s-config', kubeconfig)
    t.equal(ended.status, 0, ended.complaint)
    t.match(ended.output, /blog +web/)
  })
})

await t.test('R14 in the middle of a rollout, whatever is deleted first goes within 30 s', async (t) => {
  const registry = await startRegistry()
  t.teardown(() => registry.stop())
  const installs = () =>
    cluster.helm(
      'upgrade',
      '--install',
      ...release,
      chart,
      '--create-namespace',
      '--take-ownership',
      ...image,
      '--set',
      'replicaCount=0',
    )
  await installs()
  await cluster.established(crd)
  const starts = async () => {
    const kubeconfig = await cluster.serviceAccountKubeconfig('cvmanager', 'cvmanager')
    const started = await Operator.start({ directory, kubeconfig, insecureRegistries: [registry.host] })
    t.teardown(() => started.stop('SIGKILL'))
    return started.isAtWork()
  }
  /** @returns the image before a rollout that does not end, in a new namespace */
  const rollsOut = async (namespace: string): Promise<string> => {
    await cluster.namespace(namespace)
    const path = `${namespace}/web`
    const { reference } = await registry.push(path, [v1.name, 'env-prod'], v1.content)
    const selector = { cvapp: 'web' }
    await cluster.apply(
      workload({ kind: 'Deployment', name: 'web', namespace, image: reference, labels: selector }),
      containerVersion('web', namespace, {
        imageRepo: registry.repository(path),
        tag: 'env-prod',
        selector,
        pollIntervalSeconds: 5,
      }),
    )
    const phase = (wanted: string) =>
      untilValue(
        `${namespace} to be ${wanted}`,
        () => field('cv/web', namespace, '.status.phase'),
        (seen) => seen === wanted,
        60_000,
      )
    await phase('UpToDate')
    await registry.push(path, [hanging.name, 'env-prod'], hanging.content)
    await phase('RollingOut')
    t.match(await field('cv/web', namespace, '.metadata.finalizers'), 'cvmanager.io/rollout')
    return reference
  }
  const within30s = '--timeout=30s'
  const operator = await starts()

  await rollsOut('first')
  await cluster.kubectl('delete', 'namespace', 'first', within30s)
  t.pass('a namespace, while cvmanager runs')

  const before = await rollsOut('second')
  await cluster.kubectl('delete', 'crd', crd, within30s)
  t.equal(
    await field('deployment/web', 'second', '.spec.template.spec.containers[0].image'),
    before,
    'the CRD, and the image is back',
  )
  await operator.program.assertRunning()
  await installs()
  await cluster.established(crd)

  await rollsOut('third')
  await operator.stop('SIGKILL')
  await cluster.helm('uninstall', ...release, '--wait')
  await cluster.kubectl('delete', 'namespace', 'third', '--wait=false')
  // As docs/operations.md says of a cvmanager that was stopped in the middle of a rollout.
  await cluster.kubectl('patch', 'cv', 'web', '-n', 'third', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
  await cluster.kubectl('wait', '--for=delete', 'namespace/third', within30s)
  t.pass('cvmanager, and then a namespace')
})
