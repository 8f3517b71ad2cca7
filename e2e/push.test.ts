/** Push on a real API server. The interval is an hour, so polls change nothing in these tests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Cluster, type KubernetesObject, startCluster } from './harness/cluster.ts'
import { MOTO_REGION, type Moto, motoEnvironment, startMoto } from './harness/moto.ts'
import { MotoQueue } from './harness/moto-queue.ts'
import { freePort } from './harness/ports.ts'
import { RunningProgram } from './harness/processes.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { until, untilValue } from './harness/until.ts'

const root = join(import.meta.dirname, '..')
const namespace = 'default'
const secret = 'correct-horse-battery-staple'

const objects = (name: string, imageRepo: string): KubernetesObject[] => [
  {
    apiVersion: 'cvmanager.io/v1',
    kind: 'ContainerVersion',
    metadata: { name, namespace },
    spec: { imageRepo, tag: 'env-prod', selector: { app: name }, pollIntervalSeconds: 3600 },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: `${imageRepo}:0000000` }] },
      },
    },
  },
]

const runs = (cluster: Cluster, name: string, image: string) =>
  untilValue(
    `${name} to run ${image}`,
    () => cluster.kubectl('get', `deployment/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].image}'),
    (seen) => seen === image,
    30_000,
  )
const isUpToDate = (cluster: Cluster, name: string, version: string) =>
  untilValue(
    `${name} to be up to date`,
    () => cluster.kubectl('get', `cv/${name}`, '-o', 'jsonpath={.status.current.version} {.status.phase}'),
    (seen) => seen === `${version} UpToDate`,
    30_000,
  )

async function metric(port: number, line: string): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return text.split('\n').find((each) => each.startsWith(line)) ?? ''
}

async function byWebhook(t: Test, cluster: Cluster, registry: Registry, port: number): Promise<void> {
  const imageRepo = registry.repository('shop/web')
  const first = await registry.push('shop/web', ['1111111', 'env-prod'])
  await cluster.apply(...objects('web', imageRepo))
  await runs(cluster, 'web', `${imageRepo}:1111111@${first.digest}`)
  await isUpToDate(cluster, 'web', '1111111')

  for (const version of ['2222222', '3333333']) {
    registry.forget()
    const began = performance.now()
    const { digest } = await registry.push('shop/web', [version, 'env-prod'])
    await runs(cluster, 'web', `${imageRepo}:${version}@${digest}`)
    t.comment(`${version}: visible to kubectl ${Math.round(performance.now() - began)} ms after the push`)
    await isUpToDate(cluster, 'web', version)
    t.ok(registry.count({ method: 'HEAD' }) >= 1)
  }
  t.match(await metric(port, 'cvmanager_push_hints_total{kind="distribution",outcome="looked"}'), / [2-9]$/)

  registry.forget()
  for (let i = 0; i < 5; i++) await registry.push('shop/other', ['1.0', 'env-prod'])
  await registry.push('shop/web', ['4444444'])
  await until('the hints to be counted', async () => {
    const unknown = await metric(port, 'cvmanager_push_hints_total{kind="distribution",outcome="unknown"}')
    return Number(unknown.split(' ').at(-1)) >= 11
  })
  t.equal(registry.requests.length, 0, 'a hint about a repository that nobody follows costs no request')
}

async function byQueue(t: Test, cluster: Cluster, moto: Moto, queue: MotoQueue): Promise<void> {
  const imageRepo = `${moto.host}/shop/api`
  const first = await moto.push('shop/api', ['1111111', 'env-prod'])
  await cluster.apply(...objects('api', imageRepo))
  await runs(cluster, 'api', `${imageRepo}:1111111@${first}`)
  await isUpToDate(cluster, 'api', '1111111')

  const second = await moto.push('shop/api', ['2222222', 'env-prod'])
  await queue.sendPush('shop/api', '2222222', second)
  await queue.sendPush('shop/api', 'env-prod', second)
  await runs(cluster, 'api', `${imageRepo}:2222222@${second}`)
  await isUpToDate(cluster, 'api', '2222222')
  await until('the queue to be empty', async () => (await queue.depth()) === 0)
  t.pass('rolled out')
}

async function startOperator(t: Test, cluster: Cluster, flags: readonly string[], name = 'cvmanager') {
  const operator = new RunningProgram({
    name,
    path: process.execPath,
    args: [
      join(root, 'operator/main.ts'),
      ...['run', '--k8s-config', cluster.kubeconfig, '--lease-namespace', namespace, '--log-format', 'json'],
      ...['--log-level', 'debug', ...flags],
    ],
    directory: cluster.directory,
    logFile: join(cluster.directory, `${name}.log`),
    env: { HOME: cluster.directory, ...motoEnvironment, AWS_REGION: MOTO_REGION },
  })
  t.teardown(() => operator.stop('SIGKILL'))
  return operator
}

t.test('push', async (t) => {
  t.setTimeout(230_000)
  const folder = await mkdtemp(join(tmpdir(), 'cvm-e2e-hooks-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const [port, webhookPort] = [await freePort(), await freePort()]
  const hooks = `http://127.0.0.1:${webhookPort}/v1/hooks`
  const notify = { url: `${hooks}/distribution`, authorization: `Bearer ${secret}` }
  const [cluster, registry, moto] = await Promise.all([startCluster(), startRegistry({ notify }), startMoto()])
  t.teardown(() => Promise.all([cluster.stop(), registry.stop(), moto.stop()]))
  const queue = await MotoQueue.create(moto)
  t.teardown(() => queue.close())
  await cluster.kubectl('apply', '-f', join(root, 'crds'))
  await cluster.established('containerversions.cvmanager.io')

  const flags = [
    ...['--port', String(port), '--webhook-port', String(webhookPort), '--webhook-secrets-dir', folder],
    ...['--ecr-events-queue', queue.url, '--registry-endpoint', `ecr=${moto.endpoint}`],
    ...['--insecure-registry', registry.host, '--insecure-registry', new URL(moto.endpoint).host],
  ]
  await t.test('S1 without a secret cvmanager does not start, and names the missing setting', async (t) => {
    const refused = await startOperator(t, cluster, flags, 'refused')
    await refused.exited
    t.match(await refused.lastLines(1), /^error: --webhook-secrets-dir .*the folder has no secret file/)
  })

  await writeFile(join(folder, 'distribution'), secret)
  const operator = await startOperator(t, cluster, flags)
  await until('the webhooks to be received', async () => {
    await operator.assertRunning()
    return (await operator.log()).includes('cvmanager is at work')
  })
  await t.test('a notification of the registry rolls a push out', (t) => byWebhook(t, cluster, registry, port))
  await t.test('an event in a queue rolls a push to ECR out', (t) => byQueue(t, cluster, moto, queue))
  await t.test('S1 an unauthenticated webhook causes no poll, and is counted', async (t) => {
    registry.forget()
    const events = [
      { action: 'push', target: { repository: 'shop/web', tag: 'env-prod' }, request: { host: registry.host } },
    ]
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ events }) }
    t.equal((await fetch(notify.url, init)).status, 401)
    t.equal((await fetch(`${hooks}/quay?token=${secret}`, init)).status, 404)
    t.equal(registry.requests.length, 0)
    t.match(await metric(port, 'cvmanager_push_hints_total{kind="distribution",outcome="refused"}'), / 1$/)
  })
  await t.test('R6 cvmanager stops within three seconds, in the middle of a long poll', async (t) => {
    const began = performance.now()
    await operator.stop('SIGTERM')
    t.ok(performance.now() - began < 3000, `${Math.round(performance.now() - began)} ms`)
    t.match(await operator.lastLines(1), 'cvmanager has stopped')
    t.notMatch(await operator.log(), secret)
  })
  if (!t.passing()) t.comment(await operator.log())
})
